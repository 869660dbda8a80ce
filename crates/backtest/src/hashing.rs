//! Hashes: fast ones, for a back-test looks up several names of each transaction.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash};

use foldhash::fast::{FixedState, RandomState};

/// A map by what files hold. Nothing depends on its order.
pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;

/// A set of the same.
pub(crate) type Set<T> = HashSet<T, RandomState>;

/// The hash of a value, the same in each run.
pub(crate) fn fixed_hash(value: impl Hash) -> u64 {
    FixedState::default().hash_one(value)
}
