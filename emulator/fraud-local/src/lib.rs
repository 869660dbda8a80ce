//! The whole pipeline in one process: the embedded AWS, the functions with their own adapters, transactions through
//! them, and a report that says whether everything balances.

mod arrivals;
pub mod backtested;
mod beside;
pub mod caught;
mod check;
mod closing;
pub mod command;
mod discrepancies;
mod division;
mod faults;
mod feed;
mod functions;
mod histories;
mod in_order;
mod in_step;
mod labels;
mod output;
mod pipeline;
mod readers;
pub mod reconcile;
mod records;
pub mod report;
mod services;
mod spool;
mod status;
pub mod timeline;
mod transactions;
mod windows;

pub use arrivals::{ArrivalMode, simulated as simulated_arrivals};
pub use division::AT_ONCE;
pub use faults::{FaultSyntaxError, OrderedFault};
pub use feed::{ComingLabels, LabelsCome};
pub use labels::Labels;
pub use output::landed;
pub use pipeline::{FinishedRun, Pipeline, Running};
pub use services::{Configured, SHARDS, exports, start as start_services, start_with as start_services_with};
pub use transactions::Input;
