//! The distinct transactions of one pass over the files.
//!
//! A pass keeps the transactions whose hash leaves one rest of a division. If they do not fit into memory the divisor is doubled:
//! what leaves the other rest is let go, and is what a later pass keeps. So memory is bounded whatever the files hold, and no
//! transaction counts twice.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use fraud_core::history::EntryKey;

use super::counted::Counted;

/// What a transaction takes in memory: key, merchant and day, and the map's spare room.
const TRANSACTION_BYTES: usize = 48;

/// What of all transactions a pass keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    divisor: u64,
    rest: u64,
}

impl Share {
    /// All transactions.
    pub(super) const WHOLE: Share = Share { divisor: 1, rest: 0 };

    fn holds(self, key: &EntryKey) -> bool {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        hasher.finish() % self.divisor == self.rest
    }

    /// This share in two.
    fn halves(self) -> (Share, Share) {
        let divisor = self.divisor * 2;
        (Share { divisor, ..self }, Share { divisor, rest: self.rest + self.divisor })
    }
}

/// The transactions of a pass, each once.
#[derive(Debug)]
pub(super) struct Pass {
    share: Share,
    /// The most transactions that fit.
    limit: usize,
    /// The place of each transaction's merchant, and its day.
    transactions: HashMap<EntryKey, (u32, i32)>,
    merchants: HashMap<String, u32>,
    names: Vec<String>,
    /// Transactions without an identity, which are all different, by merchant and day.
    nameless: HashMap<(u32, i32), u32>,
    /// Records of a transaction that is there already.
    pub(super) copies: u64,
    /// What later passes keep.
    pub(super) left: Vec<Share>,
}

impl Pass {
    /// A pass that keeps a share of the transactions in this much memory, in bytes.
    pub(super) fn new(share: Share, memory: usize) -> Self {
        Pass {
            share,
            limit: (memory / TRANSACTION_BYTES).max(1),
            transactions: HashMap::new(),
            merchants: HashMap::new(),
            names: Vec::new(),
            nameless: HashMap::new(),
            copies: 0,
            left: Vec::new(),
        }
    }

    /// Takes a record in: its transaction, if anything names that, its merchant and its day.
    pub(super) fn take(&mut self, key: Option<EntryKey>, merchant: &str, day: i32) {
        let Some(key) = key else {
            // What nothing names is counted in the first share, for there it is met once.
            if self.share.rest == 0 {
                let merchant = self.merchant(merchant);
                let count = self.nameless.entry((merchant, day)).or_default();
                *count = count.saturating_add(1);
            }
            return;
        };
        if !self.share.holds(&key) {
            return;
        }
        if self.transactions.contains_key(&key) {
            self.copies += 1;
            return;
        }
        let merchant = self.merchant(merchant);
        self.transactions.insert(key, (merchant, day));
        while self.transactions.len() > self.limit {
            let (kept, left) = self.share.halves();
            self.share = kept;
            self.left.push(left);
            self.transactions.retain(|key, _| kept.holds(key));
        }
    }

    /// Adds what the pass has kept.
    pub(super) fn add_to(&self, counted: &mut Counted) {
        let name = |merchant: u32| self.names.get(merchant as usize).map(String::as_str).unwrap_or_default();
        for (merchant, day) in self.transactions.values() {
            counted.add(name(*merchant), *day, 1);
        }
        for ((merchant, day), count) in &self.nameless {
            counted.add(name(*merchant), *day, *count);
        }
    }

    fn merchant(&mut self, name: &str) -> u32 {
        if let Some(&place) = self.merchants.get(name) {
            return place;
        }
        let place = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.to_owned());
        self.merchants.insert(name.to_owned(), place);
        place
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fraud_core::record::ScoredLine;
    use fraud_core::transaction::PLAIN;
    use proptest::prelude::*;

    use super::*;

    fn key(transaction: u32) -> EntryKey {
        let line = format!(
            r#"{{"customer_id":"C1","transaction_id":"{transaction}","amount":1,"ingested_at":"2026-01-15T12:00:00Z"}}"#
        );
        ScoredLine::read(&PLAIN, line.as_bytes()).unwrap().incoming().unwrap().key
    }

    proptest! {
        #[test]
        fn every_transaction_counts_once_however_little_memory_there_is(
            records in prop::collection::vec((prop::option::of(0..200_u32), 0..3_u8, 0..2), 0..300),
            room in 1..60_usize,
        ) {
            // A transaction has one merchant and one day.
            let records: Vec<_> = records
                .into_iter()
                .map(|(transaction, merchant, day)| match transaction {
                    Some(number) => (transaction, format!("M{}", number % 3), i32::try_from(number % 2).unwrap()),
                    None => (None, format!("M{merchant}"), day),
                })
                .collect();
            let mut expected = Counted::default();
            let mut seen = BTreeSet::new();
            for (transaction, merchant, day) in &records {
                if transaction.is_none_or(|number| seen.insert(number)) {
                    expected.add(merchant, *day, 1);
                }
            }
            let (mut counted, mut shares) = (Counted::default(), vec![Share::WHOLE]);
            while let Some(share) = shares.pop() {
                let mut pass = Pass::new(share, room * TRANSACTION_BYTES);
                for (transaction, merchant, day) in &records {
                    pass.take(transaction.map(key), merchant, *day);
                    prop_assert!(pass.transactions.len() <= room);
                }
                pass.add_to(&mut counted);
                shares.append(&mut pass.left);
            }
            prop_assert_eq!(counted, expected);
        }
    }
}
