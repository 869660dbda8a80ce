//! The JSON schema of policies, for editors.

use clap::Args;
use fraud_core::entity::EntityKind;
use fraud_core::inputs::{Input, ValueType};
use fraud_core::policy::MAX_FACTORS;
use fraud_core::policy::keys::{self, Key};
use serde_json::{Map, Value, json};

use crate::Failure;
use crate::display::print_line;

/// Print the JSON schema of policies, for editors.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl policy schema > policy.schema.json

An editor with a TOML language server (taplo, Even Better TOML) completes and checks a policy whose first line is
  #:schema ./policy.schema.json")]
pub struct SchemaArgs {}

pub(super) fn run() -> Result<(), Failure> {
    Ok(print_line(text())?)
}

/// The schema, indented.
fn text() -> String {
    format!("{:#}", schema())
}

fn schema() -> Value {
    let mut schema = object(keys::POLICY);
    let head = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!("A policy of fraud-stream")),
    ];
    if let Some(members) = schema.as_object_mut() {
        members.extend(head.map(|(key, value)| (key.to_owned(), value)));
    }
    schema
}

/// An object with these keys and no other.
fn object(keys: &[Key]) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    })
}

fn property(key: &Key) -> Value {
    let mut property = match key.name {
        "name" => json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" }),
        "cap" | "prior_mean_amount" | "outlier_ratio" | "ordinary_below" => {
            json!({ "type": "number", "exclusiveMinimum": 0 })
        }
        "threshold" => json!({ "type": "number", "minimum": 0 }),
        "default_risk" => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        "history" => object(keys::HISTORY),
        "factors" => {
            json!({ "type": "array", "minItems": 1, "maxItems": MAX_FACTORS, "items": object(keys::FACTOR) })
        }
        "bands" => list(&[keys::BOUNDS, keys::BAND].concat()),
        "when" => list(&[keys::CONDITION, keys::BOUNDS].concat()),
        "input" => input(),
        "entity" => json!({ "enum": EntityKind::ALL.map(EntityKind::as_str) }),
        "on_list" => json!({ "type": "string", "pattern": "^[a-z0-9_]{1,64}$" }),
        "field" => json!({ "type": "string", "minLength": 1 }),
        "any_of" | "none_of" => {
            json!({ "type": "array", "minItems": 1, "items": { "type": "string", "maxLength": 256 } })
        }
        "is" => json!({ "type": "boolean" }),
        _ => json!({ "type": "number" }),
    };
    property["description"] = key.holds.into();
    property
}

fn list(keys: &[Key]) -> Value {
    json!({ "type": "array", "minItems": 1, "items": object(keys) })
}

/// The names of inputs, and those of members of a transaction.
fn input() -> Value {
    let names: Vec<String> =
        Input::named().map(|input| input.name().into_owned()).chain(["customer.risk".into()]).collect();
    debug_assert!(Input::of_name("customer.risk", ValueType::Number).is_some());
    json!({ "anyOf": [{ "enum": names }, { "type": "string", "pattern": "^field\\..+$" }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The schema that users find beside the examples; `fraudctl policy schema > policies/policy.schema.json` renews it.
    const COMMITTED: &str = include_str!("../../../../policies/policy.schema.json");

    #[test]
    fn the_committed_schema_is_the_one_that_the_code_gives() {
        assert_eq!(COMMITTED.trim_end(), text());
    }
}
