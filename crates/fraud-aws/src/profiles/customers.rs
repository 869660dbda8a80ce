//! The customers of a batch.

use std::collections::HashMap;

/// The customers of a batch's records, each once: what a store is asked for.
#[derive(Debug)]
pub struct Customers<'a> {
    /// Each customer, in the order of the first record.
    pub distinct: Vec<&'a str>,
    /// For each record its customer's place in `distinct`; `None` if it has no customer.
    pub places: Vec<Option<usize>>,
}

impl<'a> Customers<'a> {
    /// The customers of records in this order; `None` is a record without one.
    pub fn of(records: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut distinct = Vec::new();
        // Every record is looked up in it, and nothing but the keys of one batch ever is: a fast hash, seeded by chance.
        let mut known = HashMap::with_hasher(foldhash::fast::RandomState::default());
        let place = |customer: Option<&'a str>| {
            let customer = customer?;
            Some(*known.entry(customer).or_insert_with(|| {
                distinct.push(customer);
                distinct.len() - 1
            }))
        };
        let places = records.map(place).collect();
        Customers { distinct, places }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_customer_is_named_once_and_each_record_finds_its_own() {
        let customers = Customers::of([Some("b"), None, Some("a"), Some("b")].into_iter());
        assert_eq!(customers.distinct, ["b", "a"]);
        assert_eq!(customers.places, [Some(0), None, Some(1), Some(0)]);
    }
}
