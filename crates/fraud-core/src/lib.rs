//! Decodes, enriches, scores and encodes transactions. Pure: no I/O, no clock, no async, no AWS.
//!
//! A record's way through it: [`transaction::Transaction::parse`] reads the payload, [`enrichment::Enrichment`] says
//! what the profile lookup came to, [`policy::Policy::score`] gives the score, [`record::RecordEncoder`] writes the
//! scored record and [`alert::Alert`] the alert that a high score raises. [`window::Accumulator`] adds transactions up by
//! customer and window.

pub mod alert;

pub mod enrichment;
pub mod event_time;
pub mod fields;
pub mod identity;

pub mod money;

pub mod policy;
pub mod profile;
pub mod reason;
pub mod record;
pub mod scoring;

pub mod transaction;
pub mod window;
