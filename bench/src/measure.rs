//! What a contender costs: processor time, start, memory, size.

use std::fs;

use anyhow::Context;

use crate::contender::Contender;
use crate::session::Session;
use crate::spread::Spread;

/// The batch sizes that are measured, in records.
pub(crate) const SIZES: [usize; 3] = [100, 1_000, 5_000];
/// So many starts are measured.
const STARTS: usize = 15;
/// A round's invocations handle this many records of each size.
const RECORDS_A_ROUND: usize = 30_000;

/// For each of [`SIZES`], each round's processor time per record, in microseconds.
pub(crate) type Costs = [Vec<f64>; SIZES.len()];

/// Processor time per record of all contenders, interleaved: whatever else the machine does falls on all of them.
///
/// # Errors
/// If one fails.
pub(crate) async fn costs(contenders: &[Contender], rounds: usize) -> anyhow::Result<Vec<Costs>> {
    let mut costs: Vec<Costs> = vec![Costs::default(); contenders.len()];
    for round in 1..=rounds {
        eprintln!("processor time: round {round} of {rounds}");
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            for (size, costs) in SIZES.into_iter().zip(costs) {
                costs.push(cost(contender, size).await.with_context(|| contender.name)?);
            }
        }
    }
    Ok(costs)
}

/// One round: a process of its own, whose first invocations do not count.
async fn cost(contender: &Contender, size: usize) -> anyhow::Result<f64> {
    let invocations = RECORDS_A_ROUND / size;
    let warm_up = contender.warm_up.div_ceil(size).max(invocations.min(3));
    let events = contender.kind.events(size, warm_up + invocations);
    let mut session = Session::start(contender, &[]).await?;
    let mut events = events.iter();
    for event in events.by_ref().take(warm_up) {
        session.invoke(event).await?;
    }
    let before = session.cpu_nanoseconds()?;
    for event in events {
        session.invoke(event).await?;
    }
    // A thread that has ended takes its time with it.
    let nanoseconds = session.cpu_nanoseconds()?.checked_sub(before).context("a thread has ended")?;
    Ok(nanoseconds as f64 / (invocations * size) as f64 / 1_000.0)
}

/// Milliseconds from the start of the process to its first poll, with its ports on AWS where it has any.
///
/// # Errors
/// If it does not start.
pub(crate) async fn start(contender: &Contender) -> anyhow::Result<Option<Spread>> {
    let contender = contender.clone().on_aws();
    let mut starts = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        starts.push(Session::start(&contender, &[]).await?.start.as_secs_f64() * 1_000.0);
    }
    Ok(Spread::of(starts))
}

/// The most memory at a time, and the size of the event that it was measured with, the largest; both in bytes.
///
/// # Errors
/// If the contender fails.
pub(crate) async fn memory(contender: &Contender) -> anyhow::Result<(u64, u64)> {
    let size = SIZES.into_iter().max().unwrap_or_default();
    let events = contender.kind.events(size, 3);
    let mut session = Session::start(contender, &[]).await?;
    for event in &events {
        session.invoke(event).await?;
    }
    Ok((session.peak_memory()?, events.first().map_or(0, |event| event.len() as u64)))
}

/// The size of what is deployed, in bytes, where that is one file.
///
/// # Errors
/// If it is missing.
pub(crate) fn size(contender: &Contender) -> anyhow::Result<Option<u64>> {
    let Some(binary) = &contender.binary else { return Ok(None) };
    Ok(Some(fs::metadata(binary).with_context(|| format!("no {}", binary.display()))?.len()))
}
