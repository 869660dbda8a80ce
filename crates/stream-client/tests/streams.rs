//! A stream that takes its time, as the embedded one never does, by a service of a few lines that says what it was told to;
//! and answers that say nothing, by the embedded one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use aws_calls::fault::FaultKind;
use aws_calls::sdk::Sdk;
use aws_sdk_kinesis::Client;
use embedded_aws::{EmbeddedAws, Fault, Service, When};
use stream_client::streams::{StreamError, describe, wait_until_active};

/// Answers DescribeStreamSummary with one status after the other, the last for ever.
fn service(statuses: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut statuses = statuses.iter().chain(std::iter::repeat(statuses.last().unwrap()));
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let body = format!(
                r#"{{"StreamDescriptionSummary":{{"StreamName":"s","StreamARN":"arn:aws:kinesis:us-east-1:1:stream/s","StreamStatus":"{}","RetentionPeriodHours":24,"StreamCreationTimestamp":1,"EnhancedMonitoring":[],"OpenShardCount":2}}}}"#,
                statuses.next().unwrap()
            );
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    endpoint
}

async fn client(endpoint: &str) -> Client {
    Client::new(Sdk::at(endpoint, embedded_aws::REGION).await.config().await)
}

#[tokio::test]
async fn a_stream_is_waited_for_until_it_is_active_and_what_it_is_meanwhile_is_told() {
    let client = client(&service(&["CREATING", "UPDATING", "ACTIVE"])).await;
    let mut told = Vec::new();
    let look = |status: &str| told.push(status.to_owned());
    let found = wait_until_active(&client, "s", Duration::from_secs(60), look).await.unwrap();
    assert_eq!(told, ["CREATING", "UPDATING", "ACTIVE"]);
    assert_eq!((found.open_shards, found.retention_hours), (2, 24));
}

#[tokio::test]
async fn a_stream_that_never_gets_there_is_given_up_when_the_time_is_over() {
    let client = client(&service(&["CREATING"])).await;
    let waited = wait_until_active(&client, "s", Duration::from_millis(1500), |_| ()).await;
    assert_eq!(waited, Err(StreamError::NotActive { status: "CREATING".to_owned() }));
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_no_description() {
    let builder = EmbeddedAws::builder().services([Service::Kinesis]).stream("transactions", 2);
    let aws = builder.start().await.unwrap();
    let client = client(aws.endpoint(Service::Kinesis).unwrap()).await;
    for operation in ["DescribeStreamSummary", "ListShards", "ListStreamConsumers"] {
        for answer in [Fault::CutAnswer, Fault::EmptyAnswer] {
            let rule = aws.faults().add(When::calls(Service::Kinesis, operation), answer).unwrap();
            match describe(&client, "transactions").await {
                Err(StreamError::Call { action, error }) => {
                    assert_eq!((action, error.kind), (operation, FaultKind::NoAnswer));
                }
                other => panic!("{operation}: {other:?}"),
            }
            aws.faults().remove(rule);
        }
    }
    assert_eq!(describe(&client, "transactions").await.unwrap().open_shards.len(), 2);
}
