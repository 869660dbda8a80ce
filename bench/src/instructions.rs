//! Instructions per record, counted by valgrind: the same on a machine that is busy.

use std::path::Path;

use anyhow::{Context, bail};
use axum::body::Bytes;

use crate::contender::Contender;
use crate::session::Session;

/// The two runs' invocations: their difference has no start-up in it and no first-time work.
const RUNS: (usize, usize) = (2, 6);

/// Whether there is a valgrind.
pub(crate) fn can_be_counted() -> bool {
    let version = std::process::Command::new("valgrind").arg("--version").output();
    version.is_ok_and(|version| version.status.success())
}

/// User-mode instructions per record at this many records an invocation.
///
/// # Errors
/// If valgrind is not installed or the contender fails.
pub(crate) async fn per_record(contender: &Contender, records: usize, folder: &Path) -> anyhow::Result<f64> {
    let output = folder.join("callgrind.out");
    let warm_up = contender.warm_up.div_ceil(records);
    let events = contender.kind.events(records, warm_up + RUNS.1);
    let (fewer, _) = events.split_at(warm_up + RUNS.0);
    let fewer = count(contender, fewer, &output).await?;
    let more = count(contender, &events, &output).await?;
    Ok((more - fewer) as f64 / ((RUNS.1 - RUNS.0) * records) as f64)
}

/// User-mode instructions of a whole run, whose profile is left at `output`.
///
/// # Errors
/// As [`per_record`].
pub(crate) async fn count(contender: &Contender, events: &[Bytes], output: &Path) -> anyhow::Result<u64> {
    let valgrind = [
        "valgrind".to_owned(),
        "--tool=callgrind".to_owned(),
        "--quiet".to_owned(),
        format!("--callgrind-out-file={}", output.display()),
    ];
    let mut contender = contender.clone();
    // Valgrind takes each byte of a `rep movsb` for an instruction, and whether glibc copies an event with one depends on
    // the pieces that it comes in. This has glibc copy with vector instructions whatever the size.
    contender.environment.push(("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824".to_owned()));
    let mut session = Session::start(&contender, &valgrind).await?;
    for event in events {
        session.invoke(event).await?;
    }
    session.end().await?;
    let report = std::fs::read_to_string(output).with_context(|| format!("no {}", output.display()))?;
    // One for each thread.
    let mut total = 0;
    for line in report.lines() {
        if let Some(summary) = line.strip_prefix("totals:") {
            total += summary.trim().parse::<u64>()?;
        }
    }
    if total == 0 {
        bail!("{} has no totals", output.display());
    }
    Ok(total)
}
