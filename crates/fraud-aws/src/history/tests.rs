use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, Service, When};
use fraud_core::history::{Answer, Incoming, Known};
use fraud_core::identity::Position;
use fraud_core::policy::{HistorySettings, Policy};
use fraud_core::shadow::Policies;
use fraud_core::transaction::Transaction;

use super::*;
use crate::config::HistoryTarget;
use crate::ledger::{Claimed, DynamoDbLedger, MemoryLedger, OnRecord};
use crate::testing::{alert_for, assert_calls_are_those_of, assert_is_a_row_of, at, for_embedded, soon};
use aws_calls::sdk::Sdk;

const ROWS: &str = "customer_history";
const LEDGER: &str = "alert_ledger";
const SETTINGS: HistorySettings =
    HistorySettings { prior_mean_amount: 50.0, outlier_ratio: 2.0, ordinary_below: 200.0 };

/// A history that took in this many transactions.
fn history(transactions: usize) -> History {
    let mut history = History::default();
    history.begin();
    for number in 0..transactions {
        let payload = format!(r#"{{"customer_id":"C1","transaction_id":"T{number}","amount":12.5}}"#);
        let transaction = Transaction::parse(payload.as_bytes()).unwrap();
        let digits = number.to_string();
        let position =
            Position { stream: "s", shard: "shardId-0", sequence_number: &digits, sub_sequence_number: 0 };
        let record = Incoming::of(&transaction, at(i64::try_from(number).unwrap()), position);
        let Answer::New(inputs) = history.ask(&record) else { panic!("{number} is new") };
        history.take_in(&record, inputs, SETTINGS, Known::default(), false);
    }
    history.end();
    history
}

fn alert(id: &str, amount: &str) -> Alert {
    alert_for(
        &format!(
            r#"{{"customer_id":"C1","transaction_id":"{id}","amount":{amount},"event_time":"2024-01-15T03:00:00"}}"#
        ),
        0,
    )
}

fn claim(token: &str, from: i64) -> Claim {
    Claim { token: token.to_owned(), claimed_at: at(from), expires_at: at(from + 8) }
}

fn write<'a>(
    customer_id: &'a str,
    version: u64,
    history: &'a History,
    alerts: &'a [&'a Alert],
    claim: &'a Claim,
) -> RowWrite<'a> {
    RowWrite { customer_id, version, history, alerts, claim, at: at(0) }
}

async fn row(rows: &impl HistoryStore, customer: &str) -> StoredHistory {
    rows.read(&[customer], soon()).await.remove(0).unwrap()
}

/// What every store does. Each part uses a customer of its own.
async fn keeps_the_contract<Rows: HistoryStore>(rows: &Rows, ledger: &Rows::Ledger) {
    a_row_is_written_under_the_version_that_was_read(rows, ledger).await;
    a_row_and_its_claims_are_one_write(rows, ledger).await;
    a_claim_that_stands_is_told_with_its_content(rows, ledger).await;
    a_claim_that_came_with_a_row_is_like_any_other(rows, ledger).await;
    of_many_who_write_at_once_one_does(rows, ledger).await;
    rows_are_read_in_the_order_asked_for(rows, ledger).await;
}

async fn a_row_is_written_under_the_version_that_was_read<Rows: HistoryStore>(
    rows: &Rows,
    ledger: &Rows::Ledger,
) {
    let own = claim("own", 0);
    let absent = row(rows, "versions").await;
    assert_eq!(absent, StoredHistory { version: 0, history: Ok(History::default()) });
    let first = history(1);
    let write_first = write("versions", 0, &first, &[], &own);
    assert_eq!(rows.write(write_first, ledger, soon()).await, Ok(Written::Done));
    assert_eq!(rows.write(write_first, ledger, soon()).await, Ok(Written::Conflict));
    let stored = row(rows, "versions").await;
    assert_eq!((stored.version, stored.history.unwrap().encode()), (1, first.encode()));
    let second = history(2);
    assert_eq!(rows.write(write("versions", 1, &second, &[], &own), ledger, soon()).await, Ok(Written::Done));
    assert_eq!(
        rows.write(write("versions", 1, &first, &[], &own), ledger, soon()).await,
        Ok(Written::Conflict)
    );
    assert_eq!(row(rows, "versions").await.history.unwrap().encode(), second.encode());
}

async fn a_row_and_its_claims_are_one_write<Rows: HistoryStore>(rows: &Rows, ledger: &Rows::Ledger) {
    let (one, other, own) = (alert("one", "12000"), alert("other", "13000"), claim("own", 0));
    let state = history(1);
    assert_eq!(
        rows.write(write("together", 7, &state, &[&one, &other], &own), ledger, soon()).await,
        Ok(Written::Conflict)
    );
    assert_eq!(ledger.find(&one, soon()).await, Ok(None), "nothing is claimed without the row");
    assert_eq!(
        rows.write(write("together", 0, &state, &[&one, &other], &own), ledger, soon()).await,
        Ok(Written::Done)
    );
    for alert in [&one, &other] {
        let pending = OnRecord::Pending(Box::new((*alert).clone()));
        assert_eq!(ledger.find(alert, soon()).await, Ok(Some(pending)));
    }
    let third = alert("third", "14000");
    let both = [&third, &one];
    let again = write("together", 1, &state, &both, &own);
    let standing = StandingClaim { alert_id: "C1/one".to_owned(), fingerprint: one.fingerprint };
    assert_eq!(rows.write(again, ledger, soon()).await, Ok(Written::Claimed(vec![standing])));
    assert_eq!(ledger.find(&third, soon()).await, Ok(None));
    assert_eq!(row(rows, "together").await.version, 1);
}

async fn a_claim_that_stands_is_told_with_its_content<Rows: HistoryStore>(
    rows: &Rows,
    ledger: &Rows::Ledger,
) {
    let (first, reused, own) = (alert("reused", "12000"), alert("reused", "15000"), claim("own", 0));
    assert_eq!(ledger.claim(&first, &own, soon()).await, Ok(Claimed::Fresh));
    let state = history(1);
    let refused = rows.write(write("contents", 0, &state, &[&reused], &own), ledger, soon()).await;
    let standing = StandingClaim { alert_id: "C1/reused".to_owned(), fingerprint: first.fingerprint };
    assert_eq!(refused, Ok(Written::Claimed(vec![standing])));
    let renamed = reused.reusing(reused.ids().nth(1).unwrap());
    let done = rows.write(write("contents", 0, &state, &[&renamed], &own), ledger, soon()).await;
    assert_eq!(done, Ok(Written::Done));
    assert_eq!(ledger.find(&reused, soon()).await, Ok(Some(OnRecord::Pending(Box::new(renamed)))));
}

async fn a_claim_that_came_with_a_row_is_like_any_other<Rows: HistoryStore>(
    rows: &Rows,
    ledger: &Rows::Ledger,
) {
    let (alert, own) = (alert("usual", "12000"), claim("own", 0));
    let state = history(1);
    rows.write(write("usual", 0, &state, &[&alert], &own), ledger, soon()).await.unwrap();
    let in_force = ledger.claim(&alert, &claim("other", 1), soon()).await;
    assert_eq!(in_force, Ok(Claimed::InForce { until: at(9) }));
    let renewed = Claim { expires_at: at(20), ..own.clone() };
    let stored = Claimed::Stored { alert: Box::new(alert.clone()), may_have_been_sent: false };
    assert_eq!(ledger.claim(&alert, &renewed, soon()).await, Ok(stored));
    let in_force = ledger.claim(&alert, &claim("other", 12), soon()).await;
    assert_eq!(in_force, Ok(Claimed::InForce { until: at(21) }), "a renewed claim holds longer");
    ledger.mark_sent(&alert.alert_id, &own, at(3), soon()).await.unwrap();
    assert_eq!(ledger.find(&alert, soon()).await, Ok(Some(OnRecord::Sent)));
}

async fn of_many_who_write_at_once_one_does<Rows: HistoryStore>(rows: &Rows, ledger: &Rows::Ledger) {
    let (state, own) = (history(1), claim("own", 0));
    let alerts: Vec<Alert> = (0..8).map(|number| alert(&format!("many{number}"), "12000")).collect();
    let alerts: Vec<[&Alert; 1]> = alerts.iter().map(|alert| [alert]).collect();
    let writes = alerts.iter().map(|alerts| write("many", 0, &state, alerts, &own));
    let written = futures_util::future::join_all(writes.map(|write| rows.write(write, ledger, soon()))).await;
    // A table may also say that transactions are in each other's way.
    let done = written.iter().filter(|written| **written == Ok(Written::Done)).count();
    assert_eq!(done, 1, "{written:?}");
    assert_eq!(row(rows, "many").await.version, 1);
}

async fn rows_are_read_in_the_order_asked_for<Rows: HistoryStore>(rows: &Rows, ledger: &Rows::Ledger) {
    let own = claim("own", 0);
    let names: Vec<String> = (0..120).map(|number| format!("order{number}")).collect();
    for (number, name) in names.iter().enumerate().filter(|(number, _)| number % 40 == 0) {
        let state = history(1 + number / 40);
        rows.write(write(name, 0, &state, &[], &own), ledger, soon()).await.unwrap();
    }
    let asked: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    let read = rows.read(&asked, soon()).await;
    let entries = read.into_iter().rev().map(|row| row.unwrap().history.unwrap().entries().len());
    let expected = (0..120).map(|number| if number % 40 == 0 { 1 + number / 40 } else { 0 });
    assert!(entries.eq(expected));
}

async fn start() -> (EmbeddedAws, DynamoDbHistory, DynamoDbLedger) {
    let aws = EmbeddedAws::builder()
        .services([Service::DynamoDb])
        .table(ROWS, "customer_id")
        .table(LEDGER, "alert_id")
        .start()
        .await
        .unwrap();
    let config = for_embedded(&aws, Service::DynamoDb).await;
    let retention = std::time::Duration::from_secs(3_600);
    (aws, DynamoDbHistory::new(&config, ROWS), DynamoDbLedger::new(&config, LEDGER, retention))
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(&MemoryHistory::default(), &MemoryLedger::default()).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract_by_the_calls_that_the_port_names() {
    let (aws, rows, ledger) = start().await;
    keeps_the_contract(&rows, &ledger).await;
    let mut port = PORT;
    let calls: Vec<Call> = PORT.calls.iter().chain(crate::ledger::PORT.calls).copied().collect();
    port.calls = Vec::leak(calls);
    assert_calls_are_those_of(port, &aws);
}

#[tokio::test]
async fn a_row_has_the_tables_attributes_and_ends_70_days_after_its_last_write() {
    let (aws, rows, ledger) = start().await;
    let (state, own) = (history(3), claim("own", 0));
    rows.write(write("C1", 0, &state, &[], &own), &ledger, soon()).await.unwrap();
    let client = Client::new(&for_embedded(&aws, Service::DynamoDb).await);
    let key = AttributeValue::S("C1".to_owned());
    let item = client.get_item().table_name(ROWS).key("customer_id", key).send().await.unwrap().item.unwrap();
    assert_is_a_row_of(TABLE, &item);
    let ttl = at(0).millis() / 1000 + 70 * 86_400;
    assert_eq!(item["ttl"], AttributeValue::N(ttl.to_string()));
    assert_eq!(item["version"], AttributeValue::N("1".to_owned()));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_told_and_keeps_its_version() {
    let (aws, rows, _) = start().await;
    let client = Client::new(&for_embedded(&aws, Service::DynamoDb).await);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: &str| AttributeValue::N(number.to_owned());
    let state = |bytes: Vec<u8>| AttributeValue::B(Blob::new(bytes));
    let mut later = history(1).encode();
    later[0] = 9;
    let mut damaged = history(1).encode();
    damaged[5] ^= 1;
    for (version, state, expected) in [
        (number("4"), state(later), InvalidRow::Damaged(DamagedRow::Format(9))),
        (number("4"), state(damaged), InvalidRow::Damaged(DamagedRow::Checksum)),
        (number("4"), state(Vec::new()), InvalidRow::Damaged(DamagedRow::Content)),
        (number("4"), text("x"), InvalidRow::Attribute("state")),
        (text("4"), state(history(1).encode()), InvalidRow::Attribute("version")),
    ] {
        let put = client.put_item().table_name(ROWS).item("customer_id", text("C1"));
        put.item("version", version).item("state", state).send().await.unwrap();
        assert_eq!(row(&rows, "C1").await.history, Err(expected));
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_told_and_a_write_in_doubt_is_found_by_reading() {
    let (aws, rows, ledger) = start().await;
    let (state, own) = (history(1), claim("own", 0));
    let alert = alert("doubt", "12000");
    let faults = aws.faults();
    faults.add(When::calls(Service::DynamoDb, "BatchGetItem"), Fault::Throttle).unwrap();
    let fault = rows.read(&["C1"], soon()).await.remove(0).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Throttled);
    faults.clear();
    faults.add(When::calls(Service::DynamoDb, "TransactWriteItems").nth(1), Fault::LoseAnswer).unwrap();
    let written = rows.write(write("C1", 0, &state, &[&alert], &own), &ledger, soon()).await;
    // The SDK asks again with the same token, or the answer stays away: never is it done twice.
    assert!(
        matches!(written, Ok(Written::Done | Written::Conflict) | Err(HistoryFault::Call(_))),
        "{written:?}"
    );
    assert_eq!(row(&rows, "C1").await.version, 1);
    assert!(matches!(ledger.find(&alert, soon()).await, Ok(Some(OnRecord::Pending(_)))));
}

#[tokio::test]
async fn what_is_not_kept_together_is_no_write() {
    let (_aws, table, _) = start().await;
    let (state, own) = (history(1), claim("own", 0));
    let rows = HistoryRows::DynamoDb(table);
    let ledger = crate::ledger::Ledger::Memory(MemoryLedger::default());
    let fault = rows.write(write("C1", 0, &state, &[], &own), &ledger, soon()).await.unwrap_err();
    assert_eq!((fault.clone(), fault.is_transient()), (HistoryFault::Apart, false));
}

#[tokio::test]
async fn policy_and_configuration_must_agree_and_one_line_says_so() {
    let with = "name = \"p\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[history]\nprior_mean_amount = 50\n\
                outlier_ratio = 2\n\n[[factors]]\nname = \"burst\"\nwhen = [{ input = \"history.count_1h\", above = 5 }]\npoints = 60\n";
    let (with, without) = (Policy::parse(with).unwrap(), Policy::builtin_default().unwrap());
    let shadowed = Policies::with_shadow(without.clone(), with.clone()).unwrap();
    let (with, without) = (Policies::from(with), Policies::from(without));
    let sdk = Arc::new(Sdk::new());
    let connect = async |target: HistoryTarget, policies: &Policies| {
        HistoryRows::connect(&target, policies, &sdk).await.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(connect(HistoryTarget::None, &without).await, Ok(()));
    assert_eq!(connect(HistoryTarget::Memory, &with).await, Ok(()));
    assert_eq!(connect(HistoryTarget::Memory, &shadowed).await, Ok(()));
    let of_shadow = connect(HistoryTarget::None, &shadowed).await.unwrap_err();
    assert!(
        of_shadow.starts_with("the policy p@") && of_shadow.contains("HISTORY keeps none"),
        "{of_shadow}"
    );
    let nowhere = connect(HistoryTarget::None, &with).await.unwrap_err();
    assert!(nowhere.contains("looks at the customers' history (burst) and HISTORY keeps none"), "{nowhere}");
    let unasked = connect(HistoryTarget::Memory, &without).await.unwrap_err();
    assert!(unasked.contains("has no [history]"), "{unasked}");
    assert!(!nowhere.contains('\n') && !unasked.contains('\n'));
}

#[tokio::test]
async fn a_person_creates_a_row_where_there_is_none_and_deletes_the_version_that_was_looked_at() {
    let (_aws, rows, ledger) = start().await;
    let (first, second, own) = (history(1), history(2), claim("own", 0));
    assert_eq!(rows.row("C1", soon()).await, Ok(None));
    assert_eq!(rows.create("C1", &first, at(0), soon()).await, Ok(Written::Done));
    assert_eq!(rows.create("C1", &second, at(0), soon()).await, Ok(Written::Conflict));
    let looked_at = rows.row("C1", soon()).await.unwrap().unwrap();
    assert_eq!((looked_at.version, looked_at.written), (Some(1), Some(at(0))));
    assert_eq!(looked_at.bytes, first.encode().len());
    assert_eq!(rows.write(write("C1", 1, &second, &[], &own), &ledger, soon()).await, Ok(Written::Done));
    assert_eq!(rows.delete("C1", &looked_at, soon()).await, Ok(Deleted::Conflict));
    assert_eq!(row(&rows, "C1").await.history.unwrap().encode(), second.encode());
    let looked_at = rows.row("C1", soon()).await.unwrap().unwrap();
    assert_eq!(rows.delete("C1", &looked_at, soon()).await, Ok(Deleted::Done));
    assert_eq!(rows.row("C1", soon()).await, Ok(None));
    assert_eq!(rows.delete("C1", &looked_at, soon()).await, Ok(Deleted::Conflict));
}

#[tokio::test]
async fn a_row_whose_version_cannot_be_read_is_deleted_as_it_was_looked_at() {
    let (aws, rows, _) = start().await;
    let client = Client::new(&for_embedded(&aws, Service::DynamoDb).await);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for version in [None, Some(text("seven"))] {
        let put = client.put_item().table_name(ROWS).item("customer_id", text("C1"));
        version.iter().fold(put, |put, version| put.item("version", version.clone())).send().await.unwrap();
        let looked_at = rows.row("C1", soon()).await.unwrap().unwrap();
        assert_eq!(looked_at.history, Err(InvalidRow::Attribute("version")));
        let number = AttributeValue::N("1".to_owned());
        let put = client.put_item().table_name(ROWS).item("customer_id", text("C1"));
        put.item("version", number).send().await.unwrap();
        assert_eq!(rows.delete("C1", &looked_at, soon()).await, Ok(Deleted::Conflict));
        let looked_at = rows.row("C1", soon()).await.unwrap().unwrap();
        assert_eq!(rows.delete("C1", &looked_at, soon()).await, Ok(Deleted::Done));
    }
}
