//! Transactions generated from a seed: customers with habits, merchants, day and night, and a share of labelled fraud. The
//! same seed gives the same bytes.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

mod customer;
mod day;
mod fraud;
mod label;
mod months;
mod out_file;
mod random;
mod transaction;

pub use customer::Customer;
pub use day::Dataset;
pub use fraud::FraudKind;
pub use label::Label;
pub use months::{Months, MonthsArgs, MonthsSettings};
pub use transaction::Transaction;

use crate::display::{counted, note, progress, thousands};

use out_file::OutFile;

/// Generate transactions, profiles and labels from a seed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl generate --count 50000 --seed 1 --transactions tx.ndjson --profiles profiles.json
  fraudctl generate --count 1000 --seed 2 --transactions tx.ndjson --profiles profiles.json --labels labels.ndjson
  fraudctl generate --count 1000 --transactions - | fraudctl score -
  fraudctl generate --days 183 --customers 5000 --merchants 10000 --transactions tx.ndjson --profiles profiles.json --labels labels.ndjson

--count gives transactions of one day, with frauds that the built-in policy is made for. --days gives a past, in the order of the
event times: customers with habits, and the frauds of the Fraud Detection Handbook's simulator (amounts above 220, merchants
and cards that are compromised for weeks) with bursts of card testing, together about 0.8 % of the transactions. Labels name
the frauds, each with the time at which it was reported; a transaction without a label is legitimate.")]
pub struct GenerateArgs {
    /// Generate this many transactions of one day.
    #[arg(long, value_name = "N", required_unless_present = "days")]
    count: Option<usize>,
    #[command(flatten)]
    months: MonthsArgs,
    /// The random seed: the same seed and options give the same files.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Write the transactions to this file, one JSON object a line; `-` is standard output.
    #[arg(long, value_name = "FILE|-")]
    transactions: PathBuf,
    /// Write the customers' profiles to this file, in the format of PROFILE_SOURCE=file:.
    #[arg(long, value_name = "FILE|-")]
    profiles: Option<PathBuf>,
    /// Write to this file which transactions are fraud, one JSON object a line.
    #[arg(long, value_name = "FILE|-")]
    labels: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be written.
pub fn run(arguments: &GenerateArgs) -> anyhow::Result<()> {
    let seed = arguments.seed;
    let mut profiles = arguments.profiles.as_deref().map(OutFile::create).transpose()?;
    let (customers, summary) = match arguments.months.settings(seed) {
        Some(settings) => {
            let months = Months::new(settings);
            if let Some(profiles) = &mut profiles {
                profiles.write(|out| months.write_profiles(out))?;
            }
            (u64::from(settings.customers), write(arguments, seed, months)?)
        }
        None => {
            let dataset = Dataset::generate(arguments.count.unwrap_or_default(), seed);
            if let Some(profiles) = &mut profiles {
                profiles.write(|out| dataset.write_profiles(out))?;
            }
            (dataset.customers.len() as u64, write(arguments, seed, dataset.transactions.into_iter())?)
        }
    };
    profiles.map(OutFile::finish).transpose()?;
    note!(
        "{} of {}, {} of them fraud, in {}",
        counted(summary.transactions, "transaction"),
        counted(customers, "customer"),
        thousands(summary.frauds),
        out_file::named(&arguments.transactions)
    );
    Ok(())
}

/// What was written.
#[derive(Debug, Default)]
struct Summary {
    transactions: u64,
    frauds: u64,
}

/// Writes transactions, and labels if they are wanted, one by one as they are generated.
fn write(
    arguments: &GenerateArgs,
    seed: u64,
    transactions: impl Iterator<Item = Transaction>,
) -> anyhow::Result<Summary> {
    let mut lines = OutFile::create(&arguments.transactions)?;
    let mut labels = arguments.labels.as_deref().map(OutFile::create).transpose()?;
    let mut summary = Summary::default();
    let bar = progress(None);
    for transaction in transactions {
        if summary.transactions.is_multiple_of(4096) {
            bar.set_message(counted(summary.transactions, "transaction"));
            bar.tick();
        }
        lines.write(|out| writeln!(out, "{}", transaction.to_json()))?;
        summary.transactions += 1;
        let Some(label) = Label::of(&transaction, seed) else { continue };
        summary.frauds += 1;
        if let Some(labels) = &mut labels {
            labels.write(|out| writeln!(out, "{}", label.to_json()))?;
        }
    }
    bar.finish_and_clear();
    labels.map(OutFile::finish).transpose()?;
    lines.finish()?;
    Ok(summary)
}

#[cfg(test)]
mod tests;
