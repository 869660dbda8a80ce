//! A query engine over the lake that a run leaves: rows, partitions and types are what the lake's table declares.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

#[test]
fn duckdb_reads_every_scored_line_with_the_tables_types_from_the_partition_of_its_event_hour() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fraud-local"))
        .args(["--count", "3000", "--seed", "5", "--out", "out", "--json"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = crate_folder.join("../../.venv/bin/python");
    assert!(python.exists(), "DuckDB is not installed in .venv; `make tools` installs it");
    let query = Command::new(python)
        .arg(crate_folder.join("tests/lake.py"))
        .arg(folder.path().join("out"))
        .arg(String::from_utf8(output.stdout).unwrap())
        .output()
        .unwrap();
    assert!(query.status.success(), "{}", String::from_utf8_lossy(&query.stderr));
    assert_eq!(String::from_utf8(query.stdout).unwrap(), "3000 rows as the table declares them\n");
}
