//! The functions' real bootstraps under cargo-lambda's emulator, on the recorded events.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use system_tests::emulator::{Emulator, Invocation};
use system_tests::workspace;

/// Invokes a function with every recorded event whose file's name starts with `prefix`, each under an emulator of its
/// own: what the function remembers is that of one event.
fn every_recorded_event_is_answered_as_expected(function: &str, prefix: &str) {
    let events = workspace::recorded_events(prefix).unwrap();
    assert!(events.len() >= 4, "{events:?}");
    for event in events {
        let name = event.file_stem().unwrap().to_str().unwrap();
        let emulator = Emulator::start(&format!("{function}-{name}"), &[]).unwrap();
        let expected = fs::read_to_string(workspace::expected(&event)).unwrap();
        let Invocation::Response(response) = emulator.invoke(function, &event).unwrap() else {
            panic!("{function} failed on {name}: {}", emulator.output().unwrap());
        };
        let lines = [vec![response], emulator.messages().unwrap()].concat();
        // Not `assert_eq`: half a megabyte twice would bury the name.
        assert!(
            lines.join("\n") == expected.trim_end(),
            "{name}: not what was expected, but\n{}",
            lines.join("\n")
        );
    }
}

#[test]
fn firehose_transform_answers_every_recorded_event_as_expected() {
    every_recorded_event_is_answered_as_expected("firehose-transform", "firehose-");
}

#[test]
fn kinesis_alerts_answers_every_recorded_event_as_expected() {
    every_recorded_event_is_answered_as_expected("kinesis-alerts", "kinesis-");
}

#[test]
fn kinesis_alerts_fails_an_event_that_is_not_kinesiss_and_says_what_is_missing() {
    let emulator = Emulator::start("kinesis-invalid", &[]).unwrap();
    let event = workspace::root().join("events/firehose-direct-put.json");
    let Invocation::Error(error) = emulator.invoke("kinesis-alerts", &event).unwrap() else {
        panic!("an event without records was answered");
    };
    assert!(error.contains("InvalidEvent"), "{error}");
    assert!(error.contains("`Records` is missing"), "{error}");
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
