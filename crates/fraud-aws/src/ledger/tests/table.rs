//! The real SDK against a DynamoDB in process.

use std::collections::HashMap;

use aws_calls::fault::CallFault;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, Service, When};

use super::*;

const TABLE: &str = "fraud_alerts";
const RETENTION: Duration = Duration::from_secs(400 * 24 * 60 * 60);

pub(super) async fn start() -> (EmbeddedAws, DynamoDbLedger) {
    let aws =
        EmbeddedAws::builder().services([Service::DynamoDb]).table(TABLE, "alert_id").start().await.unwrap();
    let config = crate::testing::for_embedded(&aws, Service::DynamoDb).await;
    (aws, DynamoDbLedger::new(&config, TABLE, RETENTION))
}

async fn client(aws: &EmbeddedAws) -> Client {
    Client::new(&crate::testing::for_embedded(aws, Service::DynamoDb).await)
}

async fn row(aws: &EmbeddedAws, alert: &Alert) -> HashMap<String, AttributeValue> {
    let key = AttributeValue::S(alert.alert_id.clone());
    let get = client(aws).await.get_item().table_name(TABLE).key("alert_id", key).consistent_read(true);
    get.send().await.unwrap().item.unwrap_or_default()
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn once(aws: &EmbeddedAws, operation: &str, fault: Fault) {
    aws.faults().add(When::calls(Service::DynamoDb, operation).nth(1), fault).unwrap();
}

#[tokio::test]
async fn a_row_is_the_alerts_audit_record() {
    let (aws, ledger) = start().await;
    let payload = r#"{"customer_id":"C1","transaction_id":"T1","amount":12000.00,"merchant_id":"M1","event_time":"2024-01-15 05:00+02"}"#;
    let payload = payload.replace("05:00+02", "05:00:00+02");
    let (alert, own) = (alert_for(&payload, 3), claim("own", 1, 60));
    assert_eq!(claimed(&ledger, &alert, &own).await, Claimed::Fresh);
    let mut expected = HashMap::from([
        ("alert_id", text("C1/T1")),
        ("status", text("claimed")),
        ("claim_token", text("own")),
        ("claim_expires_at", number(1_705_287_660_000)),
        ("may_have_been_sent", AttributeValue::Bool(false)),
        ("claimed_at", text("2024-01-15T03:00:01.000Z")),
        ("message", text(&alert.message)),
        ("fingerprint", text(alert.fingerprint.unwrap().to_string())),
        ("customer_segment", text("gold")),
        ("merchant_id", text("M1")),
        ("customer_id", text("C1")),
        ("transaction_id", text("T1")),
        ("transaction_amount", text("12000.00")),
        ("fraud_score", text("0.8600000000000001")),
        ("reasons", text(&alert.reasons)),
        ("policy", text(&alert.policy)),
        ("enrichment", text("profile")),
        ("arrival", text("2024-01-15T03:00:00.000Z")),
        ("event_time", text("2024-01-15 05:00:00+02")),
        ("stream", text("transactions")),
        ("shard", text("shardId-000000000000")),
        ("sequence_number", text("0000000049590338271490256608559692538361571095921575989136588898")),
        ("sub_sequence_number", number(3)),
        ("ttl", number(1_705_287_601 + 400 * 24 * 60 * 60)),
    ]);
    let of = |expected: &HashMap<&str, AttributeValue>| -> HashMap<String, AttributeValue> {
        expected.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    assert_eq!(row(&aws, &alert).await, of(&expected));

    let second = claim("second", 100, 160);
    assert_eq!(claimed(&ledger, &alert, &second).await, stored(&alert, true));
    expected.insert("claim_token", text("second"));
    expected.insert("claim_expires_at", number(1_705_287_760_000));
    expected.insert("claimed_at", text("2024-01-15T03:01:40.000Z"));
    expected.insert("may_have_been_sent", AttributeValue::Bool(true));
    expected.insert("ttl", number(1_705_287_700 + 400 * 24 * 60 * 60));
    assert_eq!(row(&aws, &alert).await, of(&expected));
    crate::testing::assert_is_a_row_of(crate::ledger::TABLE, &row(&aws, &alert).await);

    release(&ledger, &alert, &second, Release::NotSent).await;
    expected.insert("claim_expires_at", number(0));
    assert_eq!(row(&aws, &alert).await, of(&expected));

    let third = claim("third", 100, 160);
    claimed(&ledger, &alert, &third).await;
    assert_eq!(marked(&ledger, &alert, &third).await, Marked::Sent);
    expected.insert("claim_token", text("third"));
    expected.insert("claim_expires_at", number(1_705_287_760_000));
    expected.insert("status", text("sent"));
    expected.insert("sent_at", text("2024-01-15T03:00:05.000Z"));
    assert_eq!(row(&aws, &alert).await, of(&expected));
}

#[tokio::test]
async fn what_an_alert_does_not_have_its_row_has_not() {
    let (aws, ledger) = start().await;
    let alert = alert_for(r#"{"amount":0}"#, 0);
    let id = "@transactions/shardId-000000000000/49590338271490256608559692538361571095921575989136588898";
    assert_eq!(alert.alert_id, id);
    assert_eq!(claimed(&ledger, &alert, &claim("own", 0, 60)).await, Claimed::Fresh);
    let row = row(&aws, &alert).await;
    for name in
        ["customer_id", "transaction_id", "event_time", "sub_sequence_number", "sent_at", "reuses_id_of"]
    {
        assert!(!row.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn an_alert_takes_one_call_to_claim_one_to_mark_and_one_to_release() {
    let (aws, ledger) = start().await;
    let own = claim("own", 0, 60);
    let (sent, unsent, in_doubt) = (alert("1", "1"), alert("2", "2"), alert("3", "3"));
    for alert in [&sent, &unsent, &in_doubt] {
        assert_eq!(claimed(&ledger, alert, &own).await, Claimed::Fresh);
    }
    assert_eq!(marked(&ledger, &sent, &own).await, Marked::Sent);
    release(&ledger, &unsent, &own, Release::NotSent).await;
    release(&ledger, &in_doubt, &own, Release::MayHaveBeenSent).await;
    let calls: Vec<String> = aws.calls().all().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["PutItem", "PutItem", "PutItem", "UpdateItem", "UpdateItem", "UpdateItem"]);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_is_the_same() {
    let (aws, ledger) = start().await;
    let (first, own) = (alert("T1", "12000"), claim("own", 0, 60));
    let changed = made_anew(&first);
    once(&aws, "PutItem", Fault::LoseAnswer);
    assert_eq!(claimed(&ledger, &first, &own).await, stored(&first, false));
    assert_eq!(aws.calls().count(Service::DynamoDb, "PutItem"), 2);

    let second = claim("second", 100, 160);
    once(&aws, "UpdateItem", Fault::LoseAnswer);
    assert_eq!(claimed(&ledger, &changed, &second).await, stored(&first, true));
    assert_eq!(aws.calls().count(Service::DynamoDb, "UpdateItem"), 2);

    once(&aws, "UpdateItem", Fault::LoseAnswer);
    assert_eq!(marked(&ledger, &first, &second).await, Marked::Sent);
    assert_eq!(aws.calls().count(Service::DynamoDb, "UpdateItem"), 4);

    let unsent = alert("T2", "12000");
    assert_eq!(claimed(&ledger, &unsent, &own).await, Claimed::Fresh);
    once(&aws, "UpdateItem", Fault::LoseAnswer);
    release(&ledger, &unsent, &own, Release::NotSent).await;
    assert_eq!(aws.calls().count(Service::DynamoDb, "UpdateItem"), 6);
    assert_eq!(row(&aws, &unsent).await["claim_expires_at"], number(0));
}

#[tokio::test]
async fn a_table_that_throttles_for_a_while_is_asked_again_and_one_that_goes_on_is_a_fault() {
    let (aws, ledger) = start().await;
    let (alert, own) = (alert("T1", "12000"), claim("own", 0, 60));
    aws.faults().add(When::any_call_to(Service::DynamoDb).next(2), Fault::Throttle).unwrap();
    assert_eq!(claimed(&ledger, &alert, &own).await, Claimed::Fresh);

    aws.faults().clear();
    aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::Throttle).unwrap();
    let is_throttled = |fault: LedgerFault| fault.to_string() == "ProvisionedThroughputExceededException";
    assert!(is_throttled(ledger.claim(&alert, &own, soon()).await.unwrap_err()));
    assert!(is_throttled(ledger.mark_sent(&alert.alert_id, &own, at(5), soon()).await.unwrap_err()));
    for kind in [Release::NotSent, Release::MayHaveBeenSent] {
        assert!(is_throttled(ledger.release(&alert.alert_id, &own, kind, soon()).await.unwrap_err()));
    }
}

#[tokio::test]
async fn a_table_that_never_answers_takes_no_longer_than_the_deadline() {
    let (aws, ledger) = start().await;
    aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::Hang).unwrap();
    let (alert, own) = (alert("T1", "12000"), claim("own", 0, 60));
    let start = Instant::now();
    let deadline = start + Duration::from_millis(300);
    assert_eq!(ledger.claim(&alert, &own, deadline).await, Err(CallFault::deadline().into()));
    assert_eq!(
        ledger.mark_sent(&alert.alert_id, &own, at(5), deadline).await,
        Err(CallFault::deadline().into())
    );
    for kind in [Release::NotSent, Release::MayHaveBeenSent] {
        let released = ledger.release(&alert.alert_id, &own, kind, deadline).await;
        assert_eq!(released, Err(CallFault::deadline().into()));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_table_that_is_not_there_is_a_fault() {
    let (aws, _ledger) = start().await;
    let config = crate::testing::for_embedded(&aws, Service::DynamoDb).await;
    let ledger = DynamoDbLedger::new(&config, "no_such_table", RETENTION);
    let fault = ledger.claim(&alert("T1", "1"), &claim("own", 0, 60), soon()).await.unwrap_err();
    assert_eq!(fault.to_string(), "ResourceNotFoundException");
}

#[tokio::test]
async fn who_loses_the_race_for_an_expired_claim_finds_the_winners_in_force() {
    let (aws, ledger) = start().await;
    let alert = alert("T1", "12000");
    assert_eq!(claimed(&ledger, &alert, &claim("dead", 0, 60)).await, Claimed::Fresh);
    // Both have seen the expired claim before either takes it over.
    let gate = std::sync::Arc::new(tokio::sync::Barrier::new(2));
    let hold = Fault::before(move |_| {
        let gate = std::sync::Arc::clone(&gate);
        async move {
            gate.wait().await;
        }
    });
    aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem"), hold).unwrap();
    let (first, second) = (claim("first", 100, 160), claim("second", 100, 160));
    let answers = tokio::join!(claimed(&ledger, &alert, &first), claimed(&ledger, &alert, &second));
    let (won, lost) = (stored(&alert, true), Claimed::InForce { until: at(161) });
    assert!(answers == (won.clone(), lost.clone()) || answers == (lost, won), "{answers:?}");
}

#[tokio::test]
async fn a_claim_that_is_given_up_between_two_looks_is_taken_over_as_what_it_is_then() {
    let (aws, ledger) = start().await;
    let (alert, dead) = (alert("T1", "12000"), claim("dead", 0, 60));
    assert_eq!(claimed(&ledger, &alert, &dead).await, Claimed::Fresh);
    let (other, id) = (ledger.clone(), alert.alert_id.clone());
    let give_up = Fault::before(move |_| {
        let (other, id, owner) = (other.clone(), id.clone(), dead.clone());
        async move { other.release(&id, &owner, Release::NotSent, soon()).await.unwrap() }
    });
    once(&aws, "UpdateItem", give_up);
    assert_eq!(claimed(&ledger, &alert, &claim("own", 100, 160)).await, stored(&alert, false));
}

#[tokio::test]
async fn an_alert_that_fits_into_no_row_is_told_without_a_call() {
    let (aws, ledger) = start().await;
    let own = claim("own", 0, 60);
    // The amount is in the message and in an attribute of its own.
    assert_eq!(claimed(&ledger, &enlarged(alert("fits", "1"), 395_000), &own).await, Claimed::Fresh);
    let fault = ledger.claim(&enlarged(alert("too large", "1"), 410_000), &own, soon()).await.unwrap_err();
    assert!(matches!(fault, LedgerFault::RowTooLarge { size } if size > 410_000), "{fault}");
    assert_eq!(aws.calls().count(Service::DynamoDb, "PutItem"), 1);
}

#[tokio::test]
async fn a_row_that_is_not_the_ledgers_own_is_told_by_the_attribute_that_cannot_be_read() {
    let (aws, ledger) = start().await;
    let client = client(&aws).await;
    for (attribute, value) in [
        ("status", Some(text("unheard of"))),
        ("status", None),
        ("claim_expires_at", Some(text("noon"))),
        ("claim_token", None),
        ("message", Some(text("{}"))),
    ] {
        let (alert, own) = (alert(attribute, "12000"), claim("own", 0, 60));
        ledger.claim(&alert, &own, soon()).await.unwrap();
        let mut row = row(&aws, &alert).await;
        row.remove(attribute);
        row.extend(value.map(|value| (attribute.to_owned(), value)));
        client.put_item().table_name(TABLE).set_item(Some(row)).send().await.unwrap();
        let fault = ledger.claim(&alert, &claim("second", 100, 160), soon()).await.unwrap_err();
        assert_eq!(fault, LedgerFault::UnreadableRow { attribute });
        client.delete_item().table_name(TABLE).key("alert_id", text(&alert.alert_id)).send().await.unwrap();
    }
}

#[tokio::test]
async fn what_a_claim_would_find_settled_can_be_asked_without_writing_anything() {
    let (aws, ledger) = start().await;
    let (sent, only_claimed, own) = (alert("T1", "12000.50"), alert("T2", "12000"), claim("own", 0, 60));
    for alert in [&sent, &only_claimed] {
        claimed(&ledger, alert, &own).await;
    }
    marked(&ledger, &sent, &own).await;
    aws.calls().clear();
    let stands = async |alert: &Alert| ledger.what_stands(alert, soon()).await.unwrap();
    assert_eq!(stands(&sent).await, Some(Claimed::AlreadySent));
    assert_eq!(stands(&alert("T1", "13000")).await, Some(Claimed::IdInUse));
    assert_eq!(stands(&only_claimed).await, None);
    assert_eq!(stands(&alert("T2", "13000")).await, Some(Claimed::IdInUse));
    assert_eq!(stands(&alert("T3", "1")).await, None);
    assert_eq!(aws.calls().count(Service::DynamoDb, "GetItem"), aws.calls().all().len());
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_a_claim_in_doubt_and_the_row_as_it_is() {
    let (aws, ledger) = start().await;
    let codeless = |done| Fault::CodelessError { status: 400, body: "{".to_owned(), done };
    for (number, fault) in
        [Fault::CutAnswer, Fault::EmptyAnswer, codeless(true), codeless(false)].into_iter().enumerate()
    {
        let (alert, own) = (alert(&number.to_string(), "12000"), claim("own", 100, 160));
        claimed(&ledger, &alert, &claim("dead", 0, 60)).await;
        let rule = aws.faults().add(When::calls(Service::DynamoDb, "UpdateItem"), fault).unwrap();
        let fault = ledger.claim(&alert, &own, soon()).await.unwrap_err();
        assert!(matches!(&fault, LedgerFault::Call(fault) if fault.may_be_done()), "{fault:?}");
        assert!(fault.is_transient());
        aws.faults().remove(rule);
        assert_eq!(claimed(&ledger, &alert, &own).await, stored(&alert, true));
        assert_eq!(marked(&ledger, &alert, &own).await, Marked::Sent);
    }
}
