//! Hashes: fast ones, for a back-test looks up several names of each transaction.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::{FixedState, RandomState};

/// A map by what files hold. Nothing depends on its order.
pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;

/// The hash of a value, the same in each run.
pub(crate) fn fixed_hash(value: impl std::hash::Hash) -> u64 {
    FixedState::default().hash_one(value)
}
