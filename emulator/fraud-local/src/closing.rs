//! The close of a run: collects what it produced, and has it checked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Context;
use embedded_aws::event_source_mapping::RecordSource;
use exact_text::timestamp::Timestamp;
use fraud_core::policy::Policy;
use fraudctl::display::per_second;
use fraudctl::produce::ProduceSummary;
use serde_json::Value;

use crate::arrivals::ArrivalMode;
use crate::backtested::{Backtested, RunPast};
use crate::beside::beside;
use crate::caught::{CaughtReport, PolicyAlerts};
use crate::feed::ComingLabels;
use crate::functions::{self, Functions};
use crate::labels::identity_of_alert;
use crate::output;
use crate::pipeline::Pipeline;
use crate::reconcile::{ExpectedOutput, LandedLine, PipelineOutput, StreamRecord, USED};
use crate::report::{ArrivalSpan, FaultReport, Latency, RunReport, ShadowReport, top_customers};
use crate::services::{QUEUE, STREAM};
use crate::timeline::Timeline;
use crate::windows;

/// A run whose stream is drained.
pub(crate) struct Closing<'a> {
    pub(crate) pipeline: &'a Pipeline<'a>,
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
    /// The report, the alerts' messages, what is on the stream, and what the lake's lines say.
    pub(crate) async fn report(
        &self,
    ) -> anyhow::Result<(RunReport, Vec<String>, Vec<StreamRecord>, Vec<LandedLine>)> {
        let Closing { pipeline, functions, summary, timeline, .. } = *self;
        let records = self.stream_records().await?;
        let alerts: Vec<String> =
            pipeline.aws.published().into_iter().map(|published| published.message).collect();
        output::write_alerts(&pipeline.out, &alerts)?;
        let letters = pipeline.aws.messages(QUEUE).unwrap_or_default();
        let letters =
            letters.iter().map(|letter| Ok((member(&letter.body, "function")?, member(&letter.body, "id")?)));
        let rule = pipeline.analytics.then(functions::window_rule);
        let policies =
            (&pipeline.policies, pipeline.coming.as_ref().map(|coming| coming.delay).unwrap_or_default());
        let known = (&pipeline.profiles, timeline);
        let expected = ExpectedOutput::of(&records, known, policies, &pipeline.schema, rule).await;
        let outcome = PipelineOutput {
            landed: output::landed(&pipeline.out)?,
            failed: output::failed(&pipeline.out)?,
            alerts: alerts.iter().map(|alert| member(alert, "alert_id")).collect::<anyhow::Result<_>>()?,
            alert_inputs: alerts.iter().filter_map(|alert| alert_inputs(alert)).collect(),
            dead_letters: letters.collect::<anyhow::Result<_>>()?,
            windows: windows::all(pipeline.aws, &expected.customers_with_windows()).await?,
        };
        output::write_windows(&pipeline.out, &outcome.windows)?;
        let mut discrepancies = expected.discrepancies(&outcome);
        let produced = records.len() as u64;
        if produced < summary.sent {
            discrepancies.push(format!("{} records sent, {produced} on the stream", summary.sent));
        }
        let coming = pipeline.coming.as_ref();
        let past = RunPast {
            records: &records,
            profiles: &pipeline.profiles,
            timeline,
            labels: coming.map(ComingLabels::known).unwrap_or_default(),
            delay: coming.map(|coming| coming.delay).unwrap_or_default(),
            schema: &pipeline.schema,
        };
        let (backtest, differences) =
            Backtested::of(past, &pipeline.policies).compare(&outcome.landed, &alerts);
        discrepancies.extend(differences);
        let totals = functions.totals();
        let (processed, time) = self.processed;
        let simulated = pipeline.aws.simulates_arrivals();
        let distinct_letters: BTreeSet<_> = outcome.dead_letters.iter().map(|(_, id)| id).collect();
        let report = RunReport {
            produced,
            not_produced: summary.failed + summary.refused,
            landed: outcome.landed.len() as u64,
            failed: outcome.failed.len() as u64,
            failed_by_reason: totals.failed,
            event_times_unreadable: totals.event_times.unreadable as u64,
            event_times_without_local_time: totals.event_times.without_local_time as u64,
            policy: pipeline.policies.active().id().to_owned(),
            never_alerted: pipeline.policies.active().silences().iter().map(ToString::to_string).collect(),
            history: history_words(&outcome.landed),
            labels_applied: self.labels_applied,
            high_scores: expected.high_scores,
            shadow: pipeline.policies.shadow().map(|shadow| ShadowReport::of(shadow.id(), expected.shadow)),
            alerts: alerts.len() as u64,
            duplicates_suppressed: totals.alerts_suppressed,
            retried_by_reason: totals
                .retried
                .into_iter()
                .map(|(reason, count)| (reason.to_owned(), count))
                .collect(),
            faults: FaultReport::all(&pipeline.faults, self.faulty_calls),
            dead_letters: distinct_letters.len() as u64,
            windows: outcome.windows.len() as u64,
            top_customers: top_customers(&outcome.windows)?,
            arrived: ArrivalSpan::of(records.iter().map(|record| record.arrival)),
            delivered_directly: self.delivered_directly,
            arrivals: if simulated { ArrivalMode::Simulated } else { ArrivalMode::Real },
            detection_latency_ms: (!simulated).then(|| Latency::of(totals.detection_latency)),
            transactions_per_second: per_second(processed, time),
            seconds: time.as_secs_f64(),
            files: output::written(&pipeline.out)?,
            backtest,
            caught: self.caught(&records, &outcome.alerts).await?,
            balanced: discrepancies.is_empty(),
            discrepancies,
        };
        Ok((report, alerts, records, outcome.landed))
    }

    /// What of the frauds was alerted, by the labels.
    async fn caught(
        &self,
        records: &[StreamRecord],
        alerts: &[String],
    ) -> anyhow::Result<Option<CaughtReport>> {
        let Some(labels) = &self.pipeline.labels else { return Ok(None) };
        let builtin = Policy::builtin_default()?;
        let known = (&self.pipeline.profiles, &self.pipeline.entities.entities);
        let (ran, by_builtin) = beside(records, known, &builtin, &self.pipeline.schema).await;
        let alerted = alerts.iter().map(|id| identity_of_alert(id).to_owned()).collect();
        let mut policies =
            vec![PolicyAlerts { policy: self.pipeline.policies.active().id().to_owned(), alerted }];
        policies.extend((self.pipeline.policies.active().id() != builtin.id()).then_some(by_builtin));
        Ok(Some(CaughtReport::of(labels, &ran, &policies)))
    }

    /// Every record on the stream.
    async fn stream_records(&self) -> anyhow::Result<Vec<StreamRecord>> {
        let source = self.pipeline.aws.record_source(STREAM);
        let mut records = Vec::new();
        for shard in source.shards().await? {
            let mut after: Option<String> = None;
            loop {
                let page = source.read(&shard.id, after.as_deref(), 10_000).await?;
                after = page.records.last().map(|record| record.sequence_number.clone()).or(after);
                let is_end = page.records.is_empty();
                for record in page.records {
                    let since = record.approximate_arrival.duration_since(std::time::UNIX_EPOCH)?;
                    records.push(StreamRecord {
                        stream: STREAM.to_owned(),
                        shard: shard.id.clone(),
                        sequence_number: record.sequence_number,
                        arrival: Timestamp::saturating_from_millis(i64::try_from(since.as_millis())?),
                        data: record.data.to_vec(),
                    });
                }
                if is_end {
                    break;
                }
            }
        }
        Ok(records)
    }
}

/// How many lines say what of the customer's history.
fn history_words(landed: &[LandedLine]) -> BTreeMap<String, u64> {
    let mut words = BTreeMap::new();
    for word in landed.iter().filter_map(|line| line.history.as_ref()) {
        *words.entry(word.clone()).or_default() += 1;
    }
    words
}

/// The identity and the inputs of an alert that was decided with the customer's history.
fn alert_inputs(alert: &str) -> Option<(String, String)> {
    member(alert, "history").ok().filter(|history| history == USED)?;
    let identity = member(alert, "reuses_id_of").or_else(|_| member(alert, "alert_id")).ok()?;
    Some((identity, member(alert, "fraud_inputs").ok()?))
}

fn member(json: &str, name: &str) -> anyhow::Result<String> {
    let value: Value = serde_json::from_str(json)?;
    Ok(value[name].as_str().with_context(|| format!("a message lacks `{name}`"))?.to_owned())
}
