//! What the table has of entities.

use anyhow::anyhow;
use aws_sdk_dynamodb::types::AttributeValue;
use clap::Args;
use exact_text::json::{ObjectWriter, is_number};
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::table::{CHANGED_AT, CHANGED_BY, RISK, list_of};

use super::{EntityItem, TableArgs, entity, time_of};
use crate::Failure;
use crate::display::{note, print_line, table};

/// Show what is known of entities: risk, lists, and who changed it last.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl entities show merchant/M0976 --table dynamodb:entities
  fraudctl entities show device/d-1 card/4242 --table dynamodb:entities --json

Exit status: 0 something is known of each, 1 not of each, or the table cannot be read.")]
pub struct ShowEntitiesArgs {
    /// The entities, such as merchant/M0976; kinds are customer, merchant, device, card and ip.
    #[arg(value_name = "KIND/ID", required = true, value_parser = entity)]
    entities: Vec<String>,
    #[command(flatten)]
    table: TableArgs,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the table is not said or cannot be read, or if nothing is known of an entity.
pub(super) async fn run(arguments: &ShowEntitiesArgs) -> Result<(), Failure> {
    let source = arguments.table.open().await?;
    let mut shown = table(&["entity", "risk", "lists", "changed by", "changed at"], &["risk"]);
    let mut unknown = Vec::new();
    let (mut known, now) = (0, SystemClock.now());
    for entity in &arguments.entities {
        match source.row(entity).await? {
            None => unknown.push(entity.as_str()),
            Some(row) if arguments.json => print_line(json(entity, &row))?,
            Some(row) => {
                known += 1;
                let text = |name| row.get(name).map(text_of).unwrap_or_default();
                let lists: Vec<_> =
                    lists(&row).into_iter().map(|(name, until)| list(name, until, now)).collect();
                shown.add_row([
                    entity.clone(),
                    text(RISK),
                    lists.join("; "),
                    text(CHANGED_BY),
                    text(CHANGED_AT),
                ]);
            }
        }
    }
    if known > 0 {
        print_line(shown)?;
    }
    for entity in &unknown {
        note!("nothing is known of {entity}");
    }
    match unknown.len() {
        0 => Ok(()),
        _ => Err(anyhow!("nothing is known of {} of {}", unknown.len(), arguments.entities.len()).into()),
    }
}

/// The lists of a row, in order.
fn lists(row: &EntityItem) -> Vec<(&str, &AttributeValue)> {
    let mut lists: Vec<_> = row.iter().filter_map(|(name, until)| Some((list_of(name)?, until))).collect();
    lists.sort_by_key(|(name, _)| *name);
    lists
}

fn list(name: &str, until: &AttributeValue, now: Timestamp) -> String {
    match time_of(until) {
        Ok(None) => name.to_owned(),
        Ok(Some(until)) if until <= now => format!("{name} (ended {until})"),
        Ok(Some(until)) => format!("{name} (until {until})"),
        Err(error) => format!("{name} (cannot be used: {error})"),
    }
}

fn text_of(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

/// A row as a file of entities has it.
fn json(entity: &str, row: &EntityItem) -> String {
    let mut object = ObjectWriter::new();
    object.text("entity", entity);
    let mut attributes: Vec<_> = row.iter().filter(|(name, _)| *name != "entity").collect();
    attributes.sort_by_key(|(name, _)| *name);
    for (name, value) in attributes {
        match value {
            AttributeValue::N(digits) if is_number(digits) => drop(object.json(name, digits)),
            value => drop(object.text(name, &text_of(value))),
        }
    }
    object.finish()
}
