//! The whole pipeline in one process: the embedded AWS, the functions with their own adapters, transactions through
//! them, and a report that says whether everything balances.

pub mod command;
mod functions;
mod output;
mod pipeline;
pub mod reconcile;
pub mod report;
mod services;
mod status;

pub use pipeline::{FinishedRun, Input, Pipeline};
pub use services::{exports, start as start_services};
