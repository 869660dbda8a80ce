//! The protobuf messages of the format, derived by hand from its published (proto2) definition: two messages are
//! not worth a protobuf compiler at build time.

use bytes::Bytes;

/// The protobuf body of an aggregated record.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct AggregatedRecord {
    /// `string` in the format, the same on the wire. Proto2 readers accept a key that is not UTF-8, prost's
    /// `string` would refuse the whole aggregate for it.
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) partition_key_table: Vec<Bytes>,
    /// Decimal numbers below 2^128, as text. `string` in the format.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub(crate) explicit_hash_key_table: Vec<Bytes>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) records: Vec<Record>,
}

/// One user record.
///
/// The format's fourth field, `tags`, is not declared, so that it is skipped like any unknown field: the format
/// reserves it, and neither the KPL nor the KCL implements it.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Record {
    /// An index into the partition key table. `required` in the format; optional here because prost reads an
    /// absent required field as zero, which would be the first key.
    #[prost(uint64, optional, tag = "1")]
    pub(crate) partition_key_index: Option<u64>,
    /// An index into the explicit hash key table.
    #[prost(uint64, optional, tag = "2")]
    pub(crate) explicit_hash_key_index: Option<u64>,
    /// `required` in the format; optional here for the same reason as the partition key's index.
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(crate) data: Option<Bytes>,
}
