//! What SNS and SQS have in common: message attributes, and the entries of a batch.

mod attributes;
mod batch;

pub use attributes::{MessageAttribute, MessageAttributeValue};
pub(crate) use attributes::{RawAttribute, checked_attribute};
pub(crate) use batch::{BatchError, check_entries};
