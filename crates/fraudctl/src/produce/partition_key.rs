//! Which shard a transaction goes to.

use fraud_core::transaction::Transaction;
use stream_client::producer::payload_key;

/// The partition key of a payload: its customer's id, so that one customer's transactions keep their order; without a
/// customer its [`payload_key`].
pub fn partition_key(payload: &[u8]) -> String {
    match Transaction::parse(payload).ok().and_then(|transaction| transaction.customer_id) {
        Some(customer) => customer.into_owned(),
        None => payload_key(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customer_decides_if_there_is_one_and_otherwise_the_payload() {
        assert_eq!(partition_key(br#"{"customer_id":"C1","amount":1}"#), "C1");
        assert_eq!(partition_key(br#"{"customer_id":42}"#), "42");
        for payload in [&br#"{"amount":1}"#[..], b"\xff", b""] {
            assert_eq!(partition_key(payload), payload_key(payload));
        }
    }
}
