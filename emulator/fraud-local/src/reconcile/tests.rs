use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_aws::entities::FileEntities;
use fraud_aws::profiles::FileProfiles;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::merchant::LabelDelay;
use fraud_core::money::Money;
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_core::shadow::Policies;
use fraud_core::transaction::Transaction;
use fraud_core::window::{Window, WindowRule, WindowTime};

use super::*;
use crate::records::StreamRecord;
use crate::timeline::Timeline;

const PROFILES: &str = r#"{"A":{"risk_score":1},"B":{"risk_score":0.1}}"#;

fn record(number: u32, data: &str) -> StreamRecord {
    StreamRecord {
        stream: "transactions".to_owned(),
        shard: "shardId-000000000000".to_owned(),
        sequence_number: number.to_string(),
        arrival: Timestamp::from_millis(1_705_320_000_000).unwrap(),
        data: data.as_bytes().to_vec(),
    }
}

fn rule() -> WindowRule {
    let bounds = EventTimeBounds { max_age: None, max_ahead: None };
    WindowRule { seconds: 300.try_into().unwrap(), time: WindowTime::Event, bounds }
}

fn letter(function: &str, number: u32) -> (String, String) {
    (function.to_owned(), format!("@transactions/shardId-000000000000/{number}"))
}

/// One transaction in the window that begins at `start`.
fn window(customer: &str, start: &str, total: &str) -> WindowTotals {
    WindowTotals {
        customer_id: customer.to_owned(),
        window: Window::containing(written_time::parse(start).unwrap().instant, rule().seconds),
        event_count: 1,
        total_amount: Money::amount(total).unwrap(),
        sum_complete: true,
        dedup_complete: true,
    }
}

/// What the pipeline produced.
#[derive(Default)]
struct PipelineOutput {
    landed: Vec<LandedLine>,
    failed: Vec<Vec<u8>>,
    /// Their ids.
    alerts: Vec<String>,
    dead_letters: Vec<(String, String)>,
    windows: Vec<WindowTotals>,
}

/// What is wrong with it.
fn discrepancies(expected: &ExpectedOutput, outcome: &PipelineOutput) -> Vec<String> {
    let PipelineOutput { landed, failed, alerts, dead_letters, windows } = outcome;
    let alert = |id: &String| PublishedAlert { id: id.clone(), ..PublishedAlert::default() };
    let alerts: Vec<_> = alerts.iter().map(alert).collect();
    let mut found = Discrepancies::default();
    expected.check(&Output { landed, alerts: &alerts, windows }, &mut found);
    expected.aside.check(failed, dead_letters, &mut found);
    found.lines()
}

fn high(id: &str) -> String {
    format!(
        r#"{{"transaction_id":"{id}","customer_id":"A","amount":20000,"event_time":"2024-01-15T03:00:00Z"}}"#
    )
}

/// A stream with a high score that comes twice, a low one, one without an id, and one that is not a transaction; and what
/// must come of it.
fn balanced() -> (ExpectedOutput, PipelineOutput) {
    let low = r#"{"transaction_id":"2","customer_id":"B","amount":1,"event_time":"2024-01-15T13:00:00Z"}"#;
    let records = [
        record(1, &high("1")),
        record(2, low),
        record(3, r#"{"amount":6000,"event_time":"2024-01-15T13:00:00Z"}"#),
        record(4, "junk"),
        record(5, &high("1")),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let policy: Policies = Policy::builtin_default().unwrap().into();
    let expected = runtime.block_on(ExpectedOutput::of(
        &records,
        (&FileProfiles::parse(PROFILES).unwrap(), &Timeline::from(FileEntities::default())),
        (&policy, LabelDelay::default()),
        &Schema::builtin_default(),
        Some(rule()),
    ));
    let landed = |id: &str, fraud_score, enrichment: &str| LandedLine {
        decision_id: id.to_owned(),
        fraud_score,
        shadow_score: None,
        enrichment: enrichment.to_owned(),
        unavailable: EntityKinds::NONE,
        history: None,
        inputs: None,
        reasons: Vec::new(),
    };
    let outcome = PipelineOutput {
        landed: vec![
            landed("A/1", 0.8999999999999999, "profile"),
            landed("B/2", 0.04000000000000001, "profile"),
            landed("@transactions/shardId-000000000000/3", 0.4, "no_customer"),
            landed("A/1", 0.8999999999999999, "profile"),
        ],
        failed: vec![b"junk".to_vec()],
        alerts: vec!["A/1".to_owned()],
        dead_letters: vec![
            letter("kinesis-alerts", 4),
            letter("kinesis-alerts", 4),
            letter("customer-analytics", 4),
        ],
        windows: vec![window("A", "2024-01-15T03:00:00Z", "20000"), window("B", "2024-01-15T13:00:00Z", "1")],
    };
    (expected, outcome)
}

#[test]
fn what_came_out_as_it_must_balances() {
    let (expected, outcome) = balanced();
    assert_eq!(discrepancies(&expected, &outcome), [""; 0]);
    assert_eq!(expected.high_scores, 2);
}

#[test]
fn an_id_that_is_used_again_needs_an_alert_for_each_content() {
    let other = high("1").replace("20000", "30000");
    let records = [record(1, &high("1")), record(2, &other), record(3, &high("1"))];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let policy: Policies = Policy::builtin_default().unwrap().into();
    let profiles = FileProfiles::parse(PROFILES).unwrap();
    let expected = runtime.block_on(ExpectedOutput::of(
        &records,
        (&profiles, &Timeline::from(FileEntities::default())),
        (&policy, LabelDelay::default()),
        &Schema::builtin_default(),
        None,
    ));
    let line = LandedLine {
        decision_id: "A/1".to_owned(),
        fraud_score: 0.8999999999999999,
        shadow_score: None,
        enrichment: "profile".to_owned(),
        unavailable: EntityKinds::NONE,
        history: None,
        inputs: None,
        reasons: Vec::new(),
    };
    let told = |alerts: &[&str]| {
        let alerts = alerts.iter().map(|id| (*id).to_owned()).collect();
        let landed = vec![line.clone(); 3];
        discrepancies(&expected, &PipelineOutput { landed, alerts, ..PipelineOutput::default() })
    };
    let id = |payload: &str| {
        format!("A/1/{}", Transaction::parse(payload.as_bytes()).unwrap().fingerprint().short())
    };
    let (first, second) = (id(&high("1")), id(&other));
    assert_eq!(told(&["A/1", &second]), [""; 0]);
    assert_eq!(told(&["A/1", &first]), [""; 0]);
    assert_eq!(told(&["A/1"]), ["not alerted: A/1"]);
    assert_eq!(told(&[&first, &second]), ["not alerted: A/1"]);
    assert_eq!(told(&["A/1", &first, &second]), ["alerted under too many ids: A/1"]);
    assert_eq!(told(&["A/1", &second, "A/1/00"]), ["alerted without a high score: A/1/00"]);
}

#[test]
fn a_reuse_of_an_id_is_a_transaction_of_its_own_in_the_windows() {
    let transaction = |amount: &str| {
        record(
            1,
            &format!(
                r#"{{"transaction_id":"1","customer_id":"B","amount":{amount},"event_time":"2024-01-15T13:00:00Z"}}"#
            ),
        )
    };
    let records = ["1", "1.00", "2", "1"].map(transaction);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let profiles = FileProfiles::parse(PROFILES).unwrap();
    let policy: Policies = Policy::builtin_default().unwrap().into();
    let expected = runtime.block_on(ExpectedOutput::of(
        &records,
        (&profiles, &Timeline::from(FileEntities::default())),
        (&policy, LabelDelay::default()),
        &Schema::builtin_default(),
        Some(rule()),
    ));
    let both = WindowTotals { event_count: 2, ..window("B", "2024-01-15T13:00:00Z", "3") };
    assert_eq!(expected.windows, [both]);
}

#[test]
fn a_record_scored_without_an_answer_is_held_against_the_score_without_an_answer() {
    let (expected, mut outcome) = balanced();
    // Risk 0.5 in place of 0.1, times 0.4.
    outcome.landed[1] =
        LandedLine { fraud_score: 0.2, enrichment: "unavailable".to_owned(), ..outcome.landed[1].clone() };
    assert_eq!(discrepancies(&expected, &outcome), [""; 0]);
}

#[test]
fn a_record_scored_without_some_entities_is_held_against_the_score_without_them() {
    let policy: Policies = Policy::parse(
        r#"
        name = "lists"
        cap = 100
        threshold = 50
        default_risk = 0.5

        [[factors]]
        name = "merchant"
        when = [{ entity = "merchant", on_list = "compromised" }]
        points = 40

        [[factors]]
        name = "device"
        when = [{ entity = "device", on_list = "compromised" }]
        points = 20
        "#,
    )
    .unwrap()
    .into();
    let entities = r#"{"merchant/M": {"list_compromised": 0}, "device/D": {"list_compromised": 0}}"#;
    let entities = FileEntities::parse(entities).unwrap();
    let records = [record(1, r#"{"transaction_id":"1","amount":1,"merchant_id":"M","device_id":"D"}"#)];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let profiles = FileProfiles::default();
    let expected = runtime.block_on(ExpectedOutput::of(
        &records,
        (&profiles, &Timeline::from(entities)),
        (&policy, LabelDelay::default()),
        &Schema::builtin_default(),
        None,
    ));
    assert_eq!(expected.high_scores, 1);
    for (score, unavailable) in [
        (60.0, &[][..]),
        (20.0, &[EntityKind::Merchant]),
        (40.0, &[EntityKind::Device]),
        (0.0, &[EntityKind::Merchant, EntityKind::Device]),
    ] {
        let line = |fraud_score| LandedLine {
            decision_id: "/1".to_owned(),
            fraud_score,
            shadow_score: None,
            enrichment: "no_customer".to_owned(),
            unavailable: unavailable.iter().copied().collect(),
            history: None,
            inputs: None,
            reasons: Vec::new(),
        };
        let told = |score| {
            let alerts = vec!["/1".to_owned()];
            let landed = vec![line(score)];
            discrepancies(&expected, &PipelineOutput { landed, alerts, ..PipelineOutput::default() })
        };
        assert_eq!(told(score), [""; 0], "{unavailable:?}");
        assert_eq!(told(score + 1.0), ["landed with another score than here: /1"], "{unavailable:?}");
    }
}

#[test]
fn whatever_is_missing_or_too_much_is_told() {
    type Change = (fn(&mut PipelineOutput), &'static str);
    let changes: [Change; 13] = [
        (|out| drop(out.landed.remove(1)), "not landed: B/2"),
        (|out| out.landed.push(out.landed[1].clone()), "landed too often, or unknown: B/2"),
        (|out| out.landed[1].decision_id = "B/9".to_owned(), "not landed: B/2"),
        (|out| out.landed[1].fraud_score = 0.2, "landed with another score than here: B/2"),
        (|out| out.failed.clear(), "not failed: a payload of 4 bytes"),
        (|out| out.failed.push(b"junk".to_vec()), "failed and should not: a payload of 4 bytes"),
        (|out| out.alerts.clear(), "not alerted: A/1"),
        (|out| out.alerts.push("A/1".to_owned()), "alerted more than once: A/1"),
        (|out| out.alerts.push("B/2".to_owned()), "alerted without a high score: B/2"),
        (
            |out| drop(out.dead_letters.pop()),
            "dead letter missing: @transactions/shardId-000000000000/4 by customer-analytics",
        ),
        (
            |out| out.dead_letters.push(letter("kinesis-alerts", 1)),
            "dead letter of a good record: @transactions/shardId-000000000000/1 by kinesis-alerts",
        ),
        (|out| drop(out.windows.pop()), "window missing: "),
        (|out| out.windows[0].event_count = 2, "window that should not be: "),
    ];
    for (change, told) in changes {
        let (expected, mut outcome) = balanced();
        change(&mut outcome);
        let discrepancies = discrepancies(&expected, &outcome);
        assert!(discrepancies.iter().any(|found| found.starts_with(told)), "{told}: {discrepancies:?}");
    }
}
