//! Neighbouring lines, verified.

use fraud_core::verify::{Difference, Form, LineVerifier, NotADecision, Verdict, Verifier};

use super::partition::Partition;
use super::tally::{Kind, Place, Tally};
use crate::input::{Entry, Source};

/// Verifies entries.
#[derive(Debug)]
pub(super) struct LineChecker<'v> {
    verifier: &'v Verifier,
    /// The file if there is one only: its entries do not name it.
    only_file: Option<String>,
    /// A column that a table lacks.
    lost: Option<&'static str>,
    limit: usize,
}

impl<'v> LineChecker<'v> {
    pub(super) fn new(
        verifier: &'v Verifier,
        sources: &[Source],
        lost: Option<&'static str>,
        limit: usize,
    ) -> Self {
        let only_file = match sources {
            [Source::File(path)] => path.to_str().map(str::to_owned),
            _ => None,
        };
        LineChecker { verifier, only_file, lost, limit }
    }

    /// What these entries come to.
    pub(super) fn check(&self, entries: &[Entry]) -> Tally {
        let mut tally = Tally::new(self.limit);
        let mut lines = LineVerifier::new(self.verifier);
        let mut folder: Option<(&str, Option<Partition>)> = None;
        for entry in entries {
            tally.lines += 1;
            let file = entry.location.file.as_deref().or(self.only_file.as_deref()).unwrap_or_default();
            let partition = match folder {
                Some((known, partition)) if known == file => partition,
                _ => folder.insert((file, Partition::of_path(file))).1,
            };
            match self.verdict(&mut lines, entry) {
                Ok(verdict) => take(&mut tally, entry, verdict, partition),
                Err(what) => {
                    tally.not_decisions += 1;
                    tally.count(Kind::NotADecision, || place(entry, None, Some(what)));
                }
            }
        }
        tally
    }

    fn verdict<'l>(&self, lines: &mut LineVerifier<'v, 'l>, entry: &'l Entry) -> Result<Verdict<'l>, String> {
        if let Some(fault) = entry.fault {
            let cut_off = if entry.is_open { " (is the file cut off here?)" } else { "" };
            return Err(format!("{fault}{cut_off}"));
        }
        let form = if entry.location.is_row { Form::Row } else { Form::Json };
        match (lines.verify(&entry.bytes, form), self.lost.filter(|_| form == Form::Row)) {
            // Of a table without a column that is needed nothing is said.
            (Ok(verdict), Some(lost)) => {
                Ok(Verdict { lacks: Some(lost), decision_id: verdict.decision_id, ..Verdict::default() })
            }
            (Err(NotADecision::NoPolicy), Some(lost)) => {
                Ok(Verdict { lacks: Some(lost), ..Verdict::default() })
            }
            (verdict, _) => verdict.map_err(|error| error.to_string()),
        }
    }
}

fn take(tally: &mut Tally, entry: &Entry, mut verdict: Verdict<'_>, partition: Option<Partition>) {
    if let (Some(partition), Some(counted)) = (partition, verdict.counted)
        && !partition.holds(counted)
    {
        verdict.differences.push(Difference::Partition);
    }
    let named = |what: Option<String>| place(entry, verdict.decision_id.as_deref(), what);
    for difference in &verdict.differences {
        tally.count(Kind::Differs(*difference), || named(None));
    }
    if let Some(id) = &verdict.unknown_policy {
        tally.count(Kind::UnknownPolicy, || named(Some(id.clone())));
    }
    if let Some(lacks) = verdict.lacks {
        tally.count(Kind::NoInputs, || named(Some(format!("{lacks} is not told"))));
    }
    let count = match (&verdict.unknown_policy, verdict.lacks) {
        _ if !verdict.differences.is_empty() => &mut tally.different,
        (Some(_), _) => &mut tally.unknown_policy,
        (None, Some(_)) => &mut tally.no_inputs,
        (None, None) => &mut tally.verified,
    };
    *count += 1;
    tally.with_shadow += u64::from(verdict.with_shadow);
    tally.by_another_engine += u64::from(verdict.by_another_engine);
}

fn place(entry: &Entry, decision_id: Option<&str>, what: Option<String>) -> Place {
    Place { location: entry.location.to_string(), decision_id: decision_id.map(str::to_owned), what }
}
