//! Checks that everything that went in came out: scores the records on the stream once more and compares this with what
//! landed, failed, was alerted and was dead-lettered.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fraud_core::entity::{EntityKind, EntityKinds};
use fraud_core::shadow::ShadowCounts;
use fraud_core::window::WindowTotals;

pub(crate) use put_aside::PutAside;

use crate::discrepancies::Discrepancies;

mod put_aside;
mod recount;

/// What a line says of a history that it was decided with.
pub(crate) const USED: &str = "used";

/// What a scored line says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct LandedLine {
    /// `decision_id`
    pub decision_id: String,
    /// `fraud_score`
    pub fraud_score: f64,
    /// `shadow_score`, if a policy is in the shadow.
    pub shadow_score: Option<f64>,
    /// `enrichment`
    pub enrichment: String,
    /// The kinds of entities that `fraud_inputs` calls unavailable.
    pub unavailable: EntityKinds,
    /// `history`, under a policy that looks at it.
    pub history: Option<String>,
    /// `fraud_inputs`
    pub inputs: Option<String>,
    /// `fraud_reasons`
    pub reasons: Vec<String>,
}

/// What is looked at of a published alert.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PublishedAlert {
    /// `alert_id`
    pub(crate) id: String,
    /// `reuses_id_of`, if it is not the first alert under its transaction's identity.
    pub(crate) reuses_id_of: Option<String>,
    /// `fraud_inputs`, if it was decided with the customer's history.
    pub(crate) history_inputs: Option<String>,
}

impl PublishedAlert {
    /// The identity of its transaction.
    fn identity(&self) -> &String {
        self.reuses_id_of.as_ref().unwrap_or(&self.id)
    }
}

/// What the pipeline produced of the same customers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Output<'o> {
    /// The scored lines of the lake.
    pub(crate) landed: &'o [LandedLine],
    /// The alerts published.
    pub(crate) alerts: &'o [PublishedAlert],
    /// The rows of the table of aggregates, by customer and then by time.
    pub(crate) windows: &'o [WindowTotals],
}

/// What the pipeline must have produced of some customers, found by scoring here.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExpectedOutput {
    /// For each record that can be scored, by its identity, its scores: that with all answers, and those without some. Under a
    /// policy that looks at the customers' history these are without it, and the last is with it.
    scores: HashMap<String, Vec<Vec<Scores>>>,
    /// By identity, the inputs of decisions with the customer's history.
    inputs: Inputs,
    /// The same as alerts have them: without what only the policy in the shadow looks at.
    alert_inputs: Inputs,
    /// The kinds of entities that the policy asks for.
    kinds: Vec<EntityKind>,
    /// What must have been put aside.
    aside: PutAside,
    /// Every customer's windows.
    windows: Vec<WindowTotals>,
    /// The identities with a high score, and the fingerprints' digits of each one's contents.
    high: BTreeMap<String, BTreeSet<String>>,
    /// The records with a high score.
    pub(crate) high_scores: u64,
    /// What the policy in the shadow would have alerted.
    pub(crate) shadow: ShadowCounts,
}

/// By identity, the inputs of decisions.
type Inputs = HashMap<String, BTreeSet<String>>;

/// The bits of a score, and of that by the policy in the shadow.
type Scores = (u64, Option<u64>);

impl ExpectedOutput {
    /// The customers that have windows.
    pub(crate) fn customers_with_windows(&self) -> BTreeSet<&str> {
        self.windows.iter().map(|window| &*window.customer_id).collect()
    }

    /// What must have been put aside.
    pub(crate) fn take_aside(&mut self) -> PutAside {
        std::mem::take(&mut self.aside)
    }

    /// Holds output against this.
    pub(crate) fn check(&self, output: &Output<'_>, found: &mut Discrepancies) {
        self.check_landed(output.landed, found);
        let ids: Vec<_> = output.alerts.iter().map(|alert| &alert.id).collect();
        self.check_alerts(&ids, found);
        let with_history = output
            .alerts
            .iter()
            .filter_map(|alert| Some((alert.identity(), alert.history_inputs.as_deref()?)));
        check_inputs("alerted with other inputs than here", &self.alert_inputs, with_history, found);
        self.check_windows(output.windows, found);
    }

    /// What a line was scored without: the place of its score.
    fn missing(&self, line: &LandedLine) -> usize {
        if line.history.as_deref() == Some(USED) {
            return 1 << (self.kinds.len() + 1);
        }
        let kinds = (1..).zip(&self.kinds).filter(|(_, kind)| line.unavailable.contains(**kind));
        let kinds: usize = kinds.map(|(bit, _)| 1 << bit).sum();
        kinds + usize::from(line.enrichment == "unavailable")
    }

    fn check_windows(&self, windows: &[WindowTotals], found: &mut Discrepancies) {
        let of =
            |windows: &[WindowTotals]| windows.iter().map(WindowTotals::to_json).collect::<BTreeSet<_>>();
        let (expected, stored) = (of(&self.windows), of(windows));
        found.add("window missing", expected.difference(&stored));
        found.add("window that should not be", stored.difference(&expected));
    }

    fn check_landed(&self, landed: &[LandedLine], found: &mut Discrepancies) {
        let mut left = self.scores.clone();
        let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
        for line in landed {
            let Some(scores) = left.get_mut(&line.decision_id) else {
                unknown.push(&line.decision_id);
                continue;
            };
            let missing = self.missing(line);
            let of_line = (line.fraud_score.to_bits(), line.shadow_score.map(f64::to_bits));
            let is_same = |scores: &Vec<Scores>| scores.get(missing) == Some(&of_line);
            let matching = scores.iter().position(is_same);
            match matching.or((!scores.is_empty()).then_some(0)) {
                Some(place) => drop(scores.swap_remove(place)),
                None => unknown.push(&line.decision_id),
            }
            if matching.is_none() {
                wrong.push(&line.decision_id);
            }
        }
        let missing = left.iter().flat_map(|(id, scores)| scores.iter().map(move |_| id));
        found.add("not landed", missing);
        found.add("landed too often, or unknown", unknown.into_iter());
        found.add("landed with another score than here", wrong.into_iter());
        let used = landed.iter().filter(|line| line.history.as_deref() == Some(USED));
        let inputs = used.map(|line| (&line.decision_id, line.inputs.as_deref().unwrap_or_default()));
        check_inputs("landed with other inputs than here", &self.inputs, inputs, found);
    }

    fn check_alerts(&self, alerts: &[&String], found: &mut Discrepancies) {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for &id in alerts {
            *counts.entry(id).or_default() += 1;
        }
        // Of several contents under one identity each has an alert, and one of them has the identity for its id.
        let (mut alerted, mut unknown): (BTreeMap<&str, usize>, Vec<&String>) = Default::default();
        for &id in counts.keys() {
            let reuse = id.rsplit_once('/').filter(|(identity, digits)| {
                let contents = self.high.get(*identity);
                contents.is_some_and(|contents| {
                    contents.len() > 1 && contents.iter().any(|content| content.starts_with(digits))
                })
            });
            match (self.high.contains_key(id), reuse) {
                (true, _) => *alerted.entry(id).or_default() += 1,
                (false, Some((identity, _))) => *alerted.entry(identity).or_default() += 1,
                (false, None) => unknown.push(id),
            }
        }
        let count = |identity: &str| alerted.get(identity).copied().unwrap_or_default();
        let missing =
            self.high.iter().filter(|(id, contents)| !counts.contains_key(id) || count(id) < contents.len());
        found.add("not alerted", missing.map(|(id, _)| id));
        found.add("alerted without a high score", unknown.into_iter());
        let too_many = self.high.iter().filter(|(id, contents)| count(id) > contents.len());
        found.add("alerted under too many ids", too_many.map(|(id, _)| id));
        found.add("alerted more than once", counts.iter().filter(|(_, count)| **count > 1).map(|(id, _)| id));
    }
}

fn check_inputs<'o>(
    what: &str,
    expected: &Inputs,
    inputs: impl Iterator<Item = (&'o String, &'o str)>,
    found: &mut Discrepancies,
) {
    let differs =
        |(id, inputs): &(&String, &str)| !expected.get(*id).is_some_and(|own| own.contains(*inputs));
    found.add(what, inputs.filter(differs).map(|(id, _)| id));
}

#[cfg(test)]
mod tests;
