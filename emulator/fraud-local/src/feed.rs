//! What becomes known of merchants while transactions stream: labels as they are reported, and each day's transactions once it is
//! over. The tables change between two steps of a run, when both functions have seen all records before.

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use backtest::engine::{LabelsKnown, WhenLabelsCome};
use embedded_aws::event_source_mapping::RecordSource;
use embedded_aws::{EmbeddedAws, Service};
use exact_text::timestamp::Timestamp;
use exact_text::written_time;
use fraud_aws::entities::{FileEntities, key_of};
use fraud_aws::labels::{DynamoDbLabels, LabelStore, LabelWrite};
use fraud_core::entity::EntityKind;
use fraud_core::history::{EntryKey, Incoming, SequenceNumber};
use fraud_core::identity::Position;
use fraud_core::label::{Counting, Label, fold};
use fraud_core::merchant::{LabelDelay, day_of};
use fraud_core::policy::HistorySettings;
use fraud_core::schema::Schema;
use fraud_core::transaction::{Asked, EntityName, Reading, TransactionReader};
use fraudctl::entities::EntityTable;
use tokio::time::Instant;

use crate::records::arrival;
use crate::services::{ENTITIES_TABLE, LABELS_TABLE, STREAM, sdk};
use crate::timeline::{Ends, Timeline};

/// How long a label may take, retries included.
const LIMIT: Duration = Duration::from_secs(30);
const DAY_MILLIS: i64 = 86_400_000;
/// Records that are read at once.
const PAGE: usize = 10_000;

/// When labels come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelsCome {
    /// So many days after their transactions.
    After(LabelDelay),
    /// When they are reported.
    Reported,
}

/// `7d`, or `reported`.
impl FromStr for LabelsCome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "reported" {
            return Ok(LabelsCome::Reported);
        }
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        let delay = days.and_then(|days| LabelDelay::of_days(days).ok()).map(LabelsCome::After);
        delay.ok_or_else(|| format!("whole days from 0d to {}d, or `reported`", LabelDelay::MAX.days()))
    }
}

/// Labels that come while a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComingLabels {
    /// In the order in which they come: when they are reported.
    labels: Vec<Label>,
    /// After how many days the functions take labels to have come.
    pub(crate) delay: LabelDelay,
}

impl ComingLabels {
    /// These labels, in any order, with the time at which they come. One that does not tell when its transaction was comes when
    /// it is reported.
    pub fn new(mut labels: Vec<Label>, come: LabelsCome) -> Self {
        let delay = match come {
            LabelsCome::Reported => LabelDelay::default(),
            LabelsCome::After(delay) => delay,
        };
        for Label { statement, .. } in &mut labels {
            let made = statement.details.event_time.as_deref().and_then(written_time::parse);
            if let (LabelsCome::After(_), Some(made)) = (come, made) {
                let after = i64::from(delay.days()) * DAY_MILLIS;
                statement.reported_at =
                    Timestamp::saturating_from_millis(made.instant.millis().saturating_add(after));
            }
        }
        labels.sort_by_key(|label| label.statement.reported_at);
        ComingLabels { labels, delay }
    }

    /// The labels as a back-test takes them: each comes at its own time.
    pub fn known(&self) -> LabelsKnown {
        LabelsKnown::new(self.labels.clone(), WhenLabelsCome::Reported)
    }
}

/// What is known so far.
pub(crate) struct Feed<'a> {
    aws: &'a EmbeddedAws,
    coming: &'a ComingLabels,
    /// How many of them have come.
    applied: usize,
    settings: Option<HistorySettings>,
    reading: Reading,
    table: EntityTable,
    store: DynamoDbLabels,
    /// Up to where the stream has been read.
    ends: BTreeMap<String, String>,
    seen: HashSet<EntryKey>,
    /// Each merchant's transactions by day.
    counts: BTreeMap<String, BTreeMap<i32, u32>>,
    /// The merchants whose counts are not in the table yet.
    uncounted: HashSet<String>,
    timeline: Timeline,
}

impl<'a> Feed<'a> {
    /// A feed into the tables of `aws`, which hold `entities`.
    pub(crate) async fn new(
        aws: &'a EmbeddedAws,
        coming: &'a ComingLabels,
        settings: Option<HistorySettings>,
        schema: &Schema,
        entities: FileEntities,
    ) -> anyhow::Result<Self> {
        let sdk = sdk(aws, Service::DynamoDb).await?;
        let asked = Asked { entities: [EntityKind::Merchant].into_iter().collect(), ..Asked::default() };
        Ok(Feed {
            aws,
            coming,
            applied: 0,
            settings,
            reading: Reading::new(schema, &asked),
            table: EntityTable::new(
                aws_sdk_dynamodb::Client::new(sdk.config().await),
                ENTITIES_TABLE.to_owned(),
            ),
            store: DynamoDbLabels::new(sdk.config().await, LABELS_TABLE, ENTITIES_TABLE),
            ends: BTreeMap::new(),
            seen: HashSet::new(),
            counts: BTreeMap::new(),
            uncounted: HashSet::new(),
            timeline: Timeline::from(entities),
        })
    }

    /// What was known when, and how many labels came.
    pub(crate) fn known_when(&self) -> (&Timeline, u64) {
        (&self.timeline, self.applied as u64)
    }

    /// It is `now`: applies the labels that are reported by then, and counts the days that are over.
    pub(crate) async fn becomes(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.read().await?;
        let seconds = now.millis().div_euclid(1000);
        let counting = Counting::at(seconds, self.coming.delay, self.settings);
        let due = self.coming.labels.partition_point(|label| label.statement.reported_at <= now);
        for label in self.coming.labels.get(self.applied..due).unwrap_or_default() {
            let write = LabelWrite { label, counting: &counting, by: "fraud-local", at: now };
            self.store.apply(write, Instant::now() + LIMIT).await.context("cannot apply a label")?;
        }
        self.applied = due.max(self.applied);
        let today = day_of(seconds);
        for merchant in self.uncounted.drain() {
            let days = self.counts.get(&merchant).into_iter().flatten();
            let over: BTreeMap<i32, u32> =
                days.filter(|(day, _)| **day < today).map(|(day, count)| (*day, *count)).collect();
            if !over.is_empty() {
                let key = key_of(EntityKind::Merchant, &merchant);
                self.table.set_counts(&key, &over, counting.first_day()).await?;
            }
        }
        // Today's are counted when it is over.
        self.uncounted.extend(
            self.counts
                .iter()
                .filter(|(_, days)| days.range(today..).next().is_some())
                .map(|(merchant, _)| merchant.clone()),
        );
        let frauds = fold::fold(self.coming.labels.iter().take(self.applied), &counting);
        let ends: Ends =
            self.ends.iter().map(|(shard, end)| (shard.clone(), SequenceNumber::of(end))).collect();
        self.timeline.changes(now, ends, today, frauds);
        Ok(())
    }

    /// Counts what has come to the stream since.
    async fn read(&mut self) -> anyhow::Result<()> {
        let source = self.aws.record_source(STREAM);
        for shard in source.shards().await? {
            loop {
                let page = source.read(&shard.id, self.ends.get(&shard.id).map(String::as_str), PAGE).await?;
                let Some(last) = page.records.last() else { break };
                self.ends.insert(shard.id.clone(), last.sequence_number.clone());
                let mut reader = TransactionReader::new(&self.reading);
                for record in &page.records {
                    let Ok(transaction) = reader.read(&record.data) else { continue };
                    let arrival = arrival(record)?;
                    let position = Position {
                        stream: STREAM,
                        shard: &shard.id,
                        sequence_number: &record.sequence_number,
                        sub_sequence_number: 0,
                    };
                    let incoming = Incoming::of(&transaction, arrival, position);
                    let EntityName::Known(merchant) = transaction.entity(EntityKind::Merchant) else {
                        continue;
                    };
                    if self.seen.insert(incoming.key) {
                        let day = day_of(incoming.event_time);
                        self.timeline.count(&merchant, day);
                        let days = self.counts.entry(merchant.to_string()).or_default();
                        let count = days.entry(day).or_default();
                        *count = count.saturating_add(1);
                        self.uncounted.insert(merchant.into_owned());
                    }
                }
            }
        }
        Ok(())
    }
}
