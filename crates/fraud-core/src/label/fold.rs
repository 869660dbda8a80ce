//! What counts, by a plain fold over all labels: what the stores are held against.

use std::collections::BTreeMap;

use super::{Counting, Label, LabelSource, Statement, Verdict};
use crate::merchant::{Bucket, MerchantDays};

/// The merchants' days of labels in any order and number: of each transaction the verdict's fraud counts once.
pub fn fold<'l>(
    labels: impl IntoIterator<Item = &'l Label>,
    counting: &Counting,
) -> BTreeMap<String, MerchantDays> {
    let mut transactions: BTreeMap<String, BTreeMap<LabelSource, &Statement>> = BTreeMap::new();
    for Label { of, statement } in labels {
        let latest = transactions.entry(of.key()).or_default().entry(statement.source).or_insert(statement);
        *latest = statement.max(latest);
    }
    let mut merchants: BTreeMap<String, MerchantDays> = BTreeMap::new();
    for statements in transactions.into_values() {
        let stands =
            statements.into_values().filter(|statement| statement.verdict != Verdict::Retracted).max();
        let Some(fraud) = stands.filter(|statement| statement.verdict == Verdict::Fraud) else { continue };
        let Some(counted) = counting.counted(&fraud.details) else { continue };
        let days = merchants.entry(counted.merchant_id).or_default();
        days.add(Bucket::Frauds, counted.day, 1);
        if counted.ordinary {
            days.add(Bucket::Ordinary, counted.day, 1);
        }
    }
    merchants
}
