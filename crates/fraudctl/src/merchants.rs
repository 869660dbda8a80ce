//! Merchants: how many transactions each had on a day.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use exact_text::timestamp::Timestamp;
use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::config::EntitySource;
use fraud_core::merchant::{LabelDelay, day_of};

use crate::Failure;
use crate::options::{label_delay, named};
use crate::reading::past_time;

mod count;
mod counted;
mod days;
mod import;
mod pass;
mod target;

use days::Days;
pub(crate) use days::text as day_text;
use target::CountsTarget;

/// What can be done with merchants.
#[derive(Debug, Subcommand)]
pub enum MerchantsCommand {
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Count(count::CountMerchantsArgs),
    #[allow(missing_docs, reason = "the arguments' own documentation is the command's help")]
    Import(import::ImportCountsArgs),
}

/// Runs a command.
///
/// # Errors
/// [`Failure`]
pub async fn run(command: &MerchantsCommand) -> Result<(), Failure> {
    match command {
        MerchantsCommand::Count(arguments) => count::run(arguments).await,
        MerchantsCommand::Import(arguments) => import::run(arguments).await,
    }
}

/// Which days are counted, and where the counts go.
#[derive(Debug, Args)]
struct CountsArgs {
    /// The first UTC day of events that the input has whole, as 2026-01-15.
    #[arg(long, value_name = "DAY", value_parser = days::day)]
    from: i32,
    /// The last such day.
    #[arg(long, value_name = "DAY", value_parser = days::day)]
    through: i32,
    /// The entities: `dynamodb:<table>` or `file:<path>` [env: ENTITY_SOURCE]
    #[arg(long, value_name = "TARGET")]
    to: Option<String>,
    /// Count as at this time, RFC 3339: it decides which days are kept; the default is now.
    #[arg(long, value_name = "TIME", value_parser = past_time)]
    as_of: Option<Timestamp>,
    /// After how many days labels have come [env: LABEL_DELAY_DAYS]
    #[arg(long, value_name = "N")]
    label_delay_days: Option<String>,
}

impl CountsArgs {
    /// # Errors
    /// [`Failure::Input`] if there is no such day, or its counts are not kept any more.
    fn days(&self) -> Result<Days, Failure> {
        let as_of = self.as_of.unwrap_or_else(|| SystemClock.now());
        let today = day_of(as_of.millis().div_euclid(1000));
        let first_kept = self.delay()?.first_kept(today);
        match (self.from, self.through) {
            (from, through) if from > through => {
                Err(Failure::input(anyhow!("--from is after --through: name the first day and the last one")))
            }
            (_, through) if through >= today => {
                Err(Failure::input(anyhow!("--through must be a day that has ended, in UTC")))
            }
            (_, through) if through < first_kept => Err(Failure::input(anyhow!(
                "counts are kept for LABEL_DELAY_DAYS and 60 days, since {}: these days are older",
                days::text(first_kept)
            ))),
            (from, through) => Ok(Days { from: from.max(first_kept), through, first_kept }),
        }
    }

    fn delay(&self) -> Result<LabelDelay, Failure> {
        label_delay(self.label_delay_days.as_deref())
    }

    async fn open(&self) -> Result<CountsTarget, Failure> {
        match named("--to", "ENTITY_SOURCE", self.to.as_deref(), EntitySource::from_environment)? {
            EntitySource::DynamoDb { table } => CountsTarget::table(table).await,
            EntitySource::File { path } => CountsTarget::file(&path),
            EntitySource::None => Err(Failure::input(anyhow!(
                "no entities are named: give --to dynamodb:<table> or file:<path>, or set ENTITY_SOURCE"
            ))),
        }
    }
}
