//! What is between `fraud-core` and AWS: profile stores, the alert ledger, aggregates, sinks, configuration from the
//! environment, telemetry. Each is a port (a small trait) with its implementations beside it.

pub mod aggregate_sink;
pub mod aggregates;
pub mod alerts;
pub mod clock;
pub mod config;
pub mod dead_letters;
pub mod entities;
pub mod history;
pub mod invocation;
pub mod labels;
pub mod ledger;
mod lines;
pub mod lookup;
pub mod policies;
pub mod port;
pub mod profiles;
pub mod reason;
pub mod rows;

mod table_client;
pub mod telemetry;

#[cfg(test)]
mod testing;
