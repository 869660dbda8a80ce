//! Entities into a table.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::anyhow;
use clap::Args;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::rows::{BadRow, Rows, Value};
use futures_util::StreamExt;
use serde_json::json;

use super::files::read;
use super::{Change, TableArgs};
use crate::Failure;
use crate::display::{counted, note, print_line, progress, thousands};
use crate::options::who;

/// Rows that are written at a time.
const AT_ONCE: usize = 16;

/// Import risks and lists of entities from a file into a DynamoDB table.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl entities import merchants.csv --table dynamodb:entities
  fraudctl entities import entities.ndjson.gz --table dynamodb:entities --by ana --json

Formats: CSV (with commas, semicolons, tabs or bars; its first line names `entity`, or `kind` and `id`, and `risk` (0 to 1),
`list_<name>`), one JSON object a line with these members, an array of such objects, {\"merchant/M0976\": {...}} as
ENTITY_SOURCE=file: takes it, and DynamoDB's export; also compressed with gzip. A list's value is the second since the epoch at
which the entity leaves it, 0 for never. What a row does not name stays as it is: no entity leaves a list by an import
(fraudctl lists remove). A row that the functions could not use is reported and not written; the other rows are written.
Importing the same file again changes nothing but changed_by and changed_at.

Exit status: 0 everything was written, 1 the table refused a write, 2 the file, or a row of it, is wrong.")]
pub struct ImportEntitiesArgs {
    /// The file of entities.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    #[command(flatten)]
    table: TableArgs,
    /// Who changes them; the default is the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the summary as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the file or a row of it is wrong; [`Failure::Failed`] if the table does not take them.
pub(super) async fn run(arguments: &ImportEntitiesArgs) -> Result<(), Failure> {
    let path = &arguments.input;
    let change = Change { by: who(arguments.by.as_deref())?, at: SystemClock.now() };
    let read = read(path)?;
    let (entities, bad) = judged(&read);
    for row in &bad {
        note!("{row}");
    }
    if entities.is_empty() && bad.is_empty() {
        return Err(Failure::input(anyhow!("{} holds no entity", path.display())));
    }
    let table = arguments.table.open().await?;
    let bar = progress(None);
    let start = Instant::now();
    let writes: Vec<_> =
        entities.iter().map(|(entity, attributes)| table.set(entity, attributes, &change)).collect();
    let mut writes = futures_util::stream::iter(writes).buffer_unordered(AT_ONCE);
    let mut written = 0;
    while let Some(outcome) = writes.next().await {
        outcome?;
        written += 1;
        bar.set_message(format!("{} written", entities_of(written)));
        bar.tick();
    }
    bar.finish_and_clear();
    if arguments.json {
        let seconds = start.elapsed().as_secs_f64();
        print_line(json!({ "written": written, "bad": bad.len(), "seconds": seconds }))?;
    } else {
        let (written, bad) = (entities_of(written), thousands(bad.len() as u64));
        print_line(format_args!("{written} written to {}, {bad} bad", table.name))?;
    }
    match bad.len() as u64 {
        0 => Ok(()),
        bad => Err(Failure::input(anyhow!("{} not written, see above", counted(bad, "row")))),
    }
}

fn entities_of(count: u64) -> String {
    match count {
        1 => "1 entity".to_owned(),
        count => format!("{} entities", crate::display::thousands(count)),
    }
}

/// The attributes to set of each entity, and the rows that cannot be used. Of an entity with several rows each attribute's
/// last value counts.
fn judged(rows: &Rows) -> (BTreeMap<&str, BTreeMap<String, String>>, Vec<BadRow>) {
    let mut bad = rows.bad.clone();
    let mut entities: BTreeMap<&str, BTreeMap<String, String>> = BTreeMap::new();
    for (place, row) in &rows.rows {
        let problem = match row.attributes.is_empty() {
            true => Some("it has neither `risk` nor a `list_<name>`".to_owned()),
            false => row.problem(),
        };
        if let Some(message) = problem {
            bad.push(BadRow { place: *place, message });
            continue;
        }
        let attributes = row.attributes.iter().filter_map(|(name, value)| match value {
            Value::Number(digits) => Some((name.clone(), digits.clone())),
            // No row without a problem has another value.
            _ => None,
        });
        entities.entry(&row.entity).or_default().extend(attributes);
    }
    bad.sort_by_key(|row| row.place);
    (entities, bad)
}
