//! Any number of deliveries, each world by a seed: `make soak` runs a million, and goes on from any seed.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::ports::Edges;
use super::simulation::{World, anything, honest, item, settings, simulate};

/// How many invocations there are, if `DELIVERIES` does not say.
const FEW: u64 = 4_000;
/// How far the second process's clock may be ahead, in milliseconds.
const CLOCKS: [i64; 5] = [0, 500, -500, 30_000, -30_000];

pub(super) fn number(variable: &str, default: u64) -> u64 {
    let text = std::env::var(variable);
    text.map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{variable} is `{text}`, not a number"))
    })
}

/// The world of a seed, run to its end. Every third has only faults after which each alert goes out once.
fn world(seed: u64) -> World {
    let mut bytes = [0; 32];
    bytes.iter_mut().zip(seed.to_be_bytes()).for_each(|(byte, of_seed)| *byte = of_seed);
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let (items, settings) = (vec(item(), 0..120), settings()).new_tree(&mut runner).unwrap().current();
    let is_honest = seed.is_multiple_of(3);
    let ahead = if is_honest { 500 } else { CLOCKS[usize::try_from(seed).unwrap() % CLOCKS.len()] };
    let readers = 1 + seed % 2;
    let faults = if is_honest { honest } else { anything };
    let world = simulate(seed, faults, &[0, ahead], readers, &items, &settings);
    world.check_nothing_is_lost_and_order_is_kept();
    world.check_what_came_again();
    assert!(!is_honest || world.accepted().values().all(|count| *count == 1), "{:?}", world.accepted());
    world
}

#[test]
fn no_alert_is_lost_and_none_comes_again_but_in_the_documented_ways_over_any_number_of_deliveries() {
    let (wanted, first) = (number("DELIVERIES", FEW), number("DELIVERIES_FROM", 0));
    let (mut deliveries, mut seed, mut edges) = (0, first, Edges::default());
    let mut told = Instant::now();
    while deliveries < wanted {
        let world = std::panic::catch_unwind(|| world(seed)).unwrap_or_else(|failure| {
            eprintln!("DELIVERIES_FROM={seed} DELIVERIES=1 shows it again");
            std::panic::resume_unwind(failure)
        });
        deliveries += world.invocations();
        edges.add(&world.log.lock().unwrap().edges);
        seed += 1;
        if told.elapsed() > Duration::from_secs(10) {
            eprintln!("{deliveries} deliveries; DELIVERIES_FROM={seed} goes on from here");
            told = Instant::now();
        }
    }
    println!("{deliveries} deliveries of seeds {first} to {}: {edges:?}", seed - 1);
    // What no run has met it has not shown.
    assert!(deliveries < FEW || edges.all().iter().all(|count| *count > 0), "{edges:?}");
}
