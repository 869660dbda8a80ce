use std::num::NonZeroU32;
use std::time::Duration;

use fraud_core::money::Money;
use fraud_core::window::Window;

use super::*;
use crate::testing::{Page, at, soon};

mod stream;

/// So many customers' totals; the customer's number is also the count.
fn totals(customers: usize) -> Vec<WindowTotals> {
    let totals = |number: usize| WindowTotals {
        customer_id: format!("C{number}"),
        window: Window::containing(at(0), NonZeroU32::new(300).unwrap()),
        event_count: number as u64,
        total_amount: Money::sum("12345678901234567890.000000000001").unwrap(),
        sum_complete: true,
        dedup_complete: true,
    };
    (0..customers).map(totals).collect()
}

fn lines(totals: &[WindowTotals]) -> Vec<String> {
    totals.iter().map(WindowTotals::to_json).collect()
}

/// What every sink does; `sent` gives the lines that it has taken so far.
async fn keeps_the_contract(sink: &impl AggregateSink, sent: impl AsyncFn() -> Vec<String>) {
    assert_eq!(sink.send(&[], soon()).await, []);
    let totals = totals(3);
    assert_eq!(sink.send(&totals, soon()).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(sink.send(&totals[1..2], soon()).await, [Ok(())]);
    let mut expected = lines(&totals);
    expected.push(totals[1].to_json());
    let mut sent = sent().await;
    // A stream keeps the order of a customer's alone.
    expected.sort();
    sent.sort();
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn lines_keep_the_contract() {
    let page = Page::default();
    keeps_the_contract(&TotalsLines::new(page.clone()), async || page.lines()).await;
}

#[tokio::test]
async fn a_writer_that_breaks_takes_no_totals() {
    let sink = TotalsLines::new(Page::that_breaks_after(1));
    let fault = CallFault::new(aws_calls::fault::FaultKind::Failed, "broken pipe");
    assert_eq!(sink.send(&totals(3), soon()).await, [Ok(()), Err(fault.clone()), Err(fault)]);
}

#[tokio::test]
async fn a_stream_keeps_the_contract() {
    let (aws, sink) = stream::start().await;
    keeps_the_contract(&sink, async || stream::lines(&aws).await).await;
    crate::testing::assert_calls_are_those_of(PORT, &aws);
}
