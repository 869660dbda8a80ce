//! Profiles from a DynamoDB table: key `customer_id` (S), attributes `segment` (S), `lifetime_value` (N),
//! `risk_score` (N).

use fraud_core::profile::Profile;

use super::table::{CUSTOMER_ID, LIFETIME_VALUE, RISK_SCORE, SEGMENT};
use crate::lookup::{Item, Known, Row, TableStore, attribute};

/// A DynamoDB table of profiles.
pub type DynamoDbProfiles = TableStore<Profile>;

impl Known for Profile {
    fn size(&self) -> usize {
        self.size()
    }
}

impl Row for Profile {
    const KEY: &'static str = CUSTOMER_ID;
    const ATTRIBUTES: &'static [(&'static str, &'static str)] =
        &[("#id", CUSTOMER_ID), ("#segment", SEGMENT), ("#value", LIFETIME_VALUE), ("#risk", RISK_SCORE)];

    fn of_item(item: &Item) -> Self {
        let attribute = |name| attribute(item, name);
        Profile::new(attribute(SEGMENT), attribute(LIFETIME_VALUE), attribute(RISK_SCORE))
    }
}
