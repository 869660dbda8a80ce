//! Random worlds, each by a seed: `make soak` runs a million histories, and goes on from any seed.

use std::time::Duration;

use embedded_aws::event_source_mapping::Settings;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::deliveries::number;
use super::super::ports::{Call, Fate, Fates};
use super::super::simulation::{settings, simulated};
use super::rules::Rules;
use super::store::{Edge, Edges};
use super::world::{Phase, Put, REUSED, Step, World};

/// What happens in a world.
#[derive(Debug, Clone)]
struct Plan {
    /// What only the lake has, if rows are built from it.
    archived: Option<Vec<(Put, u32)>>,
    /// Steps, and then a time of reading.
    parts: Vec<(Vec<Step>, Phase)>,
    /// The rules in the end.
    last: Rules,
}

fn any_put() -> impl Strategy<Value = Put> {
    let id = prop_oneof![5 => 0..256u32, 3 => 0..REUSED];
    let age = prop_oneof![6 => Just(0), 1 => 0..200i32, 1 => Just(-1)];
    (0..3u8, id, 0..4u8, age, 0..20u8).prop_map(|(customer, id, content, age, kind)| Put {
        customer,
        id,
        content: if id < REUSED { content % 2 } else { content },
        age: if id < REUSED { 0 } else { age },
        refund: kind < 2,
        poison: kind == 2,
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let key = || prop::option::weighted(0.2, 0..6u8);
    let wait = prop_oneof![
        6 => 0..3u32,
        3 => 0..7_200u32,
        2 => 20_000..80_000u32,
        1 => 90_000..200_000u32,
    ];
    prop_oneof![
        40 => (any_put(), key()).prop_map(|(put, key)| Step::One(put, key)),
        25 => wait.prop_map(Step::Wait),
        3 => (vec(any_put(), 1..8), key()).prop_map(|(puts, key)| Step::Aggregate(puts, key)),
        2 => (0..3u8, 1..90u16, prop::bool::weighted(0.2))
            .prop_map(|(customer, count, refunds)| Step::Burst { customer, count, refunds }),
        1 => any::<u8>().prop_map(Step::Split),
        1 => any::<u8>().prop_map(Step::Merge),
        1 => Just(Step::NewStream),
    ]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    prop::sample::select(Rules::ALL.to_vec())
}

fn any_phase() -> impl Strategy<Value = Phase> {
    let rules = prop_oneof![
        3 => any_rules().prop_map(|rules| [rules; 2]),
        1 => (any_rules(), any_rules()).prop_map(|(one, other)| [one, other]),
    ];
    let batch_size = prop_oneof![2 => Just(None), 1 => (60..400usize).prop_map(Some)];
    let retries = prop_oneof![2 => Just(None), 1 => (0..3u32).prop_map(Some)];
    (rules, settings(), batch_size, retries, 1..3u64, prop::bool::weighted(0.3)).prop_map(
        |(rules, settings, batch_size, maximum_retry_attempts, readers, is_replay)| Phase {
            rules,
            settings: Settings {
                batch_size: batch_size.unwrap_or(settings.batch_size),
                maximum_retry_attempts,
                ..settings
            },
            readers,
            is_replay,
        },
    )
}

fn any_plan(steps: std::ops::Range<usize>) -> impl Strategy<Value = Plan> {
    let archived = prop::option::weighted(0.3, vec((any_put(), 0..7_200u32), 0..100));
    let last = any_rules().prop_filter("what is forgotten is alerted", |rules| rules.forgotten_is_high());
    (archived, vec((vec(any_step(), steps), any_phase()), 1..3), last)
        .prop_map(|(archived, parts, last)| Plan { archived, parts, last })
}

impl Plan {
    /// What it comes to under these fates: the edges that were met, and how many customers there were.
    fn run(&self, fates: Fates) -> (Edges, u64) {
        simulated(async {
            let mut world = World::new(fates);
            let mut before = None;
            for (put, after) in self.archived.iter().flatten() {
                world.archive(put);
                world.step(&Step::Wait(*after)).await;
            }
            for (place, (steps, phase)) in self.parts.iter().enumerate() {
                for step in steps {
                    world.step(step).await;
                }
                if place == 0 && self.archived.is_some() {
                    world.backfill(phase.rules[0]).await;
                }
                world.run(phase).await;
                if before.replace(phase.rules).is_some_and(|before| before != phase.rules) {
                    world.count(Edge::PolicyChanged);
                }
            }
            let replay = self.replay();
            world.redrive(replay.rules, &replay.settings).await;
            world.fates.end();
            world.run(&replay).await;
            world.check(self.last).await;
            (world.edges(), world.histories())
        })
    }

    /// Everything once more, as often as it takes.
    fn replay(&self) -> Phase {
        let settings = self.parts.last().map(|(_, phase)| phase.settings.clone()).unwrap_or_default();
        Phase {
            rules: [self.last; 2],
            settings: Settings {
                batch_size: 1_000,
                maximum_retry_attempts: None,
                redelivery_probability: 0.0,
                ..settings
            },
            readers: 1,
            is_replay: true,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_decision_is_made_once_with_the_inputs_of_a_plain_fold_and_no_high_one_is_lost(
        seed in any::<u64>(),
        plan in any_plan(0..50),
    ) {
        plan.run(Fates::random(seed, anything));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn without_faults_each_record_is_taken_in_at_its_first_delivery(
        steps in vec(any_step(), 0..80),
        settings in settings(),
    ) {
        simulated(async {
            let mut world = World::new(Fates::kind());
            let in_order = |step: &&Step| matches!(step, Step::One(_, None) | Step::Wait(_) | Step::Burst { .. });
            for step in steps.iter().filter(in_order) {
                world.step(step).await;
            }
            let settings = Settings { redelivery_probability: 0.0, ..settings };
            let phase = Phase { rules: [Rules::Even; 2], settings, readers: 1, is_replay: false };
            world.run(&phase).await;
            let edges = world.edges();
            let count = |edge| edges.get(&edge).copied().unwrap_or_default();
            // A copy beyond the memory is taken in again.
            assert!(count(Edge::TakenIn) >= world.transactions(), "{edges:?}");
            assert_eq!(count(Edge::Expired), 0);
        });
    }
}

/// Anything may fail. Of the calls that an invocation makes often few kill it, so that it comes to the others.
fn anything(call: Call) -> &'static [(Fate, f64)] {
    match call {
        Call::Lookup | Call::ReadHistory | Call::WriteHistory => &[
            (Fate::Refused, 0.08),
            (Fate::AnswerLost, 0.08),
            (Fate::Hang, 0.01),
            (Fate::Die { done: true }, 0.03),
            (Fate::Die { done: false }, 0.03),
        ],
        Call::Publish | Call::Mark => &[
            (Fate::Refused, 0.03),
            (Fate::AnswerLost, 0.02),
            (Fate::Unreadable, 0.01),
            (Fate::Hang, 0.003),
            (Fate::Die { done: true }, 0.01),
            (Fate::Die { done: false }, 0.01),
        ],
        _ => &[
            (Fate::Refused, 0.03),
            (Fate::AnswerLost, 0.02),
            (Fate::Unreadable, 0.01),
            (Fate::Hang, 0.003),
            (Fate::Die { done: true }, 0.003),
            (Fate::Die { done: false }, 0.003),
        ],
    }
}

/// How many histories there are, if `HISTORIES` does not say.
const FEW: u64 = 400;

/// The world of a seed, run to its end.
fn world(seed: u64) -> (Edges, u64) {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_be_bytes()).for_each(|(byte, of_seed)| *byte = of_seed);
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let plan = any_plan(0..40).new_tree(&mut runner).unwrap().current();
    plan.run(Fates::random(seed, anything))
}

#[test]
fn each_decision_is_made_once_and_no_high_one_is_lost_over_any_number_of_histories_and_every_edge_is_met() {
    let (wanted, first) = (number("HISTORIES", FEW), number("HISTORIES_FROM", 0));
    let (mut edges, mut histories, mut seed) = (Edges::new(), 0, first);
    let mut told = std::time::Instant::now();
    while histories < wanted {
        let (of_world, customers) = std::panic::catch_unwind(|| world(seed)).unwrap_or_else(|failure| {
            eprintln!("HISTORIES_FROM={seed} HISTORIES=1 shows it again");
            std::panic::resume_unwind(failure)
        });
        for (edge, count) in of_world {
            *edges.entry(edge).or_default() += count;
        }
        histories += customers;
        seed += 1;
        if told.elapsed() > Duration::from_secs(10) {
            eprintln!(
                "{histories} histories in {} worlds; HISTORIES_FROM={seed} goes on from here",
                seed - first
            );
            told = std::time::Instant::now();
        }
    }
    println!("{histories} histories in the worlds of seeds {first} to {}: {edges:?}", seed - 1);
    // What no run has met it has not shown.
    let missing: Vec<Edge> =
        EDGES.into_iter().filter(|edge| edges.get(edge).is_none_or(|count| *count == 0)).collect();
    assert!(wanted < FEW || missing.is_empty(), "never met: {missing:?}");
}

/// What a run must meet.
const EDGES: [Edge; 27] = [
    Edge::TakenIn,
    Edge::Written,
    Edge::WrittenWithClaims,
    Edge::Conflict,
    Edge::ClaimRefusedSameContent,
    Edge::ClaimRefusedOtherContent,
    Edge::LeftByAge,
    Edge::LeftByNumber,
    Edge::HeldByACopy,
    Edge::AlertedLater,
    Edge::Expired,
    Edge::ForgottenWithAClaim,
    Edge::ForgottenWithoutAClaim,
    Edge::Killed,
    Edge::GivenUp,
    Edge::Redriven,
    Edge::Aggregated,
    Edge::Scattered,
    Edge::Split,
    Edge::Merged,
    Edge::StreamMadeAnew,
    Edge::BackfilledAndDelivered,
    Edge::PolicyChanged,
    // The others are met on order.
    Edge::DiedBetween(Call::ReadHistory, Call::WriteHistory),
    Edge::DiedBetween(Call::WriteHistory, Call::Publish),
    Edge::DiedBetween(Call::Claim, Call::Publish),
    Edge::DiedBetween(Call::Publish, Call::Mark),
];
