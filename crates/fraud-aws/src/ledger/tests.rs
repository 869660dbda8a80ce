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

/// The same alert as it is made anew after the customer's profile has changed.
fn made_anew(alert: &Alert) -> Alert {
    let mut anew = alert.clone();
    anew.message = alert.message.replacen(r#""enrichment":"profile""#, r#""enrichment":"no_profile""#, 1);
    assert_ne!(anew.message, alert.message);
    anew
}

fn stored(alert: &Alert, may_have_been_sent: bool) -> Claimed {
    Claimed::Stored { alert: Box::new(alert.clone()), may_have_been_sent }
}

/// What every ledger does. Each part uses an alert of its own.
async fn keeps_the_contract(ledger: &impl AlertLedger) {
    a_claim_is_fresh_and_its_owner_can_repeat_it(ledger).await;
    a_claim_of_another_holds_until_it_expired_a_second_ago(ledger).await;
    an_expired_claim_is_taken_over_with_the_stored_message(ledger).await;
    what_was_sent_is_never_claimed_again(ledger).await;
    a_claim_that_was_given_up_keeps_its_message(ledger).await;
    that_an_alert_may_have_been_sent_is_never_forgotten(ledger).await;
    an_id_in_use_by_another_content_is_told_whatever_became_of_that(ledger).await;
    an_alert_without_a_fingerprint_is_that_of_any_content(ledger).await;
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
    assert_eq!(claimed(ledger, &alert, &own).await, stored(&alert, false));
    // Also where the clock stands behind the claim's end.
    let late = Claim { claimed_at: at(90), ..own };
    assert_eq!(claimed(ledger, &alert, &late).await, stored(&alert, false));
}

async fn a_claim_of_another_holds_until_it_expired_a_second_ago(ledger: &impl AlertLedger) {
    let alert = alert("in force", "12000");
    assert_eq!(claimed(ledger, &alert, &claim("first", 0, 60)).await, Claimed::Fresh);
    for now in [0, 59, 60] {
        let answer = claimed(ledger, &alert, &claim("second", now, 120)).await;
        assert_eq!(answer, Claimed::InForce { until: at(61) }, "{now}");
    }
    assert_eq!(claimed(ledger, &alert, &claim("second", 61, 120)).await, stored(&alert, true));
}

async fn an_expired_claim_is_taken_over_with_the_stored_message(ledger: &impl AlertLedger) {
    let first = alert("take over", "12000.00");
    let changed = made_anew(&first);
    assert_eq!(claimed(ledger, &first, &claim("dead", 0, 60)).await, Claimed::Fresh);
    let (second, third) = (claim("second", 100, 160), claim("third", 200, 260));
    let taken_over = stored(&first, true);
    assert_eq!(claimed(ledger, &changed, &second).await, taken_over);
    assert_eq!(claimed(ledger, &changed, &second).await, taken_over);
    assert_eq!(
        claimed(ledger, &changed, &claim("other", 150, 200)).await,
        Claimed::InForce { until: at(161) }
    );
    assert_eq!(claimed(ledger, &changed, &third).await, taken_over);
    assert_eq!(marked(ledger, &first, &claim("dead", 0, 60)).await, Marked::ClaimLost);
    assert_eq!(marked(ledger, &first, &second).await, Marked::ClaimLost);
    assert_eq!(marked(ledger, &first, &third).await, Marked::Sent);
}

async fn what_was_sent_is_never_claimed_again(ledger: &impl AlertLedger) {
    let (alert, own) = (alert("sent", "12000.00"), claim("own", 0, 60));
    assert_eq!(claimed(ledger, &alert, &own).await, Claimed::Fresh);
    assert_eq!(marked(ledger, &alert, &own).await, Marked::Sent);
    assert_eq!(marked(ledger, &alert, &own).await, Marked::Sent);
    release(ledger, &alert, &own, Release::NotSent).await;
    release(ledger, &alert, &own, Release::MayHaveBeenSent).await;
    for claim in [own, claim("other", 10, 70), claim("later", 40_000_000, 40_000_060)] {
        assert_eq!(claimed(ledger, &made_anew(&alert), &claim).await, Claimed::AlreadySent);
    }
    assert_eq!(marked(ledger, &alert, &claim("other", 10, 70)).await, Marked::ClaimLost);
}

async fn a_claim_that_was_given_up_keeps_its_message(ledger: &impl AlertLedger) {
    for (id, kind, in_doubt) in
        [("unsent", Release::NotSent, false), ("in doubt", Release::MayHaveBeenSent, true)]
    {
        let first = alert(id, "12000");
        let (own, other) = (claim("own", 0, 60), claim("other", 1, 61));
        assert_eq!(claimed(ledger, &first, &own).await, Claimed::Fresh);
        release(ledger, &first, &own, kind).await;
        release(ledger, &first, &own, Release::NotSent).await;
        assert_eq!(claimed(ledger, &made_anew(&first), &other).await, stored(&first, in_doubt));
        // It is held again, and not by who gave it up.
        let own = claimed(ledger, &first, &own).await;
        assert_eq!(own, Claimed::InForce { until: at(62) });
        assert_eq!(marked(ledger, &first, &other).await, Marked::Sent);
    }
}

async fn that_an_alert_may_have_been_sent_is_never_forgotten(ledger: &impl AlertLedger) {
    let first = alert("given up", "12000");
    let (second, third) = (claim("second", 100, 160), claim("third", 101, 161));
    assert_eq!(claimed(ledger, &first, &claim("dead", 0, 60)).await, Claimed::Fresh);
    assert_eq!(claimed(ledger, &made_anew(&first), &second).await, stored(&first, true));
    release(ledger, &first, &second, Release::NotSent).await;
    assert_eq!(claimed(ledger, &made_anew(&first), &second).await, stored(&first, true));
    release(ledger, &first, &second, Release::NotSent).await;
    assert_eq!(claimed(ledger, &made_anew(&first), &third).await, stored(&first, true));
    assert_eq!(marked(ledger, &first, &second).await, Marked::ClaimLost);
    assert_eq!(marked(ledger, &first, &third).await, Marked::Sent);
}

async fn an_id_in_use_by_another_content_is_told_whatever_became_of_that(ledger: &impl AlertLedger) {
    let (first, other) = (alert("reused", "12000"), alert("reused", "13000"));
    let own = claim("own", 0, 60);
    assert_eq!(claimed(ledger, &first, &own).await, Claimed::Fresh);
    // In force, and held by the very claim that asks; given up; expired; sent.
    assert_eq!(claimed(ledger, &other, &own).await, Claimed::IdInUse);
    assert_eq!(claimed(ledger, &other, &claim("other", 1, 61)).await, Claimed::IdInUse);
    release(ledger, &first, &own, Release::NotSent).await;
    assert_eq!(claimed(ledger, &other, &claim("other", 1, 61)).await, Claimed::IdInUse);
    assert_eq!(claimed(ledger, &first, &claim("dead", 2, 62)).await, stored(&first, false));
    assert_eq!(claimed(ledger, &other, &claim("other", 100, 160)).await, Claimed::IdInUse);
    let last = claim("last", 101, 161);
    assert_eq!(claimed(ledger, &first, &last).await, stored(&first, true));
    assert_eq!(marked(ledger, &first, &last).await, Marked::Sent);
    assert_eq!(claimed(ledger, &other, &claim("other", 102, 162)).await, Claimed::IdInUse);
    let renamed = other.reusing(other.ids().nth(1).unwrap());
    assert_eq!(claimed(ledger, &renamed, &claim("other", 102, 162)).await, Claimed::Fresh);
}

async fn an_alert_without_a_fingerprint_is_that_of_any_content(ledger: &impl AlertLedger) {
    let mut older = alert("older release", "12000");
    older.fingerprint = None;
    assert_eq!(claimed(ledger, &older, &claim("dead", 0, 60)).await, Claimed::Fresh);
    let (other, own) = (alert("older release", "13000"), claim("own", 100, 160));
    assert_eq!(claimed(ledger, &other, &own).await, stored(&older, true));
    assert_eq!(marked(ledger, &older, &own).await, Marked::Sent);
    assert_eq!(claimed(ledger, &other, &own).await, Claimed::AlreadySent);
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
            (Claimed::Stored { alert: stored, may_have_been_sent: true }, 1..) => **stored == alert,
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
    let token = |_| Claim::new(at(0), at(60)).unwrap().token;
    let tokens: std::collections::HashSet<_> = (0..1000).map(token).collect();
    assert!(tokens.iter().all(|token| token.len() == 32));
    assert_eq!(tokens.len(), 1000);
}
