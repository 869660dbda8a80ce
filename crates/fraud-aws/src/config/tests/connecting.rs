use std::time::Duration;

use aws_calls::sdk::Sdk;
use aws_config::BehaviorVersion;

use crate::aggregate_sink::TotalsSink;
use crate::aggregates::Aggregates;
use crate::alerts::Sink;
use crate::config::{
    AggregateSinkTarget, AggregatesTarget, AlertLedgerTarget, AlertSinkTarget, CacheSettings,
    DeadLettersTarget, ProfileSource,
};
use crate::dead_letters::DeadLetters;
use crate::ledger::Ledger;
use crate::profiles::Profiles;

#[tokio::test]
async fn the_settings_are_loaded_when_a_port_is_on_aws_and_not_before() {
    let sdk = Sdk::new();
    let cache = CacheSettings { max_age: Duration::ZERO, max_entries: 0, max_bytes: usize::MAX };
    let file = ProfileSource::File { path: "no/such/file.json".into() };
    assert!(Profiles::connect(&file, cache, &sdk).await.is_err());
    let sink = Sink::connect(&AlertSinkTarget::Stdout, &sdk).await;
    let ledger = Ledger::connect(&AlertLedgerTarget::Memory, &sdk).await;
    let letters = DeadLetters::connect(&DeadLettersTarget::Stdout, &sdk).await;
    assert!(matches!((sink, ledger, letters), (Sink::Stdout(_), Ledger::Memory(_), DeadLetters::Stdout(_))));
    let aggregates = Aggregates::connect(&AggregatesTarget::Memory { remembered: 1 }, &sdk).await;
    let totals = TotalsSink::connect(&AggregateSinkTarget::Stdout, &sdk).await;
    assert!(matches!((aggregates, totals), (Aggregates::Memory(_), Some(TotalsSink::Stdout(_)))));
    assert!(TotalsSink::connect(&AggregateSinkTarget::None, &sdk).await.is_none());
    assert!(!sdk.is_loaded());

    let sdk = Sdk::from(
        aws_config::defaults(BehaviorVersion::v2026_01_12())
            .region(embedded_aws::REGION)
            .test_credentials()
            .load()
            .await,
    );
    let topic = AlertSinkTarget::Sns { topic_arn: "arn:aws:sns:us-east-1:123456789012:alerts".into() };
    let sink = Sink::connect(&topic, &sdk).await;
    let table = AlertLedgerTarget::DynamoDb { table: "alerts".into(), retention: Duration::from_secs(1) };
    let ledger = Ledger::connect(&table, &sdk).await;
    let queue =
        DeadLettersTarget::Sqs { queue_url: "https://sqs.us-east-1.amazonaws.com/123456789012/q".into() };
    let letters = DeadLetters::connect(&queue, &sdk).await;
    assert!(matches!((sink, ledger, letters), (Sink::Sns(_), Ledger::DynamoDb(_), DeadLetters::Sqs(_))));
    let table = AggregatesTarget::DynamoDb {
        table: "aggregates".into(),
        retention: Duration::from_secs(1),
        remembered: 1,
    };
    let aggregates = Aggregates::connect(&table, &sdk).await;
    let stream = AggregateSinkTarget::Kinesis { stream: "aggregates".into() };
    let totals = TotalsSink::connect(&stream, &sdk).await;
    assert!(matches!((aggregates, totals), (Aggregates::DynamoDb(_), Some(TotalsSink::Kinesis(_)))));
}
