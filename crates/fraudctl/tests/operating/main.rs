//! The commands for a bad day, each as a process from outside, against the embedded AWS.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod alerts;
mod backfill;
mod credentials;
mod dead_letters;
mod delete;
mod doctor;
mod entities;
mod functions;
mod history;
mod labels;
mod letters;
mod memory;
mod objects;
mod policies;
mod redrive;
mod streams;
mod world;
