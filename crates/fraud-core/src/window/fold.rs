//! The aggregates of a whole stream, worked out in one go.

use std::collections::{BTreeMap, BTreeSet};

use super::{Window, WindowRule, WindowTotals};
use crate::decimal;
use crate::identity::Identity;
use crate::money::{Money, MoneyError};
use crate::timestamp::Timestamp;
use crate::transaction::Transaction;

/// A plain fold over distinct transactions, to check aggregates against: it remembers every identity in full, so that it
/// needs as much memory as there are transactions, and knows of no batches.
#[derive(Debug, Clone)]
pub struct Fold {
    rule: WindowRule,
    windows: BTreeMap<(String, Window), Folded>,
}

#[derive(Debug, Clone, Default)]
struct Folded {
    identities: BTreeSet<String>,
    total: Money,
}

impl Fold {
    /// Nothing yet.
    pub fn new(rule: WindowRule) -> Self {
        Fold { rule, windows: BTreeMap::new() }
    }

    /// Adds a transaction; says whether it counted, which it does where it has a customer, an amount above zero, and an
    /// identity that its window has not seen.
    ///
    /// # Errors
    /// [`MoneyError`] where the amount would count but cannot be added up exactly.
    pub fn add(
        &mut self,
        transaction: &Transaction<'_>,
        identity: &Identity<'_>,
        arrival: Timestamp,
    ) -> Result<bool, MoneyError> {
        let digits = transaction.amount.digits;
        let (Some(customer), true) = (&transaction.customer_id, decimal::is_positive(digits)) else {
            return Ok(false);
        };
        let amount = Money::amount(digits)?;
        let window = self.rule.window_of(transaction, arrival);
        let folded = self.windows.entry((customer.to_string(), window)).or_default();
        if !folded.identities.insert(identity.to_string()) {
            return Ok(false);
        }
        folded.total = folded.total.checked_add(amount).ok_or(MoneyError::TooLarge)?;
        Ok(true)
    }

    /// What every window comes to, by customer and then by time.
    pub fn totals(&self) -> Vec<WindowTotals> {
        let totals = |((customer_id, window), folded): (&(String, Window), &Folded)| WindowTotals {
            customer_id: customer_id.clone(),
            window: *window,
            event_count: folded.identities.len() as u64,
            total_amount: folded.total,
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
            fold.add(&transaction, &identity(&transaction, "1"), arrival(0))
        };
        assert_eq!(add(r#"{"customer_id":"B","transaction_id":"1","amount":0.1}"#), Ok(true));
        assert_eq!(add(r#"{"customer_id":"B","transaction_id":"2","amount":0.2}"#), Ok(true));
        assert_eq!(add(r#"{"customer_id":"B","transaction_id":"2","amount":7}"#), Ok(false));
        assert_eq!(add(r#"{"customer_id":"A","transaction_id":"2","amount":1}"#), Ok(true));
        assert_eq!(add(r#"{"customer_id":"A","amount":-1e20}"#), Ok(false));
        assert_eq!(add(r#"{"transaction_id":"3","amount":1}"#), Ok(false));
        assert_eq!(add(r#"{"customer_id":"A","amount":1e20}"#), Err(MoneyError::TooLarge));
        let totals: Vec<_> = fold
            .totals()
            .into_iter()
            .map(|totals| (totals.customer_id, totals.event_count, totals.total_amount.to_string()))
            .collect();
        assert_eq!(totals, [("A".to_owned(), 1, "1".to_owned()), ("B".to_owned(), 2, "0.3".to_owned())]);
    }
}
