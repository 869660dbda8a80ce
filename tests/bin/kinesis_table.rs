//! What a Kinesis function made of an event, as tables for people.

use anyhow::Context;
use comfy_table::Table;
use comfy_table::presets::UTF8_BORDERS_ONLY;
use serde_json::Value;

/// What a function prints, how it is counted, and what of it is shown.
struct Kind {
    /// The member that tells it from the others.
    known_by: &'static str,
    one: &'static str,
    many: &'static str,
    columns: &'static [&'static str],
}

const ALERTS: Kind = Kind {
    known_by: "alert_id",
    one: "alert",
    many: "alerts",
    columns: &["alert_id", "transaction_amount", "fraud_score", "reasons", "enrichment", "timestamp"],
};
/// Totals of customers' windows: a line each time that they change.
const WINDOWS: Kind = Kind {
    known_by: "event_window_start",
    one: "window",
    many: "windows",
    columns: &[
        "customer_id",
        "event_count",
        "total_amount",
        "avg_amount",
        "event_window_start",
        "event_window_end",
    ],
};
const DEAD_LETTERS: Kind = Kind {
    known_by: "reason",
    one: "dead letter",
    many: "dead letters",
    columns: &["id", "reason", "size", "arrival"],
};

/// What the function `function` printed, and its answer.
pub(crate) fn render(function: &str, response: &str, messages: &[String]) -> anyhow::Result<String> {
    let response: Value = serde_json::from_str(response).context("the response is not JSON")?;
    let messages: Vec<Value> = messages.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let made = if function == "customer-analytics" { WINDOWS } else { ALERTS };
    let (mut out, mut counts) = (String::new(), Vec::new());
    for Kind { known_by, one, many, columns } in [made, DEAD_LETTERS] {
        let rows: Vec<_> = messages.iter().filter(|message| message.get(known_by).is_some()).collect();
        if !rows.is_empty() {
            out += &format!("{}\n", table(columns, &rows));
        }
        counts.push(format!("{} {}", rows.len(), if rows.len() == 1 { one } else { many }));
    }
    let failures =
        response["batchItemFailures"].as_array().context("the response holds no `batchItemFailures`")?;
    let retried = match failures.first() {
        None => "nothing to retry".to_owned(),
        Some(failure) => format!("to retry from {} on", text(&failure["itemIdentifier"])),
    };
    Ok(format!("{out}{}; {retried}", counts.join(", ")))
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: &str = r#"{"batchItemFailures":[]}"#;

    #[test]
    fn each_function_is_shown_with_what_it_makes() {
        let messages = [
            r#"{"customer_id":"C1","event_count":2,"total_amount":10.50,"avg_amount":5.25,"event_window_start":"a","event_window_end":"b"}"#,
            r#"{"id":"C1/T1","reason":"not_json","size":3,"arrival":"c"}"#,
        ]
        .map(str::to_owned);
        let analytics = render("customer-analytics", NOTHING, &messages).unwrap();
        assert!(analytics.ends_with("1 window, 1 dead letter; nothing to retry"), "{analytics}");
        assert!(analytics.contains("C1") && analytics.contains("not_json"), "{analytics}");
        let alerts = [r#"{"alert_id":"C1/T1","reasons":[{"name":"amount"},{"name":"risk"}]}"#.to_owned()];
        let retried = r#"{"batchItemFailures":[{"itemIdentifier":"49"}]}"#;
        let alerting = render("kinesis-alerts", retried, &alerts).unwrap();
        assert!(alerting.ends_with("1 alert, 0 dead letters; to retry from 49 on"), "{alerting}");
        assert!(alerting.contains("amount risk"), "{alerting}");
    }
}
