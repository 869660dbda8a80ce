//! Checking a schema, alone and against a sample of what it is for.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use bytes::Bytes;
use clap::Args;
use fraud_aws::config::{SchemaError, SchemaSource};
use fraud_core::refusal::Refusal;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, FieldValue, Reading, TimeField, Transaction, TransactionReader};
use serde_json::{Value, json};

use crate::Failure;
use crate::display::{TOLD_EVERY, counted, note, print_line, progress, table};
use crate::input::{Input, Source};

/// This many records of a sample are shown; of the others only the refusals are counted.
const SHOWN: usize = 20;

/// Check a schema: everything that is wrong with it, and what it reads of a sample.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl schema check schemas/eventbridge.toml
  fraudctl schema check my-schema.toml sample.ndjson
  fraudctl schema check my-schema.toml sample.ndjson --json | jq '.refused'
  aws kinesis get-records ... | jq -r '.Records[].Data | @base64d' | fraudctl schema check my-schema.toml -

A sample is text with one record a line, as the producer sends it, or a CSV or Parquet file, each row a record. The first 20 are shown as they are read; all are read, and
those that would be refused are counted by reason. Every mapped name has a column; `?` is a value that no policy can use.

Exit status: 0 the schema works, 2 it does not, or a record of the sample is refused.")]
pub struct CheckSchemaArgs {
    /// The schema (TOML).
    #[arg(value_name = "FILE")]
    schema: PathBuf,
    /// Records as their producer sends them, one a line; `-` is standard input.
    #[arg(value_name = "SAMPLE|-")]
    sample: Option<PathBuf>,
    /// Print one JSON object: the schema's id and names, what is read of the sample's first records, and the counts.
    #[arg(long)]
    json: bool,
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
    if !arguments.json {
        print_line(format_args!("{} maps {}", schema.id(), names.join(", ")))?;
    }
    let checked = match &arguments.sample {
        Some(sample) => Some(check(&schema, records(sample)?)?),
        None => None,
    };
    if arguments.json {
        print_line(json(&schema, checked.as_ref()))?;
    } else if let Some(checked) = &checked {
        checked.show()?;
    }
    checked.map_or(Ok(()), |checked| checked.verdict())
}

/// What was read of a sample.
struct Checked {
    /// The names of what is read of each.
    columns: Vec<String>,
    /// The first records: their line, and what is read of them, or why they are refused.
    shown: Vec<(u64, Result<Vec<String>, String>)>,
    read: u64,
    refused: BTreeMap<Refused, u64>,
}

impl Checked {
    fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    fn show(&self) -> anyhow::Result<()> {
        let columns: Vec<&str> =
            ["line"].into_iter().chain(self.columns.iter().map(String::as_str)).collect();
        let mut shown = table(&columns, &["line", "amount"]);
        for (line, cells) in &self.shown {
            let cells = cells.clone().unwrap_or_else(|refusal| vec![refusal]);
            shown.add_row([line.to_string()].into_iter().chain(cells));
        }
        print_line(&shown)?;
        note!("{} read, {} refused", counted(self.read, "transaction"), counted(self.refusals(), "record"));
        for (refusal, count) in &self.refused {
            note!("{refusal}: {}", counted(*count, "record"));
        }
        Ok(())
    }

    fn verdict(&self) -> Result<(), Failure> {
        match (self.read, self.refusals()) {
            (0, 0) => Err(Failure::input(anyhow!("the sample holds no record"))),
            (_, 0) => Ok(()),
            (_, refusals) => {
                Err(Failure::input(anyhow!("{} of the sample refused", counted(refusals, "record"))))
            }
        }
    }
}

/// What `--json` prints. What is read is text, as a policy or a person would write it.
fn json(schema: &Schema, checked: Option<&Checked>) -> Value {
    let mut all = json!({ "schema": schema.id(), "maps": schema.names().collect::<Vec<_>>() });
    if let (Some(checked), Some(all)) = (checked, all.as_object_mut()) {
        let record = |(line, cells): &(u64, Result<Vec<String>, String>)| match cells {
            Ok(cells) => {
                let read = checked.columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
                json!({ "line": line, "read": read.collect::<BTreeMap<_, _>>() })
            }
            Err(refusal) => json!({ "line": line, "refused": refusal }),
        };
        let refused: BTreeMap<String, u64> =
            checked.refused.iter().map(|(refusal, count)| (refusal.to_string(), *count)).collect();
        all.insert("records".to_owned(), checked.shown.iter().map(record).collect());
        all.insert("read".to_owned(), checked.read.into());
        all.insert("refused".to_owned(), json!(refused));
    }
    all
}

/// Why nothing is read of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    Record(Refusal),
    /// It is no object.
    Row(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Record(refusal) => refusal.fmt(f),
            Refused::Row(fault) => f.write_str(fault),
        }
    }
}

/// A record of a sample: its line or row, and its bytes or why it has none.
type SampleRecord = (u64, Result<Bytes, String>);

/// The records of a sample: the rows of a CSV or Parquet file, else the lines, whatever is in them.
fn records(sample: &Path) -> Result<Box<dyn Iterator<Item = anyhow::Result<SampleRecord>>>, Failure> {
    if sample != Path::new("-")
        && let Ok(input) = Input::open(&[Source::File(sample.to_owned())])
        && !input.headers().is_empty()
    {
        return Ok(Box::new(input.map(|entry| {
            let entry = entry?;
            let bytes = entry.fault.map_or(Ok(entry.bytes), |fault| Err(fault.to_string()));
            Ok((entry.location.line, bytes))
        })));
    }
    let lines = lines(sample).map_err(Failure::input)?.split(b'\n').zip(1..);
    let record = |(line, number): (io::Result<Vec<u8>>, u64)| {
        let line = line.context("cannot read the sample")?;
        Ok((number, Ok(line.into())))
    };
    let is_blank = |record: &anyhow::Result<SampleRecord>| matches!(record, Ok((_, Ok(line))) if line.trim_ascii().is_empty());
    Ok(Box::new(lines.map(record).filter(move |record| !is_blank(record))))
}

/// The lines of a file, or of standard input.
fn lines(sample: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if sample == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let file = File::open(sample).with_context(|| format!("cannot read {}", sample.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

fn check(
    schema: &Schema,
    sample: impl Iterator<Item = anyhow::Result<SampleRecord>>,
) -> Result<Checked, Failure> {
    let further: Vec<&str> = schema.names().filter(|name| !CORE.contains(name)).collect();
    let asked = Asked { fields: further.iter().map(|name| (*name).to_owned()).collect(), ..Asked::default() };
    let reading = Reading::new(schema, &asked);
    let columns = CORE.iter().chain(&further).map(|name| (*name).to_owned()).collect();
    let mut shown = Vec::new();
    let (mut read, mut refused) = (0, BTreeMap::<Refused, u64>::new());
    let bar = progress(None);
    for (index, record) in sample.enumerate() {
        if (index as u64).is_multiple_of(TOLD_EVERY) {
            bar.tick();
            bar.set_message(counted(index as u64, "record"));
        }
        let (line, record) = record.map_err(Failure::input)?;
        let transaction = match &record {
            Ok(record) => TransactionReader::new(&reading).read(record).map_err(Refused::Record),
            Err(fault) => Err(Refused::Row(fault.clone())),
        };
        if index < SHOWN {
            let cells = transaction.as_ref().map(|transaction| cells(transaction, further.len()));
            shown.push((line, cells.map_err(ToString::to_string)));
        }
        match transaction {
            Ok(_) => read += 1,
            Err(refusal) => *refused.entry(refusal).or_default() += 1,
        }
    }
    bar.finish_and_clear();
    Ok(Checked { columns, shown, read, refused })
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
