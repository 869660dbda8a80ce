//! A run's customers in parts, each small enough to be checked in memory.

use std::collections::BTreeMap;

/// This many records are checked at a time, more if one customer alone has more. It takes some 100 MB.
pub const AT_ONCE: u64 = 25_000;

/// Customers in the order of their ids, divided into parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Division {
    /// The first customer of each part but the first.
    firsts: Vec<String>,
}

impl Division {
    /// Divides customers by their numbers of records.
    pub(crate) fn of(customers: &BTreeMap<String, u64>, most: u64) -> Self {
        let (mut firsts, mut records) = (Vec::new(), 0);
        for (customer, count) in customers {
            if records > 0 && records + count > most {
                firsts.push(customer.clone());
                records = 0;
            }
            records += count;
        }
        Division { firsts }
    }

    /// How many parts there are.
    pub(crate) fn parts(&self) -> usize {
        self.firsts.len() + 1
    }

    /// The part of a customer, whether it is one of those that were divided or not.
    pub(crate) fn part_of(&self, customer: &str) -> usize {
        self.firsts.partition_point(|first| first.as_str() <= customer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_has_more_than_it_may_unless_one_customer_does() {
        let customers =
            [("", 2), ("a", 3), ("b", 1), ("c", 20), ("d", 4), ("e", 2)].map(|(id, n)| (id.to_owned(), n));
        let division = Division::of(&customers.into(), 5);
        assert_eq!(division.parts(), 5);
        let parts = ["", "a", "a1", "b", "c", "d", "e", "z"].map(|customer| division.part_of(customer));
        assert_eq!(parts, [0, 0, 0, 1, 2, 3, 4, 4]);
        assert_eq!(Division::of(&BTreeMap::new(), 5).parts(), 1);
    }
}
