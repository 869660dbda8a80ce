//! The close of a run: has it checked, and reports.

use std::time::Duration;

use fraudctl::display::per_second;
use fraudctl::produce::ProduceSummary;

use crate::arrivals::ArrivalMode;
use crate::check;
use crate::functions::Functions;
use crate::output::{self, Lines};
use crate::pipeline::Pipeline;
use crate::report::{ArrivalSpan, FaultReport, Latency, RunReport, ShadowReport};
use crate::status::StatusLine;
use crate::timeline::Timeline;

/// A run whose stream is drained.
pub(crate) struct Closing<'a> {
    pub(crate) pipeline: &'a Pipeline<'a>,
    pub(crate) status: &'a StatusLine,
    pub(crate) functions: &'a Functions,
    /// What was produced.
    pub(crate) summary: ProduceSummary,
    /// How many records were processed, and in what time.
    pub(crate) processed: (u64, Duration),
    /// What was known of entities when.
    pub(crate) timeline: &'a Timeline,
    /// Labels that came while the run went on; `None` if none could.
    pub(crate) labels_applied: Option<u64>,
    /// To how many calls each fault was applied.
    pub(crate) faulty_calls: &'a [u64],
    /// Records that came by the delivery stream beside the stream.
    pub(crate) delivered_directly: u64,
}

impl Closing<'_> {
    /// The report, and the alerts' messages.
    pub(crate) async fn report(&self) -> anyhow::Result<(RunReport, Vec<String>)> {
        let Closing { pipeline, functions, summary, timeline, .. } = *self;
        let alerts: Vec<String> =
            pipeline.aws.published().into_iter().map(|published| published.message).collect();
        let mut written = Lines::of_alerts(&pipeline.out)?;
        written.write(alerts.iter())?;
        written.finish()?;
        let checked = check::check(pipeline, timeline, &alerts, self.status).await?;
        let mut discrepancies = checked.found.lines();
        if checked.produced < summary.sent {
            discrepancies.push(format!("{} records sent, {} on the stream", summary.sent, checked.produced));
        }
        let totals = functions.totals();
        let (processed, time) = self.processed;
        let simulated = pipeline.aws.simulates_arrivals();
        let report = RunReport {
            produced: checked.produced,
            not_produced: summary.failed + summary.refused,
            landed: checked.landed,
            failed: checked.failed,
            failed_by_reason: totals.failed,
            event_times_unreadable: totals.event_times.unreadable as u64,
            event_times_without_local_time: totals.event_times.without_local_time as u64,
            policy: pipeline.policies.active().id().to_owned(),
            never_alerted: pipeline.policies.active().silences().iter().map(ToString::to_string).collect(),
            history: checked.history,
            labels_applied: self.labels_applied,
            high_scores: checked.high_scores,
            shadow: pipeline.policies.shadow().map(|shadow| ShadowReport::of(shadow.id(), checked.shadow)),
            alerts: alerts.len() as u64,
            duplicates_suppressed: totals.alerts_suppressed,
            retried_by_reason: totals
                .retried
                .into_iter()
                .map(|(reason, count)| (reason.to_owned(), count))
                .collect(),
            faults: FaultReport::all(&pipeline.faults, self.faulty_calls),
            dead_letters: checked.dead_letters,
            windows: checked.windows,
            top_customers: checked.top_customers,
            arrived: checked.arrived.map(ArrivalSpan::from),
            delivered_directly: self.delivered_directly,
            arrivals: if simulated { ArrivalMode::Simulated } else { ArrivalMode::Real },
            detection_latency_ms: (!simulated).then(|| Latency::of(totals.detection_latency)),
            transactions_per_second: per_second(processed, time),
            seconds: time.as_secs_f64(),
            files: output::written(&pipeline.out)?,
            backtest: checked.backtest,
            caught: checked.caught,
            balanced: discrepancies.is_empty(),
            discrepancies,
        };
        Ok((report, alerts))
    }
}
