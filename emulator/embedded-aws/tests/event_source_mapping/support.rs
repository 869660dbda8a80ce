//! A function that does what a script says and remembers what came.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use embedded_aws::event_source_mapping::{
    Clock, EventSourceMapping, FunctionError, Invocation, MemoryStream, Report, Settings,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A record as a function sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) key: String,
    pub(crate) data: String,
    pub(crate) sequence_number: String,
}

/// What the function does with an invocation.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Everything is done.
    Done,
    /// An error.
    Error,
    /// A panic.
    Panic,
    /// No answer ever.
    Hang,
    /// Everything is done, after a while.
    DoneAfter(Duration),
    /// The record at this index is reported as failed.
    FailedAt(usize),
    /// These words.
    Says(String),
}

/// When an invocation began, and its records.
pub(crate) type Invoked = (Instant, Vec<Delivered>);

/// The invocations so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Invoked>>>);

impl Log {
    pub(crate) fn invocations(&self) -> Vec<Invoked> {
        self.0.lock().unwrap().clone()
    }

    /// The data of each invocation's records, with spaces between them.
    pub(crate) fn batches(&self) -> Vec<String> {
        let text = |records: Vec<Delivered>| {
            records.into_iter().map(|record| record.data).collect::<Vec<_>>().join(" ")
        };
        self.invocations().into_iter().map(|(_, records)| text(records)).collect()
    }

    /// How much time passed before each invocation but the first.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        self.invocations().windows(2).map(|pair| pair[1].0 - pair[0].0).collect()
    }
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<String, FunctionError>> + Send>>;

/// A function from a script: of the invocation's number, counted from 0, and its records.
pub(crate) fn function(
    script: impl Fn(usize, &[Delivered]) -> Answer,
) -> (impl Fn(Invocation) -> Answering, Log) {
    let log = Log::default();
    let function = {
        let log = log.clone();
        move |invocation: Invocation| -> Answering {
            let records = records(&invocation.event);
            let number = {
                let mut log = log.0.lock().unwrap();
                log.push((Instant::now(), records.clone()));
                log.len() - 1
            };
            let answer = script(number, &records);
            Box::pin(async move {
                match answer {
                    Answer::Done => Ok(r#"{"batchItemFailures":[]}"#.to_owned()),
                    Answer::Error => Err(FunctionError::new("as the script says")),
                    Answer::Panic => panic!("as the script says"),
                    Answer::Hang => std::future::pending().await,
                    Answer::DoneAfter(time) => {
                        tokio::time::sleep(time).await;
                        Ok(String::new())
                    }
                    Answer::FailedAt(index) => {
                        let failures = [json!({ "itemIdentifier": records[index].sequence_number })];
                        Ok(json!({ "batchItemFailures": failures }).to_string())
                    }
                    Answer::Says(answer) => Ok(answer),
                }
            })
        }
    };
    (function, log)
}

/// The records of an event.
pub(crate) fn records(event: &str) -> Vec<Delivered> {
    let event: Value = serde_json::from_str(event).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let record = |record: &Value| {
        let kinesis = &record["kinesis"];
        let data = base64_simd::STANDARD.decode_to_vec(text(&kinesis["data"])).unwrap();
        Delivered {
            key: text(&kinesis["partitionKey"]),
            data: String::from_utf8(data).unwrap(),
            sequence_number: text(&kinesis["sequenceNumber"]),
        }
    };
    event["Records"].as_array().unwrap().iter().map(record).collect()
}

/// Noon of some day.
pub(crate) fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_014_400)
}

/// A stream of one shard with the records `0`, `1`, ... under keys of their own.
pub(crate) fn stream(count: usize) -> Arc<MemoryStream> {
    let stream = MemoryStream::new("transactions", 1, Clock::starting_at(noon()));
    for n in 0..count {
        stream.put(&format!("key-{n}"), n.to_string()).unwrap();
    }
    Arc::new(stream)
}

/// Settings by the streams' clock, with answers read.
pub(crate) fn settings() -> Settings {
    Settings { report_batch_item_failures: true, clock: Clock::starting_at(noon()), ..Settings::default() }
}

/// Runs a mapping until its stream is drained.
pub(crate) async fn drain(
    stream: &Arc<MemoryStream>,
    function: impl Fn(Invocation) -> Answering,
    settings: Settings,
) -> Report {
    EventSourceMapping::new(stream.clone(), function, settings).unwrap().run_until_drained().await.unwrap()
}

/// Longer than a test may take by the paused clock.
pub(crate) const FOREVER: Duration = Duration::from_secs(24 * 3600);
