//! Prints what the code says of itself as JSON: for each function its environment variables, ports, IAM actions and
//! metrics; the tables; the lake's columns and partition keys; limits. The template's contract
//! (`tests/template`) reads it.

use std::io::{self, Write};

use anyhow::Context;
use system_tests::description::describe;

fn main() -> anyhow::Result<()> {
    let description =
        serde_json::to_string_pretty(&describe()).context("cannot write the description as JSON")?;
    writeln!(io::stdout(), "{description}").context("cannot write to standard output")
}
