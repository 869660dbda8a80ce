//! Looking things up by key, many at a time: what profiles and entities share.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use aws_calls::fault::CallFault;
use tokio::time::Instant;

mod cache;
mod dynamodb;
mod looked_up;

pub use cache::Cached;
pub use dynamodb::{Item, Row, TableStore, attribute};
pub use looked_up::{LookedUp, distinct, look_up, lookup_deadline};

pub(crate) use dynamodb::of_value;

/// What is known of one key.
pub trait Known: Clone + Debug + Send + Sync + 'static {
    /// The memory that it takes, in bytes.
    fn size(&self) -> usize;
}

/// Where something is looked up.
pub trait Store: Send + Sync {
    /// What is known of one key.
    type Known: Known;

    /// Looks up distinct keys. Answers by `deadline` at the latest, with what was found until then.
    fn lookup(&self, keys: &[&str], deadline: Instant) -> impl Future<Output = Answer<Self::Known>> + Send;
}

/// What a lookup came to.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// One for each key asked for, in that order.
    pub found: Vec<Lookup<T>>,
    /// How many were answered from memory.
    pub cache_hits: usize,
    /// How many the store itself was asked for.
    pub looked_up: usize,
    /// Why some are unavailable: the first fault met.
    pub fault: Option<CallFault>,
}

impl<T> Default for Answer<T> {
    fn default() -> Self {
        Answer { found: Vec::new(), cache_hits: 0, looked_up: 0, fault: None }
    }
}

impl<T> Answer<T> {
    /// What is found of these keys in memory that holds everything.
    pub(crate) fn from_all(all: &HashMap<String, Arc<T>>, keys: &[&str]) -> Self {
        let known = |key: &&str| Lookup::from(all.get(*key).cloned());
        Answer { found: keys.iter().map(known).collect(), looked_up: keys.len(), ..Answer::default() }
    }

    /// Nothing was said of this many keys, for this reason.
    pub(crate) fn unavailable(keys: usize, fault: CallFault) -> Self
    where
        T: Clone,
    {
        Answer { found: vec![Lookup::Unavailable; keys], fault: Some(fault), ..Answer::default() }
    }
}

/// What is known of one key.
#[derive(Debug, Clone)]
pub enum Lookup<T> {
    /// This.
    Found(Arc<T>),
    /// The store has nothing.
    Absent,
    /// The store did not say.
    Unavailable,
}

impl<T> From<Option<Arc<T>>> for Lookup<T> {
    fn from(known: Option<Arc<T>>) -> Self {
        known.map_or(Lookup::Absent, Lookup::Found)
    }
}

#[cfg(test)]
mod tests;
