//! Reads, enriches, scores and encodes transactions. Pure: no I/O, no clock, no async, no AWS.
//!
//! A record's way through it: [`transaction::TransactionReader`] reads the payload, [`found::Found`] says what was looked up
//! of the customer and the entities, [`decision::Decider`] makes the [decision](decision::Decision) under a
//! [policy](policy::Policy), [`record::RecordEncoder`] writes the scored record and [`alert::Alert`] the alert that a
//! high score raises. [`window::Accumulator`] adds transactions up by customer and window.

pub mod alert;
pub mod breakdown;
pub mod closest;
pub mod decision;
pub mod enrichment;
pub mod entity;
pub mod event_time;
pub mod evidence;
pub mod fields;
pub mod fingerprint;
pub mod found;
pub mod history;
pub mod identity;
pub mod inputs;
pub mod label;
pub mod merchant;
pub mod money;
pub mod policy;
pub mod profile;
pub mod record;
pub mod refusal;
pub mod schema;
pub mod scoring;
pub mod shadow;
pub mod transaction;
pub mod verify;
pub mod window;
