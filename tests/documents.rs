//! What the documents show is run, and prints what they show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use system_tests::document::{Block, blocks_below, comparable, run};

/// Runs those blocks of shell that need no account, and holds what each prints against the block that follows it.
fn run_all(blocks: &[Block], folder: &Path) -> (usize, usize) {
    let (mut commands, mut compared) = (0, 0);
    for (index, block) in blocks.iter().enumerate() {
        if block.language != "sh" || block.text.contains("aws ") {
            continue;
        }
        let output = run(block, folder).unwrap();
        let (stdout, stderr) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        commands += 1;
        match blocks.get(index + 1).filter(|shown| shown.language.is_empty()) {
            Some(shown) => {
                let printed = comparable(&(stdout + &stderr));
                let shown = comparable(&shown.text);
                assert!(printed.contains(&shown), "{}\nis not what is shown:\n{printed}", block.text);
                compared += 1;
            }
            None => assert!(output.status.success(), "{}\n{stdout}{stderr}", block.text),
        }
    }
    (commands, compared)
}

#[test]
fn the_auditors_chapter_leads_from_an_alert_to_its_proof() {
    let blocks = blocks_below("docs/operations.md", "## From an alert to its proof").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (commands, compared) = run_all(&blocks, folder.path());
    assert_eq!((commands, compared), (4, 3));
    // The story as a page stands by itself.
    let page = std::fs::read_to_string(folder.path().join("why.html")).unwrap();
    assert!(page.contains("<!DOCTYPE html>") && page.contains("amount_for_this_customer"), "{page}");
}
