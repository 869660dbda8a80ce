//! The real program under a policy that looks at the customers' history, killed between two of its calls, started anew, and
//! given the batch again: each alert comes, once in effect, with the inputs of its first decision.
//!
//! `BOOTSTRAP=<path>` kills another build of it, such as the release bootstrap that `make build` makes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use embedded_aws::event_source_mapping::Record;
use embedded_aws::event_source_mapping::event::{EventFields, event};
use embedded_aws::{EmbeddedAws, Fault, Hook, Service, When};
use serde_json::{Value, json};

/// An amount from 500 on is high; the alert says how many transactions there were before.
const POLICY: &str = r#"
name = "killed"
cap = 100
threshold = 50
default_risk = 0.5

[history]
prior_mean_amount = 50
outlier_ratio = 2

[[factors]]
name = "amount"
input = "amount"
bands = [{ from = 500, points = 60 }]

[[factors]]
name = "burst"
input = "history.count_24h"
bands = [{ from = 5, points = 1 }]
"#;
const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/transactions";
/// A round is 64 records of a customer: these are two.
const RECORDS: usize = 80;
/// The places of the high scores, in both rounds.
const HIGH: [usize; 3] = [3, 40, 70];

/// One batch of one customer.
fn batch() -> String {
    let fields = EventFields::new(ARN);
    let record = |place: usize| {
        let amount = if HIGH.contains(&place) { 900 } else { 20 };
        let payload = json!({
            "transaction_id": format!("t{place}"), "customer_id": "c", "amount": amount, "merchant_id": "m",
        });
        let record = Record {
            partition_key: "c".to_owned(),
            data: payload.to_string().into_bytes().into(),
            sequence_number: format!("4965{place:052}"),
            approximate_arrival: UNIX_EPOCH + Duration::from_secs(1_768_446_000 + place as u64),
        };
        fields.record("shardId-000000000000", &record)
    };
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    event(records.iter().map(String::as_str))
}

/// A running function, with a Runtime API of its own. Dropping kills it.
struct Function {
    process: Arc<Mutex<Child>>,
    events: mpsc::Sender<String>,
    answers: mpsc::Receiver<(String, String)>,
}

impl Function {
    fn start(aws: &EmbeddedAws, policy: &str) -> Self {
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = api.local_addr().unwrap();
        let ((events, to_come), (sender, answers)) = (mpsc::channel(), mpsc::channel());
        std::thread::spawn(move || serve(&api, to_come, &sender));
        let process = Arc::new(Mutex::new(spawn(aws, address, policy)));
        Function { process, events, answers }
    }

    /// Gives it the batch. Gives what it answers, and the path that it answers to; `None` if it died before.
    fn invoke(&self) -> Option<(String, String)> {
        self.events.send(batch()).unwrap();
        loop {
            match self.answers.recv_timeout(Duration::from_millis(50)) {
                Ok(answer) => return Some(answer),
                Err(_) if self.process.lock().unwrap().try_wait().unwrap().is_some() => {
                    // It may have answered just before.
                    return self.answers.try_recv().ok();
                }
                Err(_) => {}
            }
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let mut process = self.process.lock().unwrap();
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn spawn(aws: &EmbeddedAws, api: SocketAddr, policy: &str) -> Child {
    let bootstrap =
        std::env::var("BOOTSTRAP").unwrap_or_else(|_| env!("CARGO_BIN_EXE_kinesis-alerts").to_owned());
    Command::new(bootstrap)
        .env_clear()
        .envs(aws.env())
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", api.to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", "f".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1".to_owned()),
            (
                "PROFILE_SOURCE",
                concat!("file:", env!("CARGO_MANIFEST_DIR"), "/../../events/profiles.json").to_owned(),
            ),
            ("FRAUD_POLICY", format!("file:{policy}")),
            ("HISTORY", "dynamodb:customer_history".to_owned()),
            ("ALERT_LEDGER", "dynamodb:alert_ledger".to_owned()),
            ("ALERT_SINK", format!("sns:{}", aws.topic_arn("fraud-alerts").unwrap())),
            ("DEAD_LETTERS", "stdout:".to_owned()),
        ])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A Runtime API that hands out these events, and waits for the next until there is none to come.
fn serve(api: &TcpListener, events: mpsc::Receiver<String>, answers: &mpsc::Sender<(String, String)>) {
    let events = Arc::new(Mutex::new(events));
    while let Ok((connection, _)) = api.accept() {
        let (events, answers) = (Arc::clone(&events), answers.clone());
        std::thread::spawn(move || {
            let mut reader = BufReader::new(&connection);
            while let Some((path, body)) = request(&mut reader) {
                if path.ends_with("/invocation/next") {
                    let Ok(event) = events.lock().unwrap().recv() else { return };
                    respond(&connection, &event);
                } else if answers.send((path, body)).is_err() {
                    return;
                }
            }
        });
    }
}

fn respond(mut connection: &TcpStream, event: &str) {
    let ends_at = SystemTime::now() + Duration::from_secs(60);
    let head = format!(
        "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
         Lambda-Runtime-Deadline-Ms: {}\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\nContent-Length: {}\r\n\r\n{event}",
        ends_at.duration_since(UNIX_EPOCH).unwrap().as_millis(),
        event.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
}

/// A request's path and body; `None` at the end of the connection.
fn request(reader: &mut impl BufRead) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

async fn services() -> EmbeddedAws {
    EmbeddedAws::builder()
        .table("customer_history", "customer_id")
        .table("alert_ledger", "alert_id")
        .topic("fraud-alerts")
        .start()
        .await
        .unwrap()
}

/// By alert, the messages that went out.
fn messages(aws: &EmbeddedAws) -> BTreeMap<String, Vec<String>> {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for published in aws.published() {
        let message: Value = serde_json::from_str(&published.message).unwrap();
        let id = message["alert_id"].as_str().unwrap().to_owned();
        messages.entry(id).or_default().push(published.message);
    }
    messages
}

/// Runs the batch, kills the function where `point` sets the hook, runs the batch again by a new process, and gives how often
/// each alert went out.
async fn killed_at(name: &str, point: impl FnOnce(Hook) -> Vec<(When, Fault)>) -> Vec<usize> {
    let aws = services().await;
    let policy = format!("{}/{name}.toml", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&policy, POLICY).unwrap();

    let target: Arc<Mutex<Option<Arc<Mutex<Child>>>>> = Arc::default();
    let kills = Arc::clone(&target);
    let kill = Hook::new(move |_| {
        if let Some(process) = &*kills.lock().unwrap() {
            process.lock().unwrap().kill().unwrap();
        }
        std::future::ready(())
    });
    for (when, fault) in point(kill) {
        aws.faults().add(when, fault).unwrap();
    }

    let first = Function::start(&aws, &policy);
    *target.lock().unwrap() = Some(Arc::clone(&first.process));
    assert_eq!(first.invoke(), None, "it is killed before it answers");
    drop(first);

    let second = Function::start(&aws, &policy);
    let (path, answer) = second.invoke().unwrap();
    assert!(path.ends_with("/response"), "{path}: {answer}");
    assert_eq!(answer, r#"{"batchItemFailures":[]}"#);

    let messages = messages(&aws);
    let ids: Vec<String> = HIGH.iter().map(|place| format!("c/t{place}")).collect();
    assert!(messages.keys().eq(&ids), "{messages:?}");
    for (id, place) in ids.iter().zip(HIGH) {
        let messages = &messages[id];
        assert!(messages.iter().all(|message| *message == messages[0]), "{messages:?}");
        let message: Value = serde_json::from_str(&messages[0]).unwrap();
        assert_eq!(message["history"], "used", "{message}");
        let inputs: Value = serde_json::from_str(message["fraud_inputs"].as_str().unwrap()).unwrap();
        assert_eq!(inputs["history.count_24h"], json!(place.min(64)), "{message}");
    }
    ids.iter().map(|id| messages[id].len()).collect()
}

fn dynamodb(operation: &str) -> When {
    When::calls(Service::DynamoDb, operation)
}

#[tokio::test]
async fn killed_behind_the_row_each_alert_comes_once() {
    let point = |kill| vec![(dynamodb("TransactWriteItems").nth(1), Fault::After(kill))];
    assert_eq!(killed_at("row", point).await, [1, 1, 1]);
}

#[tokio::test]
async fn killed_before_the_publication_each_alert_comes_once() {
    let first = || When::any_call_to(Service::Sns).nth(1);
    // The request has left the function, and SNS does nothing about it.
    let point = |kill| vec![(first(), Fault::Before(kill)), (first(), Fault::DropConnection)];
    assert_eq!(killed_at("publication", point).await, [1, 1, 1]);
}

#[tokio::test]
async fn killed_between_publication_and_mark_an_alert_comes_again_with_the_same_bytes() {
    let point = |kill| vec![(When::any_call_to(Service::Sns).nth(1), Fault::After(kill))];
    assert_eq!(killed_at("mark", point).await, [2, 2, 1]);
}

#[tokio::test]
async fn killed_between_two_rounds_each_alert_comes_once() {
    let point = |kill| vec![(dynamodb("BatchGetItem").nth(2), Fault::Before(kill))];
    assert_eq!(killed_at("second-round", point).await, [1, 1, 1]);
}

#[tokio::test]
async fn killed_behind_the_second_rounds_row_each_alert_comes_once() {
    let point = |kill| vec![(dynamodb("TransactWriteItems").nth(2), Fault::After(kill))];
    assert_eq!(killed_at("second-row", point).await, [1, 1, 1]);
}
