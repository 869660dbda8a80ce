#![doc = include_str!("../README.md")]

mod decode;
mod encode;
mod envelope;
mod message;

pub use decode::{Payload, UserRecord, split};
pub use encode::{EncodeError, Entry, encode};
