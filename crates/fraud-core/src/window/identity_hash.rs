//! Identities in eight bytes.

use sha2::{Digest, Sha256};

use crate::identity::Identity;

/// A record's identity as a window remembers it: the first eight bytes of the SHA-256 of its text.
///
/// Two identities that share a hash would be taken for one, and the second would not count. In a window that has
/// remembered 20,000 of them that happens once in 90 billion such windows (20,000² / 2⁶⁵); a hash that costs more bytes
/// would halve what a row can remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdentityHash(pub [u8; 8]);

impl From<&Identity<'_>> for IdentityHash {
    fn from(identity: &Identity<'_>) -> Self {
        let mut digest = Sha256::new();
        identity.pieces(|piece| digest.update(piece));
        let digest: [u8; 32] = digest.finalize().into();
        let mut hash = [0; 8];
        hash.iter_mut().zip(digest).for_each(|(byte, of_digest)| *byte = of_digest);
        IdentityHash(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_an_identity_is_that_of_its_text_and_stays_so() {
        let identity = Identity::of(Some("C/1"), Some("T1"), None).unwrap();
        assert_eq!(identity.to_string(), "C%2F1/T1");
        // `printf 'C%%2F1/T1' | sha256sum`
        assert_eq!(IdentityHash::from(&identity), IdentityHash(0x43d8_7142_580e_cd90u64.to_be_bytes()));
    }
}
