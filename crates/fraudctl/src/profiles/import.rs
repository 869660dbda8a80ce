//! Profiles into a table.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::anyhow;
use aws_sdk_dynamodb::Client;
use clap::Args;
use fraud_aws::profiles::rows::{BadRow, Row, Rows};
use serde_json::json;

use super::files::{item, last_of_each, read};
use super::{named_table, write};
use crate::Failure;
use crate::display::{counted, note, print_line, progress, thousands};
use crate::row_notes::tell_left_out;

/// Import profiles from a file into a DynamoDB table.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl profiles import customers.csv --to dynamodb:customer_profiles
  fraudctl profiles import customers.ndjson.gz --to dynamodb:customer_profiles --json

Formats: CSV (with commas, semicolons, tabs or bars; its first line names customer_id and may name segment, lifetime_value and
risk_score, 0 to 1), one JSON object a line with these members, an array of such objects, {\"<customer_id>\": {...}} as
`fraudctl generate` writes it, and DynamoDB's export; also compressed with gzip. The content decides, not the name.
A row that the functions could not use is reported and not written; the other rows are written. If a customer has several
rows, the last one counts. Importing the same file again changes nothing.

Exit status: 0 everything was written, 1 the table refused a write, 2 the file, or a row of it, is wrong.")]
pub struct ImportProfilesArgs {
    /// The file of profiles.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// The table to write: `dynamodb:<table>`, whose key is customer_id [env: PROFILE_SOURCE]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the file or a row of it is wrong; [`Failure::Failed`] if the table does not take them.
pub(super) async fn run(arguments: &ImportProfilesArgs) -> Result<(), Failure> {
    let to = named_table("--to", arguments.to.as_deref())?;
    let path = &arguments.input;
    let read = read(path)?;
    tell_left_out(path, &read.left_out, "a profile");
    let (good, bad) = judged(&read);
    for row in &bad {
        note!("{row}");
    }
    if good.is_empty() && bad.is_empty() {
        return Err(Failure::input(anyhow!("{} holds no profile", path.display())));
    }
    let profiles = last_of_each(good.iter().copied());
    let replaced = (good.len() - profiles.len()) as u64;
    if replaced > 0 {
        note!("{} of a customer that has a later one: the last counts", counted(replaced, "row"));
    }
    let items = profiles.into_iter().map(item).collect();
    let client = Client::new(crate::aws::sdk().await?.config().await);
    let bar = progress(None);
    let start = Instant::now();
    let written = write(&client, &to, items, |written| {
        bar.set_message(format!("{} written", counted(written, "profile")));
        bar.tick();
    })
    .await?;
    bar.finish_and_clear();
    if arguments.json {
        let seconds = start.elapsed().as_secs_f64();
        print_line(
            json!({ "written": written, "bad": bad.len(), "replaced": replaced, "seconds": seconds }),
        )?;
    } else {
        let (written, bad) = (counted(written, "profile"), thousands(bad.len() as u64));
        print_line(format_args!("{written} written to {to}, {bad} bad"))?;
    }
    match bad.len() as u64 {
        0 => Ok(()),
        bad => Err(Failure::input(anyhow!("{} not imported, see above", counted(bad, "row")))),
    }
}

/// The rows that can be used, and those that cannot, by their places.
fn judged(rows: &Rows) -> (Vec<&Row>, Vec<BadRow>) {
    let mut bad = rows.bad.clone();
    let mut good = Vec::new();
    for (place, row) in &rows.rows {
        match row.problem() {
            None => good.push(row),
            Some(message) => bad.push(BadRow { place: *place, message }),
        }
    }
    bad.sort_by_key(|bad| bad.place);
    (good, bad)
}
