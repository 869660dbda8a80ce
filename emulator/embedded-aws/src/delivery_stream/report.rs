//! What a delivery stream did.

use std::collections::BTreeMap;

/// What a delivery stream has done since it was made. Once it is drained, `records_in` is `ok`, `dropped` and
/// `processing_failed` together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records of the source that were read.
    pub source_records: u64,
    /// Records that were read, those out of an aggregate each for itself.
    pub records_in: u64,
    /// Records whose transformed data was taken for delivery.
    pub ok: u64,
    /// Records that the function dropped.
    pub dropped: u64,
    /// Records that went to the error output, for whatever reason.
    pub processing_failed: u64,
    /// The same by error code, such as `Lambda.FunctionError`.
    pub failures: BTreeMap<String, u64>,
    /// Invocations of the function.
    pub invocations: u64,
    /// Of these, invocations that failed as a whole: errors, panics, timeouts, answers that are too large.
    pub failed_invocations: u64,
    /// Objects that were written.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The objects by evaluated prefix.
    pub prefixes: BTreeMap<String, Written>,
}

/// What was written under a prefix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Records in these objects.
    pub records: u64,
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}
