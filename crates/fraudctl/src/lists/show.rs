//! What is on a list.

use aws_sdk_dynamodb::types::AttributeValue;
use clap::Args;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::table::{CHANGED_AT, CHANGED_BY, ENTITY, list_attribute};
use serde_json::json;

use super::list;
use crate::Failure;
use crate::display::{counted, note, print_line, progress, table};
use crate::entities::{EntityItem, TableArgs, time_of};

/// Show the entities on a list, until when, and who changed them last.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl lists show compromised --table dynamodb:entities
  fraudctl lists show compromised --table dynamodb:entities --json | jq -r .entity

The whole table is read: that takes a while for millions of rows, and is paid for by the row. Entities whose time on the list has
ended are shown, too, and say so.")]
pub struct ShowListArgs {
    /// The list.
    #[arg(value_name = "LIST", value_parser = list)]
    list: String,
    #[command(flatten)]
    table: TableArgs,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// An entity on the list.
struct Member {
    entity: String,
    /// When it leaves the list, or why that cannot be read.
    until: Result<Option<exact_text::timestamp::Timestamp>, String>,
    changed_by: String,
    changed_at: String,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] if the table is not said or cannot be read.
pub(super) async fn run(arguments: &ShowListArgs) -> Result<(), Failure> {
    let source = arguments.table.open().await?;
    let attribute = list_attribute(&arguments.list);
    let (mut members, now) = (Vec::new(), SystemClock.now());
    let bar = progress(None);
    let take = |item: EntityItem| {
        members.push(member(&item, &attribute));
        Ok(())
    };
    let read = source.having(&attribute, take, |read| {
        bar.set_message(format!("{} read", counted(read, "row")));
        bar.tick();
    });
    let read = read.await;
    bar.finish_and_clear();
    let read = read?;
    members.sort_by(|one, other| one.entity.cmp(&other.entity));
    let mut shown = table(&["entity", "until", "changed by", "changed at"], &[]);
    for Member { entity, until, changed_by, changed_at } in &members {
        let has_ended = matches!(until, Ok(Some(until)) if *until <= now);
        if arguments.json {
            let ends = until.as_ref().ok().and_then(|until| until.map(|until| until.to_string()));
            print_line(json!({
                "entity": entity,
                "until": ends,
                "is_on": until.is_ok() && !has_ended,
                "changed_by": changed_by,
                "changed_at": changed_at,
            }))?;
            continue;
        }
        let until = match until {
            Ok(None) => "without an end".to_owned(),
            Ok(Some(until)) if has_ended => format!("{until}, ended"),
            Ok(Some(until)) => until.to_string(),
            Err(error) => format!("cannot be used: {error}"),
        };
        shown.add_row([entity, &until, changed_by, changed_at]);
    }
    if !arguments.json {
        match members.is_empty() {
            true => print_line(format_args!("nothing is on the list {}", arguments.list))?,
            false => print_line(shown)?,
        }
    }
    note!("{} read", counted(read, "row"));
    Ok(())
}

fn member(item: &EntityItem, attribute: &str) -> Member {
    let text = |name| match item.get(name) {
        Some(AttributeValue::S(text)) => text.clone(),
        _ => String::new(),
    };
    let until = item.get(attribute).ok_or_else(|| "it is absent".to_owned());
    Member {
        entity: text(ENTITY),
        until: until.and_then(|until| time_of(until).map_err(|error| error.to_string())),
        changed_by: text(CHANGED_BY),
        changed_at: text(CHANGED_AT),
    }
}
