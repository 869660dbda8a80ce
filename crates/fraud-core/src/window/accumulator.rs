//! A batch's transactions by customer and window.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::{IdentityHash, Window, WindowRule};
use crate::identity::Identity;
use crate::money::Money;
use crate::transaction::Transaction;
use exact_text::decimal;
use exact_text::timestamp::Timestamp;

/// What of a batch counts, by customer and window. Each transaction once: of several with one identity in one window the
/// first counts.
#[derive(Debug)]
pub struct Accumulator<'a> {
    rule: WindowRule,
    shares: Vec<Share<'a>>,
    places: HashMap<(&'a str, Window), usize>,
    amounts: HashMap<(usize, IdentityHash), Option<Money>>,
}

/// What of a batch counts for one customer in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<'a> {
    /// The customer.
    pub customer_id: &'a str,
    /// The window.
    pub window: Window,
    /// The transactions in the order of the batch, at least one, no two with the same identity.
    pub transactions: Vec<Counted>,
}

/// A transaction that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Its place in the batch.
    pub index: usize,
    /// What it is recognised by.
    pub identity: IdentityHash,
    /// Its amount, above zero; `None` if it is too large to be added up.
    pub amount: Option<Money>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in a share.
    Counted {
        /// Whether its amount is too large to be added up, so that it is in the share without one.
        too_large: bool,
    },
    /// It is the same transaction as one before it in the batch and does not count again.
    Repeated {
        /// Whether the one before has another amount.
        amount_differs: bool,
        /// Whether its own amount is too large to be added up.
        too_large: bool,
    },
    /// It has no customer, and so no window.
    NoCustomer,
    /// Its amount is zero or less.
    NotPositive,
}

impl Taken {
    /// Whether the transaction would count and its amount is too large to be added up.
    pub fn is_too_large(self) -> bool {
        matches!(self, Taken::Counted { too_large: true } | Taken::Repeated { too_large: true, .. })
    }
}

impl<'a> Accumulator<'a> {
    /// Nothing yet.
    pub fn new(rule: WindowRule) -> Self {
        Accumulator { rule, shares: Vec::new(), places: HashMap::new(), amounts: HashMap::new() }
    }

    /// Takes a transaction in; `index` is its place in the batch.
    ///
    /// What does not count is not looked at any closer: an amount that is not above zero may be as large and as fine as
    /// it likes, and so may one without a customer. Nor is a transaction that does not count remembered, so that it
    /// makes no difference in which batches a producer's corrections come.
    pub fn add(
        &mut self,
        index: usize,
        transaction: &'a Transaction<'_>,
        identity: &Identity<'_>,
        arrival: Timestamp,
    ) -> Taken {
        let Some(customer_id) = transaction.customer_id.as_deref() else { return Taken::NoCustomer };
        if !decimal::is_positive(transaction.amount.digits) {
            return Taken::NotPositive;
        }
        let amount = Money::amount(transaction.amount.digits).ok();
        let window = self.rule.window_of(transaction, arrival);
        let place = *self.places.entry((customer_id, window)).or_insert_with(|| {
            self.shares.push(Share { customer_id, window, transactions: Vec::new() });
            self.shares.len() - 1
        });
        let identity = IdentityHash::from(identity);
        match self.amounts.entry((place, identity)) {
            Entry::Occupied(first) => {
                Taken::Repeated { amount_differs: *first.get() != amount, too_large: amount.is_none() }
            }
            Entry::Vacant(entry) => {
                entry.insert(amount);
                if let Some(share) = self.shares.get_mut(place) {
                    share.transactions.push(Counted { index, identity, amount });
                }
                Taken::Counted { too_large: amount.is_none() }
            }
        }
    }

    /// The shares, in the order of their first transactions.
    pub fn into_shares(self) -> Vec<Share<'a>> {
        self.shares
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    type Sum = (String, i64, Vec<usize>, String);

    /// What becomes of payloads that arrive one second after the other, and the shares: customer, start, places in the
    /// batch, sum.
    fn take(payloads: &[&str]) -> (Vec<Taken>, Vec<Sum>) {
        let transactions: Vec<_> = payloads.iter().map(|payload| transaction(payload)).collect();
        let mut accumulator = Accumulator::new(rule());
        let mut taken = Vec::new();
        for (index, transaction) in transactions.iter().enumerate() {
            let number = index.to_string();
            let identity = identity(transaction, &number);
            taken.push(accumulator.add(index, transaction, &identity, arrival(index as i64)));
        }
        let share = |share: Share<'_>| {
            let amounts = share.transactions.iter().filter_map(|counted| counted.amount);
            let sum = amounts.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).unwrap());
            let places = share.transactions.iter().map(|counted| counted.index).collect();
            (share.customer_id.to_owned(), share.window.start_seconds(), places, sum.to_string())
        };
        (taken, accumulator.into_shares().into_iter().map(share).collect())
    }

    const COUNTED: Taken = Taken::Counted { too_large: false };
    const START: i64 = 1_705_287_600;

    #[test]
    fn each_customer_and_window_has_a_share_in_the_order_of_the_batch() {
        let (taken, shares) = take(&[
            r#"{"customer_id":"B","amount":0.1}"#,
            r#"{"customer_id":"A","amount":0.1}"#,
            r#"{"customer_id":"B","amount":0.2,"event_time":"2024-01-15T03:05:00Z"}"#,
            r#"{"customer_id":"B","amount":0.2,"event_time":"2024-01-15T03:04:59.999Z"}"#,
        ]);
        assert_eq!(taken, [COUNTED; 4]);
        let share =
            |customer: &str, start, places, sum: &str| (customer.to_owned(), start, places, sum.to_owned());
        let expected = [
            share("B", START, vec![0, 3], "0.3"),
            share("A", START, vec![1], "0.1"),
            share("B", START + 300, vec![2], "0.2"),
        ];
        assert_eq!(shares, expected);
    }

    #[test]
    fn a_transaction_counts_once_in_a_window_and_the_first_of_two_amounts_counts() {
        let (taken, shares) = take(&[
            r#"{"customer_id":"A","transaction_id":"T","amount":10}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":10.0}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":11}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":10,"event_time":"2024-01-15T03:05:00Z"}"#,
            r#"{"customer_id":"B","transaction_id":"T","amount":10}"#,
        ]);
        let repeated = |amount_differs| Taken::Repeated { amount_differs, too_large: false };
        let counted = COUNTED;
        assert_eq!(taken, [counted, repeated(false), repeated(true), counted, counted]);
        assert_eq!(shares.iter().map(|share| share.2.clone()).collect::<Vec<_>>(), [[0], [3], [4]]);
        assert_eq!(shares.iter().map(|share| share.3.as_str()).collect::<Vec<_>>(), ["10"; 3]);
    }

    #[test]
    fn records_without_an_id_are_transactions_of_their_own() {
        let payload = r#"{"customer_id":"A","amount":10}"#;
        let (taken, shares) = take(&[payload, payload]);
        assert_eq!(taken, [COUNTED; 2]);
        assert_eq!(shares[0].3, "20");
    }

    #[test]
    fn what_does_not_count_is_passed_over_whatever_its_size() {
        let (taken, shares) = take(&[
            r#"{"amount":1}"#,
            r#"{"amount":1e30}"#,
            r#"{"customer_id":"A","amount":0}"#,
            r#"{"customer_id":"A","amount":-5}"#,
            r#"{"customer_id":"A","amount":-1e30}"#,
            r#"{"customer_id":"A","amount":-0.00000000000001}"#,
            r#"{"customer_id":"A"}"#,
        ]);
        let (no_customer, not_positive) = (Taken::NoCustomer, Taken::NotPositive);
        assert_eq!(taken[..2], [no_customer; 2]);
        assert_eq!(taken[2..], [not_positive; 5]);
        assert!(shares.is_empty());
    }

    #[test]
    fn an_amount_of_1e18_is_counted_and_left_out_of_the_sum() {
        let (taken, shares) = take(&[
            r#"{"customer_id":"A","transaction_id":"T","amount":1000000000000000000}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":1}"#,
            r#"{"customer_id":"A","amount":999999999999999999.999999999999}"#,
        ]);
        let repeated = Taken::Repeated { amount_differs: true, too_large: false };
        assert_eq!(taken, [Taken::Counted { too_large: true }, repeated, COUNTED]);
        assert!(taken[0].is_too_large() && !taken[1].is_too_large());
        assert_eq!((&shares[0].2[..], &*shares[0].3), (&[0, 2][..], "999999999999999999.999999999999"));
    }

    #[test]
    fn sums_of_binary_floats_are_rounded_to_the_twelfth_decimal() {
        let (taken, shares) = take(&[
            r#"{"customer_id":"A","amount":0.30000000000000004}"#,
            r#"{"customer_id":"A","amount":1e-400}"#,
            r#"{"customer_id":"A","amount":0.0000000000015}"#,
        ]);
        assert_eq!(taken, [COUNTED; 3]);
        assert_eq!(shares[0].3, "0.300000000002");
    }

    #[test]
    fn a_transaction_that_did_not_count_does_not_keep_a_later_one_from_counting() {
        let (taken, _) = take(&[
            r#"{"customer_id":"A","transaction_id":"T","amount":0}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":5}"#,
        ]);
        assert_eq!(taken, [Taken::NotPositive, COUNTED]);
    }
}
