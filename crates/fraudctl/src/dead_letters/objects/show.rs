//! A given-up batch in full.

use std::path::Path;

use anyhow::{Context, anyhow};
use kpl_aggregation::{Payload, split};
use serde::Deserialize;

use super::{GivenUpBatch, GivenUpObject, paths};
use crate::Failure;
use crate::display::{counted, indented, print_line};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    kinesis: Kinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    sequence_number: String,
    data: String,
}

pub(in crate::dead_letters) fn run(path: &Path, id: &str, as_json: bool) -> Result<(), Failure> {
    let paths = paths(path)?;
    let found = paths.iter().find(|path| path.display().to_string() == id || path.ends_with(id));
    let found =
        found.ok_or_else(|| anyhow!("no object {id} among {}", counted(paths.len() as u64, "object")))?;
    let object = GivenUpObject::read(found).with_context(|| format!("cannot read {}", found.display()))?;
    match &object.batch {
        Ok(batch) if as_json => print_line(batch.payload.as_deref().unwrap_or_default())?,
        Ok(batch) => print_line(text(batch)?.trim_end())?,
        Err(error) => return Err(Failure::input(anyhow!("{id} is not a given-up batch: {error}"))),
    }
    Ok(())
}

fn text(batch: &GivenUpBatch) -> Result<String, Failure> {
    let info = &batch.info;
    let mut out = String::new();
    for (name, value) in [
        ("reason", batch.request_context.condition.clone()),
        ("function", batch.function().to_owned()),
        ("invocations", batch.request_context.approximate_invoke_count.to_string()),
        ("stream", info.stream_arn.clone()),
        ("shard", info.shard_id.clone()),
        ("records", info.batch_size.to_string()),
        ("given up", batch.timestamp.clone()),
    ] {
        out += &format!("{name:>15}  {}\n", indented(&value, 17));
    }
    let Some(payload) = &batch.payload else { return Ok(out) };
    let event: Event = serde_json::from_str(payload).context("its payload is not a Kinesis event")?;
    for Record { kinesis } in event.records {
        let Ok(data) = base64_simd::STANDARD.decode_to_vec(&kinesis.data) else {
            let data = indented(&kinesis.data, 2);
            out += &format!("{}  not base64: {data}\n", kinesis.sequence_number);
            continue;
        };
        match split(data.into()) {
            Payload::Plain(data) => out += &format!("{}  {}\n", kinesis.sequence_number, lossy(&data)),
            Payload::Aggregate(users) => {
                for user in users {
                    let (number, sub) = (&kinesis.sequence_number, user.sub_sequence_number);
                    out += &format!("{number}/{sub}  {}\n", lossy(&user.data));
                }
            }
        }
    }
    Ok(out)
}

fn lossy(data: &[u8]) -> String {
    // What a producer sent begins no line of its own.
    indented(&String::from_utf8_lossy(data), 2)
}
