//! What the lake's lines know of labels' transactions.

use std::collections::HashMap;

use exact_text::timestamp::Timestamp;
use fraud_core::label::{Details, LabelledId};
use fraud_core::policy::{HistorySettings, Policy};
use fraud_core::record::ScoredLine;
use fraud_core::schema::Schema;
use fraud_core::transaction::Reading;

use crate::Failure;
use crate::display::{counted, progress, thousands};
use crate::input::{Input, Source};
use crate::interrupt::Interrupt;

/// Lines between two looks at Ctrl-C.
const LINES_A_LOOK: u64 = 1024;
/// The digits of a fingerprint that an alert's id can end with.
const ENDINGS: [usize; 2] = [16, 64];

/// The transactions that are looked for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// By identity what is looked for under it.
    of: HashMap<String, Vec<Searched>>,
}

/// One transaction that is looked for.
#[derive(Debug)]
struct Searched {
    key: String,
    /// What the fingerprint begins with, if the alert's id says so.
    fingerprint: Option<String>,
    /// The first one that arrived.
    found: Option<(Timestamp, Details)>,
}

impl Wanted {
    /// Looks for a label's transaction, too.
    pub(super) fn add(&mut self, of: &LabelledId) {
        let key = of.key();
        let (identity, fingerprint) = match of {
            LabelledId::Alert(_) => identity_and_fingerprint(&key),
            LabelledId::Decision(_) | LabelledId::Transaction { .. } => (key.as_str(), None),
        };
        let searched = self.of.entry(identity.to_owned()).or_default();
        if searched.iter().all(|other| other.key != key) {
            let fingerprint = fingerprint.map(str::to_owned);
            searched.push(Searched { key, fingerprint, found: None });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Reads the lake's lines through. Of copies the one counts that arrived first. Gives what is known by key, and how many
    /// entries are not scored lines.
    ///
    /// # Errors
    /// [`Failure::Input`] if a file cannot be read.
    pub(super) fn find_in(
        mut self,
        lake: &[Source],
        policy: &Policy,
        settings: Option<HistorySettings>,
        interrupt: &Interrupt,
    ) -> Result<(HashMap<String, Details>, u64), Failure> {
        // Under any schema a line has our names at its top level.
        let reading = Reading::new(&Schema::builtin_default(), policy.asked());
        let input = Input::open(lake).map_err(Failure::input)?;
        let bar = progress(input.size());
        let (read, mut lines, mut refused) = (input.bytes_read(), 0_u64, 0);
        for entry in input {
            let entry = entry.map_err(Failure::input)?;
            lines += 1;
            if lines.is_multiple_of(LINES_A_LOOK) {
                if interrupt.has_come() {
                    break;
                }
                bar.set_position(read.get());
                bar.set_message(format!(
                    "{} of the lake, {} refused",
                    counted(lines, "line"),
                    thousands(refused)
                ));
            }
            match ScoredLine::read(&reading, &entry.bytes) {
                Ok(line) if entry.fault.is_none() => self.look_at(&line, settings),
                _ => refused += 1,
            }
        }
        bar.finish_and_clear();
        let found = self.of.into_values().flatten();
        let found = found.filter_map(|searched| Some((searched.key, searched.found?.1)));
        Ok((found.collect(), refused))
    }

    fn look_at(&mut self, line: &ScoredLine<'_>, settings: Option<HistorySettings>) {
        let Some(searched) = line.identity().and_then(|identity| self.of.get_mut(&*identity)) else { return };
        for searched in searched {
            let is_it = searched
                .fingerprint
                .as_ref()
                .is_none_or(|digits| line.transaction.fingerprint().digits().starts_with(digits.as_str()));
            let is_first = searched.found.as_ref().is_none_or(|(arrival, _)| line.arrival < *arrival);
            if is_it && is_first {
                searched.found = Some((line.arrival, Details::of_line(line, settings)));
            }
        }
    }
}

/// An alert's id as the identity of its transaction, and what the fingerprint begins with if the id says so.
fn identity_and_fingerprint(alert_id: &str) -> (&str, Option<&str>) {
    let hex =
        |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    // An identity without an ending has one `/`; that of a position has two or three, and its last part is a number.
    let parts = alert_id.split('/').count();
    let may_end = if alert_id.starts_with('@') { parts > 3 } else { parts > 2 };
    match alert_id.rsplit_once('/') {
        Some((identity, digits)) if may_end && ENDINGS.contains(&digits.len()) && hex(digits) => {
            (identity, Some(digits))
        }
        _ => (alert_id, None),
    }
}

#[cfg(test)]
mod tests {
    use fraud_core::transaction::PLAIN;

    use super::*;

    #[test]
    fn of_several_contents_under_an_id_the_first_arrived_is_meant_unless_the_alert_says_which() {
        let line = |amount: &str, second: u32| {
            format!(
                r#"{{"customer_id":"C1","transaction_id":"T1","merchant_id":"M1","amount":{amount},"ingested_at":"2026-01-15T12:00:0{second}Z"}}"#
            )
        };
        let lines = [
            line("2", 2),
            line("1", 1),
            line("3", 3),
            line("1", 4),
            line("9", 0).replace("\"T1\"", "\"T9\""),
        ];
        let read = |line: &'static str| ScoredLine::read(&PLAIN, line.as_bytes()).unwrap();
        let lines = lines.map(|line| read(line.leak()));
        let ending = lines[2].transaction.fingerprint().short();
        let mut wanted = Wanted::default();
        wanted.add(&LabelledId::Decision("C1/T1".to_owned()));
        wanted.add(&LabelledId::Alert(format!("C1/T1/{ending}")));
        wanted.add(&LabelledId::Decision("C1/T2".to_owned()));
        lines.iter().for_each(|line| wanted.look_at(line, None));
        let mut found: Vec<_> = wanted
            .of
            .into_values()
            .flatten()
            .map(|searched| (searched.key, searched.found.and_then(|(_, details)| details.amount)))
            .collect();
        found.sort();
        let expected = [
            ("C1/T1".to_owned(), Some("1".to_owned())),
            (format!("C1/T1/{ending}"), Some("3".to_owned())),
            ("C1/T2".to_owned(), None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_alerts_id_may_end_with_digits_of_the_fingerprint() {
        let digits = "0123456789abcdef";
        let ended = format!("C1/T1/{digits}");
        assert_eq!(identity_and_fingerprint(&ended), ("C1/T1", Some(digits)));
        let position = format!("@s/shardId-0/7/{digits}");
        assert_eq!(identity_and_fingerprint(&position), ("@s/shardId-0/7", Some(digits)));
        for whole in ["C1/T1", "C1/0123456789abcdef", "@s/shardId-0/7", "@s/shardId-0/7/12", "", "x"] {
            assert_eq!(identity_and_fingerprint(whole), (whole, None));
        }
    }
}
