//! Runs the whole pipeline in this process.

use std::process::ExitCode;

use clap::Parser;
use fraud_local::command::{FraudLocalArgs, run};

#[tokio::main]
async fn main() -> ExitCode {
    fraudctl::exit::code("fraud-local", run(&FraudLocalArgs::parse()).await)
}
