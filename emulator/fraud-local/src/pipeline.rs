//! A run: produce, alert and deliver at the same time until the stream is drained, then see whether it balances.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use embedded_aws::{EmbeddedAws, Service};
use fraud_aws::profiles::FileProfiles;
use fraud_core::schema::Schema;
use fraud_core::shadow::{Policies, ShadowCounts};
use fraud_core::transaction::Reading;
use futures_util::StreamExt;
use stream_client::kinesis::KinesisStream;
use stream_client::producer::{self, SendResult, Settings as ProducerSettings};
use tokio::sync::watch;

use crate::closing::Closing;
use crate::faults::{self, InForce, OrderedFault};
use crate::feed::{ComingLabels, Feed};
use crate::functions::Functions;
use crate::in_order;
use crate::in_step::InStep;
use crate::labels::Labels;
use crate::output;
use crate::readers::Readers;
use crate::report::RunReport;
use crate::services::{self, STREAM};
use crate::status::StatusLine;
use crate::timeline::Timeline;
use crate::transactions::{FAILURES_TOLD, Input, records};
use fraudctl::display::counted;
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
    /// How many records are checked at a time, see [`AT_ONCE`](crate::AT_ONCE).
    pub at_once: u64,
    /// How many transactions are produced in a second at most; `None`: as many as go.
    pub rate: Option<u32>,
    /// What makes calls fail while records are produced and read.
    pub faults: Vec<OrderedFault>,
    /// What ends the input early.
    pub interrupt: Interrupt,
}

/// A run that has ended.
#[derive(Debug)]
pub struct FinishedRun {
    /// The report.
    pub report: RunReport,
    /// The alerts' messages, in the order in which they were published.
    pub alerts: Vec<String>,
    /// What was known of entities when.
    pub timeline: Timeline,
    /// What the policy in the shadow would have alerted, as the alerting function and the transform counted it: a record that
    /// is redelivered counts again.
    pub shadow_counted: [ShadowCounts; 2],
    /// Why the input ended before its end.
    pub input_error: Option<InputError>,
}

/// A run that goes on.
pub struct Running<'a> {
    pipeline: &'a Pipeline<'a>,
    functions: Arc<Functions>,
    readers: Readers,
    feed: Option<Feed<'a>>,
    status: StatusLine,
    summary: ProduceSummary,
    input_error: Option<InputError>,
    /// How many records were processed, and in what time.
    processed: (u64, Duration),
    /// To how many calls each fault was applied.
    faulty_calls: Vec<u64>,
    /// How many records were on the streams when the last report was made.
    reported: (u64, u64),
}

impl<'a> Pipeline<'a> {
    /// Fills the tables of profiles and entities, runs the input through, and reports.
    ///
    /// # Errors
    /// If a service or the output folder cannot be used.
    pub async fn run(&'a self, profiles: Vec<ProfileItem>, input: Input) -> anyhow::Result<FinishedRun> {
        let mut running = self.start(profiles).await?;
        running.process(input).await?;
        running.close().await
    }

    /// Removes what an earlier run left, fills the tables of profiles and entities, and connects the functions.
    ///
    /// # Errors
    /// If a service or the output folder cannot be used.
    pub async fn start(&'a self, profiles: Vec<ProfileItem>) -> anyhow::Result<Running<'a>> {
        output::claim(&self.out)?;
        output::clear(&self.out)?;
        let status = StatusLine::new();
        status.preparing(format!("importing {}", counted(profiles.len() as u64, "profile")));
        services::import_profiles(self.aws, profiles).await?;
        services::import_entities(self.aws, self.entities.items.clone()).await?;
        let delay = self.coming.as_ref().map(|coming| coming.delay);
        let functions = Functions::connect(self.aws, &self.policies, &self.schema, delay).await?;
        let functions = Arc::new(functions);
        let behind = self.aws.simulates_arrivals() && self.policies.history().is_some();
        let readers = Readers::new(self.aws, &functions, &self.out, self.analytics, behind)?;
        let feed = match &self.coming {
            Some(coming) => {
                let entities = self.entities.entities.clone();
                Some(Feed::new(self.aws, coming, self.policies.history(), &self.schema, entities).await?)
            }
            None => None,
        };
        Ok(Running {
            pipeline: self,
            functions,
            readers,
            feed,
            status,
            summary: ProduceSummary::default(),
            input_error: None,
            processed: (0, Duration::ZERO),
            faulty_calls: vec![0; self.faults.len()],
            reported: (0, 0),
        })
    }
}

impl Running<'_> {
    /// Produces the input, and processes what is on the stream until it is drained.
    ///
    /// # Errors
    /// If a service or the output folder cannot be used.
    pub async fn process(&mut self, input: Input) -> anyhow::Result<()> {
        let Running {
            pipeline, functions, readers, feed, status, summary, input_error, faulty_calls, ..
        } = self;
        let in_force = faults::in_force(pipeline.aws, &pipeline.faults)?;
        let start = Instant::now();
        let (stop, stopped) = watch::channel(false);
        let producing = async {
            let produced = produce(pipeline, readers, status, input, feed.as_mut()).await;
            stop.send_replace(true);
            produced
        };
        let work = async { tokio::try_join!(producing, readers.run(stopped)) };
        let (produced, ()) = tokio::select! {
            done = work => done?,
            () = status.show(functions) => anyhow::bail!("the status line ended"),
        };
        (*summary, *input_error) = produced;
        count(faulty_calls, &in_force);
        self.processed = (self.readers.records().0, start.elapsed());
        Ok(())
    }

    /// Processes whatever else is put on the streams, until the interrupt comes and nothing is left. Says whether there is anything
    /// that the last report does not have.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    pub async fn go_on(&mut self) -> anyhow::Result<bool> {
        let Running { pipeline, functions, readers, status, faulty_calls, reported, .. } = self;
        *status = StatusLine::new();
        let in_force = faults::in_force(pipeline.aws, &pipeline.faults)?;
        let (stop, stopped) = watch::channel(false);
        let until_stopped = async {
            pipeline.interrupt.clone().wait().await;
            stop.send_replace(true);
            Ok(())
        };
        let work = async { tokio::try_join!(until_stopped, readers.run(stopped)) };
        tokio::select! {
            done = work => drop(done?),
            () = status.show_further(functions, readers) => anyhow::bail!("the status line ended"),
        }
        count(faulty_calls, &in_force);
        Ok(readers.records() != *reported)
    }

    /// Checks whether everything balances, and reports.
    ///
    /// # Errors
    /// As [`process`](Self::process).
    pub async fn close(&mut self) -> anyhow::Result<FinishedRun> {
        self.reported = self.readers.records();
        let (timeline, labels_applied) = match &self.feed {
            Some(feed) => {
                let (timeline, labels) = feed.known_when();
                (timeline.clone(), Some(labels))
            }
            None => (Timeline::from(self.pipeline.entities.entities.clone()), None),
        };
        let closing = Closing {
            pipeline: self.pipeline,
            status: &self.status,
            functions: &self.functions,
            summary: self.summary,
            processed: self.processed,
            timeline: &timeline,
            labels_applied,
            faulty_calls: &self.faulty_calls,
            delivered_directly: self.readers.records().1,
        };
        let (report, alerts) = closing.report().await?;
        self.status.clear();
        let totals = self.functions.totals();
        let shadow_counted = [totals.shadow, totals.shadow_of_transform];
        let input_error = self.input_error.take();
        Ok(FinishedRun { report, alerts, timeline, shadow_counted, input_error })
    }
}

/// Adds the calls that faults were applied to.
fn count(faulty_calls: &mut [u64], in_force: &InForce) {
    for (calls, more) in faulty_calls.iter_mut().zip(in_force.calls()) {
        *calls += more;
    }
}

/// Produces the input until its end or the interrupt.
async fn produce(
    pipeline: &Pipeline<'_>,
    readers: &Readers,
    status: &StatusLine,
    input: Input,
    feed: Option<&mut Feed<'_>>,
) -> anyhow::Result<(ProduceSummary, Option<InputError>)> {
    let sdk = services::sdk(pipeline.aws, Service::Kinesis).await?;
    let target = KinesisStream::new(aws_sdk_kinesis::Client::new(sdk.config().await), STREAM);
    let mut summary = ProduceSummary::default();
    let (mut input_error, mut refused) = (None, 0);
    let reading = Reading::new(&pipeline.schema, pipeline.policies.asked());
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
    let records = paced(records, pipeline.rate).take_until(Box::pin(pipeline.interrupt.clone().wait()));
    match pipeline.aws.simulates_arrivals() {
        true => {
            let mut steps = InStep::new(&pipeline.schema, &pipeline.policies, readers, feed);
            in_order::send(&target, records, &mut steps, outcome).await?;
        }
        false => producer::send(&target, &ProducerSettings::default(), records, outcome).await,
    }
    summary.refused = refused;
    Ok((summary, input_error))
}
