//! Labels: which transactions of a run are known to be fraud.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use fraud_core::identity::Identity;
use fraud_core::label;
use fraudctl::generate::Label;
use fraudctl::input::{Input, Source};
use serde::Deserialize;

/// The kind of a fraud whose label names none.
const UNNAMED: &str = "fraud";

/// The transactions that are known to be fraud. Every other one is taken for legitimate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    /// The kind of each fraud, by its transaction's identity.
    frauds: BTreeMap<String, String>,
}

/// A line of a file of labels. Other members are not looked at.
#[derive(Debug, Deserialize)]
struct LabelLine {
    alert_id: Option<String>,
    decision_id: Option<String>,
    customer_id: Option<String>,
    transaction_id: Option<String>,
    verdict: Verdict,
    kind: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Fraud,
    Legitimate,
    Retracted,
}

impl Labels {
    /// The labels of generated transactions.
    pub fn of_generated(labels: impl Iterator<Item = Label>) -> Self {
        let identified = |label: Label| {
            (identity(&label.customer_id, &label.transaction_id), label.kind.as_str().to_owned())
        };
        Labels { frauds: labels.map(identified).collect() }
    }

    /// Reads a file of labels. Of several labels of one transaction the last one holds.
    ///
    /// # Errors
    /// If the file cannot be read, or an entry is not a label.
    pub fn read(source: &Source) -> anyhow::Result<Self> {
        let mut labels = Labels::default();
        for entry in Input::open(std::slice::from_ref(source))? {
            let entry = entry?;
            let at = || format!("{source}, {}", entry.location);
            if let Some(fault) = entry.fault {
                return Err(anyhow!("{}: {fault}", at()));
            }
            let line: LabelLine =
                serde_json::from_slice(&entry.bytes).with_context(|| format!("{}: not a label", at()))?;
            labels.add(line).with_context(at)?;
        }
        Ok(labels)
    }

    /// How many transactions are known to be fraud.
    pub fn count(&self) -> usize {
        self.frauds.len()
    }

    fn add(&mut self, line: LabelLine) -> anyhow::Result<()> {
        let id = match line {
            LabelLine { alert_id: Some(id), .. } | LabelLine { decision_id: Some(id), .. } => {
                identity_of_alert(&id).to_owned()
            }
            LabelLine { customer_id: Some(ref customer), transaction_id: Some(ref transaction), .. } => {
                identity(customer, transaction)
            }
            _ => {
                return Err(anyhow!(
                    "the label names no transaction: give alert_id, decision_id, or customer_id and transaction_id"
                ));
            }
        };
        match line.verdict {
            Verdict::Fraud => drop(self.frauds.insert(id, line.kind.unwrap_or_else(|| UNNAMED.to_owned()))),
            Verdict::Legitimate | Verdict::Retracted => drop(self.frauds.remove(&id)),
        }
        Ok(())
    }

    /// Labels of these identities and kinds.
    #[cfg(test)]
    pub(crate) fn of_kinds(frauds: &[(&str, &str)]) -> Self {
        Labels { frauds: frauds.iter().map(|(id, kind)| ((*id).to_owned(), (*kind).to_owned())).collect() }
    }

    /// Whether the transaction with this identity is fraud.
    pub(crate) fn is_fraud(&self, identity: &str) -> bool {
        self.frauds.contains_key(identity)
    }

    /// The identities of the frauds, each with its kind.
    pub(crate) fn frauds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.frauds.iter().map(|(id, kind)| (id.as_str(), kind.as_str()))
    }
}

/// The labels of a file as `fraudctl labels apply` reads them.
///
/// # Errors
/// If the file cannot be read, an entry is not a label, or a fraud's label does not tell merchant, event time and amount.
pub(crate) fn statements(source: &Source) -> anyhow::Result<Vec<label::Label>> {
    let mut labels = Vec::new();
    for entry in Input::open(std::slice::from_ref(source))? {
        let entry = entry?;
        let at = || format!("{source}, {}", entry.location);
        if let Some(fault) = entry.fault {
            return Err(anyhow!("{}: {fault}", at()));
        }
        let label = label::read(&entry.bytes).map_err(|mistakes| anyhow!("{}: {mistakes}", at()))?.label;
        if !label.is_self_contained() {
            return Err(anyhow!(
                "{}: the label does not tell merchant_id, event_time and amount, which labels need that come while transactions \
                 stream",
                at()
            ));
        }
        labels.push(label);
    }
    Ok(labels)
}

/// Generated labels as a file of them is read.
pub(crate) fn of_generated(labels: impl Iterator<Item = Label>) -> Vec<label::Label> {
    labels.filter_map(|made| Some(label::read(made.to_json().as_bytes()).ok()?.label)).collect()
}

fn identity(customer_id: &str, transaction_id: &str) -> String {
    Identity::Transaction { customer_id, transaction_id }.to_string()
}

/// The identity of the transaction that an alert tells of: its id without the digits that tell reuses of an id apart.
pub(crate) fn identity_of_alert(alert_id: &str) -> &str {
    let is_position = alert_id.starts_with('@');
    let end = alert_id.match_indices('/').nth(1).filter(|_| !is_position);
    end.map_or(alert_id, |(end, _)| &alert_id[..end])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(lines: &str) -> Result<Labels, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.ndjson");
        fs::write(&path, lines).unwrap();
        Labels::read(&Source::File(path)).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_label_names_its_transaction_in_any_of_three_ways_and_the_last_one_holds() {
        let labels = read(concat!(
            r#"{"customer_id":"C/1","transaction_id":"T1","verdict":"fraud","kind":"card_testing","source":"analyst"}"#,
            "\n",
            r#"{"decision_id":"C2/T1","verdict":"fraud"}"#,
            "\n",
            r#"{"alert_id":"C3/T1/0123456789abcdef","verdict":"fraud","kind":"large_amount"}"#,
            "\n",
            r#"{"alert_id":"@s/shardId-0/7","verdict":"fraud"}"#,
            "\n",
            r#"{"decision_id":"C4/T1","verdict":"fraud"}"#,
            "\n",
            r#"{"customer_id":"C4","transaction_id":"T1","verdict":"retracted"}"#,
            "\n",
            r#"{"decision_id":"C2/T2","verdict":"legitimate"}"#,
            "\n",
        ));
        let labels = labels.unwrap();
        let frauds: Vec<_> = labels.frauds().collect();
        assert_eq!(
            frauds,
            [
                ("@s/shardId-0/7", UNNAMED),
                ("C%2F1/T1", "card_testing"),
                ("C2/T1", UNNAMED),
                ("C3/T1", "large_amount")
            ]
        );
    }

    #[test]
    fn what_is_no_label_is_named_by_its_line() {
        for (line, message) in [
            (
                r#"{"customer_id":"C1","verdict":"fraud"}"#,
                "line 2: the label names no transaction: give alert_id",
            ),
            (
                r#"{"decision_id":"C1/T1","verdict":"perhaps"}"#,
                "line 2: not a label: unknown variant `perhaps`",
            ),
            (r#"{"decision_id":"C1/T1"}"#, "line 2: not a label: missing field `verdict`"),
            ("nothing", "line 2: not JSON"),
        ] {
            let told =
                read(&format!("{{\"decision_id\":\"C1/T1\",\"verdict\":\"fraud\"}}\n{line}\n")).unwrap_err();
            assert!(told.contains("labels.ndjson, ") && told.contains(message), "{told}");
        }
    }
}
