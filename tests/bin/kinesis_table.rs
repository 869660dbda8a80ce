//! What a Kinesis function made of an event, as tables for people.

use anyhow::Context;
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use serde_json::Value;

/// The alerts and dead letters that a function printed, and its answer.
pub(crate) fn render(response: &str, messages: &[String]) -> anyhow::Result<String> {
    let response: Value = serde_json::from_str(response).context("the response is not JSON")?;
    let messages: Vec<Value> = messages.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of =
        |member: &str| messages.iter().filter(|message| message.get(member).is_some()).collect::<Vec<_>>();
    let (alerts, letters) = (of("alert_id"), of("reason"));
    let mut out = String::new();
    if !alerts.is_empty() {
        let columns = ["alert_id", "transaction_amount", "fraud_score", "reasons", "enrichment", "timestamp"];
        out += &format!("{}\n", table(&columns, &alerts));
    }
    if !letters.is_empty() {
        out += &format!("{}\n", table(&["id", "reason", "size", "arrival"], &letters));
    }
    let failures =
        response["batchItemFailures"].as_array().context("the response holds no `batchItemFailures`")?;
    let again = failures.first().map_or("nothing comes again".to_owned(), |failure| {
        format!("from {} on all comes again", text(&failure["itemIdentifier"]))
    });
    Ok(format!("{out}{} alerts, {} dead letters; {again}", alerts.len(), letters.len()))
}

fn table(columns: &[&str], rows: &[&Value]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_BORDERS_ONLY);
    table.set_header(columns);
    for row in rows {
        table.add_row(columns.iter().map(|column| text(&row[*column])));
    }
    table
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(reasons) => {
            reasons.iter().map(|reason| text(&reason["name"])).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}
