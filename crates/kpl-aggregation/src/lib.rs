//! Splits KPL aggregated Kinesis records into the user records inside, and builds them.
//!
//! The Kinesis Producer Library (KPL) packs many user records into one Kinesis record. A Lambda event source
//! mapping hands such a record over as it is; [`split`] undoes the packing. The format is public, in
//! `aggregation-format.md` of <https://github.com/awslabs/amazon-kinesis-producer>:
//!
//! ```text
//! F3 89 9A C2 | protobuf message AggregatedRecord | MD5 of the message, 16 bytes
//! ```
//!
//! Where the format is silent, [`split`] does as the Kinesis Client Library (`AggregatorUtil`) does, except where
//! that would drop bytes. Each such case is listed at [`Payload`] and [`UserRecord`].
//!
//! ```
//! use bytes::Bytes;
//! use kpl_aggregation::{Entry, Payload, encode, split};
//!
//! # fn main() -> Result<(), kpl_aggregation::EncodeError> {
//! let entry = Entry { partition_key: "customer-7", explicit_hash_key: None, data: b"{}" };
//! let aggregate = encode(&[entry])?;
//! match split(aggregate) {
//!     Payload::Aggregate(records) => assert_eq!(records[0].data, "{}"),
//!     Payload::Plain(data) => unreachable!("an aggregate: {data:?}"),
//! }
//! assert_eq!(split(Bytes::from_static(b"{}")), Payload::Plain(Bytes::from_static(b"{}")));
//! # Ok(())
//! # }
//! ```

mod decode;
mod encode;
mod envelope;
mod message;

pub use decode::{Payload, UserRecord, split};
pub use encode::{EncodeError, Entry, encode};
