//! What the measurements of whole bootstraps and of single stages have in common.

pub mod workload;
