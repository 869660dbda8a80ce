//! Checking a schema, alone and against a sample of what it is for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use fraud_aws::config::{SchemaError, SchemaSource};
use fraud_core::refusal::Refusal;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, FieldValue, Reading, TimeField, Transaction, TransactionReader};

use crate::Failure;
use crate::display::{counted, note, print_line, table};

/// This many records of a sample are shown; of the others only the refusals are counted.
const SHOWN: usize = 20;

/// Check a schema: everything that is wrong with it, and what it reads of a sample.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl schema check schemas/eventbridge.toml
  fraudctl schema check my-schema.toml sample.ndjson
  aws kinesis get-records ... | jq -r '.Records[].Data | @base64d' | fraudctl schema check my-schema.toml -

A sample is text with one record a line, as the producer sends it. The first 20 are shown as they are read; all are read, and
those that would be refused are counted by reason. Every mapped name has a column; `?` is a value that no policy can use.

Exit status: 0 the schema works, 2 it does not, or a record of the sample is refused.")]
pub struct CheckSchemaArgs {
    /// The schema (TOML).
    #[arg(value_name = "FILE")]
    schema: PathBuf,
    /// Records as their producer sends them, one a line; `-` is standard input.
    #[arg(value_name = "SAMPLE|-")]
    sample: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the schema or the sample cannot be used, or a record of the sample is refused.
pub(super) fn run(arguments: &CheckSchemaArgs) -> Result<(), Failure> {
    let schema = match (SchemaSource::File { path: arguments.schema.clone() }).load() {
        Ok(schema) => schema,
        Err(SchemaError::Invalid { path, error }) => {
            for mistake in error.mistakes() {
                note!("{}: {mistake}", path.display());
            }
            let mistakes = counted(error.mistakes().len() as u64, "mistake");
            return Err(Failure::input(anyhow!("{mistakes} in {}", path.display())));
        }
        Err(error) => return Err(Failure::input(error)),
    };
    let names: Vec<&str> = schema.names().collect();
    print_line(format_args!("{} maps {}", schema.id(), names.join(", ")))?;
    match &arguments.sample {
        Some(sample) => check(&schema, lines(sample).map_err(Failure::input)?),
        None => Ok(()),
    }
}

/// The lines of a file, or of standard input.
fn lines(sample: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if sample == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(sample).with_context(|| format!("cannot read {}", sample.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

fn check(schema: &Schema, sample: impl BufRead) -> Result<(), Failure> {
    let further: Vec<&str> = schema.names().filter(|name| !CORE.contains(name)).collect();
    let asked = Asked { fields: further.iter().map(|name| (*name).to_owned()).collect(), ..Asked::default() };
    let reading = Reading::new(schema, &asked);
    let columns: Vec<&str> = ["line"].into_iter().chain(CORE).chain(further.iter().copied()).collect();
    let mut shown = table(&columns, &["line", "amount"]);
    let (mut read, mut refused) = (0, BTreeMap::<Refusal, u64>::new());
    for (index, line) in sample.split(b'\n').enumerate() {
        let line = line.context("cannot read the sample").map_err(Failure::input)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let transaction = TransactionReader::new(&reading).read(&line);
        if index < SHOWN {
            let cells = match &transaction {
                Ok(transaction) => cells(transaction, further.len()),
                Err(refusal) => vec![refusal.to_string()],
            };
            shown.add_row([(index + 1).to_string()].into_iter().chain(cells));
        }
        match transaction {
            Ok(_) => read += 1,
            Err(refusal) => *refused.entry(refusal).or_default() += 1,
        }
    }
    print_line(&shown)?;
    let refusals: u64 = refused.values().sum();
    note!("{} read, {} refused", counted(read, "transaction"), counted(refusals, "record"));
    for (refusal, count) in &refused {
        note!("{refusal}: {}", counted(*count, "record"));
    }
    match (read, refusals) {
        (0, 0) => Err(Failure::input(anyhow!("the sample holds no record"))),
        (_, 0) => Ok(()),
        (_, refusals) => {
            Err(Failure::input(anyhow!("{} of the sample refused", counted(refusals, "record"))))
        }
    }
}

/// What is read of every transaction.
const CORE: [&str; 4] = fraud_core::fields::READ;

fn cells(transaction: &Transaction<'_>, further: usize) -> Vec<String> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let core = [
        text(transaction.transaction_id.as_deref()),
        text(transaction.customer_id.as_deref()),
        transaction.amount.digits.to_string(),
        match &transaction.event_time {
            TimeField::Known(time, _) => match time.hour {
                Some(hour) => format!("{}, {hour:02} h local", time.instant),
                None => format!("{}, no local time", time.instant),
            },
            TimeField::Missing => String::new(),
            TimeField::Unreadable => "unreadable".to_owned(),
        },
    ];
    let further = (0..further).map(|slot| match transaction.field(slot) {
        FieldValue::Absent => String::new(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) => text.into_owned(),
        FieldValue::Bool(value) => value.to_string(),
        FieldValue::Unusable => "?".to_owned(),
    });
    core.into_iter().chain(further).collect()
}
