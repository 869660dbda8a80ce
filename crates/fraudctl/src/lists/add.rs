//! Entities onto a list.

use std::collections::BTreeMap;

use anyhow::anyhow;
use clap::Args;
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::table::list_attribute;
use serde_json::json;

use super::list;
use crate::Failure;
use crate::display::print_line;
use crate::entities::{Change, TableArgs, entity};
use crate::options::who;
use crate::reading::time;

/// Put entities on a list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl lists add compromised merchant/M0976 device/d-1 --table dynamodb:entities
  fraudctl lists add trusted customer/C000042 --days 30 --by ana --table dynamodb:entities

The functions know of it when what they remember of the entity is too old: within PROFILE_CACHE_SECONDS (60). Who is on the
list already stays on it, with the new end. A list exists as soon as something is on it; a policy asks for it by its name
(on_list).")]
pub struct AddToListArgs {
    /// The list: lower-case letters, digits and _.
    #[arg(value_name = "LIST", value_parser = list)]
    list: String,
    /// The entities, such as merchant/M0976; kinds are customer, merchant, device, card and ip.
    #[arg(value_name = "KIND/ID", required = true, value_parser = entity)]
    entities: Vec<String>,
    /// When they leave the list; the default is never.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "days")]
    until: Option<Timestamp>,
    /// The same, this many days from now.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: Option<u32>,
    #[command(flatten)]
    table: TableArgs,
    /// Who puts them there; the default is the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if the end is past or nobody is named; [`Failure::Failed`] if the table does not take it.
pub(super) async fn run(arguments: &AddToListArgs) -> Result<(), Failure> {
    let now = SystemClock.now();
    let until = arguments.until.or_else(|| in_days(now, arguments.days?));
    if let Some(past) = until.filter(|until| *until <= now) {
        return Err(Failure::input(anyhow!(
            "--until {past} is past; name a time to come, or remove them from the list"
        )));
    }
    let change = Change { by: who(arguments.by.as_deref())?, at: now };
    // A second that has begun counts whole.
    let seconds =
        until.map_or(0, |until| until.millis().div_euclid(1000) + i64::from(until.millis() % 1000 != 0));
    let attributes = BTreeMap::from([(list_attribute(&arguments.list), seconds.to_string())]);
    let table = arguments.table.open().await?;
    for entity in &arguments.entities {
        table.set(entity, &attributes, &change).await?;
    }
    let ends = until.map(|until| until.to_string());
    if arguments.json {
        return Ok(print_line(
            json!({ "list": arguments.list, "added": arguments.entities, "until": ends }),
        )?);
    }
    let ends = ends.map_or_else(|| "without an end".to_owned(), |until| format!("until {until}"));
    for entity in &arguments.entities {
        print_line(format_args!("{entity} is on the list {} {ends}", arguments.list))?;
    }
    Ok(())
}

fn in_days(now: Timestamp, days: u32) -> Option<Timestamp> {
    Timestamp::from_millis(now.millis() + i64::from(days) * 24 * 3600 * 1000)
}
