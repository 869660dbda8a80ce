//! A customer's recent windows, as a service that reads the table sees them.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::aggregates::{AggregateStore, DynamoDbAggregates};
use fraud_aws::config::AggregatesTarget;
use fraud_core::window::WindowTotals;
use tokio::time::Instant;

use crate::Failure;
use crate::display::{print_line, table};
use crate::options::named;

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// Show a customer's recent five-minute windows.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl aggregates C000042 --table dynamodb:customer_aggregates
  fraudctl aggregates C000042 --table dynamodb:customer_aggregates --limit 3 --json")]
pub struct AggregatesArgs {
    /// The customer's id.
    #[arg(value_name = "CUSTOMER")]
    customer: String,
    /// The table of windows: `dynamodb:<table>` [env: AGGREGATES]
    #[arg(long, value_name = "TARGET")]
    table: Option<String>,
    /// Show at most this many windows, the newest first.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Print one JSON object a line, sums with all their digits.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if the table cannot be read.
pub async fn run(arguments: &AggregatesArgs) -> Result<(), Failure> {
    let AggregatesArgs { customer, table: named_table, limit, json } = arguments;
    let target = named("--table", "AGGREGATES", named_table.as_deref(), AggregatesTarget::from_environment)?;
    let AggregatesTarget::DynamoDb { table: name, .. } = target else {
        return Err(Failure::input(anyhow!("windows in the memory of another process cannot be read")));
    };
    // Reading does not care how long rows are kept.
    let store = DynamoDbAggregates::new(crate::aws::sdk().await?.config().await, &name, Duration::ZERO);
    let windows = store.recent(customer, usize::from(*limit), Instant::now() + LIMIT).await;
    let windows = windows.map_err(|fault| anyhow!("cannot read the table {name}: {fault}"))?;
    if *json {
        for window in &windows {
            print_line(window.to_json())?;
        }
        return Ok(());
    }
    if windows.is_empty() {
        return Ok(print_line("no windows of this customer")?);
    }
    let mut shown =
        table(&["from", "until", "count", "total", "average", "exact"], &["count", "total", "average"]);
    for window in &windows {
        shown.add_row([
            window.window.start().to_string(),
            window.window.end().to_string(),
            window.event_count.to_string(),
            window.total_amount.to_string(),
            window.avg_amount().to_string(),
            exactness(window).to_owned(),
        ]);
    }
    Ok(print_line(shown)?)
}

fn exactness(window: &WindowTotals) -> &'static str {
    match (window.sum_complete, window.dedup_complete) {
        (true, true) => "yes",
        (false, true) => "no: an amount of 1e18 or more was left out of the total",
        (true, false) => "no: a repetition may have counted",
        (false, false) => {
            "no: a repetition may have counted, and an amount of 1e18 or more was left out of the total"
        }
    }
}
