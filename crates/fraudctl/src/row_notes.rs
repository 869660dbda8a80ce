//! What is told of the rows of a file that is read whole: profiles, entities.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;

use crate::display::{counted, note};

/// This many rows that the functions cannot use are reported one by one; the others are counted.
const PROBLEMS_TOLD: usize = 10;

/// Tells of rows that the functions would not use as they are meant: each place, and what is wrong there.
pub(crate) fn tell_problems(path: &Path, problems: impl Iterator<Item = (impl Display, impl Display)>) {
    let mut problems = problems;
    for (place, problem) in problems.by_ref().take(PROBLEMS_TOLD) {
        note!("{}, {place}: {problem}", path.display());
    }
    let more = problems.count() as u64;
    if more > 0 {
        note!("{}: {} more cannot be used as they are", path.display(), counted(more, "row"));
    }
}

/// Says which columns are not attributes of what the file holds: `a profile`.
pub(crate) fn tell_left_out(path: &Path, left_out: &BTreeSet<String>, of: &str) {
    if !left_out.is_empty() {
        let names: Vec<_> = left_out.iter().map(|name| format!("`{name}`")).collect();
        note!("{}: {} left out: not attributes of {of}", path.display(), names.join(", "));
    }
}
