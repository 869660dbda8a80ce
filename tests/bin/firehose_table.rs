//! A Firehose transform's response as a table for people.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{CellAlignment, Table};
use serde_json::Value;

/// The records of an event and what became of them, and the totals. `log` is what the function printed, log lines as
/// JSON: why a record failed and how many scores are high.
pub(crate) fn render(event: &str, response: &str, log: &str) -> anyhow::Result<String> {
    let event: Value = serde_json::from_str(event).context("the event is not JSON")?;
    let response: Value = serde_json::from_str(response).context("the response is not JSON")?;
    let records = response["records"].as_array().context("the response holds no `records`")?;
    let failures = failures(log);
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header([
        "record",
        "customer",
        "amount",
        "score",
        "reasons",
        "enrichment",
        "partition",
        "result",
    ]);
    for column in table.column_iter_mut().skip(2).take(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let mut totals: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, record) in records.iter().enumerate() {
        let result = record["result"].as_str().unwrap_or("?");
        *totals.entry(result).or_default() += 1;
        let line = if result == "Ok" { payload(record) } else { Value::Null };
        table.add_row([
            (index + 1).to_string(),
            text(&line["customer_id"]),
            text(&line["amount"]),
            text(&line["fraud_score"]),
            failures.get(&text(&record["recordId"])).cloned().unwrap_or_else(|| list(&line["fraud_reasons"])),
            text(&line["enrichment"]),
            partition(&record["metadata"]["partitionKeys"]),
            result.to_owned(),
        ]);
    }
    let sent = event["records"].as_array().map_or(0, Vec::len);
    let totals: Vec<String> = totals.iter().map(|(result, count)| format!("{count} {result}")).collect();
    Ok(format!(
        "{table}\n{sent} records in, {}; {} above the policy's threshold",
        totals.join(", "),
        high_scores(log)
    ))
}

/// The metric of that name.
fn high_scores(log: &str) -> u64 {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| line["HighScores"].as_u64()).sum()
}

/// The reason of each record that the function logged as not scored, by its id.
fn failures(log: &str) -> HashMap<String, String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = lines.filter(|line| line["fields"]["message"] == "record not scored");
    told.map(|line| (text(&line["fields"]["record_id"]), text(&line["fields"]["reason"]))).collect()
}

fn payload(record: &Value) -> Value {
    let data = record["data"].as_str().unwrap_or_default();
    let line = base64_simd::STANDARD.decode_to_vec(data).unwrap_or_default();
    serde_json::from_slice(&line).unwrap_or_default()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn list(value: &Value) -> String {
    value.as_array().map_or_else(String::new, |items| items.iter().map(text).collect::<Vec<_>>().join(" "))
}

fn partition(keys: &Value) -> String {
    match keys {
        Value::Null => String::new(),
        keys => format!(
            "{}-{}-{}T{}",
            text(&keys["year"]),
            text(&keys["month"]),
            text(&keys["day"]),
            text(&keys["hour"])
        ),
    }
}
