//! The command-line tool.

use std::process::ExitCode;
use std::time::Instant;

use fraudctl::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    fraud_aws::invocation::keep_freed_memory();
    let cli: Cli = fraudctl::help::parse(|cli: &Cli| cli.output);
    fraudctl::exit::code("fraudctl", started, fraudctl::run(&cli.command).await)
}
