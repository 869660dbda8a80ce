//! Answers that are there and do not say what was asked.

use aws_calls::sdk::Sdk;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// A DynamoDB that answers every call with this document.
async fn answering(document: &'static str) -> DynamoDbAggregates {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(answer(connection, document));
        }
    });
    let sdk = Sdk::at(&endpoint, "us-east-1").await;
    DynamoDbAggregates::new(sdk.config().await, "aggregates", Duration::from_secs(1))
}

/// Answers one request, once all of it has come.
async fn answer(mut connection: TcpStream, document: &str) {
    let mut request = Vec::new();
    while !is_complete(&request) {
        assert_ne!(connection.read_buf(&mut request).await.unwrap(), 0);
    }
    let length = document.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    connection.write_all(format!("{head}{document}").as_bytes()).await.unwrap();
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    length.is_some_and(|length| body.len() >= length.trim().parse().unwrap())
}

fn unreadable<T>() -> Result<T, AggregateFault> {
    Err(CallFault::unreadable("the answer lacks what was asked for").into())
}

#[tokio::test]
async fn an_update_that_does_not_give_what_was_asked_for_may_be_made_and_says_nothing_of_the_row() {
    let transactions = addends(0..1, "1");
    let addition = addition("C1", window(0), &transactions);
    for document in [
        "{}",
        r#"{"Attributes":{}}"#,
        r#"{"Attributes":{"event_count":{"N":"1"},"total_amount":{"N":"1"},"dedup_complete":{"BOOL":true}}}"#,
    ] {
        let table = answering(document).await;
        let fault = table.add(&addition, soon()).await;
        assert_eq!(fault, unreadable(), "{document}");
        assert!(matches!(fault, Err(AggregateFault::Call(fault)) if fault.is_transient()));
    }
    let bounds = EventTimeBounds::UNBOUNDED;
    let rule = WindowRule { seconds: FIVE_MINUTES, time: WindowTime::Event, bounds };
    for document in ["{}", r#"{"Attributes":{"customer_id":{"S":"window rule"}}}"#] {
        assert_eq!(answering(document).await.hold_to(&rule, soon()).await, unreadable(), "{document}");
    }
}

#[tokio::test]
async fn a_list_that_is_missing_is_no_list_of_nothing() {
    let nothing = answering(r#"{"Count":0,"Items":[],"ScannedCount":0}"#).await;
    assert_eq!(nothing.recent("C1", 9, soon()).await, Ok(vec![]));
    assert_eq!(nothing.all(soon()).await, Ok(vec![]));
    let missing = answering("{}").await;
    assert_eq!(missing.recent("C1", 9, soon()).await, unreadable());
    assert_eq!(missing.all(soon()).await, unreadable());
}
