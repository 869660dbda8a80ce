//! Shows a dead letter in full.

use anyhow::anyhow;
use clap::Args;
use fraud_aws::dead_letters::StoredLetter;

use super::letter_data::shown;
use super::walk::{FoundMessage, QueueWalk, visit_all};
use super::{LetterSourceArgs, objects};
use crate::Failure;
use crate::display::{counted, indented, print_line, progress};

/// Show a letter, or a given-up batch, in full, its data decoded.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl dead-letters show @transactions/shardId-000000000000/4959033827149025 --queue sqs:$URL
  fraudctl dead-letters show @transactions/shardId-000000000000/4959033827149025 --queue sqs:$URL --json

An id names a record: the letters of all functions that could not process it have the same id. A message that is not a dead
letter is found by its message id.")]
pub struct ShowLetterArgs {
    /// The letter's id, or a message id; with --objects an object's path or name.
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    source: LetterSourceArgs,
    /// Print the letters as the queue holds them, one a line; with --objects the batch's event.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if the queue cannot be read or has no such letter.
pub(super) async fn run(arguments: &ShowLetterArgs) -> Result<(), Failure> {
    if let Some(path) = &arguments.source.objects {
        return objects::show::run(path, &arguments.id, arguments.json);
    }
    let (queue, _) = arguments.source.letters.open().await?;
    let bar = progress(None);
    let mut walk = QueueWalk::new(&queue, arguments.source.letters.hidden());
    let mut lines = Vec::new();
    let seen = visit_all(&mut walk, &bar, async |_, found| {
        if found.id() == arguments.id || found.message.message_id == arguments.id {
            lines.push(text(found, arguments.json));
        }
        Ok(())
    })
    .await;
    walk.give_back().await;
    bar.finish_and_clear();
    let seen = seen?;
    lines.iter().try_for_each(print_line)?;
    match lines.len() {
        0 => Err(anyhow!("no letter {} among {}", arguments.id, counted(seen, "letter")).into()),
        _ => Ok(()),
    }
}

fn text(found: &FoundMessage, json: bool) -> String {
    match &found.letter {
        Ok(letter) if !json => {
            let message = &found.message;
            let mut lines = lines(letter);
            lines.push(("message", message.message_id.clone()));
            lines.push(("first seen", message.sent_at.map(|at| at.to_string()).unwrap_or_default()));
            lines.push(("received", format!("{} times", message.receive_count)));
            lines.push(shown(letter));
            // Values are what producers sent: none begins a line of its own.
            lines.iter().map(|(name, value)| format!("{name:>15}  {}\n", indented(value, 17))).collect()
        }
        Ok(_) => found.message.body.clone(),
        Err(_) if json => found.message.body.clone(),
        Err(error) => format!("not a dead letter: {error}\n  {}", indented(&found.message.body, 2)),
    }
}

fn lines(letter: &StoredLetter) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("id", letter.id()),
        ("reason", letter.reason.clone()),
        ("function", letter.function.clone()),
        ("stream", letter.stream.clone()),
        ("shard", letter.shard.clone()),
        ("sequence number", letter.sequence_number.clone()),
    ];
    if letter.sub_sequence_number > 0 {
        lines.push(("in aggregate", format!("place {}", letter.sub_sequence_number)));
    }
    let arrival = letter.arrival.map_or_else(|| "unknown".to_owned(), |arrival| arrival.to_string());
    lines.push(("arrival", arrival));
    lines.push(("size", format!("{} bytes", letter.size)));
    lines
}
