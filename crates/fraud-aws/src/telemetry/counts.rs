//! Metrics that several functions write: one meaning for each name.

use fraud_core::enrichment::EnrichmentCounts;
use fraud_core::event_time::EventTimeFaults;

use super::MetricLine;

impl MetricLine {
    /// Adds how many records had each outcome of the profile lookup.
    pub fn enrichment(&mut self, counts: &EnrichmentCounts) -> &mut Self {
        self.count("RecordsWithProfile", counts.with_profile)
            .count("RecordsWithoutProfile", counts.without_profile)
            .count("RecordsWithoutCustomer", counts.without_customer)
            .count("InvalidProfiles", counts.invalid_profile)
            .count("EnrichmentUnavailable", counts.unavailable)
    }

    /// Adds how many records' event times had each fault.
    pub fn event_times(&mut self, faults: &EventTimeFaults) -> &mut Self {
        self.count("EventTimesUnreadable", faults.unreadable)
            .count("EventTimesOutOfBounds", faults.out_of_bounds)
            .count("EventTimesWithoutLocalTime", faults.without_local_time)
    }
}
