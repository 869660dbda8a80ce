//! Deletes letters that nobody needs any more.

use std::collections::BTreeSet;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::QueueArgs;
use super::walk::{FoundMessage, QueueWalk, visit_all};
use crate::Failure;
use crate::display::{counted, note, print_line, progress};

/// Delete letters for good, because their records were corrected and sent again or are given up.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl dead-letters delete @transactions/shardId-000000000000/4959033827149025 --queue sqs:$URL --dry-run
  fraudctl dead-letters delete @transactions/shardId-000000000000/4959033827149025 --queue sqs:$URL
  fraudctl dead-letters list --queue sqs:$URL --json | jq -r 'select(.reason == \"not_json\").message_id' \\
    | xargs fraudctl dead-letters delete --queue sqs:$URL

An id names a record. If both functions could not process it, both letters have that id: --function chooses one. A message id
names one letter. A deleted letter cannot be restored; its record stays in the stream until its retention is over, and in the
raw backup.

Exit status: 0 every id was deleted, 1 some were not found or could not be deleted.")]
pub struct DeleteLettersArgs {
    /// The letters' ids, or message ids.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,
    #[command(flatten)]
    letters: QueueArgs,
    /// Take only letters of this function.
    #[arg(long, value_name = "NAME", value_parser = [kinesis_alerts::FUNCTION, customer_analytics::FUNCTION])]
    function: Option<String>,
    /// Print what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object a line for each letter.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if the queue cannot be read, or an id's letters were not found or not deleted.
pub(super) async fn run(arguments: &DeleteLettersArgs) -> Result<(), Failure> {
    let (queue, _) = arguments.letters.open().await?;
    let bar = progress(None);
    let mut walk = QueueWalk::new(&queue, arguments.letters.hidden());
    let mut failed = 0;
    let mut left: BTreeSet<&str> = arguments.ids.iter().map(String::as_str).collect();
    let result = visit_all(&mut walk, &bar, async |walk, found| {
        if !arguments.is_meant(found) {
            return Ok(());
        }
        left.remove(found.id().as_str());
        left.remove(found.message.message_id.as_str());
        let removed = if arguments.dry_run { Ok(()) } else { walk.remove(&found.message.message_id).await };
        match removed {
            Ok(()) => bar.suspend(|| print_line(arguments.told(found)))?,
            Err(fault) => {
                failed += 1;
                bar.suspend(|| note!("{} could not be deleted: {fault}", found.id()));
            }
        }
        Ok(())
    })
    .await;
    let interrupted = walk.was_interrupted();
    let hidden = if result.is_ok() && !left.is_empty() { walk.hidden_by_others().await } else { Ok(None) };
    walk.give_back().await;
    bar.finish_and_clear();
    let seen = result?;
    if interrupted {
        return Err(anyhow!("interrupted: letters that are not listed as deleted are unchanged").into());
    }
    for id in &left {
        note!("no letter {id} among {}", counted(seen, "letter"));
    }
    if let Some(hidden) = hidden? {
        note!("{hidden}");
    }
    match (left.len() as u64, failed) {
        (0, 0) => Ok(()),
        (0, failed) => Err(anyhow!("{} not deleted, see above", counted(failed, "letter")).into()),
        (missing, _) => Err(anyhow!("{} not found, see above", counted(missing, "id")).into()),
    }
}

impl DeleteLettersArgs {
    fn is_meant(&self, found: &FoundMessage) -> bool {
        let is_named = |id: &str| self.ids.iter().any(|asked| asked == id);
        let is_of =
            |function: &String| found.letter.as_ref().is_ok_and(|letter| letter.function == *function);
        (is_named(&found.id()) || is_named(&found.message.message_id))
            && self.function.as_ref().is_none_or(is_of)
    }

    fn told(&self, found: &FoundMessage) -> String {
        let (reason, function) = match &found.letter {
            Ok(letter) => (letter.reason.as_str(), letter.function.as_str()),
            Err(_) => ("not a dead letter", ""),
        };
        if self.json {
            let (id, message_id) = (found.id(), &found.message.message_id);
            json!({ "id": id, "message_id": message_id, "reason": reason, "function": function, "dry_run": self.dry_run })
                .to_string()
        } else {
            let done = if self.dry_run { "would be deleted" } else { "deleted" };
            let of = if function.is_empty() { String::new() } else { format!(" of {function}") };
            format!("{done}: {}, {reason}{of}", found.id())
        }
    }
}
