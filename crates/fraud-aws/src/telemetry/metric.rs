//! Metrics as data: their names, units and meanings, and those that several functions write.

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// The name in CloudWatch. If the metric is counted by reason, `<name>.<reason>` are names, too.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What it says, for people.
    pub meaning: &'static str,
    /// Whether it is counted by reason as well.
    pub by_reason: bool,
}

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Milliseconds.
    Milliseconds,
}

impl Unit {
    /// The unit as CloudWatch writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
        }
    }
}

impl Metric {
    /// A number of things.
    pub const fn count(name: &'static str, meaning: &'static str) -> Self {
        Metric { name, unit: Unit::Count, meaning, by_reason: false }
    }

    /// A number of things, in all and by reason.
    pub const fn count_by_reason(name: &'static str, meaning: &'static str) -> Self {
        Metric { name, unit: Unit::Count, meaning, by_reason: true }
    }

    /// Durations.
    pub const fn milliseconds(name: &'static str, meaning: &'static str) -> Self {
        Metric { name, unit: Unit::Milliseconds, meaning, by_reason: false }
    }
}

/// Written by [`serve`](crate::invocation::serve).
pub const DURATION: Metric = Metric::milliseconds("Duration", "How long the handler took");

/// Records of the event.
pub const RECORDS_IN: Metric =
    Metric::count("RecordsIn", "Records of the event, those inside aggregated records each counted");
/// Records of the stream.
pub const STREAM_RECORDS_IN: Metric =
    Metric::count("StreamRecordsIn", "Records of the stream, an aggregated record counted once");
/// Customers of a batch.
pub const DISTINCT_CUSTOMERS: Metric = Metric::count("DistinctCustomers", "Customers among the records");
/// Customers whose profile was in memory.
pub const PROFILE_CACHE_HITS: Metric =
    Metric::count("ProfileCacheHits", "Customers whose profile was in memory");
/// Customers whose profile was looked up.
pub const PROFILE_LOOKUPS: Metric =
    Metric::count("ProfileLookups", "Customers whose profile was looked up in the profile source");
/// Scores that raise an alert.
pub const HIGH_SCORES: Metric = Metric::count("HighScores", "Records whose score is above the threshold");

pub(super) const SHADOW_HIGH_SCORES: Metric = Metric::count(
    "ShadowHighScores",
    "With a policy in the shadow: records whose score by it is above its threshold",
);
pub(super) const SHADOW_ONLY: Metric = Metric::count(
    "ShadowOnly",
    "With a policy in the shadow: records that it would have alerted and the active policy does not",
);
pub(super) const ACTIVE_ONLY: Metric = Metric::count(
    "ActiveOnly",
    "With a policy in the shadow: high scores of the active policy that it would not have alerted",
);
/// The metrics of [`MetricLine::shadow`](super::MetricLine::shadow).
pub const SHADOW: [Metric; 3] = [SHADOW_HIGH_SCORES, SHADOW_ONLY, ACTIVE_ONLY];

pub(super) const RECORDS_WITH_PROFILE: Metric =
    Metric::count("RecordsWithProfile", "Records whose customer has a profile");
pub(super) const RECORDS_WITHOUT_PROFILE: Metric =
    Metric::count("RecordsWithoutProfile", "Records whose customer has no profile");
/// Records without a customer.
pub const RECORDS_WITHOUT_CUSTOMER: Metric =
    Metric::count("RecordsWithoutCustomer", "Records without a customer");
pub(super) const INVALID_PROFILES: Metric = Metric::count(
    "InvalidProfiles",
    "Records whose customer's profile has an attribute that cannot be used, such as a risk outside 0 to 1",
);
pub(super) const ENRICHMENT_UNAVAILABLE: Metric = Metric::count(
    "EnrichmentUnavailable",
    "Records whose customer's profile could not be looked up: `firehose-transform` scores them with the policy's \
     default risk, `kinesis-alerts` retries them",
);
/// The metrics of [`MetricLine::enrichment`](super::MetricLine::enrichment).
pub const ENRICHMENT: [Metric; 5] = [
    RECORDS_WITH_PROFILE,
    RECORDS_WITHOUT_PROFILE,
    RECORDS_WITHOUT_CUSTOMER,
    INVALID_PROFILES,
    ENRICHMENT_UNAVAILABLE,
];

pub(super) const DISTINCT_ENTITIES: Metric =
    Metric::count("DistinctEntities", "Entities among the records, of the kinds that the policy asks for");
pub(super) const ENTITY_CACHE_HITS: Metric = Metric::count("EntityCacheHits", "Entities that were in memory");
pub(super) const ENTITY_LOOKUPS: Metric =
    Metric::count("EntityLookups", "Entities that were looked up in the entity source");
pub(super) const ENTITIES_UNAVAILABLE: Metric = Metric::count(
    "EntitiesUnavailable",
    "Records with an entity that could not be looked up: `firehose-transform` scores them without it, `kinesis-alerts` retries \
     them",
);
pub(super) const INVALID_ENTITIES: Metric = Metric::count(
    "InvalidEntities",
    "Records with an entity that has an attribute that cannot be used, such as a risk outside 0 to 1",
);
pub(super) const UNUSABLE_ENTITY_IDS: Metric = Metric::count(
    "UnusableEntityIds",
    "Members that name an entity the policy asks for, and are neither a text of up to 256 characters nor an integer",
);
/// The metrics of [`MetricLine::entities`](super::MetricLine::entities): written only under a policy that asks for entities.
pub const ENTITIES: [Metric; 6] = [
    DISTINCT_ENTITIES,
    ENTITY_CACHE_HITS,
    ENTITY_LOOKUPS,
    ENTITIES_UNAVAILABLE,
    INVALID_ENTITIES,
    UNUSABLE_ENTITY_IDS,
];

pub(super) const HISTORY_EXPIRED: Metric = Metric::count(
    "HistoryExpired",
    "Records whose transaction is forgotten, so that they are scored without the customer's history",
);
pub(super) const HISTORY_INVALID: Metric = Metric::count(
    "HistoryInvalid",
    "Records whose customer's history cannot be read: damaged, or written by a later release; scored without it, and never \
     written over",
);
/// The metrics of [`MetricLine::history`](super::MetricLine::history): written only under a policy that looks at the customers'
/// history.
pub const HISTORY: [Metric; 2] = [HISTORY_EXPIRED, HISTORY_INVALID];

/// Members that policies cannot use: written only under a policy that asks for fields.
pub const UNUSABLE_FIELDS: Metric = Metric::count(
    "UnusableFields",
    "Members without a value because they are of another type than the policy expects, or a text of more than 256 characters",
);

pub(super) const EVENT_TIMES_UNREADABLE: Metric =
    Metric::count("EventTimesUnreadable", "Records whose event time cannot be read");
pub(super) const EVENT_TIMES_OUT_OF_BOUNDS: Metric = Metric::count(
    "EventTimesOutOfBounds",
    "Records whose event time is further from the arrival than `EVENT_TIME_MAX_AGE_HOURS` or \
     `EVENT_TIME_MAX_AHEAD_HOURS`",
);
pub(super) const EVENT_TIMES_WITHOUT_LOCAL_TIME: Metric =
    Metric::count("EventTimesWithoutLocalTime", "Records whose event time is an epoch number");
/// The metrics of [`MetricLine::event_times`](super::MetricLine::event_times).
pub const EVENT_TIMES: [Metric; 3] =
    [EVENT_TIMES_UNREADABLE, EVENT_TIMES_OUT_OF_BOUNDS, EVENT_TIMES_WITHOUT_LOCAL_TIME];

/// Ids that producers used again.
pub const TRANSACTION_IDS_REUSED: Metric = Metric::count(
    "TransactionIdsReused",
    "Transactions whose id was used before with another amount, event time or merchant",
);
/// Records that went to the dead letters.
pub const RECORDS_DEAD_LETTERED: Metric =
    Metric::count_by_reason("RecordsDeadLettered", "Records that went to the dead letters");
/// Records that are retried.
pub const RECORDS_TO_RETRY: Metric =
    Metric::count_by_reason("RecordsToRetry", "Records that are retried, and why the first of them is");
