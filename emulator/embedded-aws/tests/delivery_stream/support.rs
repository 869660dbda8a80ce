//! A function that does what a script says and remembers what came.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use embedded_aws::delivery_stream::{Buffering, DeliveryStream, DirectPut, MemoryObjects, Report, Settings};
use embedded_aws::event_source_mapping::{Clock, FunctionError, Invocation};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A record as a function sees it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Received {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) json: Value,
}

/// What the function does with an invocation.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Every record is Ok and unchanged.
    Ok,
    /// The same after a while.
    OkAfter(Duration),
    /// An error.
    Error,
    /// A panic.
    Panic,
    /// No answer ever.
    Hang,
    /// These records.
    Records(Vec<Value>),
    /// These words.
    Says(String),
}

/// One invocation: when it began, its event, its records.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Invoked {
    pub(crate) at: Instant,
    pub(crate) event: Value,
    pub(crate) records: Vec<Received>,
}

/// The invocations so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Invoked>>>);

impl Log {
    pub(crate) fn invocations(&self) -> Vec<Invoked> {
        self.0.lock().unwrap().clone()
    }

    /// How many records each invocation had.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.invocations().iter().map(|invoked| invoked.records.len()).collect()
    }

    /// The text of each invocation's records, with spaces between them.
    pub(crate) fn batches(&self) -> Vec<String> {
        let text = |invoked: Invoked| {
            invoked.records.into_iter().map(|record| record.text).collect::<Vec<_>>().join(" ")
        };
        self.invocations().into_iter().map(text).collect()
    }
}

pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<String, FunctionError>> + Send>>;

/// A function from a script: of the invocation's number, counted from 0, and its records.
pub(crate) fn function(
    script: impl Fn(usize, &[Received]) -> Reply,
) -> (impl Fn(Invocation) -> Answering, Log) {
    let log = Log::default();
    let function = {
        let log = log.clone();
        move |invocation: Invocation| -> Answering {
            let event: Value = serde_json::from_str(&invocation.event).unwrap();
            let records: Vec<_> = event["records"].as_array().unwrap().iter().map(received).collect();
            let number = {
                let mut log = log.0.lock().unwrap();
                log.push(Invoked { at: Instant::now(), event, records: records.clone() });
                log.len() - 1
            };
            let reply = script(number, &records);
            Box::pin(async move {
                let all_ok =
                    || answer(&records.iter().map(|record| ok(record, &record.text)).collect::<Vec<_>>());
                match reply {
                    Reply::Ok => Ok(all_ok()),
                    Reply::OkAfter(time) => {
                        tokio::time::sleep(time).await;
                        Ok(all_ok())
                    }
                    Reply::Error => Err(FunctionError::new("as the script says")),
                    Reply::Panic => panic!("as the script says"),
                    Reply::Hang => std::future::pending().await,
                    Reply::Records(records) => Ok(answer(&records)),
                    Reply::Says(answer) => Ok(answer),
                }
            })
        }
    };
    (function, log)
}

fn received(record: &Value) -> Received {
    let data = base64_simd::STANDARD.decode_to_vec(record["data"].as_str().unwrap()).unwrap();
    Received {
        id: record["recordId"].as_str().unwrap().to_owned(),
        text: String::from_utf8(data).unwrap(),
        json: record.clone(),
    }
}

fn answer(records: &[Value]) -> String {
    json!({ "records": records }).to_string()
}

/// A record that is Ok with other data.
pub(crate) fn ok(record: &Received, data: &str) -> Value {
    json!({ "recordId": record.id, "result": "Ok", "data": base64_simd::STANDARD.encode_to_string(data) })
}

/// The same with partition keys.
pub(crate) fn ok_in(record: &Received, partition_keys: &Value) -> Value {
    let mut ok = ok(record, &record.text);
    ok["metadata"] = json!({ "partitionKeys": partition_keys });
    ok
}

/// A record with another result, and its data as it came.
pub(crate) fn result(record: &Received, result: &str) -> Value {
    json!({ "recordId": record.id, "result": result, "data": record.json["data"] })
}

/// Noon of 2027-01-15.
pub(crate) fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_014_400)
}

/// A source with these records.
pub(crate) fn source(records: impl IntoIterator<Item = impl Into<String>>) -> DirectPut {
    let source = DirectPut::new("lake", Clock::starting_at(noon()));
    for record in records {
        source.put(record.into()).unwrap();
    }
    source
}

/// Everything in `all/` and `errors/<type>/`, a batch after a minute, an object after five.
pub(crate) fn settings() -> Settings {
    Settings {
        name: "lake".to_owned(),
        function_arn: "arn:of:function".to_owned(),
        prefix: "all/!{timestamp:yyyy}/".to_owned(),
        error_output_prefix: "errors/!{firehose:error-output-type}/".to_owned(),
        clock: Clock::starting_at(noon()),
        ..Settings::default()
    }
}

pub(crate) fn buffering(size: usize, seconds: u64) -> Buffering {
    Buffering { size, interval: Duration::from_secs(seconds) }
}

/// Runs a delivery stream until its source is drained.
pub(crate) async fn drain(
    source: DirectPut,
    function: impl Fn(Invocation) -> Answering,
    settings: Settings,
) -> (Report, MemoryObjects) {
    let objects = MemoryObjects::default();
    let delivery = DeliveryStream::of_direct_put(source, function, objects.clone(), settings).unwrap();
    let report = delivery.run_until_drained().await.unwrap();
    (report, objects)
}

/// The text under a prefix.
pub(crate) fn text(objects: &MemoryObjects, prefix: &str) -> String {
    String::from_utf8(objects.concatenated(prefix)).unwrap()
}

/// The lines of error output under a prefix.
pub(crate) fn errors(objects: &MemoryObjects, prefix: &str) -> Vec<Value> {
    text(objects, prefix).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The record in a line of error output.
pub(crate) fn raw(line: &Value) -> String {
    let data = base64_simd::STANDARD.decode_to_vec(line["rawData"].as_str().unwrap()).unwrap();
    String::from_utf8(data).unwrap()
}
