//! When the records of a run arrive at the stream: when they are produced, or so long after their event times as in production.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use clap::ValueEnum;
use embedded_aws::{Arrivals, Simulation};
use exact_text::timestamp::Timestamp;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, Reading, TimeField, TransactionReader};
use fraudctl::input::{Input, InputError, Source};
use kpl_aggregation::{Payload, split};
use serde::Serialize;

/// How long after its event time a record arrives.
const DELAYS: Range<Duration> = Duration::from_millis(200)..Duration::from_secs(6);

/// Files whose event times are further apart than this are not of one run of a producer.
const LONGEST_REAL_SPAN: Duration = Duration::from_secs(3600);

/// Any will do: the delays of two runs over the same input are the same.
const SEED: u64 = 20;

/// When records arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ArrivalMode {
    /// When they are produced.
    Real,
    /// 0.2 to 6 seconds after their event times, in the order of the stream.
    Simulated,
}

/// Arrivals that follow the event times of transactions that are written by this schema. What has none, and comes first, arrives
/// at `begin`.
pub fn simulated(schema: &Schema, begin: SystemTime) -> Arrivals {
    let reading = Reading::new(schema, &Asked::default());
    Arrivals::Simulated(Simulation::new(begin, DELAYS, SEED, move |data| {
        // An aggregate is put when the last of its transactions has been made.
        let newest = match split(Bytes::copy_from_slice(data)) {
            Payload::Plain(payload) => event_time(&reading, &payload),
            Payload::Aggregate(users) => {
                users.into_iter().filter_map(|user| event_time(&reading, &user.data)).max()
            }
        };
        system_time(newest?)
    }))
}

pub(crate) fn event_time(reading: &Reading, payload: &[u8]) -> Option<Timestamp> {
    match TransactionReader::new(reading).read(payload).ok()?.event_time {
        TimeField::Known(time, _) => Some(time.instant),
        TimeField::Missing | TimeField::Unreadable => None,
    }
}

/// A time as the stream keeps it; `None` before 1970.
pub(crate) fn system_time(time: Timestamp) -> Option<SystemTime> {
    let millis = u64::try_from(time.millis()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

/// The times of a set of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The earliest event time that was read.
    pub(crate) begin: SystemTime,
    /// Whether event times are more than an hour apart.
    pub(crate) is_long: bool,
}

/// Reads the event times of files until two are more than an hour apart. `None` for standard input, which can be read once only,
/// and if there is no event time.
///
/// # Errors
/// If a file cannot be read.
pub(crate) fn span(sources: &[Source], schema: &Schema) -> Result<Option<Span>, InputError> {
    if sources.contains(&Source::Stdin) {
        return Ok(None);
    }
    let reading = Reading::new(schema, &Asked::default());
    let mut seen: Option<(SystemTime, SystemTime)> = None;
    for entry in Input::open(sources)? {
        let Some(time) = event_time(&reading, &entry?.bytes).and_then(system_time) else { continue };
        let (first, last) = seen.map_or((time, time), |(first, last)| (first.min(time), last.max(time)));
        seen = Some((first, last));
        if last.duration_since(first).is_ok_and(|apart| apart > LONGEST_REAL_SPAN) {
            return Ok(Some(Span { begin: first, is_long: true }));
        }
    }
    Ok(seen.map(|(begin, _)| Span { begin, is_long: false }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use embedded_aws::event_source_mapping::{Clock, MemoryStream};
    use kpl_aggregation::encode;

    use super::*;

    fn transaction(time: &str) -> String {
        format!("{{\"amount\":1,\"event_time\":\"{time}\"}}\n")
    }

    fn at(text: &str) -> SystemTime {
        system_time(exact_text::written_time::parse(text).unwrap().instant).unwrap()
    }

    #[test]
    fn an_aggregate_arrives_after_its_newest_transaction_and_what_tells_no_time_with_the_record_before() {
        let begin = at("2026-01-15T11:00:00Z");
        let arrivals = simulated(&Schema::builtin_default(), begin);
        let stream = MemoryStream::new("s", 1, Clock::default()).with_arrivals(arrivals);
        let transactions =
            ["2026-01-15T12:00:00Z", "2026-01-15T14:00:00Z", "2026-01-15T13:00:00Z"].map(transaction);
        let entries = transactions.each_ref().map(|data| kpl_aggregation::Entry {
            partition_key: "k",
            explicit_hash_key: None,
            data: data.as_bytes(),
        });
        stream.put("k", "no transaction").unwrap();
        stream.put("k", encode(&entries).unwrap()).unwrap();
        stream.put("k", "{\"amount\":1}").unwrap();
        let arrived: Vec<SystemTime> =
            stream.records().iter().map(|record| record.approximate_arrival).collect();
        let delay = arrived[1].duration_since(at("2026-01-15T14:00:00Z")).unwrap();
        assert!(DELAYS.contains(&delay), "{delay:?}");
        assert_eq!((arrived[0], arrived[2]), (begin, arrived[1]));
    }

    #[test]
    fn a_schema_says_where_the_event_time_is() {
        let schema = "name = \"e\"\namount = \"/d/amount\"\nevent_time = \"/d/at\"\n";
        let arrivals = simulated(&Schema::parse(schema).unwrap(), SystemTime::UNIX_EPOCH);
        let stream = MemoryStream::new("s", 1, Clock::default()).with_arrivals(arrivals);
        stream.put("k", r#"{"d":{"amount":1,"at":"2026-01-15T12:00:00Z"}}"#).unwrap();
        let arrived = stream.records()[0].approximate_arrival;
        assert!(DELAYS.contains(&arrived.duration_since(at("2026-01-15T12:00:00Z")).unwrap()));
    }

    #[test]
    fn files_are_long_if_two_event_times_of_any_of_them_are_more_than_an_hour_apart() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, times: &[&str]| {
            let path = folder.path().join(name);
            let lines: String = times.iter().map(|time| transaction(time)).collect();
            fs::write(&path, lines + "no transaction\n{\"amount\":1}\n").unwrap();
            Source::File(path)
        };
        let schema = Schema::builtin_default();
        let short =
            file("short", &["2026-01-15T11:00:00Z", "2026-01-15T12:00:00+01:00", "2026-01-15T12:00:00Z"]);
        let early = file("early", &["2026-01-15T10:30:00Z"]);
        let none = file("none", &[]);
        let of = |sources: &[Source]| span(sources, &schema).unwrap();
        let begin = at("2026-01-15T11:00:00Z");
        assert_eq!(of(std::slice::from_ref(&short)), Some(Span { begin, is_long: false }));
        let both = Span { begin: at("2026-01-15T10:30:00Z"), is_long: true };
        assert_eq!(of(&[early, none.clone(), short.clone()]), Some(both));
        assert_eq!(of(&[none]), None);
        assert_eq!(of(&[short, Source::Stdin]), None);
    }
}
