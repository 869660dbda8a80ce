//! Help and errors as people read them in a terminal of 80 columns, held against the committed texts in `snapshots/`.
//! `SNAPSHOTS=write cargo nextest run --workspace --test help` writes them anew; look at the difference before you commit it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::CommandFactory;
use fraudctl::Cli;

/// The commands that do something, each with its words.
fn leaves(command: &clap::Command, words: &[String]) -> Vec<Vec<String>> {
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help");
    let below: Vec<_> =
        inner.flat_map(|inner| leaves(inner, &[words, &[inner.get_name().to_owned()]].concat())).collect();
    if below.is_empty() { vec![words.to_vec()] } else { below }
}

fn fraudctl(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fraudctl"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.args(words).current_dir(folder).env_clear().env("PATH", path).env("COLUMNS", "80");
    // No account, no home, and nobody who answers for credentials.
    command.env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true").stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Holds a text against the committed one.
fn hold(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("SNAPSHOTS").is_some_and(|how| how == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let first = committed.lines().zip(text.lines()).find(|(committed, now)| committed != now);
    assert!(committed == text, "{name} differs, first at {first:?}; SNAPSHOTS=write writes it anew");
}

#[test]
fn every_command_has_help_with_examples_that_fits_80_columns() {
    let folder = tempfile::tempdir().unwrap();
    let commands = leaves(&Cli::command(), &[]);
    assert!(commands.len() > 40, "{commands:?}");
    let mut all = String::new();
    for words in &commands {
        let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
        arguments.push("--help");
        let output = fraudctl(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        let help = text(output.stdout);
        assert!(
            help.contains("Examples:\n  ") && help.contains("fraudctl "),
            "{words:?} has no examples: {help}"
        );
        let wide = help.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{words:?}");
        all += &format!("$ fraudctl {}\n{help}\n", arguments.join(" "));
    }
    hold("help.txt", &all);
}

#[test]
fn what_a_newcomer_mistypes_is_told_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("tx.ndjson", "{\"transaction_id\":\"T1\",\"customer_id\":\"C1\",\"amount\":\"12\"}\n");
    write("refused.ndjson", "{\"transaction_id\":\"T1\",\"customer_id\":\"C1\"}\n[1]\n");
    write("all-refused.ndjson", "{\"id\":\"T1\"}\n{\"id\":\"T2\"}\n");
    write("p.toml", "name = \"p\"\ncap = 1\ntreshold = 0.5\n");
    let mut all = String::new();
    for command in [
        "aggregates C1 --table customer_aggregates",
        "aggregates C1",
        "dead-letters list --queue http://localhost:1/letters",
        "dead-letters list",
        "alerts pending",
        "alerts pending --ledger file:ledger",
        "score tx.ndjson",
        "score refused.ndjson",
        "score all-refused.ndjson",
        "score nowhere.ndjson",
        "score tx.ndjson --policy p.toml",
        "policy check p.toml",
        "backtest tx.ndjson --policy p.toml",
        "produce tx.ndjson",
        "produce tx.ndjson --stream nope",
        "consume --stream transactions --name me",
        "replay --stream transactions --from tomorrow --handler alerts",
        "replay --stream transactions --from 9000-01-01 --handler alerts",
        "replay --stream transactions --from -1h --handler transform",
        "generate --transactions -",
        "generate --count 5 --transactions nowhere/tx.ndjson",
        "labels apply labels.ndjson --to dynamodb:labels",
        "verify nowhere",
        "alert pending",
    ] {
        let words: Vec<&str> = command.split_whitespace().collect();
        let output = fraudctl(folder.path(), &words);
        let status = output.status.code().unwrap();
        let stderr = text(output.stderr);
        assert!(status == 1 || status == 2, "{command}: {status}");
        let folder = folder.path().display().to_string();
        all += &format!(
            "$ fraudctl {command}\n{}(exit status {status})\n\n",
            stderr.replace(&folder, "<folder>")
        );
    }
    hold("errors.txt", &all);
}
