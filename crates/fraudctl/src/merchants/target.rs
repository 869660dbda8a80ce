//! Where merchants' counts go.

use std::path::Path;

use fraud_aws::clock::{Clock, SystemClock};
use fraud_aws::entities::{EditableEntities, key_of};
use fraud_core::entity::EntityKind;
use fraud_core::merchant::Bucket;
use futures_util::{StreamExt, stream};

use super::counted::Counted;
use super::days::{Days, text};
use crate::Failure;
use crate::display::print_line;
use crate::entities::EntityTable;
use crate::interrupt::Interrupt;

/// Merchants that are written at once.
const AT_ONCE: usize = 16;

/// The entities that counts go to.
pub(super) enum CountsTarget {
    Table(EntityTable),
    File(EditableEntities),
}

impl CountsTarget {
    pub(super) async fn table(name: String) -> Result<Self, Failure> {
        let client = aws_sdk_dynamodb::Client::new(crate::aws::sdk().await?.config().await);
        Ok(CountsTarget::Table(EntityTable::new(client, name)))
    }

    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let entities = EditableEntities::open(path);
        let entities =
            entities.map_err(|error| Failure::input(anyhow::anyhow!("{}: {error}", path.display())))?;
        Ok(CountsTarget::File(entities))
    }

    /// The last day through which all merchants' transactions are counted.
    ///
    /// # Errors
    /// [`Failure::Failed`] if the table cannot be read.
    pub(super) async fn counted_through(&self) -> Result<Option<i32>, Failure> {
        match self {
            CountsTarget::Table(table) => Ok(table.counted_through().await?),
            CountsTarget::File(entities) => Ok(entities.through()),
        }
    }

    /// Sets the merchants' counts, and removes those of days that are not kept. Calls `written` with the merchants written so
    /// far; ends early after an interrupt.
    ///
    /// # Errors
    /// [`Failure::Failed`] if table or file does not take them.
    pub(super) async fn set(
        &mut self,
        counted: &Counted,
        days: Days,
        interrupt: &Interrupt,
        mut written: impl FnMut(u64),
    ) -> Result<(), Failure> {
        match self {
            CountsTarget::Table(table) => {
                let table = &*table;
                let one = |(merchant, counts)| async move {
                    table.set_counts(&key_of(EntityKind::Merchant, merchant), counts, days.first_kept).await
                };
                let mut writes = stream::iter(counted.iter()).map(one).buffer_unordered(AT_ONCE);
                let mut done = 0;
                while let Some(write) = writes.next().await {
                    write?;
                    done += 1;
                    written(done);
                    if interrupt.has_come() {
                        return Ok(());
                    }
                }
            }
            CountsTarget::File(entities) => {
                entities.retain_counts(|_, day| day >= days.first_kept);
                for (merchant, counts) in counted.iter() {
                    for (day, count) in counts {
                        entities.set_count(
                            &key_of(EntityKind::Merchant, merchant),
                            Bucket::Transactions,
                            *day,
                            *count,
                        );
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes through which day all merchants' transactions are counted, if that is known: the days must follow those that
    /// were counted before. Gives that day.
    ///
    /// # Errors
    /// [`Failure::Failed`] if table or file does not take it.
    pub(super) async fn finish(&mut self, days: Days) -> Result<Option<i32>, Failure> {
        let before = self.counted_through().await?;
        // What lies between counts that are not kept any more and these days is not missing.
        let follows =
            before.is_none_or(|before| days.from <= before.saturating_add(1) || days.from == days.first_kept);
        let through = if follows { before.max(Some(days.through)) } else { before };
        match self {
            CountsTarget::Table(table) => {
                if let Some(day) = through.filter(|_| through != before) {
                    table.set_counted_through(day, SystemClock.now()).await?;
                }
            }
            CountsTarget::File(entities) => {
                through.into_iter().for_each(|day| entities.set_through(day));
                entities.save().map_err(|error| anyhow::anyhow!("{}: {error}", entities.path().display()))?;
            }
        }
        Ok(through)
    }
}

/// Says through which day all is counted, and that days are missing if so.
pub(super) fn tell_through(days: Days, through: Option<i32>) -> anyhow::Result<()> {
    match through {
        Some(day) if day >= days.through => print_line(format_args!("counted through {}", text(day))),
        Some(day) => print_line(format_args!(
            "counted through {}: the days after it are not all counted; count them from {} on",
            text(day),
            text(day.saturating_add(1))
        )),
        None => print_line("no day is noted as counted"),
    }
}
