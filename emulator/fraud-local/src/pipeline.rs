//! A run: produce, alert and deliver at the same time until the stream is drained, then see whether it balances.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use embedded_aws::delivery_stream::{
    Buffering, Deaggregate, DeliveryStream, DirectoryObjects, RawBackup, Settings as DeliverySettings,
};
use embedded_aws::event_source_mapping::{EventSourceMapping, RecordSource, Settings as MappingSettings};
use embedded_aws::{EmbeddedAws, Service};
use exact_text::timestamp::Timestamp;
use fraud_aws::profiles::FileProfiles;
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_core::shadow::{Policies, ShadowCounts};
use fraud_core::transaction::Reading;
use futures_util::StreamExt;
use kpl_aggregation::{Payload, split};
use serde_json::Value;
use stream_client::kinesis::KinesisStream;
use stream_client::producer::{self, SendResult, Settings as ProducerSettings};
use tokio::sync::watch;

use crate::arrivals::ArrivalMode;
use crate::backtested::{Backtested, RunPast};
use crate::beside::beside;
use crate::caught::{CaughtReport, PolicyAlerts};
use crate::feed::{ComingLabels, Feed};
use crate::functions::{self, Functions};
use crate::in_order;
use crate::in_step::{InStep, alerts_have_seen};
use crate::labels::{Labels, identity_of_alert};
use crate::output;
use crate::reconcile::{ExpectedOutput, LandedLine, PipelineOutput, StreamRecord, USED};
use crate::report::{Latency, RunReport, ShadowReport, top_customers};
use crate::services::{self, QUEUE, STREAM};
use crate::status::StatusLine;
use crate::timeline::Timeline;
use crate::transactions::{FAILURES_TOLD, Input, records};
use fraudctl::display::{counted, per_second};
use fraudctl::entities::LoadedEntities;
use fraudctl::input::{InputError, SourceLocations};
use fraudctl::interrupt::Interrupt;
use fraudctl::produce::{ProduceSummary, paced};
use fraudctl::profiles::ProfileItem;

/// A pipeline over running services.
pub struct Pipeline<'a> {
    /// The services; faults may have been ordered.
    pub aws: &'a EmbeddedAws,
    /// What decides, and what is scored in its shadow.
    pub policies: Policies,
    /// How the transactions are written.
    pub schema: Schema,
    /// The profiles, to score by here.
    pub profiles: FileProfiles,
    /// What is known of entities.
    pub entities: LoadedEntities,
    /// Which transactions are known to be fraud, if that is known.
    pub labels: Option<Labels>,
    /// Labels that come while the run goes on, and from which policies see merchants' known frauds.
    pub coming: Option<ComingLabels>,
    /// The output folder.
    pub out: PathBuf,
    /// Whether the analytics function reads the stream too.
    pub analytics: bool,
    /// Whether to continue after the end of the input, until Ctrl-C.
    pub follow: bool,
    /// How many transactions are produced in a second at most; `None`: as many as go.
    pub rate: Option<u32>,
    /// What ends the input, and the following, early.
    pub interrupt: Interrupt,
}

/// A run that has ended.
#[derive(Debug)]
pub struct FinishedRun {
    /// The report.
    pub report: RunReport,
    /// The alerts' messages, in the order in which they were published.
    pub alerts: Vec<String>,
    /// What is on the stream.
    pub records: Vec<StreamRecord>,
    /// What the lake's lines say of themselves.
    pub landed: Vec<LandedLine>,
    /// What was known of entities when.
    pub timeline: Timeline,
    /// What the policy in the shadow would have alerted, as the alerting function and the transform counted it: a record that
    /// is redelivered counts again.
    pub shadow_counted: [ShadowCounts; 2],
    /// Why the input ended before its end.
    pub input_error: Option<InputError>,
}

impl Pipeline<'_> {
    /// Fills the tables of profiles and entities, runs the input through, and reports.
    ///
    /// # Errors
    /// If a service or the output folder cannot be used.
    pub async fn run(&self, profiles: Vec<ProfileItem>, input: Input) -> anyhow::Result<FinishedRun> {
        output::claim(&self.out)?;
        output::clear(&self.out)?;
        let status = StatusLine::new();
        status.preparing(format!("importing {}", counted(profiles.len() as u64, "profile")));
        services::import_profiles(self.aws, profiles).await?;
        services::import_entities(self.aws, self.entities.items.clone()).await?;
        let delay = self.coming.as_ref().map(|coming| coming.delay);
        let functions = Functions::connect(self.aws, &self.policies, &self.schema, delay).await?;
        let entities = self.entities.entities.clone();
        let mut feed = match &self.coming {
            Some(coming) => Some(
                Feed::new(self.aws, coming, self.policies.history(), &self.schema, entities.clone()).await?,
            ),
            None => None,
        };
        let start = Instant::now();
        let work = self.work(&functions, &status, input, feed.as_mut());
        let (summary, input_error) = tokio::select! {
            done = work => done?,
            () = status.show(&functions) => anyhow::bail!("the status line ended"),
        };
        let time = start.elapsed();
        status.preparing("checking that everything balances".to_owned());
        let (timeline, labels_applied) = match feed {
            Some(feed) => {
                let (timeline, labels) = feed.ended();
                (timeline, Some(labels))
            }
            None => (Timeline::from(entities), None),
        };
        let (report, alerts, records, landed) =
            self.report(&functions, summary, time, (&timeline, labels_applied)).await?;
        status.clear();
        let totals = functions.totals();
        let shadow_counted = [totals.shadow, totals.shadow_of_transform];
        Ok(FinishedRun { report, alerts, records, landed, timeline, shadow_counted, input_error })
    }

    async fn work(
        &self,
        functions: &Functions,
        status: &StatusLine,
        input: Input,
        feed: Option<&mut Feed<'_>>,
    ) -> anyhow::Result<(ProduceSummary, Option<InputError>)> {
        let alerts = async |invocation| functions.alerts(invocation).await;
        let mapping = EventSourceMapping::new(self.aws.record_source(STREAM), alerts, mapping_settings())?;
        let analytics = async |invocation| functions.analytics(invocation).await;
        let aggregation = EventSourceMapping::new(
            self.aws.record_source(STREAM),
            analytics,
            // Larger batches, as in the template: fewer writes, because more records of one customer are in one batch.
            MappingSettings {
                batch_size: 5000,
                parallelization_factor: 1,
                consumer: None,
                ..mapping_settings()
            },
        )?;
        let is_behind = self.aws.simulates_arrivals() && self.policies.history().is_some();
        let transform = async |invocation| {
            if is_behind {
                alerts_have_seen(functions, status.produced.load(Ordering::Relaxed)).await;
            }
            functions.transform(invocation).await
        };
        let objects = DirectoryObjects::new(&self.out);
        let delivery = DeliveryStream::of_stream(
            self.aws.record_source(STREAM),
            transform,
            objects,
            delivery_settings(self.aws.simulates_arrivals()),
        )?;
        let (stop, stopped) = watch::channel(false);
        let until_stopped = || {
            let mut stopped = stopped.clone();
            // An error says that the sender is gone, which is a stop too.
            async move { drop(stopped.wait_for(|stopped| *stopped).await) }
        };
        let producing = async {
            let produced = self.produce(functions, status, input, feed).await;
            if self.follow {
                self.interrupt.clone().wait().await;
            }
            stop.send_replace(true);
            produced
        };
        let alerting = async {
            mapping.run(until_stopped()).await?;
            mapping.run_until_drained().await?;
            Ok::<_, anyhow::Error>(())
        };
        let aggregating = async {
            if !self.analytics {
                return Ok(());
            }
            aggregation.run(until_stopped()).await?;
            aggregation.run_until_drained().await?;
            Ok::<_, anyhow::Error>(())
        };
        let delivering = async {
            delivery.run(until_stopped()).await?;
            delivery.run_until_drained().await?;
            Ok::<_, anyhow::Error>(())
        };
        let (produced, (), (), ()) = tokio::try_join!(producing, alerting, aggregating, delivering)?;
        Ok(produced)
    }

    async fn produce(
        &self,
        functions: &Functions,
        status: &StatusLine,
        input: Input,
        feed: Option<&mut Feed<'_>>,
    ) -> anyhow::Result<(ProduceSummary, Option<InputError>)> {
        let sdk = services::sdk(self.aws, Service::Kinesis).await?;
        let target = KinesisStream::new(aws_sdk_kinesis::Client::new(sdk.config().await), STREAM);
        let mut summary = ProduceSummary::default();
        let (mut input_error, mut refused) = (None, 0);
        let reading = Reading::new(&self.schema, self.policies.asked());
        let locations = SourceLocations::default();
        let outcome = |outcome: SendResult| {
            summary.count(&outcome);
            status.produced.store(summary.sent, Ordering::Relaxed);
            let location = locations.take(outcome.record.tag);
            if let Err(failure) = &outcome.result
                && summary.failed <= FAILURES_TOLD
            {
                status.tell(&format!("{location}: {failure}"));
            }
        };
        let records = records(input, &reading, &locations, status, &mut refused, &mut input_error);
        // What is on the stream by then is still worked off.
        let records = paced(records, self.rate).take_until(Box::pin(self.interrupt.clone().wait()));
        match self.aws.simulates_arrivals() {
            true => {
                let mut steps = InStep::new(&self.schema, &self.policies, functions, feed);
                in_order::send(&target, records, &mut steps, outcome).await?;
            }
            false => producer::send(&target, &ProducerSettings::default(), records, outcome).await,
        }
        summary.refused = refused;
        Ok((summary, input_error))
    }

    async fn report(
        &self,
        functions: &Functions,
        summary: ProduceSummary,
        time: Duration,
        (timeline, labels_applied): (&Timeline, Option<u64>),
    ) -> anyhow::Result<(RunReport, Vec<String>, Vec<StreamRecord>, Vec<LandedLine>)> {
        let records = self.stream_records().await?;
        let alerts: Vec<String> =
            self.aws.published().into_iter().map(|published| published.message).collect();
        output::write_alerts(&self.out, &alerts)?;
        let letters = self.aws.messages(QUEUE).unwrap_or_default();
        let letters =
            letters.iter().map(|letter| Ok((member(&letter.body, "function")?, member(&letter.body, "id")?)));
        let outcome = PipelineOutput {
            landed: output::landed(&self.out)?,
            failed: output::failed(&self.out)?,
            alerts: alerts.iter().map(|alert| member(alert, "alert_id")).collect::<anyhow::Result<_>>()?,
            alert_inputs: alerts.iter().filter_map(|alert| alert_inputs(alert)).collect(),
            dead_letters: letters.collect::<anyhow::Result<_>>()?,
            windows: functions::windows(self.aws).await?,
        };
        output::write_windows(&self.out, &outcome.windows)?;
        let rule = self.analytics.then(functions::window_rule);
        let policies = (&self.policies, self.coming.as_ref().map(|coming| coming.delay).unwrap_or_default());
        let known = (&self.profiles, timeline);
        let expected = ExpectedOutput::of(&records, known, policies, &self.schema, rule).await;
        let mut discrepancies = expected.discrepancies(&outcome);
        let produced = records.len() as u64;
        if !self.follow && produced < summary.sent {
            discrepancies.push(format!("{} records sent, {produced} on the stream", summary.sent));
        }
        let coming = self.coming.as_ref();
        let past = RunPast {
            records: &records,
            profiles: &self.profiles,
            timeline,
            labels: coming.map(ComingLabels::known).unwrap_or_default(),
            delay: coming.map(|coming| coming.delay).unwrap_or_default(),
            schema: &self.schema,
        };
        let (backtest, differences) = Backtested::of(past, &self.policies).compare(&outcome.landed, &alerts);
        discrepancies.extend(differences);
        let totals = functions.totals();
        let simulated = self.aws.simulates_arrivals();
        let distinct_letters: BTreeSet<_> = outcome.dead_letters.iter().map(|(_, id)| id).collect();
        let report = RunReport {
            produced,
            not_produced: summary.failed + summary.refused,
            landed: outcome.landed.len() as u64,
            failed: outcome.failed.len() as u64,
            failed_by_reason: totals.failed,
            event_times_unreadable: totals.event_times.unreadable as u64,
            event_times_without_local_time: totals.event_times.without_local_time as u64,
            policy: self.policies.active().id().to_owned(),
            never_alerted: self.policies.active().silences().iter().map(ToString::to_string).collect(),
            history: history_words(&outcome.landed),
            labels_applied,
            high_scores: expected.high_scores,
            shadow: self.policies.shadow().map(|shadow| ShadowReport::of(shadow.id(), expected.shadow)),
            alerts: alerts.len() as u64,
            duplicates_suppressed: totals.alerts_suppressed,
            dead_letters: distinct_letters.len() as u64,
            windows: outcome.windows.len() as u64,
            top_customers: top_customers(&outcome.windows)?,
            arrivals: if simulated { ArrivalMode::Simulated } else { ArrivalMode::Real },
            detection_latency_ms: (!simulated).then(|| Latency::of(totals.detection_latency)),
            transactions_per_second: per_second(produced, time),
            seconds: time.as_secs_f64(),
            files: output::written(&self.out)?,
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
        let Some(labels) = &self.labels else { return Ok(None) };
        let builtin = Policy::builtin_default()?;
        let known = (&self.profiles, &self.entities.entities);
        let (ran, by_builtin) = beside(records, known, &builtin, &self.schema).await;
        let alerted = alerts.iter().map(|id| identity_of_alert(id).to_owned()).collect();
        let mut policies = vec![PolicyAlerts { policy: self.policies.active().id().to_owned(), alerted }];
        policies.extend((self.policies.active().id() != builtin.id()).then_some(by_builtin));
        Ok(Some(CaughtReport::of(labels, &ran, &policies)))
    }

    /// Every record on the stream.
    async fn stream_records(&self) -> anyhow::Result<Vec<StreamRecord>> {
        let source = self.aws.record_source(STREAM);
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

/// As the template deploys the mapping, with retries without end: here nothing is ever given up.
fn mapping_settings() -> MappingSettings {
    MappingSettings {
        batch_size: 1000,
        parallelization_factor: 4,
        bisect_batch_on_function_error: true,
        report_batch_item_failures: true,
        function_timeout: Duration::from_secs(60),
        // Kinesis pushes records to an enhanced fan-out consumer at once.
        polling_interval: Duration::from_millis(20),
        consumer: Some("kinesis-alerts".to_owned()),
        ..MappingSettings::default()
    }
}

/// As the template deploys the delivery stream, but for what a developer would wait for: buffers are small, and the
/// stream is looked at often.
fn delivery_settings(simulated: bool) -> DeliverySettings {
    // A step of a run with simulated arrivals ends when the transform has seen it.
    let interval = Duration::from_millis(if simulated { 50 } else { 1_000 });
    DeliverySettings {
        name: "transactions-to-lake".to_owned(),
        transform_buffering: Buffering { size: 1024 * 1024, interval },
        buffering: Buffering { size: 64 * 1024 * 1024, interval: Duration::from_secs(60) },
        prefix: format!(
            "{}/year=!{{partitionKeyFromLambda:year}}/month=!{{partitionKeyFromLambda:month}}/\
             day=!{{partitionKeyFromLambda:day}}/hour=!{{partitionKeyFromLambda:hour}}/",
            output::SCORED
        ),
        error_output_prefix: format!(
            "{}/!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd/HH}}/",
            output::ERRORS
        ),
        raw_backup: Some(RawBackup {
            prefix: format!("{}/!{{timestamp:yyyy/MM/dd/HH}}/", output::RAW),
            buffering: Buffering { size: 64 * 1024 * 1024, interval: Duration::from_secs(60) },
        }),
        active_partitions: 5000,
        deaggregate: Some(Deaggregate::new(|data| match split(data) {
            Payload::Plain(data) => vec![(0, data)],
            Payload::Aggregate(users) => {
                users.into_iter().map(|user| (user.sub_sequence_number, user.data)).collect()
            }
        })),
        polling_interval: interval / 10,
        ..DeliverySettings::default()
    }
}
