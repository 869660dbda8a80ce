//! What has to be done to a stream that exists, and what is not done to it.

use std::fmt;

use super::{SHARD_METRICS, Summary};

/// Who decides how many shards there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// This number, until somebody changes it.
    Shards(u32),
    /// Kinesis.
    OnDemand,
}

/// What a stream shall be. What is not said may be as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Asked {
    /// Its shards.
    pub capacity: Option<Capacity>,
    /// How long it keeps records, in hours.
    pub retention_hours: Option<u32>,
    /// Whether keeping records for less time than now is meant: older ones are gone at once.
    pub may_shorten_retention: bool,
    /// Whether it sends the metrics by shard.
    pub shard_metrics: bool,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Records are kept for longer.
    RaiseRetention {
        /// Hours now.
        from: u32,
        /// Hours then.
        to: u32,
    },
    /// Records are kept for less time, and older ones deleted.
    LowerRetention {
        /// Hours now.
        from: u32,
        /// Hours then.
        to: u32,
    },
    /// Metrics by shard are sent.
    EnableShardMetrics {
        /// Those that are not sent yet.
        missing: Vec<String>,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::RaiseRetention { from, to } => write!(f, "retention raised from {from} to {to} hours"),
            Step::LowerRetention { from, to } => write!(f, "retention lowered from {from} to {to} hours"),
            Step::EnableShardMetrics { missing } => write!(f, "metrics by shard on: {}", missing.join(", ")),
        }
    }
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Resharding is its own matter: parents are read to their end before their children, and quotas apply.
    #[error("the stream has {has} shards, {asked} were asked for")]
    Shards {
        /// How many there are.
        has: u32,
        /// How many were asked for.
        asked: u32,
    },
    /// The mode is another.
    #[error("the stream is {}, {} was asked for", mode(*.is_on_demand), mode(!*.is_on_demand))]
    Mode {
        /// What it is now.
        is_on_demand: bool,
    },
    /// Records would be deleted.
    #[error(
        "the stream keeps records for {has} hours; keeping them for {asked} deletes what is older at once"
    )]
    ShorterRetention {
        /// Hours now.
        has: u32,
        /// Hours asked for.
        asked: u32,
    },
}

fn mode(is_on_demand: bool) -> &'static str {
    if is_on_demand { "on demand" } else { "provisioned" }
}

/// What has to be done, and what will not be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The changes, in order.
    pub steps: Vec<Step>,
    /// What was asked for and is not done.
    pub refused: Vec<Refusal>,
}

/// The steps that change the stream `found` into the one that was asked for; none if it already is that.
pub fn plan(found: &Summary, asked: &Asked) -> Plan {
    let mut plan = Plan::default();
    match asked.capacity {
        Some(Capacity::OnDemand) if !found.is_on_demand => {
            plan.refused.push(Refusal::Mode { is_on_demand: false });
        }
        Some(Capacity::Shards(_)) if found.is_on_demand => {
            plan.refused.push(Refusal::Mode { is_on_demand: true });
        }
        Some(Capacity::Shards(shards)) if shards != found.open_shards => {
            plan.refused.push(Refusal::Shards { has: found.open_shards, asked: shards });
        }
        _ => {}
    }
    let (from, may_shorten) = (found.retention_hours, asked.may_shorten_retention);
    match asked.retention_hours {
        Some(to) if to > from => plan.steps.push(Step::RaiseRetention { from, to }),
        Some(to) if to < from && may_shorten => plan.steps.push(Step::LowerRetention { from, to }),
        Some(to) if to < from => plan.refused.push(Refusal::ShorterRetention { has: from, asked: to }),
        _ => {}
    }
    if asked.shard_metrics {
        let missing = SHARD_METRICS.iter().filter(|metric| !found.shard_metrics.contains(**metric));
        let missing: Vec<String> = missing.map(|metric| (*metric).to_owned()).collect();
        if !missing.is_empty() {
            plan.steps.push(Step::EnableShardMetrics { missing });
        }
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(open_shards: u32, is_on_demand: bool, retention_hours: u32) -> Summary {
        Summary {
            name: "transactions".to_owned(),
            arn: String::new(),
            status: "ACTIVE".to_owned(),
            is_on_demand,
            open_shards,
            retention_hours,
            max_record_kib: None,
            encryption: "NONE".to_owned(),
            key_id: None,
            shard_metrics: ["IncomingBytes".to_owned(), "OutgoingBytes".to_owned()].into(),
        }
    }

    #[test]
    fn what_is_not_said_may_be_as_it_is() {
        assert_eq!(plan(&stream(7, true, 168), &Asked::default()), Plan::default());
    }

    #[test]
    fn shards_and_mode_of_a_stream_that_exists_are_refused() {
        let refused = |found: Summary, capacity| {
            plan(&found, &Asked { capacity: Some(capacity), ..Asked::default() }).refused
        };
        assert_eq!(refused(stream(2, false, 24), Capacity::Shards(2)), []);
        assert_eq!(refused(stream(4, true, 24), Capacity::OnDemand), []);
        let shards = refused(stream(2, false, 24), Capacity::Shards(3));
        assert_eq!(shards, [Refusal::Shards { has: 2, asked: 3 }]);
        let mode = refused(stream(4, true, 24), Capacity::Shards(4));
        assert_eq!(mode[0].to_string(), "the stream is on demand, provisioned was asked for");
        let mode = refused(stream(4, false, 24), Capacity::OnDemand);
        assert_eq!(mode[0].to_string(), "the stream is provisioned, on demand was asked for");
    }

    #[test]
    fn only_the_metrics_that_are_missing_are_switched_on() {
        let asked = Asked { shard_metrics: true, ..Asked::default() };
        let plan = plan(&stream(2, false, 24), &asked);
        let [Step::EnableShardMetrics { missing }] = &plan.steps[..] else { panic!("{plan:?}") };
        assert_eq!(missing[..], SHARD_METRICS[1..]);
    }

    proptest! {
        #[test]
        fn retention_is_never_shortened_unless_that_is_meant(
            has in 24..8761u32,
            asked in 24..8761u32,
            may_shorten_retention: bool,
        ) {
            let asked_for = Asked { retention_hours: Some(asked), may_shorten_retention, ..Asked::default() };
            let Plan { steps, refused } = plan(&stream(2, false, has), &asked_for);
            let lowers = steps.iter().any(|step| matches!(step, Step::LowerRetention { .. }));
            prop_assert_eq!(lowers, asked < has && may_shorten_retention);
            prop_assert_eq!(refused.is_empty(), asked >= has || may_shorten_retention);
            prop_assert_eq!(steps.is_empty(), asked == has || !refused.is_empty());
        }
    }
}
