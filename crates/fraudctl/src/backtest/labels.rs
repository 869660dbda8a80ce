//! Files of labels.

use anyhow::anyhow;
use fraud_core::label::Label;

use crate::Failure;
use crate::input::{Input, Source};
use crate::labels::LineCounts;

/// The labels of files. Tells of entries that are not labels.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read, or holds an entry that is not a label.
pub(super) fn read(sources: &[Source]) -> Result<Vec<Label>, Failure> {
    let (mut labels, mut counts) = (Vec::new(), LineCounts::default());
    for entry in Input::open(sources).map_err(Failure::input)? {
        labels.extend(counts.read(&entry.map_err(Failure::input)?).map(|line| line.label));
    }
    match counts.refused {
        0 => Ok(labels),
        refused => Err(Failure::input(anyhow!(
            "{refused} of {} entries of the files of labels are not labels, see above",
            counts.lines
        ))),
    }
}
