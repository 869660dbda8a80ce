//! Tables: are they there, is their key the right one, do rows expire, may they be read and written.

use std::time::Duration;

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use aws_calls::table as schema;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeyType, KeysAndAttributes, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveStatus,
};
use fraud_aws::aggregates::{AggregateFault, DynamoDbAggregates};
use fraud_aws::config::{
    AggregatesTarget, AlertLedgerTarget, EntitySource, Environment, ProfileSource, policy_store, window_rule,
};
use fraud_aws::entities::FileEntities;
use fraud_aws::port::Call;
use fraud_aws::profiles::FileProfiles;
use fraud_aws::{aggregates, entities, ledger, policies, profiles};
use fraud_core::shadow::Policies;
use fraud_core::window::WindowRule;
use tokio::time::Instant;

use super::clock::ServiceClock;
use super::finding::{Finding, Wrong};
use super::sample;

/// No write under this condition is ever done, and it is refused only to who might write.
const NEVER: &str = "attribute_exists(#key) AND attribute_not_exists(#key)";
/// No answer to the question for a table's window rule takes longer.
const RULE_LIMIT: Duration = Duration::from_secs(10);
/// The key of a row that is asked for or not written.
const NO_ONE: &str = "fraudctl doctor";

/// What a table must be.
pub(super) struct Table {
    pub(super) check: &'static str,
    pub(super) variable: &'static str,
    pub(super) name: String,
    pub(super) schema: &'static schema::Table,
    /// The calls that whoever uses it makes.
    pub(super) calls: &'static [Call],
    /// What happens to who goes on with an empty table in its place, if its rows are a memory.
    pub(super) loss: Option<&'static str>,
}

/// What a consumer does to its checkpoints.
const CHECKPOINTS: &[Call] = &[Call { operation: "UpdateItem", action: "dynamodb:UpdateItem" }];

pub(super) async fn profiles(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "profiles";
    match ProfileSource::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(ProfileSource::File { path }) => {
            let mend = "give a file as `fraudctl generate --profiles` writes it";
            let loaded = FileProfiles::load(&path).map_err(|error| Wrong::new(error, mend));
            let target = format!("file:{}", path.display());
            vec![Finding::of(check, target, loaded.map(|_| "read, for development".to_owned()))]
        }
        Ok(ProfileSource::DynamoDb { table }) => {
            let table = Table {
                check,
                variable: "PROFILE_SOURCE",
                name: table,
                schema: &profiles::table::TABLE,
                calls: profiles::PORT.calls,
                loss: None,
            };
            let mut findings = table.check(sdk, can_call).await;
            if can_call && !findings.iter().any(Finding::is_wrong) {
                let client = Client::new(sdk.config().await);
                let sampled = sample::profiles(&table.name, &client).await;
                findings.push(Finding::of(check, format!("dynamodb:{}", table.name), sampled));
            }
            findings
        }
    }
}

/// The table of entities, if there is one; that there must be, if a policy asks for any.
pub(super) async fn entities(
    environment: Environment<'_>,
    policies: Option<&Policies>,
    sdk: &Sdk,
    can_call: bool,
) -> Vec<Finding> {
    let check = "entities";
    match EntitySource::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(EntitySource::None) => {
            let asking = policies.filter(|policies| !policies.asked().entities.is_empty());
            let wrong = asking.map(|policies| {
                let kinds: Vec<_> = policies.asked().entities.iter().map(|kind| kind.as_str()).collect();
                let policy = policies.asking_for_entities();
                let what = format!("the policy {} asks for entities ({})", policy.id(), kinds.join(", "));
                Wrong::new(what, "name their table in ENTITY_SOURCE: dynamodb:<table>")
            });
            wrong.into_iter().map(|wrong| Finding::wrong(check, "none:", wrong)).collect()
        }
        Ok(EntitySource::File { path }) => {
            let mend = "give a file as {\"merchant/M1\": {\"risk\": 0.9, \"list_compromised\": 0}}";
            let loaded = FileEntities::load(&path).map_err(|error| Wrong::new(error, mend));
            let target = format!("file:{}", path.display());
            vec![Finding::of(check, target, loaded.map(|_| "read, for development".to_owned()))]
        }
        Ok(EntitySource::DynamoDb { table }) => {
            let table = Table {
                check,
                variable: "ENTITY_SOURCE",
                name: table,
                schema: &entities::table::TABLE,
                calls: entities::PORT.calls,
                loss: Some("no list holds, and no risk is known"),
            };
            table.check(sdk, can_call).await
        }
    }
}

/// The table of published policies, if there is one.
pub(super) async fn policies(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "policy store";
    match policy_store(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(None) => Vec::new(),
        Ok(Some(table)) => {
            let table = Table {
                check,
                variable: "POLICY_STORE",
                name: table,
                schema: &policies::table::TABLE,
                calls: policies::PORT.calls,
                loss: None,
            };
            table.check(sdk, can_call).await
        }
    }
}

pub(super) async fn ledger(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "alert ledger";
    match AlertLedgerTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(AlertLedgerTarget::Memory) => vec![Finding::ok(check, "memory:", "for development")],
        Ok(AlertLedgerTarget::DynamoDb { table, .. }) => {
            let table = Table {
                check,
                variable: "ALERT_LEDGER",
                name: table,
                schema: &ledger::TABLE,
                calls: ledger::PORT.calls,
                loss: Some("what was alerted is alerted again"),
            };
            let clock = ServiceClock::default();
            let mut findings = table.check_by(&clock.client(sdk).await, can_call).await;
            findings.extend(clock.finding());
            findings
        }
    }
}

pub(super) async fn aggregates(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "aggregates";
    match AggregatesTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(AggregatesTarget::Memory { .. }) => vec![Finding::ok(check, "memory:", "for development")],
        Ok(AggregatesTarget::DynamoDb { table, retention, .. }) => {
            let table = Table {
                check,
                variable: "AGGREGATES",
                name: table,
                schema: &aggregates::TABLE,
                calls: aggregates::PORT.calls,
                loss: Some("what was counted is counted again"),
            };
            let mut findings = table.check(sdk, can_call).await;
            let is_well = can_call && !findings.iter().any(Finding::is_wrong);
            if let (true, Ok(rule)) = (is_well, window_rule(environment)) {
                let store = DynamoDbAggregates::new(sdk.config().await, &table.name, retention);
                let kept = keeps_to(&store, &rule).await;
                findings.push(Finding::of(check, format!("dynamodb:{}", table.name), kept));
            }
            findings
        }
    }
}

/// Whether a table's windows are those of a rule. Under another the function counts nothing.
async fn keeps_to(store: &DynamoDbAggregates, rule: &WindowRule) -> Result<String, Wrong> {
    store
        .check_rule(rule, Instant::now() + RULE_LIMIT)
        .await
        .map(|()| "its windows are kept under this rule".to_owned())
        .map_err(|fault| match fault {
            AggregateFault::Call(fault) => Wrong::call("dynamodb", "dynamodb:GetItem", &fault.code),
            fault => {
                Wrong::new(fault, "docs/operations.md, \"Another window rule\", has the way to change it")
            }
        })
}

/// A consumer's checkpoints, if a table of them is named.
pub(super) async fn checkpoints(table: Option<&str>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let Some(name) = table else { return Vec::new() };
    let table = Table {
        check: "checkpoints",
        variable: "--checkpoints",
        name: name.to_owned(),
        schema: &stream_client::consumer::checkpoints::TABLE,
        calls: CHECKPOINTS,
        loss: Some("what was consumed is consumed again"),
    };
    table.check(sdk, can_call).await
}

impl Table {
    pub(super) async fn check(&self, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
        self.check_by(&Client::new(sdk.config().await), can_call).await
    }

    async fn check_by(&self, client: &Client, can_call: bool) -> Vec<Finding> {
        if !can_call {
            return Vec::new();
        }
        let finding = |result| Finding::of(self.check, format!("dynamodb:{}", self.name), result);
        let is = self.is_as_it_must_be(client).await;
        let is_there = is.is_ok();
        let mut findings = vec![finding(is)];
        if !is_there {
            return findings;
        }
        if let Some(attribute) = self.schema.time_to_live {
            findings.push(finding(self.expires(attribute, client).await));
        }
        findings.extend(self.permissions(client).await);
        findings
    }

    /// Which of the calls may be made.
    pub(super) async fn permissions(&self, client: &Client) -> Vec<Finding> {
        let mut findings = Vec::new();
        for call in self.calls {
            let allowed = self.attempt(call, client).await;
            let allowed = allowed.map_err(|code| Wrong::call("dynamodb", call.action, &code));
            let allowed = allowed.map(|()| format!("{} is allowed", call.action));
            findings.push(Finding::of(self.check, format!("dynamodb:{}", self.name), allowed));
        }
        findings
    }

    async fn is_as_it_must_be(&self, client: &Client) -> Result<String, Wrong> {
        let key = self.key_text();
        let described = client.describe_table().table_name(&self.name).send().await;
        let described = described.map_err(|error| match CallFault::of(&error).code {
            code if code == "ResourceNotFoundException" => {
                Wrong::new("the table does not exist in this region", self.way_back(&key))
            }
            code if code == "ValidationException" => {
                Wrong::new("it is not a table name", format!("name a table in {}", self.variable))
            }
            code => Wrong::call("dynamodb", "dynamodb:DescribeTable", &code),
        })?;
        let table = described.table.unwrap_or_else(|| TableDescription::builder().build());
        let found = key_of(&table);
        if found != key {
            return Err(Wrong::new(
                format!("its key is {found}, it must be {key}"),
                format!("a key cannot be changed: create another table and name it in {}", self.variable),
            ));
        }
        match table.table_status() {
            // Both can be read and written.
            Some(TableStatus::Active | TableStatus::Updating) => {
                let is_protected = table.deletion_protection_enabled.unwrap_or_default();
                let protection = if is_protected { "" } else { ", not protected from deletion" };
                Ok(format!("active, key {key}{protection}"))
            }
            status => Err(Wrong::new(
                format!("it is {}", status.map_or("in no state", TableStatus::as_str)),
                "wait until it is ACTIVE",
            )),
        }
    }

    async fn expires(&self, expected: &str, client: &Client) -> Result<String, Wrong> {
        let answer = client.describe_time_to_live().table_name(&self.name).send().await;
        let answer = answer.map_err(|error| {
            Wrong::call("dynamodb", "dynamodb:DescribeTimeToLive", &CallFault::of(&error).code)
        })?;
        let found = answer.time_to_live_description();
        let is_on = found
            .and_then(|found| found.time_to_live_status())
            .is_some_and(|status| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
        let attribute = found.and_then(|found| found.attribute_name()).unwrap_or_default();
        if is_on && attribute == expected {
            return Ok(format!("time to live on {expected}"));
        }
        let what =
            if is_on { format!("time to live is on {attribute}") } else { "time to live is off".to_owned() };
        Err(Wrong::new(
            format!("{what}: rows are never deleted"),
            format!(
                "aws dynamodb update-time-to-live --table-name {} --time-to-live-specification \
                 Enabled=true,AttributeName={expected}",
                self.name
            ),
        ))
    }

    /// What to do about a table that is missing. One whose rows are a memory is restored before it is created.
    fn way_back(&self, key: &str) -> String {
        let create = format!("create it with the key {key}, or name another in {}", self.variable);
        match self.loss {
            None => create,
            Some(loss) => format!(
                "if there was one, restore it (docs/operations.md, \"A lost table\"): with an empty one {loss}; only if \
                 there never was one, {create}"
            ),
        }
    }

    fn key_text(&self) -> String {
        let keys: Vec<String> =
            self.schema.keys().map(|(key, _)| format!("{} ({})", key.name, key.kind.as_str())).collect();
        keys.join(", ")
    }

    /// A key like those of the table's rows.
    fn key(&self) -> impl Iterator<Item = (String, AttributeValue)> {
        self.schema.keys().map(|(key, _)| {
            let value = match key.kind {
                schema::Kind::N => AttributeValue::N("0".to_owned()),
                _ => AttributeValue::S(NO_ONE.to_owned()),
            };
            (key.name.to_owned(), value)
        })
    }
}

/// A table's key as [`Table::key_text`] writes it.
fn key_of(table: &TableDescription) -> String {
    let kind = |name: &str| {
        let definitions = table.attribute_definitions().iter();
        let kind = definitions.filter(|definition| definition.attribute_name() == name);
        kind.map(|definition| definition.attribute_type()).next().map_or("?", ScalarAttributeType::as_str)
    };
    // The partition key first, as a table's creator may have listed them in either order.
    let of = |role: KeyType| {
        let keys = table.key_schema().iter().filter(move |key| *key.key_type() == role);
        keys.map(|key| format!("{} ({})", key.attribute_name(), kind(key.attribute_name())))
    };
    of(KeyType::Hash).chain(of(KeyType::Range)).collect::<Vec<_>>().join(", ")
}

impl Table {
    /// Makes a call so that it changes nothing. The error is the code of a refusal for another reason than that.
    async fn attempt(&self, call: &Call, client: &Client) -> Result<(), String> {
        let name = &self.name;
        let key = || Some(self.key().collect());
        let partition_key = self.schema.partition_key.name;
        let code = match call.operation {
            "BatchGetItem" => {
                let keys = KeysAndAttributes::builder().keys(self.key().collect()).build();
                let keys = keys.map_err(|error| error.to_string())?;
                let call = client.batch_get_item().request_items(name, keys);
                call.send().await.err().map(|error| CallFault::of(&error).code)
            }
            "GetItem" => {
                let call = client.get_item().table_name(name).set_key(key());
                call.send().await.err().map(|error| CallFault::of(&error).code)
            }
            "PutItem" => {
                let call = client.put_item().table_name(name).set_item(key()).condition_expression(NEVER);
                let call = call.expression_attribute_names("#key", partition_key);
                call.send().await.err().map(|error| CallFault::of(&error).code)
            }
            "UpdateItem" => {
                let call = client.update_item().table_name(name).set_key(key()).condition_expression(NEVER);
                let call = call.expression_attribute_names("#key", partition_key);
                call.send().await.err().map(|error| CallFault::of(&error).code)
            }
            "DeleteItem" => {
                let call = client.delete_item().table_name(name).set_key(key()).condition_expression(NEVER);
                let call = call.expression_attribute_names("#key", partition_key);
                call.send().await.err().map(|error| CallFault::of(&error).code)
            }
            other => Some(format!("doctor has no way to try {other}").into()),
        };
        match code {
            None => Ok(()),
            Some(code) if code == "ConditionalCheckFailedException" => Ok(()),
            Some(code) => Err(code.into_owned()),
        }
    }
}
