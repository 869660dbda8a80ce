//! The sink for totals that the configuration names.

use std::io::{Stdout, stdout};

use fraud_core::window::WindowTotals;
use tokio::time::Instant;

use super::{AggregateSink, KinesisTotals, TotalsLines};
use crate::config::AggregateSinkTarget;
use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;

/// A sink for totals of either kind.
#[derive(Debug)]
pub enum TotalsSink {
    /// A Kinesis stream.
    Kinesis(KinesisTotals),
    /// Standard output.
    Stdout(TotalsLines<Stdout>),
}

impl TotalsSink {
    /// Opens the sink, if there is to be one. Makes no call yet.
    pub async fn connect(target: &AggregateSinkTarget, sdk: &Sdk) -> Option<Self> {
        match target {
            AggregateSinkTarget::Kinesis { stream } => {
                Some(TotalsSink::Kinesis(KinesisTotals::new(sdk.config().await, stream)))
            }
            AggregateSinkTarget::Stdout => Some(TotalsSink::Stdout(TotalsLines::new(stdout()))),
            AggregateSinkTarget::None => None,
        }
    }
}

impl AggregateSink for TotalsSink {
    async fn send(&self, totals: &[WindowTotals], deadline: Instant) -> Vec<Result<(), CallFault>> {
        match self {
            TotalsSink::Kinesis(sink) => sink.send(totals, deadline).await,
            TotalsSink::Stdout(sink) => sink.send(totals, deadline).await,
        }
    }
}
