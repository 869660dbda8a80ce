//! The command-line tool.

use std::process::ExitCode;

use clap::Parser;
use fraudctl::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match fraudctl::run(&Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fraudctl: {failure:#}");
            ExitCode::from(failure.status())
        }
    }
}
