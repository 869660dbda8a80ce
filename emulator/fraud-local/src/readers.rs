//! What reads the stream: the two Kinesis functions through event source mappings, the transform through delivery streams.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use embedded_aws::delivery_stream::{
    Buffering, Compression, Deaggregate, DeliveryStream, DirectPut, DirectoryObjects, RawBackup,
    Settings as DeliverySettings,
};
use embedded_aws::event_source_mapping::{
    EventSourceMapping, FunctionError, Invocation, Settings as MappingSettings,
};
use embedded_aws::{EmbeddedAws, EmbeddedStream};
use kpl_aggregation::{Payload, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::functions::Functions;
use crate::output;
use crate::services::{DIRECT_DELIVERY, LAKE_DELIVERY, STREAM};

/// How often it is looked whether the readers have seen a record, and after how long without any progress it is not waited for any
/// more.
const LOOK: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// A function as the services call it.
type Handler = Box<dyn Fn(Invocation) -> Answer + Send + Sync>;
type Answer = Pin<Box<dyn Future<Output = Result<String, FunctionError>> + Send>>;

type Mapping = EventSourceMapping<EmbeddedStream, Handler>;

/// The readers of the stream, and of what is put on the delivery stream beside it.
pub(crate) struct Readers {
    stream: EmbeddedStream,
    alerts: Arc<Mapping>,
    analytics: Option<Mapping>,
    lake: DeliveryStream<EmbeddedStream, Handler, DirectoryObjects>,
    direct: DeliveryStream<DirectPut, Handler, DirectoryObjects>,
}

impl Readers {
    /// Readers that have read nothing yet. The analytics function reads the stream only if `analytics` says so. If the transform is
    /// `behind`, the lake's waits until the alerting function has seen all that is on the stream: Firehose delivers when a stream's
    /// other readers have long seen it, which in simulated time is at once.
    pub(crate) fn new(
        aws: &EmbeddedAws,
        functions: &Arc<Functions>,
        out: &Path,
        analytics: bool,
        behind: bool,
    ) -> anyhow::Result<Self> {
        let stream = aws.record_source(STREAM);
        let of = functions.clone();
        let handler: Handler = Box::new(move |invocation| {
            let functions = of.clone();
            Box::pin(async move { functions.alerts(invocation).await })
        });
        let alerts = Arc::new(Mapping::new(stream.clone(), handler, mapping_settings())?);
        let of = functions.clone();
        let handler: Handler = Box::new(move |invocation| {
            let functions = of.clone();
            Box::pin(async move { functions.analytics(invocation).await })
        });
        let analytics = match analytics {
            true => Some(Mapping::new(stream.clone(), handler, analytics_settings())?),
            false => None,
        };
        let (of, ahead, source) = (functions.clone(), alerts.clone(), stream.clone());
        let handler: Handler = Box::new(move |invocation| {
            let (functions, ahead, source) = (of.clone(), ahead.clone(), source.clone());
            Box::pin(async move {
                if behind {
                    let taken = source.records_taken();
                    until(|| ahead.report().records_done, |done| done >= taken).await;
                }
                functions.transform(invocation).await
            })
        });
        let simulated = aws.simulates_arrivals();
        let objects = DirectoryObjects::new(out);
        let settings = delivery_settings(LAKE_DELIVERY, simulated);
        let lake = DeliveryStream::of_stream(stream.clone(), handler, objects, settings)?;
        let of = functions.clone();
        let handler: Handler = Box::new(move |invocation| {
            let functions = of.clone();
            Box::pin(async move { functions.transform_direct(invocation).await })
        });
        let direct = DeliveryStream::of_direct_put(
            aws.direct_put(DIRECT_DELIVERY).context("no delivery stream")?,
            handler,
            DirectoryObjects::new(out.join(output::DIRECT)),
            delivery_settings(DIRECT_DELIVERY, simulated),
        )?;
        Ok(Readers { stream, alerts, analytics, lake, direct })
    }

    /// Reads until `stopped` says so, and then whatever is left.
    pub(crate) async fn run(&self, stopped: watch::Receiver<bool>) -> anyhow::Result<()> {
        let until_stopped = || {
            let mut stopped = stopped.clone();
            // An error says that the sender is gone, which is a stop too.
            async move { drop(stopped.wait_for(|stopped| *stopped).await) }
        };
        let analytics = async {
            let Some(analytics) = &self.analytics else { return Ok(()) };
            analytics.run(until_stopped()).await?;
            analytics.run_until_drained().await?;
            anyhow::Ok(())
        };
        let alerts = async {
            self.alerts.run(until_stopped()).await?;
            self.alerts.run_until_drained().await?;
            anyhow::Ok(())
        };
        let lake = async {
            self.lake.run(until_stopped()).await?;
            self.lake.run_until_drained().await?;
            anyhow::Ok(())
        };
        let direct = async {
            self.direct.run(until_stopped()).await?;
            self.direct.run_until_drained().await?;
            anyhow::Ok(())
        };
        tokio::try_join!(alerts, analytics, lake, direct)?;
        Ok(())
    }

    /// How many records are on the stream, and how many were put on the delivery stream beside it and delivered.
    pub(crate) fn records(&self) -> (u64, u64) {
        (self.stream.records_taken(), self.direct.report().records_in)
    }

    /// Waits until the alerting function and the transform are done with everything that is on the stream, or nothing has
    /// been done for long.
    pub(crate) async fn have_seen_all(&self) {
        let done = || {
            let lake = self.lake.report();
            let delivered = lake.ok + lake.dropped + lake.processing_failed;
            (self.alerts.report().records_done, lake.source_records, lake.records_in, delivered)
        };
        until(done, |(alerts, read, parts, delivered)| {
            let taken = self.stream.records_taken();
            alerts >= taken && read >= taken && delivered >= parts
        })
        .await;
    }
}

/// Waits until it is so, or nothing has changed for long.
async fn until<T: Copy + PartialEq>(look: impl Fn() -> T, is_so: impl Fn(T) -> bool) {
    let (mut seen, mut since) = (look(), Instant::now());
    while !is_so(seen) && since.elapsed() < PATIENCE {
        sleep(LOOK).await;
        let now = look();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
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

/// Larger batches, as in the template: fewer writes, because more records of one customer are in one batch.
fn analytics_settings() -> MappingSettings {
    MappingSettings { batch_size: 5000, parallelization_factor: 1, consumer: None, ..mapping_settings() }
}

/// When objects are written: what a long run has gathered does not fill the memory.
const OBJECTS: Buffering = Buffering { size: 8 * 1024 * 1024, interval: Duration::from_secs(60) };

/// As the template deploys the delivery stream, but for what a developer would wait for: buffers are small, and the
/// stream is looked at often.
fn delivery_settings(name: &str, simulated: bool) -> DeliverySettings {
    // A step of a run with simulated arrivals ends when the transform has seen it.
    let interval = Duration::from_millis(if simulated { 50 } else { 1_000 });
    DeliverySettings {
        name: name.to_owned(),
        transform_buffering: Buffering { size: 1024 * 1024, interval },
        buffering: OBJECTS,
        prefix: format!(
            "{}/year=!{{partitionKeyFromLambda:year}}/month=!{{partitionKeyFromLambda:month}}/\
             day=!{{partitionKeyFromLambda:day}}/hour=!{{partitionKeyFromLambda:hour}}/",
            output::SCORED
        ),
        error_output_prefix: format!(
            "{}/!{{firehose:error-output-type}}/!{{timestamp:yyyy/MM/dd/HH}}/",
            output::ERRORS
        ),
        file_extension: ".ndjson".to_owned(),
        raw_backup: Some(RawBackup {
            prefix: format!("{}/!{{timestamp:yyyy/MM/dd/HH}}/", output::RAW),
            buffering: OBJECTS,
            compression: Compression::Gzip,
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
