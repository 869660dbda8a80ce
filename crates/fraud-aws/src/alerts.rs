//! Where alerts are published: the port, and what implements it.

use std::future::Future;

use aws_calls::fault::CallFault;
use fraud_core::alert::Alert;
use tokio::time::Instant;

use crate::config::ALERT_SINK;
use crate::ledger::Release;
use crate::port::{Call, Port};

mod connect;
mod lanes;
mod lines;
pub mod message;
mod sns;

pub use connect::Sink;
pub use lanes::{Chunk, Fit, Lanes};
pub use lines::AlertLines;
pub use sns::SnsAlerts;

/// The port as data.
pub const PORT: Port =
    Port { name: "alerts", variable: ALERT_SINK, calls: &[Call::new("PublishBatch", "sns:Publish")] };

/// Publishes alerts.
pub trait AlertSink: Send + Sync {
    /// Publishes alerts, those of one customer in this order, as many of them together as a call takes. Within a call they
    /// have no order but that of their [`customer_sequence`](Alert). Once one of a customer's could not be published for
    /// now, no later call has any of that customer. Answers by `deadline` at the latest, with one result for
    /// each alert, in their order.
    fn publish(
        &self,
        alerts: &[&Alert],
        deadline: Instant,
    ) -> impl Future<Output = Vec<Result<(), PublishFault>>> + Send;
}

/// Why an alert was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishFault {
    /// It is larger than the sink takes, and always will be.
    #[error("{size} bytes are too large")]
    TooLarge {
        /// The alert's [size](message::size).
        size: usize,
    },
    /// The sink does not accept it, and never will.
    #[error("refused: {code}")]
    Refused {
        /// The sink's word for what is wrong with it.
        code: String,
    },
    /// The sink could not take it now; it must be tried again.
    #[error("{fault}")]
    Unavailable {
        /// The call's fault.
        fault: CallFault,
        /// Whether the sink may have accepted it all the same, and its answer was lost.
        may_be_sent: bool,
    },
    /// An earlier one of the same customer could not be published for now.
    #[error("an earlier alert of the customer could not be published")]
    HeldBack,
}

impl PublishFault {
    /// Whether the alert will be published once the sink is to be had; else it never will be.
    pub fn is_transient(&self) -> bool {
        matches!(self, PublishFault::Unavailable { .. } | PublishFault::HeldBack)
    }

    /// How the alert's claim is to be given up.
    pub fn release(&self) -> Release {
        match self {
            PublishFault::Unavailable { may_be_sent: true, .. } => Release::MayHaveBeenSent,
            _ => Release::NotSent,
        }
    }
}

#[cfg(test)]
mod tests;
