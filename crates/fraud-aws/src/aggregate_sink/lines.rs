//! Totals as lines, for development.

use std::io::Write;

use aws_calls::fault::CallFault;
use fraud_core::window::WindowTotals;
use tokio::time::Instant;

use super::AggregateSink;
use crate::lines::Lines;

/// A writer that takes totals as lines.
#[derive(Debug)]
pub struct TotalsLines<W>(Lines<W>);

impl<W: Write> TotalsLines<W> {
    /// Lines to `out`.
    pub fn new(out: W) -> Self {
        TotalsLines(Lines::new(out))
    }
}

impl<W: Write + Send> AggregateSink for TotalsLines<W> {
    async fn send(&self, totals: &[WindowTotals], _deadline: Instant) -> Vec<Result<(), CallFault>> {
        let write = |totals: &WindowTotals| {
            let written = self.0.write(&totals.to_json());
            written.map_err(|error| CallFault::of_writer(&error))
        };
        totals.iter().map(write).collect()
    }
}
