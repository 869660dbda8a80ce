//! A query engine over the lake that a run leaves: rows, partitions and types are what the lake's table declares. The queries
//! of the documents over transactions that they must tell apart.

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
    let told = queried("lake.py", |query| {
        query.arg(folder.path().join("out")).arg(String::from_utf8(output.stdout).unwrap())
    });
    assert_eq!(told, "3000 rows as the table declares them\n");
}

#[test]
fn the_documented_view_and_the_query_for_reused_ids_tell_copies_from_reuses() {
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/queries.md");
    assert_eq!(queried("queries.py", |query| query.arg(queries)), "copies and reuses are told apart\n");
}

/// What a script of this folder prints.
fn queried(script: &str, arguments: impl FnOnce(&mut Command) -> &mut Command) -> String {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = crate_folder.join("../../.venv/bin/python");
    assert!(python.exists(), "DuckDB is not installed in .venv; `make tools` installs it");
    let mut query = Command::new(python);
    let output = arguments(query.arg(crate_folder.join("tests").join(script))).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
