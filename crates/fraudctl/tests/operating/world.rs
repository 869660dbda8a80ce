//! The services, what is in them, and the tool.

use std::collections::BTreeMap;
use std::process::{Output, Stdio};
use std::time::Duration;

use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, REGION, Service, ServiceError, When};
use fraud_local::start_services;
use serde_json::Value;
use tokio::process::{Child, Command};

pub(crate) const QUEUE: &str = "fraud-dead-letters";
pub(crate) const LEDGER: &str = "alert_ledger";
pub(crate) const AGGREGATES: &str = "customer_aggregates";
pub(crate) const PROFILES: &str = "customer_profiles";

/// A row of a table.
pub(crate) type Item = std::collections::HashMap<String, AttributeValue>;

/// What `fraud-local` starts, with one customer, `C1`, whose risk is the highest.
pub(crate) struct World {
    pub(crate) aws: EmbeddedAws,
    /// The deployment's variables.
    pub(crate) variables: BTreeMap<&'static str, String>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let aws = start_services().await.unwrap();
        let variables = BTreeMap::from([
            ("PROFILE_SOURCE", format!("dynamodb:{PROFILES}")),
            ("FRAUD_POLICY", "builtin:default".to_owned()),
            ("ALERT_SINK", format!("sns:{}", aws.topic_arn("fraud-alerts").unwrap())),
            ("ALERT_LEDGER", format!("dynamodb:{LEDGER}")),
            ("DEAD_LETTERS", format!("sqs:{}", aws.queue_url(QUEUE).unwrap())),
            ("AGGREGATES", format!("dynamodb:{AGGREGATES}")),
            ("AGGREGATE_SINK", "none:".to_owned()),
            ("EVENT_TIME_MAX_AGE_HOURS", "0".to_owned()),
            // The tests' records arrived in 2024, and none of them is to be forgotten.
            ("ALERT_LEDGER_DAYS", "36500".to_owned()),
            ("AGGREGATE_DAYS", "36500".to_owned()),
        ]);
        let world = World { aws, variables };
        let profile = [
            ("customer_id", AttributeValue::S("C1".to_owned())),
            ("risk_score", AttributeValue::N("1".to_owned())),
        ];
        world.put(PROFILES, profile.map(|(name, value)| (name.to_owned(), value)).into()).await;
        world
    }

    pub(crate) async fn sdk(&self, service: Service) -> Sdk {
        Sdk::at(self.aws.endpoint(service).unwrap(), REGION).await
    }

    pub(crate) fn queue(&self) -> String {
        self.variables["DEAD_LETTERS"].clone()
    }

    /// The tool in this deployment's environment; what a test sets in the variables counts.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
        command.args(arguments).envs(self.aws.env()).envs(&self.variables).kill_on_drop(true);
        command
    }

    pub(crate) async fn fraudctl(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().await.unwrap().into()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// `fraudctl dead-letters <command> --queue <the queue> <arguments>`
    pub(crate) async fn dead_letters(&self, command: &str, arguments: &[&str]) -> Ended {
        let queue = self.queue();
        self.fraudctl(&[&["dead-letters", command, "--queue", &queue][..], arguments].concat()).await
    }

    pub(crate) async fn client(&self) -> Client {
        Client::new(self.sdk(Service::DynamoDb).await.config().await)
    }

    pub(crate) async fn put(&self, table: &str, item: Item) {
        self.client().await.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }

    pub(crate) async fn delete(&self, table: &str, key: &str, value: &str) {
        let value = AttributeValue::S(value.to_owned());
        self.client().await.delete_item().table_name(table).key(key, value).send().await.unwrap();
    }

    /// All rows of a table.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Item> {
        let scan = self.client().await.scan().table_name(table).consistent_read(true).send().await.unwrap();
        scan.items.unwrap_or_default()
    }

    /// The bodies of the messages in the queue, hidden or not.
    pub(crate) fn letters(&self) -> Vec<Value> {
        let messages = self.aws.messages(QUEUE).unwrap();
        let read = |body: &str| serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
        messages.iter().map(|message| read(&message.body)).collect()
    }

    /// How many letters there are by function and reason.
    pub(crate) fn letters_by_reason(&self) -> BTreeMap<(String, String), usize> {
        let mut letters = BTreeMap::new();
        for letter in self.letters() {
            let text = |name: &str| letter[name].as_str().unwrap_or_default().to_owned();
            *letters.entry((text("function"), text("reason"))).or_default() += 1;
        }
        letters
    }

    pub(crate) async fn send_to_queue(&self, body: &str) {
        let client = aws_sdk_sqs::Client::new(self.sdk(Service::Sqs).await.config().await);
        let url = self.aws.queue_url(QUEUE).unwrap();
        client.send_message().queue_url(url).message_body(body).send().await.unwrap();
    }

    /// How many messages can be received now, and how many are hidden.
    pub(crate) async fn waiting(&self) -> (u64, u64) {
        let url = self.aws.queue_url(QUEUE).unwrap();
        let queue =
            fraud_aws::dead_letters::DeadLetterQueue::connect(url, &self.sdk(Service::Sqs).await).await;
        let waiting = queue.waiting().await.unwrap();
        (waiting.visible, waiting.hidden)
    }

    /// The ids of the alerts that the topic got, in order.
    pub(crate) fn alerted(&self) -> Vec<String> {
        self.aws.published().iter().map(|published| alert_id(&published.message)).collect()
    }

    pub(crate) fn fault(&self, service: Service, operation: &str, fault: Fault) {
        self.aws.faults().add(When::calls(service, operation), fault).unwrap();
    }

    pub(crate) fn deny(&self, service: Service, operation: &str) {
        let code = if service == Service::Sns { "AuthorizationError" } else { "AccessDeniedException" };
        self.fault(service, operation, Fault::Error(ServiceError::new(403, code, "no")));
    }
}

pub(crate) fn alert_id(message: &str) -> String {
    serde_json::from_str::<Value>(message).unwrap()["alert_id"].as_str().unwrap().to_owned()
}

/// Waits until something holds. It fails by the test's own time-out.
pub(crate) async fn until(mut holds: impl AsyncFnMut() -> bool) {
    while !holds().await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Its standard output as a JSON object.
    pub(crate) fn json(&self) -> Value {
        let json = serde_json::from_str(&self.stdout);
        assert!(json.is_ok(), "{self:?}");
        json.unwrap()
    }

    /// Its standard output as a JSON object a line.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Ended {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
