//! Which shard a transaction goes to.

use std::fmt::Write;

use fraud_core::transaction::Transaction;
use sha2::{Digest, Sha256};

/// A payload's partition key: its customer's id, so that one customer's transactions keep their order; without a customer
/// a hash of the payload, which spreads such records and gives the same record the same shard each time.
pub fn partition_key(payload: &[u8]) -> String {
    match Transaction::parse(payload).ok().and_then(|transaction| transaction.customer_id) {
        Some(customer) => customer.into_owned(),
        None => hash(payload),
    }
}

/// The first half of the payload's SHA-256, in hex.
fn hash(payload: &[u8]) -> String {
    Sha256::digest(payload).iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customer_decides_where_there_is_one() {
        assert_eq!(partition_key(br#"{"customer_id":"C1","amount":1}"#), "C1");
        assert_eq!(partition_key(br#"{"customer_id":42}"#), "42");
    }

    #[test]
    fn without_a_customer_the_payload_decides_the_same_way_each_time() {
        // printf '{"amount":1}' | sha256sum
        for payload in [&br#"{"amount":1}"#[..], b"\xff", b""] {
            let key = partition_key(payload);
            assert_eq!(key.len(), 32);
            assert_eq!(key, partition_key(payload));
        }
        assert_eq!(partition_key(b""), "e3b0c44298fc1c149afbf4c8996fb924");
        assert_ne!(partition_key(b"{}"), partition_key(b"{ }"));
    }
}
