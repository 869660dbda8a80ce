//! Where windows' totals are sent when they change: the port, and what implements it.

use std::future::Future;

use aws_calls::fault::CallFault;
use fraud_core::window::WindowTotals;
use tokio::time::Instant;

use crate::config::AGGREGATE_SINK;
use crate::port::{Call, Port};

mod connect;
mod kinesis;
mod lines;

pub use connect::TotalsSink;
pub use kinesis::KinesisTotals;
pub use lines::TotalsLines;

/// The port as data.
pub const PORT: Port = Port {
    name: "aggregate_sink",
    variable: AGGREGATE_SINK,
    calls: &[Call::new("PutRecords", "kinesis:PutRecords")],
};

/// Takes windows' totals, each as the [line](WindowTotals::to_json) that it is.
///
/// A window is sent whenever it has changed, and again if it is not known whether it was taken: a reader keeps
/// the totals with the highest count.
pub trait AggregateSink: Send + Sync {
    /// Sends totals, each at least once. Answers by `deadline` at the latest, with one result for each, in their order.
    fn send(
        &self,
        totals: &[WindowTotals],
        deadline: Instant,
    ) -> impl Future<Output = Vec<Result<(), CallFault>>> + Send;
}

#[cfg(test)]
mod tests;
