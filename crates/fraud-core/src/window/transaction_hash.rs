//! Transactions in eight bytes.

use sha2::{Digest, Sha256};

use crate::fingerprint::Fingerprint;
use crate::identity::Identity;

/// The SHA-256 of a transaction's identity and content: of the identity's text, a zero byte, and the fingerprint.
///
/// A row remembers as many of its first bytes as it has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionDigest([u8; 32]);

impl TransactionDigest {
    /// The digest of a transaction.
    pub fn of(identity: &Identity<'_>, fingerprint: &Fingerprint) -> Self {
        let mut digest = Sha256::new();
        identity.pieces(|piece| digest.update(piece));
        digest.update([0]);
        digest.update(fingerprint.as_bytes());
        TransactionDigest(digest.finalize().into())
    }

    /// The first `N` bytes, at most 32.
    pub fn first<const N: usize>(&self) -> [u8; N] {
        first_of(self.0)
    }
}

/// A transaction as a window remembers it: the first eight bytes of a SHA-256.
///
/// Two transactions that share a hash would be taken for one, and the second would not count. In a window that has
/// remembered 20,000 of them that happens once in 90 billion such windows (20,000² / 2⁶⁵); a hash that costs more bytes
/// would halve what a row can remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionHash(pub [u8; 8]);

impl TransactionHash {
    /// That of the transaction's identity alone: what rows remember that do not tell a reuse of an id from a repetition.
    pub fn of_identity(identity: &Identity<'_>) -> Self {
        let mut digest = Sha256::new();
        identity.pieces(|piece| digest.update(piece));
        TransactionHash(first_of(digest.finalize().into()))
    }
}

impl From<TransactionDigest> for TransactionHash {
    fn from(digest: TransactionDigest) -> Self {
        TransactionHash(digest.first())
    }
}

fn first_of<const N: usize>(digest: [u8; 32]) -> [u8; N] {
    const { assert!(N <= 32) };
    let mut first = [0; N];
    first.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
    first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::testing::transaction;

    #[test]
    fn the_hash_of_an_identity_is_that_of_its_text_and_stays_so() {
        let identity = Identity::of(Some("C/1"), Some("T1"), None).unwrap();
        assert_eq!(identity.to_string(), "C%2F1/T1");
        // `printf 'C%%2F1/T1' | sha256sum`
        let expected = TransactionHash(0x43d8_7142_580e_cd90u64.to_be_bytes());
        assert_eq!(TransactionHash::of_identity(&identity), expected);
    }

    #[test]
    fn the_digest_of_a_transaction_is_that_of_identity_and_content_and_stays_so() {
        let transaction = transaction(r#"{"customer_id":"C/1","transaction_id":"T1","amount":1}"#);
        let identity = Identity::of(Some("C/1"), Some("T1"), None).unwrap();
        let digest = TransactionDigest::of(&identity, &transaction.fingerprint());
        // Python: sha256(b"C%2F1/T1" + b"\0" + sha256(b"\1" + b"n" + pack(">Q", 3) + b"1e0").digest()).hexdigest()
        assert_eq!(TransactionHash::from(digest), TransactionHash(0x6f9c_9091_aa2e_3051u64.to_be_bytes()));
        assert_eq!(digest.first::<12>()[8..], [0x18, 0xb1, 0xc3, 0xf4]);
    }
}
