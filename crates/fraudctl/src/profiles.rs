//! Customer profiles into a table.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::anyhow;
use aws_sdk_dynamodb::Client;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::Failure;
use crate::display::{counted, note, print_line, progress};
use crate::target::table_name;

mod rows;
mod table;

pub use rows::{BadRow, Row, read};
pub use table::{Item, write};

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Import(ImportArguments),
}

/// Import profiles from a CSV or NDJSON file into a DynamoDB table.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl profiles import customers.csv --to dynamodb:customer_profiles
  fraudctl profiles import customers.ndjson --to dynamodb:customer_profiles --json

A row has customer_id, and may have segment, lifetime_value and risk_score (0 to 1). A file whose name ends in .csv is read
as CSV with these names in its first line, any other as one JSON object a line. Good rows are written even where others
are bad; the same file again changes nothing.")]
pub struct ImportArguments {
    /// The profiles.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Where they go: `dynamodb:<table>`, whose key is customer_id.
    #[arg(long, value_name = "TARGET", value_parser = table_name)]
    to: String,
    /// The summary as a JSON object on standard output.
    #[arg(long)]
    json: bool,
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Import(arguments) => import(arguments).await,
    }
}

async fn import(arguments: &ImportArguments) -> Result<(), Failure> {
    let (rows, bad) = read_file(&arguments.input)?;
    for BadRow { line, message } in &bad {
        note!("line {line}: {message}");
    }
    if rows.is_empty() && bad.is_empty() {
        return Err(Failure::input(anyhow!("{} holds no profile", arguments.input.display())));
    }
    let client = Client::new(crate::aws::sdk().await?.config().await);
    let items = rows.into_iter().map(Row::into_item).collect();
    let bar = progress(None);
    let start = Instant::now();
    let written = write(&client, &arguments.to, items, |written| {
        bar.set_message(format!("{} written", counted(written, "profile")));
        bar.tick();
    })
    .await?;
    bar.finish_and_clear();
    if arguments.json {
        print_line(
            json!({ "written": written, "bad": bad.len(), "seconds": start.elapsed().as_secs_f64() }),
        )?;
    } else {
        let written = counted(written, "profile");
        print_line(format_args!("{written} written to {}, {} bad", arguments.to, bad.len()))?;
    }
    match bad.len() as u64 {
        0 => Ok(()),
        bad => Err(Failure::input(anyhow!("{} not imported, see above", counted(bad, "row")))),
    }
}

/// The good rows of a file, of each customer the last, and the bad ones.
fn read_file(path: &Path) -> Result<(Vec<Row>, Vec<BadRow>), Failure> {
    let (mut rows, mut bad): (Vec<Row>, Vec<BadRow>) = (Vec::new(), Vec::new());
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in read(path).map_err(Failure::input)? {
        match row {
            Ok(row) => match places.get(&row.customer_id).and_then(|&place| rows.get_mut(place)) {
                Some(earlier) => *earlier = row,
                None => {
                    places.insert(row.customer_id.clone(), rows.len());
                    rows.push(row);
                }
            },
            Err(row) => bad.push(row),
        }
    }
    Ok((rows, bad))
}
