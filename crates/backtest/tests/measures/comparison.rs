//! What two policies decide differently.

use std::cell::Cell;

use backtest::measures::{Compared, Comparison, Differences, Judged, Truth};
use proptest::prelude::*;

use crate::made::{Made, policy};

/// 2026-01-05, a Monday.
const FROM: i64 = 1_767_571_200;
const UNTIL: i64 = FROM + 1000;

/// A transaction by its id, with a score and factors of either policy.
type Both = (String, Made, f64, u8);

fn both(
    id: &str,
    amount: i64,
    truth: Truth,
    segment: Option<&str>,
    first: (f64, u8),
    second: (f64, u8),
) -> Both {
    let made = Made {
        time: FROM + 5,
        score: first.0,
        truth,
        amount,
        customer: String::new(),
        segment: segment.map(str::to_owned),
        factors: first.1,
    };
    (id.to_owned(), made, second.0, second.1)
}

/// The differences between thresholds of 50 and 60.
fn differences(transactions: &[Both]) -> Differences {
    let policies = [policy(50.0), policy(60.0)];
    let mut comparison = Comparison::new(policies.each_ref(), FROM..UNTIL);
    for (id, made, score, factors) in transactions {
        let second = Made { score: *score, factors: *factors, ..made.clone() };
        let judged: [Judged<'_>; 2] = [made.judged(&policies[0]), second.judged(&policies[1])];
        let reasons = || [format!("[\"first of {id}\"]"), format!("[\"second of {id}\"]")];
        comparison.add(&Compared { judged: judged.each_ref(), id, reasons: &reasons });
    }
    comparison.finish()
}

#[test]
fn gained_and_lost_alerts_are_counted_by_segment_and_factor() {
    let mut outside = both("outside", 10_000, Truth::Fraud, None, (0.0, 0), (99.0, 7));
    outside.1.time = UNTIL;
    let found = differences(&[
        both("gained", 12_345, Truth::Fraud, Some("premium"), (40.0, 1), (80.0, 3)),
        both("gained too", -5, Truth::Immature, None, (40.0, 1), (80.0, 2)),
        both("lost", 30_000, Truth::Unlabelled, Some("basic"), (55.0, 4), (55.0, 4)),
        both("of both", 20_000, Truth::Fraud, Some("basic"), (70.0, 1), (70.0, 1)),
        both("of neither", 20_000, Truth::Fraud, Some("basic"), (50.0, 1), (60.0, 1)),
        outside,
    ]);
    let json = found.to_json();
    let expected = concat!(
        r#"{"first":"FIRST","second":"SECOND","transactions":5,"scored_differently":3,"alerts_of_both":1,"#,
        r#""gained":{"alerts":2,"value":1.2345,"frauds":1,"fraud_value":1.2345,"immature":1,"#,
        r#""segments":[{"segment":"premium","alerts":1,"value":1.2345,"frauds":1,"fraud_value":1.2345},"#,
        r#"{"segment":null,"alerts":1,"value":0,"frauds":0,"fraud_value":0}],"#,
        r#""factors":[{"name":"amount","alerts":1,"frauds":1},{"name":"risk","alerts":2,"frauds":1},"#,
        r#"{"name":"night","alerts":0,"frauds":0}],"#,
        r#""examples":[{"id":"gained","time":"2026-01-05T00:00:05.000Z","customer":null,"segment":"premium","#,
        r#""amount":1.2345,"truth":"fraud","first_score":40.0,"first_reasons":["first of gained"],"#,
        r#""second_score":80.0,"second_reasons":["second of gained"]},"#,
        r#"{"id":"gained too","time":"2026-01-05T00:00:05.000Z","customer":null,"segment":null,"#,
        r#""amount":-0.0005,"truth":"immature","first_score":40.0,"first_reasons":["first of gained too"],"#,
        r#""second_score":80.0,"second_reasons":["second of gained too"]}]},"#,
        r#""lost":{"alerts":1,"value":3,"frauds":0,"fraud_value":0,"immature":0,"#,
        r#""segments":[{"segment":"basic","alerts":1,"value":3,"frauds":0,"fraud_value":0}],"#,
        r#""factors":[{"name":"amount","alerts":0,"frauds":0},{"name":"risk","alerts":0,"frauds":0},"#,
        r#"{"name":"night","alerts":1,"frauds":0}],"#,
        r#""examples":[{"id":"lost","time":"2026-01-05T00:00:05.000Z","customer":null,"segment":"basic","#,
        r#""amount":3,"truth":"unlabelled","first_score":55.0,"first_reasons":["first of lost"],"#,
        r#""second_score":55.0,"second_reasons":["second of lost"]}]}}"#,
    );
    let [first, second] = [policy(50.0), policy(60.0)];
    assert_eq!(json, expected.replace("FIRST", first.id()).replace("SECOND", second.id()));
}

#[test]
fn reasons_are_asked_for_only_of_examples() {
    let policies = [policy(50.0), policy(60.0)];
    let mut comparison = Comparison::new(policies.each_ref(), FROM..UNTIL);
    let asked = Cell::new(0);
    for amount in (0..1000).rev() {
        let (id, made, ..) = both(&amount.to_string(), amount, Truth::Fraud, None, (55.0, 1), (55.0, 1));
        let judged = [made.judged(&policies[0]), made.judged(&policies[1])];
        let reasons = || {
            asked.set(asked.get() + 1);
            [String::new(), String::new()]
        };
        comparison.add(&Compared { judged: judged.each_ref(), id: &id, reasons: &reasons });
    }
    assert_eq!((comparison.finish().lost.alerts, asked.get()), (1000, 20));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn examples_are_those_with_the_largest_amounts_in_any_order(
        (made, shuffled) in prop::collection::vec((0..30i64, 0..4u8, 0..1000u32), 0..120).prop_flat_map(|made| {
            let both = |(place, (amount, scores, id)): (usize, (i64, u8, u32))| {
                let score = |bit: u8| if scores & bit != 0 { 99.0 } else { 1.0 };
                let id = format!("{id}/{place}");
                both(&id, amount, Truth::Fraud, None, (score(1), 1), (score(2), 1))
            };
            let made: Vec<Both> = made.into_iter().enumerate().map(both).collect();
            (Just(made.clone()), Just(made).prop_shuffle())
        })
    ) {
        let found = differences(&made);
        prop_assert_eq!(&differences(&shuffled), &found);
        let mut gained: Vec<_> = made.iter().filter(|own| own.1.score == 1.0 && own.2 == 99.0).collect();
        gained.sort_by_key(|own| (-own.1.amount, own.0.clone()));
        let ids: Vec<&String> = gained.iter().take(20).map(|own| &own.0).collect();
        prop_assert_eq!(found.gained.examples.iter().map(|example| &example.id).collect::<Vec<_>>(), ids);
        prop_assert_eq!(found.gained.alerts, gained.len() as u64);
    }
}
