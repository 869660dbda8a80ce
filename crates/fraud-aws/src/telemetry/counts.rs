//! Metrics that several functions write: one meaning for each name.

use fraud_core::enrichment::EnrichmentCounts;
use fraud_core::event_time::EventTimeFaults;
use fraud_core::shadow::ShadowCounts;

use super::MetricLine;
use super::metric::*;
use crate::entities::EntityCounts;
use crate::history::HistoryCounts;

impl MetricLine {
    /// Adds how many records had each outcome of the profile lookup.
    pub fn enrichment(&mut self, counts: &EnrichmentCounts) -> &mut Self {
        self.count(RECORDS_WITH_PROFILE, counts.with_profile)
            .count(RECORDS_WITHOUT_PROFILE, counts.without_profile)
            .count(RECORDS_WITHOUT_CUSTOMER, counts.without_customer)
            .count(INVALID_PROFILES, counts.invalid_profile)
            .count(ENRICHMENT_UNAVAILABLE, counts.unavailable)
    }

    /// Adds what the lookups of entities came to, if the policy asks for any.
    pub fn entities(&mut self, counts: Option<&EntityCounts>) -> &mut Self {
        let Some(counts) = counts else { return self };
        self.count(DISTINCT_ENTITIES, counts.distinct)
            .count(ENTITY_CACHE_HITS, counts.cache_hits)
            .count(ENTITY_LOOKUPS, counts.lookups)
            .count(ENTITIES_UNAVAILABLE, counts.unavailable)
            .count(INVALID_ENTITIES, counts.invalid)
            .count(UNUSABLE_ENTITY_IDS, counts.unusable_ids)
    }

    /// Adds what the customers' histories said, if the policy looks at them.
    pub fn history(&mut self, counts: Option<HistoryCounts>) -> &mut Self {
        let Some(counts) = counts else { return self };
        self.count(HISTORY_EXPIRED, counts.expired).count(HISTORY_INVALID, counts.invalid)
    }

    /// Adds what the policy in the shadow came to, if there is one.
    pub fn shadow(&mut self, counts: Option<ShadowCounts>) -> &mut Self {
        let Some(counts) = counts else { return self };
        self.count(SHADOW_HIGH_SCORES, counts.high)
            .count(SHADOW_ONLY, counts.shadow_only)
            .count(ACTIVE_ONLY, counts.active_only)
    }

    /// Adds how many fields have no value because of their type, if the policy asks for fields.
    pub fn unusable_fields(&mut self, count: Option<usize>) -> &mut Self {
        match count {
            Some(count) => self.count(UNUSABLE_FIELDS, count),
            None => self,
        }
    }

    /// Adds how many records' event times had each fault.
    pub fn event_times(&mut self, faults: &EventTimeFaults) -> &mut Self {
        self.count(EVENT_TIMES_UNREADABLE, faults.unreadable)
            .count(EVENT_TIMES_OUT_OF_BOUNDS, faults.out_of_bounds)
            .count(EVENT_TIMES_WITHOUT_LOCAL_TIME, faults.without_local_time)
    }
}
