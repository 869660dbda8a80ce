//! What seldom happens, and cannot be ordered from a real service.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_calls::fault::{CallFault, FaultKind};
use exact_text::timestamp::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::world::{Chances, Process, World};
use crate::consumer::shared::now;
use crate::consumer::{Consumer, ConsumerError, From, Settings, SourceFault, Until};

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

#[tokio::test(start_paused = true)]
async fn without_credentials_a_run_ends_at_its_first_call_and_waits_for_them_later() {
    let world = Arc::new(World::new(1, NOTHING_FAILS, 0));
    world.without_credentials.store(true, Ordering::Relaxed);
    let (_, run) = start(&world, Settings::new("alerts", "process"));
    let ended = run.await.unwrap();
    assert!(
        matches!(
            ended,
            Err(ConsumerError::Source {
                fault: SourceFault::Call(CallFault { kind: FaultKind::NotSent, .. }),
                ..
            })
        ),
        "{ended:?}"
    );
    world.without_credentials.store(false, Ordering::Relaxed);
    let (consumer, run) = start(&world, Settings::new("alerts", "process"));
    sleep(Duration::from_secs(5)).await;
    world.without_credentials.store(true, Ordering::Relaxed);
    world.stream.put("key", "0").unwrap();
    sleep(Duration::from_secs(60)).await;
    assert!(!run.is_finished());
    let report = consumer.report();
    assert!(report.records == 0 && report.read_failures > 0 && report.checkpoint_failures > 0, "{report:?}");
    world.without_credentials.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(consumer.report().records, 1);
}

#[tokio::test(start_paused = true)]
async fn a_span_that_begins_before_the_streams_retention_is_refused_and_a_later_one_is_read() {
    let world = Arc::new(World::new(1, NOTHING_FAILS, 0));
    let run = async |hours: i64| {
        let from = Timestamp::from_millis(now().millis() - hours * 3_600_000).unwrap();
        let span = Settings {
            from: From::Time(from),
            until: Until::Time(Timestamp::from_millis(from.millis() + 1).unwrap()),
            ..Settings::new("replay", "process")
        };
        start(&world, span).1.await.unwrap()
    };
    run(23).await.unwrap();
    let error = run(240).await.unwrap_err();
    assert!(matches!(error, ConsumerError::BeforeRetention { retention_hours: 24, .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_first_start_from_before_the_streams_retention_reads_what_there_is_and_says_since_when() {
    for (hours, is_whole) in [(23, true), (240, false)] {
        let world = Arc::new(World::new(1, NOTHING_FAILS, 0));
        let from = Timestamp::from_millis(now().millis() - hours * 3_600_000).unwrap();
        for is_first_start in [true, false] {
            let settings = Settings {
                from: From::Time(from),
                until: Until::CaughtUp,
                ..Settings::new("alerts", "process")
            };
            let (consumer, run) = start(&world, settings);
            run.await.unwrap().unwrap();
            let kept_since = consumer.report().kept_since;
            // From the second start on it goes on where it was.
            assert_eq!(kept_since.is_none(), is_whole || !is_first_start, "{hours}");
            assert!(kept_since.is_none_or(|horizon| horizon > from));
        }
    }
}
