//! The whole pipeline in one process: the embedded AWS, the functions with their own adapters, transactions through
//! them, and a report that says whether everything balances.

mod arrivals;
pub mod backtested;
mod beside;
pub mod caught;
pub mod command;
mod feed;
mod functions;
mod histories;
mod in_order;
mod in_step;
mod labels;
mod output;
mod pipeline;
pub mod reconcile;
pub mod report;
mod services;
mod status;
pub mod timeline;
mod transactions;

pub use arrivals::{ArrivalMode, simulated as simulated_arrivals};
pub use feed::{ComingLabels, LabelsCome};
pub use labels::Labels;
pub use pipeline::{FinishedRun, Pipeline};
pub use services::{SHARDS, exports, start as start_services, start_with as start_services_with};
pub use transactions::Input;
