//! The README's commands are run as they are printed, and what matters of their output is what it shows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use system_tests::document::{Block, blocks_below, run, shell};
use system_tests::workspace::root;

/// The commands that are not run, by how they begin, and why not.
const NOT_RUN: [(&str, &str); 10] = [
    ("make test", "it runs this test"),
    ("cargo build --workspace --bins", "`make test` has built them, and PATH names them"),
    ("fraud-local --days 30", "half a minute, for what the labelled days of `make run` show, too"),
    (
        "fraud-local --count 1000 --seed 2 --keep",
        "`make run` is kept running instead: it has the alerts that are named",
    ),
    ("make tools build", "minutes: a release build"),
    ("sam build", "packs that release build; `make test-deploy` runs it"),
    ("sam deploy", "it needs an account"),
    ("fraudctl dead-letters delete", "it names no letter"),
    ("fraudctl merchants count", "days as old as these are refused once they are no longer kept"),
    ("fraudctl history show", "the policy of `make run` keeps no history"),
];

/// The labels of the report's lines that no two runs share.
const VARYING: [&str; 5] = ["arrived", "detection latency", "throughput", "files written", "retried"];

/// What differs in an alert or a scored line whenever it is made: times of arrival, and where in the stream it came.
const OF_THE_RUN: [&str; 4] = ["ingested_at", "timestamp", "sequence_number", "customer_sequence"];

/// The commands of a block of shell, one a line, continued lines put together.
fn commands(block: &Block) -> Vec<String> {
    let text = block.text.replace("\\\n", "");
    text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// What `make run` runs: what it prints of itself first, then each run of the pipeline.
fn runs_of_make() -> (String, Vec<String>) {
    let output = Command::new("make")
        .args(["--dry-run", "--no-print-directory", "run"])
        .current_dir(root())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    let build = lines.next().unwrap().to_owned();
    (
        build,
        lines
            .filter(|line| line.starts_with("target/debug/"))
            .map(|line| line.replacen("target/debug/", "", 1))
            .collect(),
    )
}

/// The services of a run, until it is dropped.
struct Kept(Child);

impl Kept {
    /// Starts a run of the pipeline that goes on after its report. Gives the report; the folder's `services` says how to reach what
    /// runs.
    fn start(command: &str, folder: &Path) -> (Self, String) {
        let command = format!("exec {command} --keep > exports");
        let mut child = shell(&command, folder).unwrap().stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut report = Vec::new();
        loop {
            let line = told.next().unwrap_or_else(|| unreachable!("{command} ended"));
            if line.starts_with("Running on until Ctrl-C") {
                break;
            }
            report.push(line);
        }
        // It goes on saying things, which must not block it.
        std::thread::spawn(move || told.for_each(drop));
        let exports = std::fs::read_to_string(folder.join("exports")).unwrap();
        std::fs::write(folder.join("services"), format!("export USER=ana\n{exports}")).unwrap();
        (Kept(child), report.join("\n"))
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // An error says that it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command, and gives what it prints. Pipelines and functions have services of their own; what else there is reaches the kept
/// ones.
fn printed(command: &str, folder: &Path) -> String {
    let has_own_services = ["fraud-local ", "run-function"].iter().any(|name| command.contains(name));
    let text = if has_own_services { command.to_owned() } else { format!(". ./services; {command}") };
    let output = shell(&text, folder).unwrap().output().unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}\n{text}");
    text
}

/// A report without what varies: times, and how often Lambda's delivery was repeated.
fn lasting(report: &str) -> Vec<&str> {
    let lines =
        report.lines().filter(|line| !VARYING.iter().any(|label| line.trim_start().starts_with(label)));
    lines
        .map(|line| match line.split_once(" (") {
            Some((alerts, repeated)) if repeated.ends_with("suppressed)") => alerts,
            _ => line.trim_end(),
        })
        .collect()
}

/// An object without what is of one run.
fn without_run(text: &str) -> Value {
    let mut object: Value = serde_json::from_str(text).unwrap();
    let members = object.as_object_mut().unwrap();
    members.retain(|name, _| !OF_THE_RUN.contains(&name.as_str()));
    object
}

/// The line with this text in a file, or in the files below a folder.
fn line_with(path: &Path, text: &str) -> Option<String> {
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().find_map(|entry| line_with(&entry.unwrap().path(), text));
    }
    std::fs::read_to_string(path).unwrap().lines().find(|line| line.contains(text)).map(str::to_owned)
}

#[test]
fn its_commands_run_and_print_what_it_shows() {
    let blocks = blocks_below("README.md", "# fraud-stream").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(&Block { language: "sh".to_owned(), text: "mkdir given-up".to_owned() }, folder).unwrap();

    let (build, runs) = runs_of_make();
    let [peak, labelled] = &runs[..] else { unreachable!("{runs:?}") };
    let (_kept, report) = Kept::start(peak, folder);
    let shown: Vec<&str> = blocks.iter().map(|block| block.text.as_str()).collect();
    let shown_with = |text: &str| *shown.iter().find(|shown| shown.contains(text)).unwrap();
    let (first, shown_report) = shown_with("Balanced: every record").split_once('\n').unwrap();
    assert_eq!(first, build);
    assert_eq!(lasting(&report), lasting(shown_report));
    let of_labelled = printed(labelled, folder);
    for line in shown_with("card-simulated@").lines() {
        assert!(of_labelled.lines().any(|printed| printed == line), "{line}\nis not in\n{of_labelled}");
    }

    // One transaction on its way: as it was put on the stream, in the lake, in the alert.
    let (transaction, alert) = (shown_with("{\"transaction_id\""), shown_with("{\"alert_type\""));
    let added = shown_with("\"customer_segment\":");
    let scored = format!("{},{}}}", transaction.trim_end().strip_suffix('}').unwrap(), added.trim_end());
    let id = "\"C005513/T00012252\"";
    let in_lake = line_with(&folder.join("out/scored"), id).unwrap();
    assert!(in_lake.starts_with(transaction.trim_end().strip_suffix('}').unwrap()), "{in_lake}");
    assert_eq!(without_run(&in_lake), without_run(&scored));
    assert_eq!(without_run(&line_with(&folder.join("out/alerts.ndjson"), id).unwrap()), without_run(alert));

    // The commands beside those services, over files that a reader has by then.
    let prepare = "cp --recursive out/scored lake; cp policies/examples/card-simulated.toml card.toml";
    printed(prepare, folder);
    let mut not_run = Vec::new();
    let mut outputs = Vec::new();
    for command in blocks.iter().filter(|block| block.language == "sh").flat_map(commands) {
        if let Some((begin, _)) = NOT_RUN.iter().find(|(begin, _)| command.starts_with(begin)) {
            not_run.push(*begin);
            continue;
        }
        if command.starts_with("make run ") {
            continue;
        }
        if command.starts_with("fraudctl labels apply") {
            printed("cp labels.ndjson chargebacks.ndjson", folder);
        }
        // The Makefile's folder is another than that of the files.
        let make = format!("make --no-print-directory --directory {} run-function", root().display());
        let text = match command.contains("make run-function") {
            true => command.replace("make run-function", &make).replace("file:", "file:$PWD/"),
            false => command.clone(),
        };
        outputs.push((command, printed(&text, folder)));
    }
    assert_eq!(not_run, NOT_RUN.map(|(begin, _)| begin), "in the README's order");
    let output = |begin: &str| &outputs.iter().find(|(command, _)| command.starts_with(begin)).unwrap().1;
    assert!(
        output("fraudctl score tx.ndjson --profiles profiles.json  ").contains(", 4 above its threshold")
    );
    assert!(output("make run-function").contains("alert"), "{}", output("make run-function"));
    assert!(output("fraudctl aggregates").contains(" 24809.33 "), "{}", output("fraudctl aggregates"));
    assert!(output("fraudctl alerts show").contains("C005513/T00012252"));
    assert!(output("fraudctl dead-letters list").contains("no letters"));
    assert!(output("fraudctl stream describe payments").contains("168"));
    assert!(output("fraudctl consume").contains("51,000 records handled"), "{}", output("fraudctl consume"));
}
