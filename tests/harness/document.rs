//! Documents as tests: the commands that they show are run, and what they print is held against what is shown.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, bail};

use crate::workspace::root;

/// A fenced block of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What is behind the fence: `sh`, `sql`; empty for what a command prints.
    pub language: String,
    /// The text between the fences.
    pub text: String,
}

/// The blocks below a heading, up to the next heading of the same or a higher level.
///
/// # Errors
/// If the document cannot be read or has no such heading.
pub fn blocks_below(document: &str, heading: &str) -> anyhow::Result<Vec<Block>> {
    let path = root().join(document);
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {document}"))?;
    let level = heading.chars().take_while(|character| *character == '#').count();
    let (mut blocks, mut open, mut is_below): (Vec<Block>, Option<Block>, bool) = (Vec::new(), None, false);
    for line in text.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|_| is_below)),
            (Some(block), None) => block.text += &format!("{line}\n"),
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (None, None) if line == heading => is_below = true,
            (None, None) if is_below => {
                let hashes = line.chars().take_while(|character| *character == '#').count();
                is_below = hashes == 0 || hashes > level;
            }
            (None, None) => {}
        }
    }
    if blocks.is_empty() {
        bail!("{document} has no block below `{heading}`");
    }
    Ok(blocks)
}

/// Builds the tools, and runs a block of shell as [`shell`] does.
///
/// # Errors
/// If a tool cannot be built, or the shell cannot be started.
pub fn run(block: &Block, folder: &Path) -> anyhow::Result<Output> {
    let build = ["build", "--quiet", "--workspace", "--bin", "fraudctl", "--bin", "fraud-local"];
    let built = Command::new(env!("CARGO")).args(build).current_dir(root()).status()?;
    if !built.success() {
        bail!("the tools cannot be built");
    }
    shell(&block.text, folder)?.output().context("bash cannot be started")
}

/// A shell that runs this text in a folder, with this workspace's tools first in PATH, and its policies, schemas and events beside
/// it.
///
/// # Errors
/// If they cannot be put there.
pub fn shell(text: &str, folder: &Path) -> anyhow::Result<Command> {
    for name in ["policies", "schemas", "events"] {
        let link = folder.join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(root().join(name), link)?;
        }
    }
    let tools = std::env::current_exe()?;
    let tools = tools.parent().and_then(Path::parent).context("a test lies below its build's folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", text]).current_dir(folder);
    shell.env("PATH", format!("{}:{path}", tools.display())).env("COLUMNS", "130");
    Ok(shell)
}

/// Text in which what each run prints differently is replaced: numbers before `a second`, sequence numbers, and the names of the lake's
/// objects.
pub fn comparable(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut words: Vec<&str> = line.trim_end().split(' ').collect();
        for place in 0..words.len().saturating_sub(1) {
            let is_sequence_number = words
                .get(place + 1)
                .is_some_and(|word| word.len() > 40 && word.bytes().all(|byte| byte.is_ascii_digit()));
            if let (true, Some(number)) = (is_sequence_number, words.get_mut(place + 1)) {
                *number = "<n>";
            }
            let is_a_second = words.get(place + 1).is_some_and(|word| *word == "a")
                && words.get(place + 2).is_some_and(|word| word.starts_with("second"));
            if let (true, Some(number)) = (is_a_second, words.get_mut(place)) {
                *number = "<n>";
            }
        }
        let line = words.join(" ");
        let object = line.find("/transactions-to-lake-");
        lines.push(match object.and_then(|at| line.split_at_checked(at)) {
            Some((folder, object)) => {
                let rest = object.find([',', ' ']).and_then(|end| object.get(end..)).unwrap_or_default();
                format!("{folder}/<object>{rest}")
            }
            None => line,
        });
    }
    lines.join("\n")
}
