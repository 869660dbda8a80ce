use fraud_core::transaction::Transaction;
use proptest::prelude::*;

use super::*;
use crate::testing::{alert_for, alert_of};

const PAYLOAD: &str = r#"{"customer_id":"C1","transaction_id":"T1","amount":12000.00}"#;

#[test]
fn a_message_has_attributes_to_filter_by_which_count_to_its_size() {
    let alert = alert_for(PAYLOAD, 0);
    let found: Vec<_> = attributes(&alert).map(|a| (a.name, a.data_type, a.value)).collect();
    assert_eq!(
        found,
        [
            ("alert_type", "String", "fraud_detection"),
            ("fraud_score", "Number", "0.8600000000000001"),
            ("customer_segment", "String", "gold"),
        ]
    );
    // "alert_type" + "String" + "fraud_detection", and so on.
    let bytes = (10 + 6 + 15) + (11 + 6 + 18) + (16 + 6 + 4);
    assert_eq!(size(&alert), alert.message.len() + bytes + SUBJECT.len());
}

#[test]
fn a_segment_that_queues_would_not_take_is_left_out() {
    let segment = |segment: &str| {
        attributes(&alert_of(PAYLOAD, 0, segment)).map(|attribute| attribute.value.to_owned()).nth(2)
    };
    assert_eq!(segment("gold").as_deref(), Some("gold"));
    assert_eq!(segment(""), None);
    assert_eq!(segment("go\u{1}ld"), None);
}

proptest! {
    #[test]
    fn any_accepted_record_of_a_mebibyte_raises_an_alert_that_fits_into_a_message(
        customer in prop::sample::select(vec!["\\u0001", "/", "%", "\u{10FFFF}", "\\\"", "\u{FFFE}", "7"]),
        transaction in prop::sample::select(vec!["\\u0001", "/", "%", "\\\"", "7"]),
        segment in prop::sample::select(vec!["\u{1}", "\u{10FFFF}", "\"", "s"]),
        amount_length in 1..70usize,
        time_length in 0..70usize,
        padding in 0..1_000_000usize,
    ) {
        let payload = format!(
            r#"{{"customer_id":"{}","transaction_id":"{}","amount":{},"event_time":"2026-01-15T01:03:14.{}Z","note":"{}"}}"#,
            customer.repeat(256),
            transaction.repeat(256),
            "9".repeat(amount_length),
            "0".repeat(time_length),
            "x".repeat(padding),
        );
        if Transaction::parse(payload.as_bytes()).is_ok() {
            let size = size(&alert_of(&payload, u64::MAX, &segment.repeat(256)));
            // Far below what SNS takes: 32 reasons of a policy's longest names have room.
            prop_assert!(size <= 16_384, "{}", size);
        }
    }
}
