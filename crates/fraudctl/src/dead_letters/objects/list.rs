//! The given-up batches that wait.

use std::path::Path;

use anyhow::anyhow;
use serde_json::{Value, json};

use super::{GivenUpBatch, GivenUpObject, paths};
use crate::Failure;
use crate::display::{counted, note, print_line, table, thousands};

pub(in crate::dead_letters) fn run(path: &Path, limit: usize, as_json: bool) -> Result<(), Failure> {
    let paths = paths(path)?;
    let columns = ["object", "reason", "function", "shard", "records", "arrival of the first", "given up"];
    let mut rows = table(&columns, &["records"]);
    let mut unreadable = 0;
    for path in paths.iter().take(limit) {
        match GivenUpObject::read(path) {
            Ok(object) if as_json => print_line(json(&object))?,
            Ok(object) => {
                rows.add_row(row(&object));
            }
            Err(error) => {
                unreadable += 1;
                note!("cannot read {}: {error}", path.display());
            }
        }
    }
    if !as_json {
        if paths.is_empty() {
            print_line("no objects")?
        } else {
            print_line(rows)?
        }
        if paths.len() > limit {
            note!("and {} more; --limit says how many are listed", thousands((paths.len() - limit) as u64));
        }
    }
    match unreadable {
        0 => Ok(()),
        unreadable => Err(anyhow!("{} not listed, see above", counted(unreadable, "object")).into()),
    }
}

fn row(object: &GivenUpObject) -> Vec<String> {
    let Ok(batch) = &object.batch else { return vec![object.id(), "not a given-up batch".to_owned()] };
    vec![
        object.id(),
        batch.request_context.condition.clone(),
        batch.function().to_owned(),
        batch.info.shard_id.clone(),
        batch.info.batch_size.to_string(),
        batch.info.approximate_arrival_of_first_record.clone().unwrap_or_default(),
        batch.timestamp.clone(),
    ]
}

fn json(object: &GivenUpObject) -> Value {
    let mut row = match &object.batch {
        Ok(batch) => of_batch(batch),
        Err(error) => json!({ "not_a_batch": error }),
    };
    row["object"] = json!(object.id());
    row
}

fn of_batch(batch: &GivenUpBatch) -> Value {
    let info = &batch.info;
    json!({
        "reason": batch.request_context.condition,
        "function": batch.function(),
        "invocations": batch.request_context.approximate_invoke_count,
        "stream": lambda_events::stream_name(&info.stream_arn),
        "shard": info.shard_id,
        "first_sequence_number": info.start_sequence_number,
        "last_sequence_number": info.end_sequence_number,
        "records": info.batch_size,
        "arrival": info.approximate_arrival_of_first_record,
        "given_up": batch.timestamp,
        "data_omitted": batch.payload.is_none(),
    })
}
