use futures_util::future::join_all;

use super::*;
use crate::testing::{alert_for, at, enlarged, soon};

mod browsing;
mod table;

/// A claim made in second `from` that ends in second `until`.
fn claim(token: &str, from: i64, until: i64) -> Claim {
    Claim { token: token.to_owned(), claimed_at: at(from), expires_at: at(until) }
}

/// The alert for transaction `id` of customer C1.
fn alert(id: &str, amount: &str) -> Alert {
    let text = format!(
        r#"{{"customer_id":"C1","transaction_id":"{id}","amount":{amount},"event_time":"2024-01-15T03:00:00"}}"#
    );
    alert_for(&text, 0)
}

/// What every ledger does. Each part uses an alert of its own.
async fn keeps_the_contract(ledger: &impl AlertLedger) {
    a_claim_is_fresh_and_its_owner_can_repeat_it(ledger).await;
    a_claim_of_another_holds_until_it_expired_a_second_ago(ledger).await;
    an_expired_claim_is_taken_over_with_the_stored_message(ledger).await;
    what_was_sent_is_never_claimed_again(ledger).await;
    a_claim_that_was_given_up_unsent_is_forgotten(ledger).await;
    a_claim_that_was_given_up_in_doubt_keeps_its_message(ledger).await;
    a_claim_that_was_taken_over_keeps_its_message_when_it_is_given_up(ledger).await;
    only_the_owner_marks_and_releases(ledger).await;
    of_many_who_claim_at_once_one_gets_it(ledger).await;
}

async fn claimed(ledger: &impl AlertLedger, alert: &Alert, claim: &Claim) -> Claimed {
    ledger.claim(alert, claim, soon()).await.unwrap()
}

async fn marked(ledger: &impl AlertLedger, alert: &Alert, claim: &Claim) -> Marked {
    ledger.mark_sent(&alert.alert_id, claim, at(5), soon()).await.unwrap()
}

async fn release(ledger: &impl AlertLedger, alert: &Alert, claim: &Claim, release: Release) {
    ledger.release(&alert.alert_id, claim, release, soon()).await.unwrap();
}

async fn a_claim_is_fresh_and_its_owner_can_repeat_it(ledger: &impl AlertLedger) {
    let (alert, own) = (alert("repeat", "12000"), claim("own", 0, 60));
    assert_eq!(claimed(ledger, &alert, &own).await, Claimed::Fresh);
    assert_eq!(claimed(ledger, &alert, &own).await, Claimed::Fresh);
}

async fn a_claim_of_another_holds_until_it_expired_a_second_ago(ledger: &impl AlertLedger) {
    let alert = alert("in force", "12000");
    assert_eq!(claimed(ledger, &alert, &claim("first", 0, 60)).await, Claimed::Fresh);
    for now in [0, 59, 60] {
        let answer = claimed(ledger, &alert, &claim("second", now, 120)).await;
        assert_eq!(answer, Claimed::InForce { until: at(61) }, "{now}");
    }
    assert!(matches!(claimed(ledger, &alert, &claim("second", 61, 120)).await, Claimed::TakenOver(_)));
}

async fn an_expired_claim_is_taken_over_with_the_stored_message(ledger: &impl AlertLedger) {
    let (stored, changed) = (alert("take over", "12000.00"), alert("take over", "99999"));
    assert_ne!(stored.message, changed.message);
    assert_eq!(claimed(ledger, &stored, &claim("dead", 0, 60)).await, Claimed::Fresh);
    let (second, third) = (claim("second", 100, 160), claim("third", 200, 260));
    let taken_over = Claimed::TakenOver(Box::new(stored.clone()));
    assert_eq!(claimed(ledger, &changed, &second).await, taken_over);
    assert_eq!(claimed(ledger, &changed, &second).await, taken_over);
    assert_eq!(
        claimed(ledger, &changed, &claim("other", 150, 200)).await,
        Claimed::InForce { until: at(161) }
    );
    assert_eq!(claimed(ledger, &changed, &third).await, taken_over);
    assert_eq!(marked(ledger, &stored, &claim("dead", 0, 60)).await, Marked::ClaimLost);
    assert_eq!(marked(ledger, &stored, &second).await, Marked::ClaimLost);
    assert_eq!(marked(ledger, &stored, &third).await, Marked::Sent);
}

async fn what_was_sent_is_never_claimed_again(ledger: &impl AlertLedger) {
    let (alert, again, own) = (alert("sent", "12000.00"), alert("sent", "7"), claim("own", 0, 60));
    assert_eq!(claimed(ledger, &alert, &own).await, Claimed::Fresh);
    assert_eq!(marked(ledger, &alert, &own).await, Marked::Sent);
    assert_eq!(marked(ledger, &alert, &own).await, Marked::Sent);
    release(ledger, &alert, &own, Release::NotSent).await;
    release(ledger, &alert, &own, Release::MayHaveBeenSent).await;
    let sent = Claimed::AlreadySent { transaction_amount: "12000.00".to_owned() };
    for claim in [own, claim("other", 10, 70), claim("later", 40_000_000, 40_000_060)] {
        assert_eq!(claimed(ledger, &again, &claim).await, sent);
    }
    assert_eq!(marked(ledger, &alert, &claim("other", 10, 70)).await, Marked::ClaimLost);
}

async fn a_claim_that_was_given_up_unsent_is_forgotten(ledger: &impl AlertLedger) {
    let (first, second) = (alert("unsent", "12000"), alert("unsent", "13000"));
    let (own, other) = (claim("own", 0, 60), claim("other", 1, 61));
    assert_eq!(claimed(ledger, &first, &own).await, Claimed::Fresh);
    release(ledger, &first, &own, Release::NotSent).await;
    release(ledger, &first, &own, Release::NotSent).await;
    assert_eq!(marked(ledger, &first, &own).await, Marked::ClaimLost);
    assert_eq!(claimed(ledger, &second, &other).await, Claimed::Fresh);
    assert_eq!(marked(ledger, &second, &other).await, Marked::Sent);
    let sent = Claimed::AlreadySent { transaction_amount: "13000".to_owned() };
    assert_eq!(claimed(ledger, &first, &own).await, sent);
}

async fn a_claim_that_was_given_up_in_doubt_keeps_its_message(ledger: &impl AlertLedger) {
    let (stored, changed) = (alert("in doubt", "12000"), alert("in doubt", "99999"));
    let (own, other) = (claim("own", 0, 60), claim("other", 1, 61));
    assert_eq!(claimed(ledger, &stored, &own).await, Claimed::Fresh);
    release(ledger, &stored, &own, Release::MayHaveBeenSent).await;
    release(ledger, &stored, &own, Release::NotSent).await;
    assert_eq!(claimed(ledger, &changed, &other).await, Claimed::TakenOver(Box::new(stored)));
}

async fn a_claim_that_was_taken_over_keeps_its_message_when_it_is_given_up(ledger: &impl AlertLedger) {
    let (stored, changed) = (alert("given up", "12000"), alert("given up", "99999"));
    let taken_over = Claimed::TakenOver(Box::new(stored.clone()));
    let (second, third) = (claim("second", 100, 160), claim("third", 101, 161));
    assert_eq!(claimed(ledger, &stored, &claim("dead", 0, 60)).await, Claimed::Fresh);
    assert_eq!(claimed(ledger, &changed, &second).await, taken_over);
    release(ledger, &stored, &second, Release::NotSent).await;
    release(ledger, &stored, &second, Release::NotSent).await;
    assert_eq!(claimed(ledger, &changed, &third).await, taken_over);
    assert_eq!(marked(ledger, &stored, &second).await, Marked::ClaimLost);
    assert_eq!(marked(ledger, &stored, &third).await, Marked::Sent);
}

async fn only_the_owner_marks_and_releases(ledger: &impl AlertLedger) {
    let alert = alert("foreign", "12000");
    let (own, other) = (claim("own", 0, 60), claim("other", 1, 61));
    for kind in [Release::NotSent, Release::MayHaveBeenSent] {
        release(ledger, &alert, &own, kind).await;
    }
    assert_eq!(marked(ledger, &alert, &own).await, Marked::ClaimLost);
    assert_eq!(claimed(ledger, &alert, &own).await, Claimed::Fresh);
    for kind in [Release::NotSent, Release::MayHaveBeenSent] {
        release(ledger, &alert, &other, kind).await;
    }
    assert_eq!(marked(ledger, &alert, &other).await, Marked::ClaimLost);
    assert_eq!(claimed(ledger, &alert, &other).await, Claimed::InForce { until: at(61) });
    assert_eq!(marked(ledger, &alert, &own).await, Marked::Sent);
}

async fn of_many_who_claim_at_once_one_gets_it(ledger: &impl AlertLedger) {
    let alert = alert("race", "12000");
    for (round, from) in [0, 1000, 2000].into_iter().enumerate() {
        let claims: Vec<_> = (0..20).map(|n| claim(&format!("{round}.{n}"), from, from + 60)).collect();
        let answers = join_all(claims.iter().map(|claim| claimed(ledger, &alert, claim))).await;
        let won = |answer: &&Claimed| match (answer, round) {
            (Claimed::Fresh, 0) => true,
            (Claimed::TakenOver(stored), 1..) => **stored == alert,
            (Claimed::InForce { .. }, _) => false,
            other => panic!("{other:?}"),
        };
        assert_eq!(answers.iter().filter(won).count(), 1, "round {round}");
    }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    keeps_the_contract(&MemoryLedger::default()).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract() {
    let (aws, ledger) = table::start().await;
    keeps_the_contract(&ledger).await;
    crate::testing::assert_calls_are_those_of(PORT, &aws);
}

#[test]
fn no_two_claims_share_a_token() {
    let tokens: std::collections::HashSet<_> = (0..1000).map(|_| Claim::new(at(0), at(60)).token).collect();
    assert_eq!(tokens.len(), 1000);
}
