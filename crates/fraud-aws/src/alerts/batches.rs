//! Which alerts may go out together: as many as a call takes, and never two of one customer, for the entries of a call
//! have no order.

use std::collections::{BTreeSet, HashMap, VecDeque};

use fraud_core::alert::Alert;

use super::message::size;

/// The most entries of a PublishBatch (Amazon SNS API reference).
const MAX_ENTRIES: usize = 10;
/// The most bytes of an alert, and of all in a PublishBatch (Amazon SNS API reference).
pub(super) const MAX_BYTES: usize = 262_144;

/// The alerts that are still to be published. An alert is named by its place among all of them.
#[derive(Debug)]
pub(super) struct Batches<'a> {
    alerts: &'a [&'a Alert],
    /// Those that may go out next: every customer's first, and all without a customer.
    ready: BTreeSet<usize>,
    /// Each customer's others, in their order.
    waiting: HashMap<&'a str, VecDeque<usize>>,
}

impl<'a> Batches<'a> {
    /// All alerts but those that are larger than a batch.
    pub(super) fn new(alerts: &'a [&'a Alert]) -> Self {
        let mut batches = Batches { alerts, ready: BTreeSet::new(), waiting: HashMap::new() };
        for (place, alert) in alerts.iter().enumerate().filter(|(_, alert)| size(alert) <= MAX_BYTES) {
            match alert.customer_id.as_deref() {
                Some(customer) if batches.waiting.contains_key(customer) => {
                    batches.waiting.entry(customer).or_default().push_back(place);
                }
                customer => {
                    batches.waiting.extend(customer.map(|customer| (customer, VecDeque::new())));
                    batches.ready.insert(place);
                }
            }
        }
        batches
    }

    /// Takes out the next batch; it is empty when nothing is ready.
    pub(super) fn next(&mut self) -> Vec<usize> {
        let mut bytes = 0;
        let fits = |place: &&usize| {
            bytes += self.alerts.get(**place).map_or(0, |alert| size(alert));
            bytes <= MAX_BYTES
        };
        let batch: Vec<usize> = self.ready.iter().take(MAX_ENTRIES).take_while(fits).copied().collect();
        batch.iter().for_each(|place| {
            self.ready.remove(place);
        });
        batch
    }

    /// One of a batch is settled: the customer's next may follow.
    pub(super) fn settled(&mut self, place: usize) {
        let customer = self.alerts.get(place).and_then(|alert| alert.customer_id.as_deref());
        let others = customer.and_then(|customer| self.waiting.get_mut(customer));
        self.ready.extend(others.and_then(VecDeque::pop_front));
    }

    /// Those that could go out now.
    pub(super) fn ready(&self) -> impl Iterator<Item = usize> {
        self.ready.iter().copied()
    }
}
