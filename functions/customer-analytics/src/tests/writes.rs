//! What a minute of peak load costs.

use std::collections::HashSet;

use embedded_aws::event_source_mapping::Settings;
use fraud_core::window::WindowTime;

use super::ports::{Call, Fates};
use super::world::{World, rule, simulated};

const TRANSACTIONS: usize = 50_000;
const CUSTOMERS: usize = 20_000;
const BATCH_SIZE: usize = 2_500;

#[test]
fn a_minute_of_peak_load_costs_one_write_for_each_customer_and_window_of_a_batch() {
    simulated(async {
        let world = World::new(Fates::kind(), rule(WindowTime::Event));
        let mut random = fastrand::Rng::with_seed(5);
        // All under one partition key, so that the batches are known.
        let mut stream: Vec<(usize, bool)> = Vec::new();
        for id in 0..TRANSACTIONS {
            let (customer, second) = (random.usize(..CUSTOMERS), random.usize(..60));
            // The minute lies on both sides of a window's edge.
            let time = if second < 30 {
                format!("04:04:{}", 30 + second)
            } else {
                format!("04:05:{:02}", second - 30)
            };
            let data = format!(
                r#"{{"transaction_id":{id},"customer_id":"C{customer}","amount":9.99,"event_time":"2024-01-15T{time}Z"}}"#
            );
            world.stream.put("all", data).unwrap();
            stream.push((customer, second < 30));
        }
        let pairs = |batch: &[(usize, bool)]| batch.iter().collect::<HashSet<_>>().len();
        let expected: usize = stream.chunks(BATCH_SIZE).map(pairs).sum();
        let settings =
            Settings { batch_size: BATCH_SIZE, report_batch_item_failures: true, ..Settings::default() };
        let report = world.run(settings).await;
        assert_eq!(report.invocations, (TRANSACTIONS / BATCH_SIZE) as u64);
        assert_eq!(world.fates.calls(Call::Add), expected);
        let counted: u64 = world.table().await.iter().map(|totals| totals.event_count).sum();
        assert_eq!(counted, TRANSACTIONS as u64);
    });
}
