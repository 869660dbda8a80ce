//! Log lines name the records that they are about.

use fault_injection::{logged, without_position};
use serde_json::Value;

use super::handling::{handle, high};
use super::ports::{Call, Fate, Fates};
use super::simulation::{World, simulated};

#[test]
fn every_warning_and_error_names_the_position_that_it_is_about_and_no_customer() {
    for (call, message) in [
        (Call::Lookup, "profiles unavailable"),
        (Call::Claim, "alert ledger unavailable"),
        (Call::Publish, "alert not published"),
        (Call::Mark, "an alert was sent and could not be marked as sent"),
        (Call::Release, "a claim could not be given back"),
        (Call::DeadLetter, "dead letters unavailable"),
    ] {
        let (_, lines) = logged(|| {
            simulated(async {
                let world = World::new(Fates::kind());
                for nth in 1..=1_000 {
                    world.fates.order(call, nth, Fate::Refused);
                }
                if call == Call::Release {
                    world.fates.order(Call::Publish, 1, Fate::Refused);
                }
                let batch =
                    [b"poison".to_vec(), high("Customer-A", "1", 15_000), high("Customer-B", "2", 15_000)];
                // A sink of dead letters that refuses ends the batch at its first record.
                handle(&world, &batch).await
            })
        });
        let told: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(told.iter().any(|line| line["fields"]["message"] == message), "{message}: {lines:?}");
        assert_eq!(without_position(&lines, "shardId-000000000000/10"), None);
        for line in &told {
            assert!(["WARN", "ERROR"].contains(&line["level"].as_str().unwrap()), "{line}");
            assert!(!line.to_string().contains("Customer"), "{line}");
        }
    }
}

#[test]
fn poison_makes_one_line_however_much_it_is() {
    let (_, lines) = logged(|| {
        simulated(async {
            let world = World::new(Fates::kind());
            let mut batch = vec![b"poison".to_vec(); 3_000];
            batch.push(br#"{"detail":{}}"#.to_vec());
            handle(&world, &batch).await
        })
    });
    let [line] = &lines[..] else { panic!("{} lines", lines.len()) };
    let line: Value = serde_json::from_str(line).unwrap();
    let fields = &line["fields"];
    assert_eq!(fields["message"], "records dead-lettered");
    assert_eq!(
        (&fields["records"], &fields["reasons"]),
        (&3_001.into(), &"not_json=3000 not_a_transaction=1".into())
    );
    assert_eq!(fields["first"].as_str().unwrap().split(' ').count(), 5);
}
