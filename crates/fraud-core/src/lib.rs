//! Decodes, enriches, scores and encodes transactions. Pure: no I/O, no clock, no async, no AWS.
