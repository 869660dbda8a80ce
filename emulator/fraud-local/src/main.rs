//! Runs the whole pipeline in this process.

use std::process::ExitCode;
use std::time::Instant;

use fraud_local::command::{FraudLocalArgs, run};

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    let arguments: FraudLocalArgs = fraudctl::help::parse(|arguments: &FraudLocalArgs| arguments.output);
    fraudctl::exit::code("fraud-local", started, run(&arguments).await)
}
