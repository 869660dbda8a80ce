//! What a reader of measures must know of the files and labels.

use anyhow::anyhow;

use super::{Measured, Past};
use crate::Failure;
use crate::display::{counted, note, thousands};

/// Tells what of the files and labels was not as one expects.
pub(crate) fn tell(past: &Past<'_>, measured: &Measured) {
    let Measured { met, labels, .. } = measured;
    if met.copies > 0 {
        note!("{} left out", copies(met.copies));
    }
    if measured.expired > 0 {
        note!(
            "{} scored without the customer's history: they lie before what is remembered",
            counted(measured.expired, "transaction")
        );
    }
    let Some(figures) = measured.measures.first().map(|measures| &measures.overall) else { return };
    match (past.is_labelled(), figures.frauds) {
        (false, _) => {
            note!("no labels were given (--labels, --label-field): alerts are counted, and not judged")
        }
        (true, 0) => note!(
            "no fraud is among the transactions that are judged: there is nothing to measure recall and precision by"
        ),
        (true, _) => {}
    }
    if figures.immature > 0 {
        note!(
            "{} not judged: younger than {} before the end of the labels (--labels-until)",
            counted(figures.immature, "transaction"),
            counted(u64::from(past.delay.days()), "day")
        );
    }
    if labels.unmet > 0 {
        let first = labels.first_unmet.as_deref().unwrap_or_default();
        note!(
            "{} labelled and not in the files, the first {first}",
            counted(labels.unmet as u64, "transaction")
        );
    }
    if labels.contradicted > 0 {
        note!(
            "{} called fraud and legitimate: the latest word that is not taken back holds",
            counted(labels.contradicted as u64, "transaction")
        );
    }
    if let Some(early) = &labels.first_early {
        note!(
            "{} labelled before it was made, the first {} at {}: is a clock or a time zone wrong?",
            counted(labels.early, "transaction"),
            early.identity,
            early.reported_at
        );
    }
}

pub(super) fn copies(count: u64) -> String {
    match count {
        1 => "1 copy of a transaction".to_owned(),
        _ => format!("{} copies of transactions", thousands(count)),
    }
}

/// Fails if entries were not used.
///
/// # Errors
/// [`Failure::Input`]
pub(crate) fn refused(measured: &Measured) -> Result<(), Failure> {
    if let Some(lacking) = &measured.met.lacking {
        lacking.tell()?;
    }
    match measured.met.refused {
        0 => Ok(()),
        refused => Err(Failure::input(anyhow!(
            "{} of {} not used, see above: they are not among what was measured",
            thousands(refused),
            match measured.met.entries {
                1 => "1 entry".to_owned(),
                entries => format!("{} entries", thousands(entries)),
            }
        ))),
    }
}
