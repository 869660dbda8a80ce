//! Merchants' transactions, counted by a query over the lake.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Args;
use fraud_aws::entities::parse_key;
use serde_json::json;

use super::counted::Counted;
use super::days::{Days, day};
use super::target::tell_through;
use super::{CountsArgs, days};
use crate::Failure;
use crate::display::{counted, note, print_line, progress, thousands};
use crate::input::read_file;
use crate::interrupt::Interrupt;

/// The columns of the query's result.
const COLUMNS: [&str; 3] = ["merchant_id", "day", "transactions"];
/// This many rows that cannot be used are reported one by one; the others are counted.
const REFUSED_TOLD: usize = 10;

/// Set merchants' transactions by day to what a query over the lake counted.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aws s3 cp s3://$RESULTS/$QUERY.csv counts.csv
  fraudctl merchants import counts.csv --from 2026-01-01 --through 2026-01-31 --to dynamodb:entities

The file is the result of the query \"Merchants' transactions\" in docs/queries.md: CSV with the columns merchant_id, day (as
2026-01-15) and transactions. It must have all counts of the days --from to --through. As `merchants count`, which counts the same
from files.

Exit status: 0 done, 1 interrupted or the table refused, 2 the file, a row or the days are wrong: nothing is written then.")]
pub struct ImportCountsArgs {
    /// The result of the query.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    counts: CountsArgs,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the file, a row of it or the days are wrong; [`Failure::Failed`] if the table does not take the counts.
pub(super) async fn run(arguments: &ImportCountsArgs) -> Result<(), Failure> {
    let days = arguments.counts.days()?;
    let bytes = read_file(&arguments.input).map_err(Failure::input)?;
    let read = read(&bytes, days).with_context(|| format!("cannot read {}", arguments.input.display()));
    let Rows { counts, other_days, wrong } = read.map_err(Failure::input)?;
    for wrong in wrong.iter().take(REFUSED_TOLD) {
        note!("{}: {wrong}", arguments.input.display());
    }
    if !wrong.is_empty() {
        let rows = counted(wrong.len() as u64, "row");
        return Err(Failure::input(anyhow!("{rows} not used, see above: nothing is written")));
    }
    let mut target = arguments.counts.open().await?;
    let (interrupt, bar) = (Interrupt::listen(), progress(None));
    let set = target.set(&counts, days, &interrupt, |merchants| {
        bar.set_message(format!("{} written", counted(merchants, "merchant")));
        bar.tick();
    });
    let set = set.await;
    bar.finish_and_clear();
    set?;
    if interrupt.has_come() {
        return Err(anyhow!("interrupted: run it again, which sets the same counts").into());
    }
    let through = target.finish(days).await?;
    if arguments.json {
        return Ok(print_line(json!({
            "from": days::text(days.from),
            "through": days::text(days.through),
            "merchants": counts.merchants(),
            "transactions": counts.transactions(),
            "other_days": other_days,
            "counted_through": through.map(days::text),
        }))?);
    }
    print_line(format_args!(
        "{} of {}, {} to {}; {} rows of other days left out",
        counted(counts.transactions(), "transaction"),
        counted(counts.merchants(), "merchant"),
        days::text(days.from),
        days::text(days.through),
        thousands(other_days)
    ))?;
    Ok(tell_through(days, through)?)
}

/// What the file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rows {
    counts: Counted,
    other_days: u64,
    wrong: Vec<String>,
}

/// # Errors
/// If the file is not CSV with the columns.
fn read(bytes: &[u8], days: Days) -> anyhow::Result<Rows> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers()?.clone();
    let places =
        COLUMNS.map(|column| header.iter().position(|name| name.trim_start_matches('\u{feff}') == column));
    let [Some(merchant), Some(of_day), Some(transactions)] = places else {
        anyhow::bail!("its first line must name the columns {}", COLUMNS.join(", "));
    };
    let mut rows = Rows::default();
    for record in reader.records() {
        let record = record?;
        let field = |place: usize| record.get(place).unwrap_or_default();
        let line = record.position().map_or(0, csv::Position::line);
        let is_merchant = parse_key(&format!("merchant/{}", field(merchant))).is_some();
        match (is_merchant, day(field(of_day)), field(transactions).parse::<u32>()) {
            (true, Ok(day), Ok(count)) if days.contain(day) => rows.counts.add(field(merchant), day, count),
            (true, Ok(_), Ok(_)) => rows.other_days += 1,
            (false, ..) => rows.wrong.push(format!("line {line}: `merchant_id` is empty or too long")),
            (_, Err(wrong), _) => rows.wrong.push(format!("line {line}: `day`: {wrong}")),
            (.., Err(_)) => rows.wrong.push(format!("line {line}: `transactions` is not a whole number")),
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAYS: Days = Days { from: 20_468, through: 20_469, first_kept: 20_000 };

    #[test]
    fn rows_are_read_by_the_columns_names_and_all_that_is_wrong_is_told() {
        let csv = "\u{feff}\"day\",\"merchant_id\",\"transactions\"\n2026-01-15,\"M,1\",12\n2026-01-17,M1,4\n\
                   2026-01-16,M2,-1\nsoon,M2,1\n2026-01-16,,1\n";
        let rows = read(csv.as_bytes(), DAYS).unwrap();
        let mut counts = Counted::default();
        counts.add("M,1", 20_468, 12);
        assert_eq!((rows.counts, rows.other_days), (counts, 1));
        let expected = [
            "line 4: `transactions` is not a whole number",
            "line 5: `day`: a day is written as 2026-01-15",
            "line 6: `merchant_id` is empty or too long",
        ];
        assert_eq!(rows.wrong, expected);
        assert!(read(b"merchant,day,n\n", DAYS).is_err());
    }
}
