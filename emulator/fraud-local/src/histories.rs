//! The customers' histories by a plain fold over the records on the stream.

use std::collections::HashMap;

use fraud_core::history::fold::Fold;
use fraud_core::history::{EntryKey, HistoryInputs, Incoming};
use fraud_core::policy::HistorySettings;

/// Every customer's history so far.
#[derive(Debug)]
pub(crate) struct Histories {
    settings: HistorySettings,
    customers: HashMap<String, Customer>,
}

#[derive(Debug, Default)]
struct Customer {
    fold: Fold,
    /// What each transaction was decided with: the history, and what was known of entities after so many changes.
    decided: HashMap<EntryKey, (HistoryInputs, usize)>,
}

impl Histories {
    pub(crate) fn new(settings: HistorySettings) -> Self {
        Histories { settings, customers: HashMap::new() }
    }

    /// The inputs of a customer's next record, before which so many changes came. A transaction that comes again has those of
    /// its first record.
    pub(crate) fn inputs(
        &mut self,
        customer: &str,
        record: &Incoming,
        changes: usize,
    ) -> (HistoryInputs, usize) {
        let customer = self.customers.entry(customer.to_owned()).or_default();
        *customer.decided.entry(record.key).or_insert_with(|| {
            let inputs = customer.fold.inputs(record);
            customer.fold.add(record, &inputs, self.settings);
            (inputs, changes)
        })
    }
}
