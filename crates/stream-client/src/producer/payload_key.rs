//! A partition key for a payload that has none of its own.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The first half of the payload's SHA-256, in hex: spreads payloads over the shards, and gives the same payload the same
/// shard each time.
pub fn payload_key(payload: &[u8]) -> String {
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
    fn a_payload_has_the_same_key_each_time_and_another_one_another() {
        // printf '{"amount":1}' | sha256sum
        for payload in [&br#"{"amount":1}"#[..], b"\xff", b""] {
            let key = payload_key(payload);
            assert_eq!(key.len(), 32);
            assert_eq!(key, payload_key(payload));
        }
        assert_eq!(payload_key(b""), "e3b0c44298fc1c149afbf4c8996fb924");
        assert_ne!(payload_key(b"{}"), payload_key(b"{ }"));
    }
}
