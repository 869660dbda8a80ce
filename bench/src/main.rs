//! Measures the functions' real bootstraps beside what else could be deployed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand, ValueEnum};

mod agreement;
mod baseline;
mod contender;
mod instructions;
mod measure;
mod one_core;
mod profile;
mod report;
mod runtime_api;
mod session;
mod spread;

use benchmarks::workload;
use contender::{Contender, HISTORY_SHADOW, Places, TEN_FACTORS_SHADOW};
use report::Results;

/// Measures the functions' real bootstraps, fed by a stub of the Lambda Runtime API.
#[derive(Debug, Parser)]
#[command(after_help = "Examples (the Makefile builds what they need):
  benchmarks run --json target/bench.json
  benchmarks check
  benchmarks profile --of history --bootstraps target/lambda-profiling")]
struct Cli {
    /// The folder of `<function>/bootstrap`.
    #[arg(long, global = true, default_value = "target/lambda")]
    bootstraps: PathBuf,
    /// The Python that has awslambdaric.
    #[arg(long, global = true, default_value = ".tools/bench-python/bin/python")]
    python: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure all contenders and print one table.
    Run {
        /// Where the results go as JSON.
        #[arg(long, default_value = "target/bench.json")]
        json: PathBuf,
        /// How often each contender is measured.
        #[arg(long, default_value_t = 9)]
        rounds: usize,
    },
    /// Compare the functions' instructions per record with the committed counts.
    Check {
        /// The committed counts.
        #[arg(long, default_value = "bench/baseline.json")]
        baseline: PathBuf,
        /// Commit the counts found.
        #[arg(long)]
        renew: bool,
    },
    /// Show where the transform's instructions go.
    Profile {
        /// Where callgrind's output is left.
        #[arg(long, default_value = "target/callgrind.out")]
        output: PathBuf,
        /// What is profiled.
        #[arg(long, value_enum, default_value_t = Profiled::Transform)]
        of: Profiled,
    },
}

/// What can be profiled.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profiled {
    /// The transform.
    Transform,
    /// The transform under ten factors.
    TenFactors,
    /// The alerting function.
    Alerts,
    /// The alerting function with history.
    History,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benchmarks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let profiles = folder.path().join("profiles.json");
    std::fs::write(&profiles, workload::profiles())?;
    let entities = folder.path().join("entities.json");
    std::fs::write(&entities, workload::entities())?;
    let places =
        Places { bootstraps: cli.bootstraps.clone(), python: cli.python.clone(), profiles, entities };
    let (transform, alerts) = (Contender::transform(&places), Contender::alerts(&places));
    if !matches!(cli.command, Command::Run { .. }) && !instructions::can_be_counted() {
        bail!("valgrind is not installed; `apt-get install valgrind` or your system's like");
    }
    match &cli.command {
        Command::Run { json, rounds } => {
            one_core::stay().context("cannot stay on one core")?;
            let references = [Contender::plain_rust(&places), Contender::python(&places)];
            let transforms = [&[transform], &references[..]].concat();
            agreement::check(&transforms).await?;
            let others = [
                Contender::ten_factors(&places),
                Contender::ten_factors(&places).in_shadow(TEN_FACTORS_SHADOW),
                alerts,
                Contender::history(&places),
                Contender::history(&places).in_shadow(HISTORY_SHADOW),
                Contender::transport(&places),
            ];
            let contenders = [&transforms[..], &others[..]].concat();
            let results = measured(&contenders, *rounds, folder.path()).await?;
            std::fs::write(json, serde_json::to_string_pretty(&results)? + "\n")?;
            println!("{}", report::table(&results));
            println!("as JSON: {}", json.display());
        }
        Command::Check { baseline, renew } => {
            let mut counts = baseline::Counts::new();
            let (ten_factors, history) = (Contender::ten_factors(&places), Contender::history(&places));
            for contender in [transform, ten_factors, alerts, history] {
                for size in measure::SIZES {
                    let count = instructions::per_record(&contender, size, folder.path()).await?;
                    counts.insert(format!("{} at {size}", contender.name), count);
                }
            }
            if *renew {
                baseline::write(baseline, &counts)?;
            }
            baseline::compare(&counts, &baseline::read(baseline)?)?;
        }
        Command::Profile { output, of } => {
            let profiled = match of {
                Profiled::Transform => transform,
                Profiled::TenFactors => Contender::ten_factors(&places),
                Profiled::Alerts => alerts,
                Profiled::History => Contender::history(&places),
            };
            profile::print(&profiled, output).await?;
        }
    }
    Ok(())
}

async fn measured(
    contenders: &[Contender],
    rounds: usize,
    folder: &std::path::Path,
) -> anyhow::Result<Vec<Results>> {
    let costs = measure::costs(contenders, rounds).await?;
    let mut results = Results::of_costs(contenders, &costs);
    let countable = instructions::can_be_counted();
    if !countable {
        eprintln!("valgrind is not installed: instructions are not counted");
    }
    for (contender, results) in contenders.iter().zip(&mut results) {
        eprintln!("start, memory, instructions: {}", contender.name);
        results.start_milliseconds = measure::start(contender).await?;
        results.memory(measure::memory(contender).await?);
        results.binary(measure::size(contender)?);
        if countable {
            results.instructions_per_record = Some(instructions::per_record(contender, 1_000, folder).await?);
        }
    }
    Ok(results)
}
