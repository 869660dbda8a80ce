//! The command-line tool.

use std::process::ExitCode;

use clap::Parser;
use fraudctl::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    fraud_aws::invocation::keep_freed_memory();
    fraudctl::exit::code("fraudctl", fraudctl::run(&Cli::parse().command).await)
}
