//! The services that the functions need, and transactions on the stream.

use std::collections::BTreeSet;
use std::process::{Output, Stdio};

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, KeyType, REGION, Service, TableDefinition};
use fraudctl::generate::{Dataset, Transaction};
use fraudctl::produce::partition_key;
use serde_json::Value;
use stream_client::kinesis::KinesisStream;
use stream_client::producer::{self, Record, Settings};
use tokio::process::Command;

pub(crate) const STREAM: &str = "transactions";
const PROFILES: &str = "customer_profiles";
pub(crate) const LEDGER: &str = "alert_ledger";
pub(crate) const AGGREGATES: &str = "customer_aggregates";
const SEED: u64 = 5;

pub(crate) struct World {
    pub(crate) aws: EmbeddedAws,
    pub(crate) kinesis: aws_sdk_kinesis::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    /// The identities of the transactions whose score raises an alert.
    pub(crate) high_scores: BTreeSet<String>,
    /// How many transactions have a customer and an amount above zero.
    pub(crate) countable: u64,
}

pub(crate) async fn world() -> World {
    let aggregates = TableDefinition::new(AGGREGATES, "customer_id", KeyType::String)
        .sort_key("window_start", KeyType::Number);
    let aws = EmbeddedAws::builder()
        .stream(STREAM, 2)
        .shard_write_limits(false)
        .table(PROFILES, "customer_id")
        .table(LEDGER, "alert_id")
        .table_definition(aggregates)
        .topic("fraud-alerts")
        .queue("fraud-dead-letters")
        .start()
        .await
        .unwrap();
    let sdk = async |service| Sdk::at(aws.endpoint(service).unwrap(), REGION).await;
    let kinesis = aws_sdk_kinesis::Client::new(sdk(Service::Kinesis).await.config().await);
    let dynamodb = aws_sdk_dynamodb::Client::new(sdk(Service::DynamoDb).await.config().await);
    World { aws, kinesis, dynamodb, high_scores: BTreeSet::new(), countable: 0 }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

impl World {
    /// The tool, pointed at the services.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
        // Cargo gives its own children a configuration for development.
        let variables = self.configuration().into_iter().map(|(variable, _)| variable);
        for variable in variables.chain(["AGGREGATE_SINK"]) {
            command.env_remove(variable);
        }
        command.args(arguments).envs(self.aws.env()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the tool with the functions' configuration.
    pub(crate) async fn fraudctl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).envs(self.configuration()).output().await.unwrap()
    }

    /// Runs the tool without.
    pub(crate) async fn bare_fraudctl(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// The functions' configuration.
    pub(crate) fn configuration(&self) -> Vec<(&'static str, String)> {
        vec![
            ("PROFILE_SOURCE", format!("dynamodb:{PROFILES}")),
            ("ALERT_SINK", format!("sns:{}", self.aws.topic_arn("fraud-alerts").unwrap())),
            ("ALERT_LEDGER", format!("dynamodb:{LEDGER}")),
            ("DEAD_LETTERS", format!("sqs:{}", self.aws.queue_url("fraud-dead-letters").unwrap())),
            ("AGGREGATES", format!("dynamodb:{AGGREGATES}")),
            // The transactions are of another year.
            ("EVENT_TIME_MAX_AGE_HOURS", "0".to_owned()),
        ]
    }

    /// Puts `count` transactions on the stream, with their customers' profiles, and one record that is not a transaction.
    pub(crate) async fn put_transactions(&mut self, count: usize) {
        let dataset = Dataset::generate(count, SEED);
        let counts = |transaction: &Transaction| {
            let transaction: Value = serde_json::from_str(&transaction.to_json()).unwrap();
            transaction["customer_id"].is_string() && transaction["amount"].as_f64() > Some(0.0)
        };
        self.countable = dataset.transactions.iter().filter(|transaction| counts(transaction)).count() as u64;
        let mut profiles = Vec::new();
        dataset.write_profiles(&mut profiles).unwrap();
        let items = fraudctl::profiles::items(&fraud_aws::profiles::rows::read(&profiles).unwrap());
        fraudctl::profiles::write(&self.dynamodb, PROFILES, items, |_| {}).await.unwrap();
        let lines = dataset.transactions.iter().map(|transaction| transaction.to_json());
        let records: Vec<Record> = (0..)
            .zip(lines.chain(["{\"amount\":\"much\"}".to_owned()]))
            .map(|(tag, line)| Record {
                key: Some(partition_key(line.as_bytes(), &fraud_core::transaction::PLAIN)),
                data: line.into(),
                tag,
            })
            .collect();
        let target = KinesisStream::new(self.kinesis.clone(), STREAM);
        let records = futures_util::stream::iter(records);
        producer::send(&target, &Settings::default(), records, |outcome| outcome.result.unwrap()).await;
        self.high_scores = self.expected_high_scores(&dataset, &profiles).await;
    }

    /// The identities that raise an alert by the default policy, scored as `fraudctl score` does.
    async fn expected_high_scores(&self, dataset: &Dataset, profiles: &[u8]) -> BTreeSet<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("profiles.json"), profiles).unwrap();
        let mut transactions = Vec::new();
        dataset.write_transactions(&mut transactions).unwrap();
        std::fs::write(folder.path().join("tx.ndjson"), transactions).unwrap();
        let arguments = ["score", "tx.ndjson", "--profiles", "profiles.json", "--json"];
        let output = self.command(&arguments).current_dir(folder.path()).output().await.unwrap();
        let scored = text(&output.stdout);
        let high = |line: &str| {
            let scored: Value = serde_json::from_str(line).unwrap();
            let part = |member: &str| scored[member].as_str().unwrap().to_owned();
            (scored["alert"] == true).then(|| format!("{}/{}", part("customer_id"), part("transaction_id")))
        };
        scored.lines().filter_map(high).collect()
    }

    /// Creates a table of profiles, which has none.
    pub(crate) async fn create_profiles_table(&self, table: &str) {
        use aws_sdk_dynamodb::types::{
            AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        };
        let key = KeySchemaElement::builder().attribute_name("customer_id").key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder().attribute_name("customer_id");
        let attribute = attribute.attribute_type(ScalarAttributeType::S).build().unwrap();
        let create = self.dynamodb.create_table().table_name(table).key_schema(key.build().unwrap());
        let create = create.attribute_definitions(attribute).billing_mode(BillingMode::PayPerRequest);
        create.send().await.unwrap();
    }

    /// The ids of the alerts that SNS accepted; a repeated one fails the test.
    pub(crate) fn alert_ids(&self) -> BTreeSet<String> {
        let published = self.aws.published();
        let id = |message: &str| {
            serde_json::from_str::<Value>(message).unwrap()["alert_id"].as_str().unwrap().to_owned()
        };
        let ids: BTreeSet<String> = published.iter().map(|published| id(&published.message)).collect();
        assert_eq!(ids.len(), published.len(), "an alert was sent twice");
        ids
    }

    /// The rows of a table, in full. The rule of the aggregates' windows is none.
    pub(crate) async fn rows(&self, table: &str) -> BTreeSet<String> {
        let scan = self.dynamodb.scan().table_name(table).send().await.unwrap();
        let row = |item: &std::collections::HashMap<String, AttributeValue>| {
            format!("{:?}", item.iter().collect::<std::collections::BTreeMap<_, _>>())
        };
        scan.items().iter().filter(|item| !item.contains_key("window_rule")).map(row).collect()
    }

    /// How many transactions the aggregates have counted.
    pub(crate) async fn counted(&self) -> u64 {
        let scan = self.dynamodb.scan().table_name(AGGREGATES).send().await.unwrap();
        let rows = scan.items().iter().filter(|item| !item.contains_key("window_rule"));
        rows.map(|item| item["event_count"].as_n().unwrap().parse::<u64>().unwrap()).sum()
    }
}

/// Answers every call as DescribeStreamSummary of a stream that is older than its retention, which the embedded one never is.
pub(crate) fn old_stream() -> String {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
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
            let body = r#"{"Shards":[],"StreamDescriptionSummary":{"StreamName":"s","StreamARN":"arn:aws:kinesis:us-east-1:1:stream/s","StreamStatus":"ACTIVE","RetentionPeriodHours":24,"StreamCreationTimestamp":1,"EnhancedMonitoring":[],"OpenShardCount":2}}"#;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nconnection: close";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    endpoint
}
