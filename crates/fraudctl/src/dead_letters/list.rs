//! Lists the dead letters.

use anyhow::anyhow;
use clap::Args;
use fraud_aws::dead_letters::{MAX_RECEIVED, StoredLetter};
use serde_json::{Value, json};

use super::walk::{FoundMessage, QueueWalk};
use super::{LetterSourceArgs, objects};
use crate::Failure;
use crate::display::{counted, note, print_line, progress, table, thousands};

/// List the dead letters, or given-up batches, without removing them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  fraudctl dead-letters list --queue sqs:https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters
  fraudctl dead-letters list --queue sqs:$URL --limit 5000 --json | jq -r .reason | sort | uniq -c
  aws s3 cp s3://$BUCKET/aws/lambda/ given-up/ --recursive && fraudctl dead-letters list --objects given-up

The letters are hidden from other readers while they are listed, and visible again at the end. SQS keeps no order.")]
pub struct ListLettersArgs {
    #[command(flatten)]
    source: LetterSourceArgs,
    /// Take at most this many letters, or objects.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure::Failed`] if the queue cannot be read.
pub(super) async fn run(arguments: &ListLettersArgs) -> Result<(), Failure> {
    let limit = arguments.limit as usize;
    if let Some(path) = &arguments.source.objects {
        return objects::list::run(path, limit, arguments.json);
    }
    let (queue, _) = arguments.source.letters.open().await?;
    let bar = progress(None);
    let mut walk = QueueWalk::new(&queue, arguments.source.letters.hidden());
    let mut rows: Vec<Row> = Vec::new();
    let mut read = Ok(());
    while rows.len() < limit {
        match walk.next(MAX_RECEIVED.min(limit - rows.len())).await {
            Ok(found) if found.is_empty() => break,
            Ok(found) => rows.extend(found.iter().map(Row::of)),
            Err(failure) => {
                read = Err(failure);
                break;
            }
        }
        bar.set_message(format!("{} read", counted(rows.len() as u64, "letter")));
        bar.tick();
    }
    // What is seen now is not among those that are held.
    let more = if rows.len() < limit { None } else { queue.waiting().await.ok() };
    let hidden = if read.is_ok() { walk.hidden_by_others().await } else { Ok(None) };
    let interrupted = walk.was_interrupted();
    walk.give_back().await;
    bar.finish_and_clear();
    rows.sort_by(|a, b| (a.sent_at(), a.id()).cmp(&(b.sent_at(), b.id())));
    // What was read is printed even if the rest could not be read. That there are no letters is printed only if that is known.
    let read = read.and(hidden);
    if read.is_err() || interrupted {
        if !rows.is_empty() {
            show(&rows, arguments.json, false)?;
        }
        read?;
        return Err(anyhow!("interrupted: the list is not complete").into());
    }
    let hidden = read?;
    show(&rows, arguments.json, hidden.is_some())?;
    if let Some(hidden) = hidden {
        note!("{hidden}");
    }
    if let Some(more) = more.map(|waiting| waiting.visible).filter(|more| *more > 0) {
        note!("and about {} more; --limit says how many are listed", thousands(more));
    }
    Ok(())
}

/// A letter without its data.
struct Row(Value);

impl Row {
    fn of(found: &FoundMessage) -> Self {
        let message = &found.message;
        let mut row = match &found.letter {
            Ok(letter) => of_letter(letter),
            Err(error) => json!({ "not_a_letter": error.to_string(), "size": message.body.len() }),
        };
        row["message_id"] = json!(message.message_id);
        row["first_seen"] = json!(message.sent_at.map(|at| at.to_string()));
        row["receive_count"] = json!(message.receive_count);
        Row(row)
    }

    fn sent_at(&self) -> Option<&str> {
        self.0["first_seen"].as_str()
    }

    fn id(&self) -> &str {
        self.0["id"].as_str().or(self.0["message_id"].as_str()).unwrap_or_default()
    }
}

fn of_letter(letter: &StoredLetter) -> Value {
    json!({
        "id": letter.id(),
        "reason": letter.reason,
        "function": letter.function,
        "stream": letter.stream,
        "shard": letter.shard,
        "sequence_number": letter.sequence_number,
        "sub_sequence_number": letter.sub_sequence_number,
        "arrival": letter.arrival.map(|arrival| arrival.to_string()),
        "size": letter.size,
        "data_omitted": letter.data.is_none(),
    })
}

fn show(rows: &[Row], json: bool, others_hide: bool) -> anyhow::Result<()> {
    if json {
        return rows.iter().try_for_each(|row| print_line(&row.0));
    }
    if rows.is_empty() {
        return print_line(if others_hide { "no letters can be received" } else { "no letters" });
    }
    let mut shown = table(&["id", "reason", "function", "arrival", "size", "first seen"], &["size"]);
    for row in rows {
        let text = |name: &str| row.0[name].as_str().unwrap_or_default().to_owned();
        let reason = match row.0["not_a_letter"].is_null() {
            true => text("reason"),
            false => "not a dead letter".to_owned(),
        };
        let omitted = row.0["data_omitted"] == true;
        let size = format!("{}{}", row.0["size"], if omitted { " (left out)" } else { "" });
        shown.add_row([
            row.id().to_owned(),
            reason,
            text("function"),
            text("arrival"),
            size,
            text("first_seen"),
        ]);
    }
    print_line(shown)
}
