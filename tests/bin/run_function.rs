//! Runs a function's real bootstrap under cargo-lambda's emulator on one recorded event, and shows what it answered.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use system_tests::emulator::{Emulator, Invocation};
use system_tests::workspace;

mod firehose_table;
mod kinesis_table;

/// Runs a function's real bootstrap under cargo-lambda's emulator on one recorded event.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  run-function firehose-transform events/firehose-direct-put.json
  run-function kinesis-alerts events/kinesis-high-scores.json
  run-function customer-analytics events/kinesis-high-scores.json
  run-function firehose-transform events/firehose-mixed.json --save")]
struct RunFunctionArgs {
    /// The function's name.
    function: String,
    /// The file that holds the event.
    event: PathBuf,
    /// Writes what came of the event to `events/expected/`, byte for byte, instead of showing it.
    #[arg(long)]
    save: bool,
}

fn main() -> ExitCode {
    match run(&RunFunctionArgs::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("run-function: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &RunFunctionArgs) -> anyhow::Result<()> {
    let RunFunctionArgs { function, event, save } = arguments;
    let text = fs::read_to_string(event).with_context(|| format!("cannot read {}", event.display()))?;
    eprintln!("{function} under cargo-lambda on {} (the first run builds it)", event.display());
    let event = fs::canonicalize(event)?;
    let emulator = Emulator::start("run-function", &[("AWS_LAMBDA_LOG_FORMAT", "JSON")])?;
    let response = match emulator.invoke(function, &event)? {
        Invocation::Response(response) => response,
        Invocation::Error(error) => bail!("{}\n{}", error.trim(), emulator.output()?),
    };
    let messages = emulator.messages()?;
    if *save {
        let file = workspace::expected(&event);
        let lines = [vec![response], messages].concat().join("\n");
        return fs::write(&file, lines + "\n").with_context(|| format!("cannot write {}", file.display()));
    }
    match function.as_str() {
        "firehose-transform" => {
            println!("{}", firehose_table::render(&text, &response, &emulator.output()?)?)
        }
        _ => println!("{}", kinesis_table::render(function, &response, &messages)?),
    }
    Ok(())
}
