//! What seldom happens, and cannot be ordered from a real service.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::world::{Chances, Process, World};
use crate::consumer::{Consumer, ConsumerError, From, Settings};

type TestConsumer = Consumer<Process, Process, Process>;

const NOTHING_FAILS: Chances = Chances { source: 0.0, checkpoints: 0.0, handler: 0.0 };

fn start(
    world: &Arc<World>,
    settings: Settings,
) -> (Arc<TestConsumer>, JoinHandle<Result<(), ConsumerError>>) {
    let process = Process::new(world);
    let consumer = Arc::new(Consumer::new(process.clone(), process.clone(), process, settings));
    let running = Arc::clone(&consumer);
    (consumer, tokio::spawn(async move { running.run(std::future::pending()).await }))
}

#[tokio::test(start_paused = true)]
async fn from_the_latest_on_all_that_arrives_is_read_also_by_a_machine_whose_clock_is_far_ahead() {
    // The records' arrival times are years behind this machine's clock.
    let world = Arc::new(World::new(1, NOTHING_FAILS, 0));
    let (consumer, _) = start(&world, Settings { from: From::Latest, ..Settings::new("alerts", "process") });
    sleep(Duration::from_secs(5)).await;
    for number in 0..3 {
        world.stream.put("key", number.to_string()).unwrap();
    }
    sleep(Duration::from_secs(5)).await;
    assert_eq!(consumer.report().records, 3);
}
