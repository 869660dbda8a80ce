//! A batch's transactions by customer and window.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::{TransactionDigest, TransactionHash, Window, WindowRule};
use crate::identity::Identity;
use crate::money::Money;
use crate::transaction::Transaction;
use exact_text::decimal;
use exact_text::timestamp::Timestamp;

/// What of a batch counts, by customer and window. Each transaction once: two with one identity and one content in one
/// window are the same.
#[derive(Debug)]
pub struct Accumulator<'a> {
    rule: WindowRule,
    shares: Vec<Share<'a>>,
    places: HashMap<(&'a str, Window), usize>,
    counted: HashSet<(usize, TransactionHash)>,
    /// What each identity came with first.
    first: HashMap<Identity<'a>, TransactionHash>,
}

/// What of a batch counts for one customer in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share<'a> {
    /// The customer.
    pub customer_id: &'a str,
    /// The window.
    pub window: Window,
    /// The transactions in the order of the batch, at least one, no two with the same hash.
    pub transactions: Vec<Counted<'a>>,
}

/// A transaction that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted<'a> {
    /// Its place in the batch.
    pub index: usize,
    /// Its identity, which another transaction may have too.
    pub identity: Identity<'a>,
    /// What it is recognised by: the start of its [`TransactionDigest`].
    pub hash: TransactionHash,
    /// Its amount, above zero; `None` if it is too large to be added up.
    pub amount: Option<Money>,
}

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is in a share.
    Counted {
        /// Whether a transaction before it in the batch has its identity and another content.
        reuses_id: bool,
        /// Whether its amount is too large to be added up, so that it is in the share without one.
        too_large: bool,
    },
    /// It is the same transaction as one before it in the batch and does not count again.
    Repeated {
        /// Whether its amount is too large to be added up.
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
        matches!(self, Taken::Counted { too_large: true, .. } | Taken::Repeated { too_large: true })
    }
}

impl<'a> Accumulator<'a> {
    /// Nothing yet.
    pub fn new(rule: WindowRule) -> Self {
        Accumulator {
            rule,
            shares: Vec::new(),
            places: HashMap::new(),
            counted: HashSet::new(),
            first: HashMap::new(),
        }
    }

    /// Takes a transaction in; `index` is its place in the batch.
    ///
    /// What does not count is not looked at any closer: an amount that is not above zero may be as large and as fine as
    /// it likes, and so may one without a customer.
    pub fn add(
        &mut self,
        index: usize,
        transaction: &'a Transaction<'_>,
        identity: Identity<'a>,
        arrival: Timestamp,
    ) -> Taken {
        let Some(customer_id) = transaction.customer_id.as_deref() else { return Taken::NoCustomer };
        if !decimal::is_positive(&transaction.amount.digits) {
            return Taken::NotPositive;
        }
        let amount = Money::amount(&transaction.amount.digits).ok();
        let too_large = amount.is_none();
        let window = self.rule.window_of(transaction, arrival);
        let place = *self.places.entry((customer_id, window)).or_insert_with(|| {
            self.shares.push(Share { customer_id, window, transactions: Vec::new() });
            self.shares.len() - 1
        });
        let hash = TransactionHash::from(TransactionDigest::of(&identity, &transaction.fingerprint()));
        if !self.counted.insert((place, hash)) {
            return Taken::Repeated { too_large };
        }
        if let Some(share) = self.shares.get_mut(place) {
            share.transactions.push(Counted { index, identity, hash, amount });
        }
        let reuses_id = match self.first.entry(identity) {
            Entry::Occupied(first) => *first.get() != hash,
            Entry::Vacant(entry) => {
                entry.insert(hash);
                false
            }
        };
        Taken::Counted { reuses_id, too_large }
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
            let identity = identity(transaction, index as u64);
            taken.push(accumulator.add(index, transaction, identity, arrival(index as i64)));
        }
        let share = |share: Share<'_>| {
            let amounts = share.transactions.iter().filter_map(|counted| counted.amount);
            let sum = amounts.fold(Money::ZERO, |sum, amount| sum.checked_add(amount).unwrap());
            let places = share.transactions.iter().map(|counted| counted.index).collect();
            (share.customer_id.to_owned(), share.window.start_seconds(), places, sum.to_string())
        };
        (taken, accumulator.into_shares().into_iter().map(share).collect())
    }

    const COUNTED: Taken = Taken::Counted { reuses_id: false, too_large: false };
    const REUSES_ID: Taken = Taken::Counted { reuses_id: true, too_large: false };
    const REPEATED: Taken = Taken::Repeated { too_large: false };
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
    fn a_transaction_counts_once_in_a_window_and_one_with_another_content_counts_by_itself() {
        let (taken, shares) = take(&[
            r#"{"customer_id":"A","transaction_id":"T","amount":10}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":10.0}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":11}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":10,"merchant_id":"M"}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":11.00}"#,
            r#"{"customer_id":"A","transaction_id":"T","amount":10,"event_time":"2024-01-15T03:05:00Z"}"#,
            r#"{"customer_id":"B","transaction_id":"T","amount":10}"#,
        ]);
        let expected = [COUNTED, REPEATED, REUSES_ID, REUSES_ID, REPEATED, REUSES_ID, COUNTED];
        assert_eq!(taken, expected);
        let places: Vec<_> = shares.iter().map(|share| share.2.clone()).collect();
        assert_eq!(places, [vec![0, 2, 3], vec![5], vec![6]]);
        assert_eq!(shares.iter().map(|share| share.3.as_str()).collect::<Vec<_>>(), ["31", "10", "10"]);
    }

    #[test]
    fn what_arrives_in_two_windows_for_want_of_a_time_is_no_reuse_of_its_id() {
        let payload = r#"{"customer_id":"A","transaction_id":"T","amount":10}"#;
        let transaction = transaction(payload);
        let mut accumulator = Accumulator::new(rule());
        for (index, seconds) in [0, 300].into_iter().enumerate() {
            let taken = accumulator.add(index, &transaction, identity(&transaction, 0), arrival(seconds));
            assert_eq!(taken, COUNTED);
        }
        assert_eq!(accumulator.into_shares().len(), 2);
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
            r#"{"customer_id":"A","transaction_id":"T","amount":1e18}"#,
            r#"{"customer_id":"A","amount":999999999999999999.999999999999}"#,
        ]);
        let counted = Taken::Counted { reuses_id: false, too_large: true };
        assert_eq!(taken, [counted, Taken::Repeated { too_large: true }, COUNTED]);
        assert!(taken[0].is_too_large() && taken[1].is_too_large() && !taken[2].is_too_large());
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
