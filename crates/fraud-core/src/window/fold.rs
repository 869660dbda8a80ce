//! The aggregates of a whole stream, worked out in one go.

use std::collections::{BTreeMap, HashSet};

use super::{Window, WindowRule, WindowTotals};
use crate::fingerprint::Fingerprint;
use crate::identity::Identity;
use crate::money::Money;
use crate::transaction::Transaction;
use exact_text::decimal;
use exact_text::timestamp::Timestamp;

/// A plain fold over distinct transactions, to check aggregates against: it remembers every identity and fingerprint in
/// full, so that it needs as much memory as there are transactions, and knows of no batches.
#[derive(Debug, Clone)]
pub struct Fold {
    rule: WindowRule,
    windows: BTreeMap<(String, Window), Folded>,
}

#[derive(Debug, Clone, Default)]
struct Folded {
    transactions: HashSet<(String, Fingerprint)>,
    total: Money,
    lacks_an_amount: bool,
}

impl Fold {
    /// Nothing yet.
    pub fn new(rule: WindowRule) -> Self {
        Fold { rule, windows: BTreeMap::new() }
    }

    /// Adds a transaction; says whether it counted, which it does if it has a customer, an amount above zero, and a
    /// content that its window has not seen under its identity. An amount of 1e18 or more is left out of the sum.
    pub fn add(
        &mut self,
        transaction: &Transaction<'_>,
        identity: &Identity<'_>,
        arrival: Timestamp,
    ) -> bool {
        let digits = &transaction.amount.digits;
        let (Some(customer), true) = (&transaction.customer_id, decimal::is_positive(digits)) else {
            return false;
        };
        let window = self.rule.window_of(transaction, arrival);
        let folded = self.windows.entry((customer.to_string(), window)).or_default();
        if !folded.transactions.insert((identity.to_string(), transaction.fingerprint())) {
            return false;
        }
        match Money::amount(digits).ok().and_then(|amount| folded.total.checked_add(amount)) {
            Some(total) => folded.total = total,
            None => folded.lacks_an_amount = true,
        }
        true
    }

    /// What every window comes to, by customer and then by time.
    pub fn totals(&self) -> Vec<WindowTotals> {
        let totals = |((customer_id, window), folded): (&(String, Window), &Folded)| WindowTotals {
            customer_id: customer_id.clone(),
            window: *window,
            event_count: folded.transactions.len() as u64,
            total_amount: folded.total,
            sum_complete: !folded.lacks_an_amount,
            dedup_complete: true,
        };
        self.windows.iter().map(totals).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    #[test]
    fn the_fold_counts_each_distinct_transaction_once() {
        let mut fold = Fold::new(rule());
        let mut add = |payload: &str| {
            let transaction = transaction(payload);
            fold.add(&transaction, &identity(&transaction, 1), arrival(0))
        };
        assert!(add(r#"{"customer_id":"B","transaction_id":"1","amount":0.1}"#));
        assert!(add(r#"{"customer_id":"B","transaction_id":"2","amount":0.2}"#));
        assert!(!add(r#"{"customer_id":"B","transaction_id":"2","amount":2e-1}"#));
        assert!(add(r#"{"customer_id":"B","transaction_id":"2","amount":7}"#));
        assert!(add(r#"{"customer_id":"A","transaction_id":"2","amount":1}"#));
        assert!(!add(r#"{"customer_id":"A","amount":-1e20}"#));
        assert!(!add(r#"{"transaction_id":"3","amount":1}"#));
        assert!(add(r#"{"customer_id":"A","amount":1e20}"#));
        let totals: Vec<_> = fold
            .totals()
            .into_iter()
            .map(|totals| {
                (totals.customer_id, totals.event_count, totals.total_amount.to_string(), totals.sum_complete)
            })
            .collect();
        assert_eq!(
            totals,
            [("A".to_owned(), 2, "1".to_owned(), false), ("B".to_owned(), 3, "7.3".to_owned(), true)]
        );
    }
}
