//! Profiles out of a table.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use aws_calls::fault::UNREADABLE_ANSWER;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use clap::Args;
use exact_text::json::ObjectWriter;
use fraud_aws::profiles::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};

use super::{ProfileItem, named_table};
use crate::Failure;
use crate::display::{counted, escaped, note, progress};

const COLUMNS: [&str; 4] = [CUSTOMER_ID, SEGMENT, LIFETIME_VALUE, RISK_SCORE];

/// Export the profiles of a DynamoDB table to a file or to standard output.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl profiles export --from dynamodb:customer_profiles > customers.ndjson
  fraudctl profiles export --from dynamodb:customer_profiles customers.csv

A file whose name ends in .csv is written as CSV, any other as one JSON object a line; `fraudctl profiles import` reads both.
Numbers keep their digits. Attributes that do not belong to a profile, or are neither text nor a number, are left out. The
whole table is read. The file appears under its name when it is complete.")]
pub struct ExportProfilesArgs {
    /// The file to write; the default is standard output.
    #[arg(value_name = "FILE")]
    output: Option<PathBuf>,
    /// The table of profiles: `dynamodb:<table>` [env: PROFILE_SOURCE]
    #[arg(long, value_name = "SOURCE")]
    from: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if no table is named; [`Failure::Failed`] if it cannot be read or the file cannot be written.
pub(super) async fn run(arguments: &ExportProfilesArgs) -> Result<(), Failure> {
    let ExportProfilesArgs { output, from } = arguments;
    let from = &named_table("--from", from.as_deref())?;
    let client = Client::new(crate::aws::sdk().await?.config().await);
    let Some(path) = output else {
        let mut rows = Rows::Ndjson(io::stdout());
        let exported = copy(&client, from, &mut rows).await?;
        note!("{} exported from {from}", counted(exported, "profile"));
        return Ok(());
    };
    let part = part_of(path);
    let cannot = || format!("cannot write {}", path.display());
    let file = BufWriter::new(File::create(&part).with_context(cannot)?);
    let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let mut rows =
        if is_csv { Rows::Csv(Box::new(csv::Writer::from_writer(file))) } else { Rows::Ndjson(file) };
    let exported = async {
        rows.begin().with_context(cannot)?;
        let exported = copy(&client, from, &mut rows).await?;
        rows.flush().with_context(cannot)?;
        fs::rename(&part, path).with_context(cannot)?;
        anyhow::Ok(exported)
    };
    match exported.await {
        Ok(exported) => {
            note!("{} exported from {from} to {}", counted(exported, "profile"), path.display());
            Ok(())
        }
        Err(error) => {
            // An incomplete file is of no use; the error that is reported is the one that matters.
            let _ = fs::remove_file(&part);
            Err(error.into())
        }
    }
}

/// Where a file is written until it is complete.
fn part_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}

/// Writes every profile of a table. Gives their number.
async fn copy<W: Write>(client: &Client, table: &str, rows: &mut Rows<W>) -> anyhow::Result<u64> {
    let bar = progress(None);
    let (mut exported, mut start) = (0, None);
    loop {
        let scan = client.scan().table_name(table).set_exclusive_start_key(start).send().await;
        let page = scan.with_context(|| format!("cannot read the table {table}"))?;
        let Some(items) = page.items else {
            anyhow::bail!("cannot read the table {table}: {UNREADABLE_ANSWER}")
        };
        for item in &items {
            match rows.write(item) {
                // A reader that has gone wants no more of it.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(exported),
                written => written.context("cannot write a profile")?,
            }
            exported += 1;
        }
        bar.set_message(counted(exported, "profile"));
        bar.tick();
        start = page.last_evaluated_key;
        if start.is_none() {
            bar.finish_and_clear();
            return Ok(exported);
        }
    }
}

/// What profiles are written to.
enum Rows<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Ndjson(W),
}

impl<W: Write> Rows<W> {
    fn begin(&mut self) -> io::Result<()> {
        match self {
            Rows::Csv(writer) => Ok(writer.write_record(COLUMNS)?),
            Rows::Ndjson(_) => Ok(()),
        }
    }

    fn write(&mut self, item: &ProfileItem) -> io::Result<()> {
        match self {
            Rows::Csv(writer) => {
                let fields = COLUMNS.map(|column| match item.get(column) {
                    Some(AttributeValue::S(text) | AttributeValue::N(text)) => text.as_str(),
                    _ => "",
                });
                Ok(writer.write_record(fields)?)
            }
            Rows::Ndjson(out) => writeln!(out, "{}", escaped(&json(item))),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Rows::Csv(writer) => writer.flush(),
            Rows::Ndjson(out) => out.flush(),
        }
    }
}

fn json(item: &ProfileItem) -> String {
    let mut object = ObjectWriter::new();
    for column in COLUMNS {
        match item.get(column) {
            Some(AttributeValue::S(text)) => drop(object.text(column, text)),
            Some(AttributeValue::N(digits)) => drop(object.json(column, digits)),
            _ => {}
        }
    }
    object.finish()
}
