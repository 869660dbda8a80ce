//! `ARCHITECTURE.md` held against the tree: the paths that it names exist, and crates depend on what it allows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const DOCUMENT: &str = "ARCHITECTURE.md";
/// What a row of the table says of a crate that may depend on each of the others.
const ALL: &str = "every other crate";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn document() -> String {
    std::fs::read_to_string(root().join(DOCUMENT)).unwrap()
}

/// What is between each pair of marks.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).filter_map(|rest| Some(rest.split_once(close)?.0)).collect()
}

/// The paths that the document names: targets of links, and words that begin with a folder of the workspace.
fn named_paths(text: &str) -> BTreeSet<String> {
    let folders: Vec<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| format!("{}/", entry.file_name().to_string_lossy()))
        .collect();
    let links = between(text, "](", ")").into_iter();
    let links =
        links.filter(|target| !target.contains("://")).map(|target| target.split('#').next().unwrap());
    let words = text.split(|c: char| c.is_whitespace() || "`()[]|,;:#".contains(c));
    let words = words.filter(|word| folders.iter().any(|folder| word.starts_with(folder.as_str())));
    links
        .chain(words)
        .map(|path| path.trim_end_matches('.').to_owned())
        .filter(|path| !path.is_empty())
        .collect()
}

#[test]
fn every_path_that_the_document_names_exists() {
    let named = named_paths(&document());
    assert!(named.len() > 30, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{DOCUMENT} names what there is not: {missing:?}");
}

/// What a crate depends on: its code, and its tests.
#[derive(Debug, Default)]
struct Arrows {
    code: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// The arrows between the workspace's crates.
fn arrows() -> BTreeMap<String, Arrows> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let metadata = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(cargo).args(metadata).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut arrows: BTreeMap<String, Arrows> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let of_package = arrows.entry(package["name"].as_str().unwrap().to_owned()).or_default();
        for dependency in package["dependencies"].as_array().unwrap() {
            // One without a path is not of the workspace.
            if dependency["path"].is_string() {
                let name = dependency["name"].as_str().unwrap().to_owned();
                let is_of_tests = dependency["kind"] == "dev";
                if is_of_tests { &mut of_package.tests } else { &mut of_package.code }.insert(name);
            }
        }
    }
    arrows
}

/// The rows of the document's table.
fn allowed(text: &str) -> BTreeMap<String, Arrows> {
    let section = text.split_once("\n## Arrows\n").unwrap().1.split("\n## ").next().unwrap();
    let names = |cell: &str| -> BTreeSet<String> {
        if cell.trim() == ALL {
            return BTreeSet::from([ALL.to_owned()]);
        }
        cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let [_, name, code, tests, _] = cells[..] else { panic!("not three cells: {row}") };
        let name = name.trim().trim_matches('`').to_owned();
        (name, Arrows { code: names(code), tests: names(tests) })
    })
    .collect()
}

#[test]
fn crates_depend_on_what_the_document_allows() {
    let (arrows, allowed) = (arrows(), allowed(&document()));
    let crates: BTreeSet<_> = arrows.keys().collect();
    assert_eq!(
        allowed.keys().collect::<BTreeSet<_>>(),
        crates,
        "the table's rows are not the workspace's crates"
    );
    let permits = |cell: &BTreeSet<String>, name: &String| cell.contains(name) || cell.contains(ALL);
    let mut forbidden = Vec::new();
    for (name, Arrows { code, tests }) in &arrows {
        let row = &allowed[name];
        let of_code = code.iter().filter(|to| !permits(&row.code, to));
        let of_tests = tests.iter().filter(|to| !permits(&row.code, to) && !permits(&row.tests, to));
        forbidden.extend(of_code.map(|to| format!("{name} -> {to}")));
        forbidden.extend(of_tests.map(|to| format!("tests of {name} -> {to}")));
    }
    assert!(forbidden.is_empty(), "{DOCUMENT} does not allow: {forbidden:?}");
}

#[test]
fn the_table_allows_only_what_there_is() {
    let (arrows, allowed) = (arrows(), allowed(&document()));
    let named = allowed.values().flat_map(|row| row.code.iter().chain(&row.tests));
    let unknown: BTreeSet<_> = named.filter(|name| *name != ALL && !arrows.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "{DOCUMENT} allows arrows to what is not a crate: {unknown:?}");
}

#[test]
fn links_and_words_that_begin_with_a_folder_are_paths() {
    let text =
        "[a](crates/x#y) `tests/no_such.rs`, docs/z.md. (https://example.com/tests/a) plain/word crates";
    let expected = ["crates/x", "docs/z.md", "tests/no_such.rs"].map(str::to_owned);
    assert_eq!(named_paths(text), BTreeSet::from(expected));
}

/// The sources of a workspace's crates that are not tests, with their paths.
fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | "tests") && !name.starts_with('.') {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") && !name.starts_with("test") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
            found.push((path, code));
        }
    }
}

#[test]
fn a_decision_is_made_in_one_place() {
    let mut found = Vec::new();
    ["crates", "functions", "emulator", "bench"]
        .iter()
        .for_each(|folder| sources(&root().join(folder), &mut found));
    assert!(found.len() > 300, "{}", found.len());
    let makes =
        |code: &str| code.lines().any(|line| line.trim() == "Decision {" || line.contains("= Decision {"));
    let places: Vec<_> = found.iter().filter(|(_, code)| makes(code)).map(|(path, _)| path).collect();
    assert_eq!(places, [&root().join("crates/fraud-core/src/decision.rs")]);
}
