//! The alert sink that the configuration names.

use std::io::{Stdout, stdout};

use fraud_core::alert::Alert;
use tokio::time::Instant;

use super::{AlertLines, AlertSink, PublishFault, SnsAlerts};
use crate::config::AlertDestination;
use crate::sdk::Sdk;

/// An alert sink of either kind.
#[derive(Debug)]
pub enum Alerts {
    /// An SNS topic.
    Sns(SnsAlerts),
    /// Standard output.
    Stdout(AlertLines<Stdout>),
}

impl Alerts {
    /// Opens the sink. A topic is not asked for anything yet.
    pub async fn connect(destination: &AlertDestination, sdk: &Sdk) -> Self {
        match destination {
            AlertDestination::Sns { topic_arn } => Alerts::Sns(SnsAlerts::new(sdk.config().await, topic_arn)),
            AlertDestination::Stdout => Alerts::Stdout(AlertLines::new(stdout())),
        }
    }
}

impl AlertSink for Alerts {
    async fn publish(&self, alerts: &[&Alert], deadline: Instant) -> Vec<Result<(), PublishFault>> {
        match self {
            Alerts::Sns(sink) => sink.publish(alerts, deadline).await,
            Alerts::Stdout(sink) => sink.publish(alerts, deadline).await,
        }
    }
}
