//! Alerts as lines, for development: one message a line, without subject and attributes.

use std::collections::HashSet;
use std::io::Write;

use aws_calls::fault::CallFault;
use fraud_core::alert::Alert;
use tokio::time::Instant;

use super::{AlertSink, PublishFault};
use crate::lines::Lines;

/// A writer that takes alerts as lines.
#[derive(Debug)]
pub struct AlertLines<W>(Lines<W>);

impl<W: Write> AlertLines<W> {
    /// Lines to `out`.
    pub fn new(out: W) -> Self {
        AlertLines(Lines::new(out))
    }
}

impl<W: Write + Send> AlertSink for AlertLines<W> {
    async fn publish(&self, alerts: &[&Alert], _deadline: Instant) -> Vec<Result<(), PublishFault>> {
        let mut results = Vec::with_capacity(alerts.len());
        // What broke, and whose alerts were not written since.
        let mut broken: Option<(CallFault, HashSet<Option<&str>>)> = None;
        for alert in alerts {
            let customer = alert.customer_id.as_deref();
            results.push(match &mut broken {
                None => self.0.write(&alert.message).map_err(|error| {
                    let fault = CallFault::of_writer(&error);
                    broken = Some((fault.clone(), HashSet::from([customer])));
                    PublishFault::Unavailable { fault, may_be_sent: true }
                }),
                Some((fault, customers)) => {
                    let is_first = customers.insert(customer) || customer.is_none();
                    let unavailable = PublishFault::Unavailable { fault: fault.clone(), may_be_sent: false };
                    Err(if is_first { unavailable } else { PublishFault::HeldBack })
                }
            });
        }
        results
    }
}
