//! What became of labels.

use fraud_core::label::Taken;
use serde_json::{Value, json};

use crate::display::{counted, thousands};

/// What became of labels, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct ApplySummary {
    /// Labels that hold from now on.
    pub(super) applied: u64,
    /// Labels that held already.
    pub(super) known: u64,
    /// Labels whose source has said something later.
    pub(super) superseded: u64,
    /// Labels whose transaction nobody knows.
    pub(super) unknown: u64,
    /// Labels that the table did not take.
    pub(super) failed: u64,
    /// Entries that are not labels.
    pub(super) refused: u64,
}

impl ApplySummary {
    pub(super) fn count(&mut self, taken: &Taken) {
        match taken {
            Taken::Holds(_) => self.applied += 1,
            Taken::Known => self.known += 1,
            Taken::Superseded => self.superseded += 1,
        }
    }

    pub(super) fn handled(&self) -> u64 {
        self.applied + self.known + self.superseded + self.failed
    }

    pub(super) fn json(&self) -> Value {
        let ApplySummary { applied, known, superseded, unknown, failed, refused } = self;
        json!({
            "applied": applied,
            "known": known,
            "superseded": superseded,
            "unknown": unknown,
            "failed": failed,
            "not_labels": refused,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "{} applied, {} known already, {} superseded by a later one of their source",
            counted(self.applied, "label"),
            thousands(self.known),
            thousands(self.superseded)
        );
        for (count, what) in [
            (self.unknown, "of an unknown transaction"),
            (self.failed, "not taken"),
            (self.refused, "not labels"),
        ] {
            if count > 0 {
                text += &format!(", {} {what}", thousands(count));
            }
        }
        text
    }
}
