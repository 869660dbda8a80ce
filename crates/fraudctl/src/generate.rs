//! Transactions generated from a seed: customers with habits, merchants, day and night, and a share of labelled fraud. The
//! same seed gives the same bytes.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;

mod customer;
mod fraud;
mod random;
mod transaction;

pub use customer::Customer;
pub use fraud::FraudKind;
pub use transaction::{Label, Transaction};

use random::Random;

use crate::display::note;

/// Generate transactions, profiles and labels from a seed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl generate --count 50000 --seed 1 --transactions tx.ndjson --profiles profiles.json
  fraudctl generate --count 1000 --seed 2 --transactions tx.ndjson --profiles profiles.json --labels labels.ndjson")]
pub struct GenerateArgs {
    /// Generate this many transactions.
    #[arg(long, value_name = "N")]
    count: usize,
    /// The random seed: the same seed and count give the same files.
    #[arg(long, value_name = "S")]
    seed: u64,
    /// Write the transactions to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    transactions: PathBuf,
    /// Write the customers' profiles to this file, in the format of PROFILE_SOURCE=file:.
    #[arg(long, value_name = "FILE")]
    profiles: PathBuf,
    /// Write to this file which transactions are fraud, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

/// What a seed gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The customers; most have a profile.
    pub customers: Vec<Customer>,
    /// The transactions in the order of their event times.
    pub transactions: Vec<Transaction>,
}

/// The share of transactions that belong to a fraud, about.
const FRAUD_PERCENT: f64 = 1.0;

impl Dataset {
    /// Generates `count` transactions of one day, and two customers for every five of them.
    pub fn generate(count: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let customers: Vec<Customer> =
            (0..(count * 2).div_ceil(5)).map(|number| Customer::generate(number, &mut random)).collect();
        let mut transactions = Vec::with_capacity(count);
        let frauds = (count as f64 * FRAUD_PERCENT / 100.0).round() as usize;
        while transactions.len() < frauds {
            let Some(victim) = fraud::victim(&customers, &mut random) else { break };
            let room = frauds - transactions.len();
            transactions.extend(fraud::strike(victim, &mut random).into_iter().take(room));
        }
        while transactions.len() < count {
            let Some(customer) = random.pick(&customers) else { break };
            transactions.push(Transaction::usual(customer, &mut random));
        }
        transactions.sort_by_key(|transaction| transaction.second_of_day);
        for (number, transaction) in transactions.iter_mut().enumerate() {
            transaction.number = number;
        }
        Dataset { customers, transactions }
    }

    /// The transactions as NDJSON.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_transactions(&self, mut out: impl Write) -> std::io::Result<()> {
        self.transactions.iter().try_for_each(|transaction| writeln!(out, "{}", transaction.to_json()))
    }

    /// The profiles in the profile-file format.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_profiles(&self, mut out: impl Write) -> std::io::Result<()> {
        let profiles = self.customers.iter().filter_map(Customer::profile_line);
        let profiles: Vec<String> = profiles.collect();
        writeln!(out, "{{\n{}\n}}", profiles.join(",\n"))
    }

    /// Which transactions are fraud, as NDJSON.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write_labels(&self, mut out: impl Write) -> std::io::Result<()> {
        self.transactions.iter().try_for_each(|transaction| {
            let Label { transaction_id, kind } = transaction.label();
            let fraud = kind.is_some();
            let kind = kind.map(FraudKind::as_str);
            writeln!(out, "{}", json!({ "transaction_id": transaction_id, "fraud": fraud, "kind": kind }))
        })
    }
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be written.
pub fn run(arguments: &GenerateArgs) -> anyhow::Result<()> {
    let GenerateArgs { count, seed, transactions, profiles, labels } = arguments;
    let dataset = Dataset::generate(*count, *seed);
    write(transactions, |out| dataset.write_transactions(out))?;
    write(profiles, |out| dataset.write_profiles(out))?;
    if let Some(labels) = labels {
        write(labels, |out| dataset.write_labels(out))?;
    }
    let frauds = dataset.transactions.iter().filter(|transaction| transaction.fraud.is_some()).count();
    note!(
        "{} transactions of {} customers, {frauds} of them fraud, in {}",
        dataset.transactions.len(),
        dataset.customers.len(),
        transactions.display()
    );
    Ok(())
}

fn write(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<File>) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = BufWriter::new(file);
    content(&mut out).and_then(|()| out.flush()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
