//! The functions' real bootstraps under cargo-lambda's emulator, on the recorded events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use system_tests::emulator::{Emulator, Invocation};
use system_tests::workspace;

#[test]
fn firehose_transform_answers_every_recorded_event_as_expected() {
    let emulator = Emulator::start("firehose-expected", &[]).unwrap();
    let events = workspace::recorded_events("firehose-").unwrap();
    assert!(events.len() >= 4, "{events:?}");
    for event in events {
        let expected = fs::read_to_string(workspace::expected_response(&event)).unwrap();
        let response = emulator.invoke("firehose-transform", &event).unwrap();
        // Not `assert_eq`: half a megabyte twice would bury the name.
        assert!(
            response == Invocation::Response(expected),
            "{}: another response than expected",
            event.display()
        );
    }
}

#[test]
fn firehose_transform_fails_an_event_that_is_not_firehoses_and_says_what_is_missing() {
    let emulator = Emulator::start("firehose-invalid", &[]).unwrap();
    let event = workspace::root().join("events/profiles.json");
    let Invocation::Error(error) = emulator.invoke("firehose-transform", &event).unwrap() else {
        panic!("an event without records was answered");
    };
    assert!(error.contains("InvalidEvent"), "{error}");
    assert!(error.contains("`records` is missing"), "{error}");
}
