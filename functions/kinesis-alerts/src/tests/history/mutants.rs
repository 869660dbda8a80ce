//! What each rule of the history is there for: without it, these tests fail. The random worlds fail too, with other words.
//!
//! | without the rule | fails |
//! |---|---|
//! | the claim goes with the row (claimed after it) | [`a_high_score_is_alerted_with_its_first_inputs_although_its_function_died_behind_the_row`] |
//! | a claim that came with a row is never deleted | [`a_claim_that_came_with_a_row_and_is_given_back_keeps_the_message`] |
//! | unknown records are never dropped | [`a_record_that_was_forgotten_before_it_was_taken_in_is_alerted_without_a_history`] |
//! | the ledger is asked for a content, not for an identity alone | [`a_forgotten_record_is_alerted_although_another_content_under_its_id_was`] |
//! | nothing leaves in the write that took it in | `fraud_core`: `a_write_forgets_nothing_that_it_took_in` |
//! | copies are noted | `fraud_core`: `a_copy_keeps_its_transaction_remembered_for_as_long_as_it_can_come_again` |
//! | the arrival is the clock, not the event time | `fraud_core`: `the_clock_is_the_arrival_and_not_the_event_time` |
//! | refunds are remembered | `fraud_core`: `a_refund_is_remembered_and_does_not_count` |

use embedded_aws::event_source_mapping::Settings;

use super::super::ports::{Call, Fate, Fates};
use super::super::simulation::simulated;
use super::rules::Rules;
use super::store::Edge;
use super::world::{Phase, Put, Step, World};

/// A time of reading in which a batch that fails is given up at once.
fn without_retries(rules: Rules) -> Phase {
    let settings =
        Settings { report_batch_item_failures: true, maximum_retry_attempts: Some(0), ..Settings::default() };
    Phase { rules: [rules; 2], settings, readers: 1, is_replay: false }
}

/// Takes in so much of the customer that nothing older is remembered.
async fn forget_what_was_before(world: &mut World) {
    for _ in 0..2 {
        world.step(&Step::Wait(1)).await;
        world.step(&Step::Burst { customer: 0, count: 65, refunds: false }).await;
        world.run(&without_retries(Rules::Even)).await;
    }
}

/// A record whose first call of this kind meets a fate, so that it is given up; it is forgotten, and then redriven.
fn given_up_and_forgotten(call: Call, fate: Fate, redriven_by: Rules) -> Vec<Option<u32>> {
    simulated(async {
        let mut world = World::new(Fates::kind());
        world.fates.order(call, 1, fate);
        let put = world.fresh(0);
        world.put(&put, None);
        world.run(&without_retries(Rules::Even)).await;
        assert_eq!(world.told(&put), [], "it is given up");
        forget_what_was_before(&mut world).await;
        world.redrive([redriven_by; 2], &Settings::default()).await;
        assert_eq!(world.edges()[&Edge::Expired], 1, "it is forgotten");
        world.told(&put)
    })
}

#[test]
fn a_high_score_is_alerted_with_its_first_inputs_although_its_function_died_behind_the_row() {
    let death = Fate::Die { done: true };
    // By these rules what is forgotten is low: only the claim tells that it was high.
    assert_eq!(given_up_and_forgotten(Call::WriteHistory, death, Rules::EvenIfKnown), [Some(0)]);
}

#[test]
fn a_claim_that_came_with_a_row_and_is_given_back_keeps_the_message() {
    assert_eq!(given_up_and_forgotten(Call::Publish, Fate::Refused, Rules::EvenIfKnown), [Some(0)]);
}

#[test]
fn a_record_that_was_forgotten_before_it_was_taken_in_is_alerted_without_a_history() {
    assert_eq!(given_up_and_forgotten(Call::ReadHistory, Fate::Refused, Rules::Even), [None]);
    assert_eq!(given_up_and_forgotten(Call::ReadHistory, Fate::Refused, Rules::EvenIfKnown), []);
}

#[test]
fn a_forgotten_record_is_alerted_although_another_content_under_its_id_was() {
    simulated(async {
        let mut world = World::new(Fates::kind());
        let first = world.fresh(0);
        world.put(&first, None);
        world.run(&without_retries(Rules::Even)).await;
        assert_eq!(world.told(&first), [Some(0)]);
        let other = Put { content: 1, ..first.clone() };
        world.fates.order(Call::ReadHistory, 2, Fate::Refused);
        world.put(&other, None);
        world.run(&without_retries(Rules::Even)).await;
        forget_what_was_before(&mut world).await;
        world.redrive([Rules::Even; 2], &Settings::default()).await;
        assert_eq!((world.told(&first), world.told(&other)), (vec![Some(0)], vec![None]));
    });
}

#[test]
fn a_forgotten_record_and_a_remembered_copy_of_it_raise_one_alert_under_an_id_of_its_own() {
    simulated(async {
        let mut world = World::new(Fates::kind());
        let publication_fails = |world: &World| {
            let next = world.fates.calls(Call::Publish) + 1;
            world.fates.order(Call::Publish, next, Fate::Refused);
        };
        // It has the id.
        world.put(&Put { refund: true, ..Put::new(0, 5) }, None);
        world.run(&without_retries(Rules::Even)).await;
        let other = Put::new(0, 5);
        for _ in 0..2 {
            publication_fails(&world);
            world.put(&other, None);
            world.run(&without_retries(Rules::Even)).await;
            if world.edges()[&Edge::GivenUp] == 1 {
                forget_what_was_before(&mut world).await;
            }
        }
        assert_eq!((world.edges()[&Edge::GivenUp], world.told(&other)), (2, vec![]));
        world.redrive([Rules::Even; 2], &Settings::default()).await;
        assert_eq!(world.told(&other), [Some(0)]);
        world.check(Rules::Even).await;
    });
}
