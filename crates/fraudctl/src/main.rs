//! The command-line tool.

use std::process::ExitCode;

use clap::Parser;
use fraudctl::Cli;
use fraudctl::aws::hint;
use fraudctl::display::print_note;

#[tokio::main]
async fn main() -> ExitCode {
    match fraudctl::run(&Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            print_note(format_args!("fraudctl: {failure:#}"));
            if let Some(mend) = hint(&failure) {
                print_note(format_args!("to mend it: {mend}"));
            }
            ExitCode::from(failure.status())
        }
    }
}
