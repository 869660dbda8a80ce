//! Where the transform's instructions go.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::contender::Contender;
use crate::instructions;

/// What is profiled: invocations that make start-up small.
const INVOCATIONS: usize = 8;
const RECORDS: usize = 1_000;

/// Runs a contender under callgrind and prints its functions by the instructions that they execute themselves.
///
/// # Errors
/// If valgrind is not installed or the contender fails.
pub(crate) async fn print(contender: &Contender, output: &Path) -> anyhow::Result<()> {
    let invocations = contender.warm_up.div_ceil(RECORDS) + INVOCATIONS;
    let events = contender.kind.events(RECORDS, invocations);
    let total = instructions::count(contender, &events, output).await?;
    let annotated =
        Command::new("callgrind_annotate").arg(output).output().context("cannot run callgrind_annotate")?;
    if !annotated.status.success() {
        bail!("callgrind_annotate: {}", String::from_utf8_lossy(&annotated.stderr));
    }
    println!("{} instructions per record, start-up included", total / (invocations * RECORDS) as u64);
    println!("{}", String::from_utf8_lossy(&annotated.stdout));
    println!("the whole profile: {} (kcachegrind, or callgrind_annotate --inclusive=yes)", output.display());
    Ok(())
}
