//! Deaths of the function at each call of a batch of two rounds, and a batch of very many records of one customer.

use std::collections::BTreeMap;

use embedded_aws::event_source_mapping::Settings;

use super::super::ports::{Call, Fate, Fates};
use super::super::simulation::simulated;
use super::rules::Rules;
use super::store::Edge;
use super::world::{Phase, Put, Step, World};

const CALLS: [Call; 5] = [Call::Lookup, Call::ReadHistory, Call::WriteHistory, Call::Publish, Call::Mark];

fn whole_batches(rules: Rules) -> Phase {
    let settings = Settings { batch_size: 10_000, report_batch_item_failures: true, ..Settings::default() };
    Phase { rules: [rules; 2], settings, readers: 1, is_replay: false }
}

/// 81 records of one customer, which are two rounds. Two of each are high, by an odd number of transactions before them;
/// gives those and that number.
fn put_two_rounds(world: &mut World) -> Vec<(Put, u32)> {
    let (mut high, mut transactions) = (Vec::new(), 0);
    let mut put = |world: &mut World, refund: bool| {
        let put = Put { refund, ..world.fresh(0) };
        world.put(&put, None);
        if transactions % 2 == 1 {
            high.push((put, transactions));
        }
        transactions += u32::from(!refund);
    };
    for refunds in [60, 12] {
        for _ in 0..refunds {
            put(world, true);
        }
        // The second of the refunds is high, and so is the transaction behind it.
        for refund in [false, true, false] {
            put(world, refund);
        }
    }
    for _ in 0..3 {
        put(world, true);
    }
    high
}

/// Runs a batch of two rounds under these fates, and gives how often which call was made.
fn two_rounds(fates: &Fates, between: &mut BTreeMap<(Call, Call), u64>) -> Vec<usize> {
    simulated(async {
        let mut world = World::new(fates.clone());
        let high = put_two_rounds(&mut world);
        world.run(&whole_batches(Rules::Odd)).await;
        let calls = CALLS.map(|call| fates.calls(call)).to_vec();
        for (put, transactions) in high {
            let told = world.told(&put);
            assert!(!told.is_empty(), "{put:?} was not alerted");
            assert!(told.iter().all(|told| *told == Some(transactions)), "{put:?} was alerted with {told:?}");
        }
        world.check(Rules::Odd).await;
        for (pair, count) in &world.log.lock().unwrap().died_between {
            *between.entry(*pair).or_default() += count;
        }
        calls
    })
}

#[test]
fn wherever_a_function_dies_each_alert_comes_with_the_inputs_of_its_first_decision() {
    let mut between = BTreeMap::new();
    let calls = two_rounds(&Fates::kind(), &mut between);
    assert_eq!(calls, [1, 2, 2, 4, 4], "two rounds");
    for (call, times) in CALLS.into_iter().zip(calls) {
        for (nth, done) in (1..=times).flat_map(|nth| [(nth, true), (nth, false)]) {
            let fates = Fates::kind();
            fates.order(call, nth, Fate::Die { done });
            let calls = two_rounds(&fates, &mut between);
            assert!(calls[0] >= 2, "the batch came again");
        }
    }
    for pair in [
        (Call::ReadHistory, Call::WriteHistory),
        (Call::WriteHistory, Call::Publish),
        (Call::Publish, Call::Publish),
        (Call::Publish, Call::Mark),
        (Call::Mark, Call::Mark),
        (Call::Mark, Call::ReadHistory),
    ] {
        assert!(between.contains_key(&pair), "{pair:?}: {between:?}");
    }
}

#[test]
fn ten_thousand_records_of_one_customer_in_a_batch_are_taken_in_once_although_the_function_dies() {
    simulated(async {
        let mut world = World::new(Fates::kind());
        let fates = &world.fates;
        fates.order(Call::WriteHistory, 40, Fate::Die { done: true });
        fates.order(Call::WriteHistory, 80, Fate::AnswerLost);
        fates.order(Call::ReadHistory, 200, Fate::Refused);
        fates.order(Call::Publish, 7_000, Fate::Die { done: false });
        fates.order(Call::Mark, 8_000, Fate::Die { done: true });
        world.step(&Step::Burst { customer: 0, count: 10_000, refunds: false }).await;
        world.run(&whole_batches(Rules::Even)).await;
        world.check(Rules::Even).await;
        let edges = world.edges();
        assert_eq!(edges[&Edge::TakenIn], 10_000);
        assert_eq!(edges[&Edge::Killed], 3);
    });
}

#[test]
fn a_mark_that_is_not_answered_holds_up_no_other_beyond_its_claim() {
    simulated(async {
        let mut world = World::new(Fates::kind());
        world.fates.order(Call::Mark, 1, Fate::Hang);
        let burst: Vec<Put> = (0..40).map(|_| Put { refund: true, ..world.fresh(0) }).collect();
        burst.iter().for_each(|put| world.put(put, None));
        // The second waits until it can take the claims over.
        world.run(&Phase { readers: 2, ..whole_batches(Rules::Even) }).await;
        world.check(Rules::Even).await;
        let again = burst.iter().filter(|put| world.told(put).len() > 1).count();
        assert_eq!(again, 1, "the one that could not be marked");
    });
}
