//! The function behind a simulation of Lambda's event source mapping, with faults at every call. A failing case prints
//! its seed.

use std::time::Duration;

use embedded_aws::event_source_mapping::{Backoff, Settings};
use fraud_core::window::WindowTime;
use proptest::prelude::*;

use super::items::items;
use super::ports::{Call, Fate, Fates};
use super::world::{World, rule, simulated};

fn settings() -> impl Strategy<Value = Settings> {
    (any::<u64>(), 1usize..60, 1usize..4, any::<bool>(), 0.0f64..0.3).prop_map(
        |(seed, batch_size, parallelization_factor, bisect, redelivery_probability)| Settings {
            batch_size,
            parallelization_factor,
            bisect_batch_on_function_error: bisect,
            report_batch_item_failures: true,
            function_timeout: Duration::from_secs(20),
            backoff: Backoff { first: Duration::from_millis(50), longest: Duration::from_secs(2) },
            redelivery_probability,
            seed,
            ..Settings::default()
        },
    )
}

/// Whatever can happen to a call.
pub(super) fn anything(call: Call) -> &'static [(Fate, f64)] {
    match call {
        Call::Add => &[
            (Fate::Refused, 0.05),
            (Fate::AnswerLost, 0.05),
            (Fate::Unreadable, 0.05),
            (Fate::Repeated, 0.1),
            (Fate::Hang, 0.01),
            (Fate::Die { done: true }, 0.01),
            (Fate::Die { done: false }, 0.01),
        ],
        Call::Send => &[
            (Fate::Refused, 0.02),
            (Fate::AnswerLost, 0.02),
            (Fate::Hang, 0.005),
            (Fate::Die { done: true }, 0.005),
            (Fate::Die { done: false }, 0.005),
        ],
        Call::DeadLetter => &[(Fate::Refused, 0.15), (Fate::AnswerLost, 0.05), (Fate::Hang, 0.01)],
    }
}

/// Who reads the stream.
#[derive(Debug, Clone, Copy)]
enum Readers {
    /// One mapping, and when it is done another from the beginning.
    OneAfterTheOther,
    /// Two at the same time.
    SideBySide,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_fails_and_however_often_records_come_the_table_is_a_fold_over_distinct_transactions(
        seed in any::<u64>(),
        parts in prop::collection::vec((items(80), any::<bool>()), 1..4),
        time in prop_oneof![4 => Just(WindowTime::Event), 1 => Just(WindowTime::Arrival)],
        first in settings(),
        second in settings(),
        readers in prop_oneof![Just(Readers::OneAfterTheOther), Just(Readers::SideBySide)],
    ) {
        simulated(async {
            let world = World::new(Fates::random(seed, anything), rule(time));
            let mut parts = parts.iter();
            let (items, _) = parts.next().unwrap();
            world.put(items);
            for (items, split) in parts {
                world.reshard(*split).await;
                world.put(items);
            }
            match readers {
                Readers::OneAfterTheOther => {
                    prop_assert_eq!(world.run(first).await.discarded_records, 0);
                    world.check().await;
                    world.run(second).await;
                }
                Readers::SideBySide => drop(tokio::join!(world.run(first), world.run(second))),
            }
            world.check().await;
            Ok(())
        })?;
    }

    #[test]
    fn batches_in_any_order_and_any_number_count_each_transaction_once(
        seed in any::<u64>(),
        items in items(60),
        order in prop::collection::vec(0usize..6, 0..12),
    ) {
        simulated(async {
            let world = World::new(Fates::random(seed, anything), rule(WindowTime::Event));
            world.put(&items);
            let events = world.events(10).await;
            let all = 0..events.len();
            for index in order.into_iter().filter(|index| *index < events.len()).chain(all) {
                // Until it is done, for that is what a mapping does.
                let mut attempts = 0;
                while !world.delivered(&events[index]).await {
                    attempts += 1;
                    prop_assert!(attempts < 1000);
                }
            }
            world.check().await;
            Ok(())
        })?;
    }
}
