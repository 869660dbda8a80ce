//! What a customer's row says.

use anyhow::anyhow;
use clap::Args;
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::history::HistoryRow;
use fraud_core::history::History;

use super::TableArgs;
use crate::Failure;
use crate::display::print_line;

mod json;
mod text;

const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;

/// Show what is remembered of a customer: totals by week and day, and each transaction with the inputs that it was decided with.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl history show C000042 --table dynamodb:customer_history
  fraudctl history show C000042 --table dynamodb:customer_history --json | jq '.entries[-1].inputs'

Inputs are those of policies, stored as counts and sums: means, ratios and scores follow from them and the policy. Amounts have
four decimals, times are in UTC. `forgotten until` is the arrival up to which a record that is not among the transactions is
never taken in again. Values of entities are stored under a hash of the input's name.

Exit status: 0 the row is shown, 1 there is none, it cannot be read, or the table does not answer.")]
pub struct ShowHistoryArgs {
    /// The customer's id.
    #[arg(value_name = "CUSTOMER")]
    customer: String,
    #[command(flatten)]
    table: TableArgs,
    /// Print the row as a JSON object.
    #[arg(long)]
    json: bool,
}

/// A row that can be read, as it is shown.
struct Shown<'a> {
    customer: &'a str,
    row: &'a HistoryRow,
    history: &'a History,
    now: Timestamp,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if no table is said; [`Failure::Failed`] if it cannot be read or has no row of the customer, or the row
/// cannot be read.
pub(super) async fn run(arguments: &ShowHistoryArgs) -> Result<(), Failure> {
    let ShowHistoryArgs { customer, table, json } = arguments;
    let row = table.open().await?.row(customer).await?;
    let history = row.history.as_ref().map_err(|fault| {
        let version = row.version.map_or_else(|| "unknown".to_owned(), |version| version.to_string());
        anyhow!(
            "the history of {customer} cannot be read: {fault} (version {version}, {} bytes); a later release may read it, \
             and `fraudctl history delete` ends it",
            row.bytes
        )
    })?;
    let shown = Shown { customer, row: &row, history, now: SystemClock.now() };
    match json {
        true => print_line(shown.json())?,
        false => shown.print()?,
    }
    Ok(())
}

impl Shown<'_> {
    /// Days since the first transaction, of now.
    fn days_known(&self) -> Option<i64> {
        let first = self.history.first_event_time()?;
        Some((self.now.millis().div_euclid(1000).saturating_sub(first)).max(0) / DAY)
    }

    fn newest_arrival(&self) -> Option<Timestamp> {
        self.history.now().map(|now| Timestamp::saturating_from_millis(now.arrival))
    }

    fn forgotten_until(&self) -> Option<Timestamp> {
        self.history.gone().map(|gone| Timestamp::saturating_from_millis(gone.arrival))
    }
}

/// An instant of seconds since the epoch.
fn second(seconds: i64) -> Timestamp {
    Timestamp::saturating_from_millis(seconds.saturating_mul(1000))
}

/// The date of a second since the epoch.
fn date(seconds: i64) -> String {
    second(seconds).to_string().chars().take(10).collect()
}

/// An amount of ten-thousandths with its four decimals.
fn amount(ten_thousandths: i64) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let digits = ten_thousandths.unsigned_abs();
    format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_its_four_decimals() {
        let shown = [0, 5, 125_000, -1, -125_000, i64::MAX, i64::MIN].map(amount);
        let expected = [
            "0.0000",
            "0.0005",
            "12.5000",
            "-0.0001",
            "-12.5000",
            "922337203685477.5807",
            "-922337203685477.5808",
        ];
        assert_eq!(shown, expected);
    }
}
