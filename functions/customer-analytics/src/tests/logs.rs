//! Log lines name the records that they are about.

use fault_injection::{logged, without_position};
use serde_json::Value;

use super::handling::{event, handle, kind_world, transaction};
use super::ports::{Call, Fate};
use super::world::simulated;

#[test]
fn every_warning_and_error_names_the_position_that_it_is_about_and_no_customer() {
    for (call, message) in [
        (Call::Add, "aggregates unavailable"),
        (Call::Send, "totals not sent"),
        (Call::DeadLetter, "dead letters unavailable"),
    ] {
        let (_, lines) = logged(|| {
            simulated(async {
                let world = kind_world();
                for nth in 1..=1_000 {
                    world.fates.order(call, nth, Fate::Refused);
                }
                let payloads = [
                    transaction("Customer-A", "1", "5"),
                    transaction("Customer-B", "2", "1e18"),
                    "{".to_owned(),
                ];
                handle(&world, &event(&payloads)).await
            })
        });
        let told: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(told.iter().any(|line| line["fields"]["message"] == message), "{message}: {lines:?}");
        assert_eq!(without_position(&lines, "shardId-000000000000/10"), None);
        for line in &told {
            assert!(!line.to_string().contains("Customer"), "{line}");
        }
    }
}
