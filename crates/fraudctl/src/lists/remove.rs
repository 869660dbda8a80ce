//! Entities off a list.

use clap::Args;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::table::list_attribute;
use serde_json::json;

use super::list;
use crate::Failure;
use crate::display::print_line;
use crate::entities::{Change, TableArgs, entity};
use crate::options::who;

/// Take entities off a list.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl lists remove compromised merchant/M0976 --table dynamodb:entities

The functions know of it when what they remember of the entity is too old: within PROFILE_CACHE_SECONDS (60). That an entity
was not on the list is told, and is not an error.")]
pub struct RemoveFromListArgs {
    /// The list.
    #[arg(value_name = "LIST", value_parser = list)]
    list: String,
    /// The entities, such as merchant/M0976; kinds are customer, merchant, device, card and ip.
    #[arg(value_name = "KIND/ID", required = true, value_parser = entity)]
    entities: Vec<String>,
    #[command(flatten)]
    table: TableArgs,
    /// Who takes them off; the default is the user of this machine.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Print the result as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Input`] if nobody is named; [`Failure::Failed`] if the table does not take it.
pub(super) async fn run(arguments: &RemoveFromListArgs) -> Result<(), Failure> {
    let change = Change { by: who(arguments.by.as_deref())?, at: SystemClock.now() };
    let table = arguments.table.open().await?;
    let attribute = list_attribute(&arguments.list);
    let (mut removed, mut not_on_it) = (Vec::new(), Vec::new());
    for entity in &arguments.entities {
        match table.remove(entity, &attribute, &change).await? {
            true => removed.push(entity),
            false => not_on_it.push(entity),
        }
    }
    if arguments.json {
        return Ok(print_line(
            json!({ "list": arguments.list, "removed": removed, "not_on_it": not_on_it }),
        )?);
    }
    for entity in removed {
        print_line(format_args!("{entity} is off the list {}", arguments.list))?;
    }
    for entity in not_on_it {
        print_line(format_args!("{entity} was not on the list {}", arguments.list))?;
    }
    Ok(())
}
