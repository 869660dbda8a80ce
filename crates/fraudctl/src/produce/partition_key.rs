//! Which shard a transaction goes to.

use fraud_core::transaction::{Reading, TransactionReader};
use stream_client::producer::payload_key;

/// The partition key of a payload: its customer's id as `reading` finds it, so that one customer's transactions keep their order; without a
/// customer its [`payload_key`].
pub fn partition_key(payload: &[u8], reading: &Reading) -> String {
    match TransactionReader::new(reading).read(payload).ok().and_then(|transaction| transaction.customer_id) {
        Some(customer) => customer.into_owned(),
        None => payload_key(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fraud_core::schema::Schema;
    use fraud_core::transaction::{Asked, PLAIN};

    #[test]
    fn the_customer_decides_if_there_is_one_and_otherwise_the_payload() {
        assert_eq!(partition_key(br#"{"customer_id":"C1","amount":1}"#, &PLAIN), "C1");
        assert_eq!(partition_key(br#"{"customer_id":42}"#, &PLAIN), "42");
        for payload in [&br#"{"amount":1}"#[..], b"\xff", b""] {
            assert_eq!(partition_key(payload, &PLAIN), payload_key(payload));
        }
    }
    #[test]
    fn the_schema_says_where_the_customer_is() {
        let schema = Schema::parse("name = \"s\"\ncustomer_id = \"/detail/customer_id\"\n").unwrap();
        let reading = Reading::new(&schema, &Asked::default());
        let payload = br#"{"detail":{"customer_id":"C1"}}"#;
        assert_eq!(partition_key(payload, &reading), "C1");
        assert_eq!(partition_key(payload, &PLAIN), payload_key(payload));
    }
}
