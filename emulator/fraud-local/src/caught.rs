//! What of the frauds of a run was alerted, by their labels.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use crate::labels::Labels;
use fraudctl::display::{a_day, counted, table, thousands};

/// What a run had, to hold labels against.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ran {
    /// The identities of the frauds among the transactions that were scored.
    pub(crate) frauds: HashSet<String>,
    /// The days, in UTC, on which the transactions' event times are.
    pub(crate) days: HashSet<i64>,
}

/// The alerts of a policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct PolicyAlerts {
    /// The policy's id.
    pub(crate) policy: String,
    /// The identities of the transactions that it alerts.
    pub(crate) alerted: BTreeSet<String>,
}

/// What was caught. A transaction counts once, however often it came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaughtReport {
    /// The days, in UTC, on which the transactions' event times are.
    pub days: u64,
    /// Frauds whose transaction is not in this run. They count nowhere else.
    pub frauds_not_in_run: u64,
    /// By the policy that decided, and by the built-in one if that is another.
    pub policies: Vec<CaughtByPolicy>,
}

/// What a policy catches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaughtByPolicy {
    /// The policy's id.
    pub policy: String,
    /// Each kind of fraud, in the order of the names.
    pub kinds: BTreeMap<String, CaughtOfKind>,
    /// All frauds.
    pub frauds: CaughtOfKind,
    /// Transactions alerted, fraud or not.
    pub alerts: u64,
    /// The same by day.
    pub alerts_a_day: f64,
    /// The share of the alerts that is fraud; `None` without an alert.
    pub precision: Option<f64>,
    /// The share of the frauds that was alerted; `None` without a fraud.
    pub recall: Option<f64>,
}

/// Frauds, of one kind or all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CaughtOfKind {
    /// All of them.
    pub frauds: u64,
    /// Those that were alerted.
    pub alerted: u64,
    /// Those that were not.
    pub missed: u64,
}

impl CaughtOfKind {
    fn count(&mut self, is_alerted: bool) {
        self.frauds += 1;
        self.alerted += u64::from(is_alerted);
        self.missed += u64::from(!is_alerted);
    }
}

impl CaughtReport {
    /// Holds the alerts of policies against the labels.
    pub(crate) fn of(labels: &Labels, ran: &Ran, policies: &[PolicyAlerts]) -> Self {
        let frauds: Vec<_> = labels.frauds().filter(|(id, _)| ran.frauds.contains(*id)).collect();
        let by_policy = |alerts: &PolicyAlerts| {
            let mut kinds: BTreeMap<String, CaughtOfKind> = BTreeMap::new();
            let mut all = CaughtOfKind::default();
            for (id, kind) in &frauds {
                let is_alerted = alerts.alerted.contains(*id);
                kinds.entry((*kind).to_owned()).or_default().count(is_alerted);
                all.count(is_alerted);
            }
            let count = alerts.alerted.len() as u64;
            CaughtByPolicy {
                policy: alerts.policy.clone(),
                kinds,
                frauds: all,
                alerts: count,
                alerts_a_day: share(count, ran.days.len() as u64).unwrap_or_default(),
                precision: share(all.alerted, count),
                recall: share(all.alerted, all.frauds),
            }
        };
        CaughtReport {
            days: ran.days.len() as u64,
            frauds_not_in_run: labels.count() as u64 - frauds.len() as u64,
            policies: policies.iter().map(by_policy).collect(),
        }
    }

    /// The report for people: a table of the kinds, and a line for each policy.
    pub(crate) fn render(&self) -> String {
        let Some(first) = self.policies.first() else { return String::new() };
        let mut columns = vec!["fraud", "number"];
        let mut named = Vec::new();
        for CaughtByPolicy { policy, .. } in &self.policies {
            named.extend([format!("alerted by {policy}"), "missed".to_owned()]);
        }
        columns.extend(named.iter().map(String::as_str));
        let mut shown = table(&columns, &columns[1..]);
        let all = [("all".to_owned(), first.frauds)];
        for (kind, number) in first.kinds.iter().map(|(kind, of)| (kind.clone(), *of)).chain(all) {
            let mut row = vec![kind.clone(), thousands(number.frauds)];
            for policy in &self.policies {
                let of = policy.kinds.get(&kind).copied().unwrap_or(policy.frauds);
                row.extend([thousands(of.alerted), thousands(of.missed)]);
            }
            shown.add_row(row);
        }
        let mut out = format!("{shown}\n");
        let digits = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{share:.3}"));
        for CaughtByPolicy { policy, alerts, alerts_a_day, precision, recall, .. } in &self.policies {
            out += &format!(
                "{policy}: precision {}, recall {}, {} ({} a day over {})\n",
                digits(*precision),
                digits(*recall),
                counted(*alerts, "alert"),
                a_day(*alerts_a_day),
                counted(self.days, "day"),
            );
        }
        if self.frauds_not_in_run > 0 {
            out += &format!("{} labelled and not in this run\n", counted(self.frauds_not_in_run, "fraud"));
        }
        out
    }
}

/// `part` of `whole`; `None` if there is no whole.
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use fraudctl::generate::{Months, MonthsSettings};

    use super::*;

    fn ids(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn frauds_are_counted_by_kind_and_alerts_by_what_they_tell_of() {
        let labels = Labels::of_kinds(&[("C1/T1", "a"), ("C1/T2", "a"), ("C2/T1", "b"), ("C9/T9", "b")]);
        let frauds = ids(&["C1/T1", "C1/T2", "C2/T1"]).into_iter().collect();
        let ran = Ran { frauds, days: [7, 8].into() };
        let of = |policy: &str, alerted| PolicyAlerts { policy: policy.to_owned(), alerted };
        let policies = [of("card", ids(&["C1/T1", "C2/T1", "C3/T1"])), of("default", ids(&[]))];
        let report = CaughtReport::of(&labels, &ran, &policies);

        assert_eq!((report.days, report.frauds_not_in_run), (2, 1));
        let [card, default] = &report.policies[..] else { panic!("{report:?}") };
        let count = |frauds, alerted| CaughtOfKind { frauds, alerted, missed: frauds - alerted };
        let kinds = |a, b| BTreeMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        assert_eq!(card.kinds, kinds(count(2, 1), count(1, 1)));
        assert_eq!((card.frauds, card.alerts, card.alerts_a_day), (count(3, 2), 3, 1.5));
        assert_eq!((card.precision, card.recall), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(default.kinds, kinds(count(2, 0), count(1, 0)));
        assert_eq!((default.precision, default.recall, default.alerts), (None, Some(0.0), 0));

        let shown = report.render();
        for line in [
            "│ fraud   number   alerted by card   missed   alerted by default   missed │",
            "│ a            2                 1        1                    0        2 │",
            "│ all          3                 2        1                    0        3 │",
            "card: precision 0.667, recall 0.667, 3 alerts (1.5 a day over 2 days)",
            "default: precision -, recall 0.000, 0 alerts (0.0 a day over 2 days)",
            "1 fraud labelled and not in this run",
        ] {
            assert!(shown.contains(line), "{line}\n{shown}");
        }
    }

    #[test]
    fn without_frauds_there_is_no_recall_and_without_days_no_alert_a_day() {
        let policies = [PolicyAlerts { policy: "p".to_owned(), alerted: ids(&["C1/T1"]) }];
        let report = CaughtReport::of(&Labels::default(), &Ran::default(), &policies);
        let by = &report.policies[0];
        assert_eq!((by.precision, by.recall, by.alerts_a_day), (Some(0.0), None, 0.0));
    }

    #[test]
    fn generated_labels_find_their_transactions() {
        let from = "2026-01-01".parse().unwrap();
        let settings = MonthsSettings { days: 30, customers: 300, merchants: 300, from, seed: 4 };
        let frauds: BTreeSet<String> = Months::new(settings)
            .filter(|transaction| transaction.fraud.is_some())
            .map(|transaction| {
                let sent: serde_json::Value = serde_json::from_str(&transaction.to_json()).unwrap();
                let text = |name: &str| sent[name].as_str().unwrap().to_owned();
                format!("{}/{}", text("customer_id"), text("transaction_id"))
            })
            .collect();
        let labels = Months::new(settings).filter_map(|t| fraudctl::generate::Label::of(&t, settings.seed));
        let ran = Ran { frauds: frauds.iter().cloned().collect(), days: (0..30).collect() };
        let alerts = PolicyAlerts { policy: "p".to_owned(), alerted: frauds.clone() };
        let report = CaughtReport::of(&Labels::of_generated(labels), &ran, &[alerts]);
        assert!(frauds.len() > 20 && report.frauds_not_in_run == 0);
        assert_eq!((report.policies[0].precision, report.policies[0].recall), (Some(1.0), Some(1.0)));
    }
}
