//! What was looked up for a batch of records.

use fraud_core::enrichment::Enrichment;
use fraud_core::profile::Profile;

use super::Lookup;
use crate::lookup::LookedUp;

impl LookedUp<Profile> {
    /// What was found of the customer of the record at this place of the batch.
    #[inline]
    pub fn of(&self, record: usize) -> Enrichment<'_> {
        self.at(record).map_or(Enrichment::NoCustomer, Lookup::enrichment)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fraud_core::profile::Attribute;
    use tokio::time::Instant;

    use super::*;
    use crate::lookup::Store;
    use crate::profiles::{ProfileAnswer, look_up};

    /// Knows "a", not "b", and says nothing of "c".
    struct Profiles;

    impl Store for Profiles {
        type Known = Profile;

        async fn lookup(&self, customers: &[&str], _deadline: Instant) -> ProfileAnswer {
            let profile = Profile::new(Attribute::Missing, Attribute::Missing, Attribute::Number("0.5"));
            let lookup = |customer: &&str| match *customer {
                "a" => Lookup::Found(Arc::new(profile.clone())),
                "b" => Lookup::Absent,
                _ => Lookup::Unavailable,
            };
            assert_eq!(customers, ["b", "a", "c"], "each customer is asked for once");
            ProfileAnswer { found: customers.iter().map(lookup).collect(), ..ProfileAnswer::default() }
        }
    }

    #[tokio::test]
    async fn each_record_is_told_what_was_found_of_its_own_customer() {
        let records = [Some("b"), None, Some("a"), Some("b"), Some("c")];
        let looked_up = look_up(&Profiles, records.into_iter(), Instant::now()).await;
        let words: Vec<_> = (0..records.len()).map(|record| looked_up.of(record).as_str()).collect();
        assert_eq!(words, ["no_profile", "no_customer", "profile", "no_profile", "unavailable"]);
        assert_eq!(looked_up.distinct(), 3);
    }
}
