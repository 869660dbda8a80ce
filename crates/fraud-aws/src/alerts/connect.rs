//! The alert sink that the configuration names.

use std::io::{Stdout, stdout};

use fraud_core::alert::Alert;
use tokio::time::Instant;

use super::{AlertLines, AlertSink, PublishFault, SnsAlerts};
use crate::config::AlertSinkTarget;
use aws_calls::sdk::Sdk;

/// An alert sink of either kind.
#[derive(Debug)]
pub enum Sink {
    /// An SNS topic.
    Sns(SnsAlerts),
    /// Standard output.
    Stdout(AlertLines<Stdout>),
}

impl Sink {
    /// Opens the sink. A topic is not asked for anything yet.
    pub async fn connect(target: &AlertSinkTarget, sdk: &Sdk) -> Self {
        match target {
            AlertSinkTarget::Sns { topic_arn } => Sink::Sns(SnsAlerts::new(sdk.config().await, topic_arn)),
            AlertSinkTarget::Stdout => Sink::Stdout(AlertLines::new(stdout())),
        }
    }
}

impl AlertSink for Sink {
    async fn publish(&self, alerts: &[&Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
        match self {
            Sink::Sns(sink) => sink.publish(alerts, deadline).await,
            Sink::Stdout(sink) => sink.publish(alerts, deadline).await,
        }
    }
}
