//! Files of labels.

use anyhow::anyhow;
use backtest::engine::{LabelsKnown, WhenLabelsCome};
use backtest::measures::DAY;
use fraud_core::label::Label;
use fraud_core::merchant::LabelDelay;

use super::span::Days;

use crate::Failure;
use crate::input::{Input, Source};
use crate::labels::LineCounts;

/// The labels, and which transactions are judged by them.
pub(super) struct Judging {
    pub(super) labels: LabelsKnown,
    pub(super) delay: LabelDelay,
    /// The transactions behind this second, since the epoch, are not judged.
    pub(super) judged_until: Option<i64>,
}

impl Judging {
    /// # Errors
    /// [`Failure::Input`] if a file cannot be read, or the delay is longer than merchants' days are kept.
    pub(super) fn of(
        sources: &[Source],
        label_delay: Option<Days>,
        labels_until: Option<i64>,
    ) -> Result<Self, Failure> {
        let delay = match label_delay {
            None => crate::options::label_delay(None)?,
            Some(days) => {
                let delay = u8::try_from(days.0).ok().and_then(|days| LabelDelay::of_days(days).ok());
                delay.ok_or_else(|| {
                    Failure::input(anyhow!(
                        "--label-delay is {}d: merchants' days are kept for labels of up to {}d",
                        days.0,
                        LabelDelay::MAX.days()
                    ))
                })?
            }
        };
        let come = match label_delay {
            None => WhenLabelsCome::Reported,
            Some(_) => WhenLabelsCome::AfterDelay,
        };
        let labels = match sources {
            [] => LabelsKnown::default(),
            sources => LabelsKnown::new(read(sources)?, come),
        };
        let latest = labels.latest().map(|latest| latest.millis().div_euclid(1000));
        let until = labels_until.or(latest);
        Ok(Judging { labels, delay, judged_until: until.map(|until| until - i64::from(delay.days()) * DAY) })
    }
}

/// The labels of files. Tells of entries that are not labels.
///
/// # Errors
/// [`Failure::Input`] if a file cannot be read, or holds an entry that is not a label.
fn read(sources: &[Source]) -> Result<Vec<Label>, Failure> {
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
