//! Measures as JSON: names, order and digits.

use backtest::measures::{DAY, TallySettings, Truth};

use crate::made::{Made, measured, policy};

/// 2026-01-05, a Monday.
const FROM: i64 = 1_767_571_200;

fn made(day: i64, score: f64, truth: Truth, amount: i64, customer: &str) -> Made {
    let segment = Some("\"gold\"".to_owned()).filter(|_| customer == "A");
    Made { time: FROM + day * DAY, score, truth, amount, customer: customer.to_owned(), segment, factors: 1 }
}

#[test]
fn measures_are_one_object_with_these_members() {
    let transactions = [
        made(0, 80.0, Truth::Fraud, 1_000_050, "A"),
        made(1, 20.0, Truth::Fraud, 500_000, "B"),
        made(1, 70.5, Truth::Unlabelled, 100_000, "C"),
        made(2, 0.0, Truth::Legitimate, -100_000, "C"),
        made(7, 90.0, Truth::Immature, 100, "C"),
    ];
    let settings = TallySettings { from: FROM, until: FROM + 8 * DAY, alerts_per_day: Some(0.375) };
    let measures = measured(&policy(60.0), settings, &transactions);
    let expected = concat!(
        r#"{"policy":"#,
        "\"POLICY\",",
        r#""from":"2026-01-05T00:00:00.000Z","to":"2026-01-13T00:00:00.000Z","#,
        r#""transactions":5,"labelled":3,"frauds":2,"unlabelled":1,"immature":1,"days":8.0,"#,
        r#""threshold":20.0,"alerts":3,"alerts_per_day":0.375,"frauds_caught":1,"false_alerts":1,"#,
        r#""fraud_value":150.005,"value_caught":100.005,"#,
        r#""auc":0.75,"average_precision":0.8333333333333333,"card_precision_at_100":0.006666666666666667,"#,
        r#""recall_at_1_percent":0.0,"share_at_1_percent":0.0,"precision":0.5,"recall":0.5,"#,
        r#""value_recall":0.6666777774074197,"#,
        r#""budget":{"alerts_per_day":0.375,"threshold":20.0,"at_threshold":1,"alerts_per_day_with_them":0.5},"#,
        r#""weeks":["#,
        r#"{"from":"2026-01-05T00:00:00.000Z","to":"2026-01-12T00:00:00.000Z","whole":true,"#,
        r#""transactions":4,"labelled":3,"frauds":2,"unlabelled":1,"immature":0,"days":7.0,"#,
        r#""threshold":20.0,"alerts":2,"alerts_per_day":0.2857142857142857,"frauds_caught":1,"false_alerts":1,"#,
        r#""fraud_value":150.005,"value_caught":100.005,"#,
        r#""auc":0.75,"average_precision":0.8333333333333333,"card_precision_at_100":0.006666666666666667,"#,
        r#""recall_at_1_percent":0.0,"share_at_1_percent":0.0,"precision":0.5,"recall":0.5,"#,
        r#""value_recall":0.6666777774074197},"#,
        r#"{"from":"2026-01-12T00:00:00.000Z","to":"2026-01-13T00:00:00.000Z","whole":false,"#,
        r#""transactions":1,"labelled":0,"frauds":0,"unlabelled":0,"immature":1,"days":1.0,"#,
        r#""threshold":20.0,"alerts":1,"alerts_per_day":1.0,"frauds_caught":0,"false_alerts":0,"#,
        r#""fraud_value":0,"value_caught":0,"#,
        r#""auc":null,"average_precision":null,"card_precision_at_100":null,"#,
        r#""recall_at_1_percent":null,"share_at_1_percent":null,"precision":null,"recall":null,"#,
        r#""value_recall":null}],"#,
        r#""spread":{"alerts_per_day":{"weeks":1,"mean":0.2857142857142857,"deviation":null,"#,
        r#""least":0.2857142857142857,"greatest":0.2857142857142857},"#,
        r#""auc":{"weeks":1,"mean":0.75,"deviation":null,"least":0.75,"greatest":0.75},"#,
        r#""average_precision":{"weeks":1,"mean":0.8333333333333333,"deviation":null,"#,
        r#""least":0.8333333333333333,"greatest":0.8333333333333333},"#,
        r#""card_precision_at_100":{"weeks":1,"mean":0.006666666666666667,"deviation":null,"#,
        r#""least":0.006666666666666667,"greatest":0.006666666666666667},"#,
        r#""recall_at_1_percent":{"weeks":1,"mean":0.0,"deviation":null,"least":0.0,"greatest":0.0},"#,
        r#""precision":{"weeks":1,"mean":0.5,"deviation":null,"least":0.5,"greatest":0.5},"#,
        r#""recall":{"weeks":1,"mean":0.5,"deviation":null,"least":0.5,"greatest":0.5},"#,
        r#""value_recall":{"weeks":1,"mean":0.6666777774074197,"deviation":null,"#,
        r#""least":0.6666777774074197,"greatest":0.6666777774074197}},"#,
        r#""segments":["#,
        r#"{"segment":"\"gold\"","transactions":1,"labelled":1,"frauds":1,"unlabelled":0,"immature":0,"days":8.0,"#,
        r#""threshold":20.0,"alerts":1,"alerts_per_day":0.125,"frauds_caught":1,"false_alerts":0,"#,
        r#""fraud_value":100.005,"value_caught":100.005,"#,
        r#""auc":null,"average_precision":1.0,"card_precision_at_100":null,"#,
        r#""recall_at_1_percent":0.0,"share_at_1_percent":0.0,"precision":1.0,"recall":1.0,"value_recall":1.0},"#,
        r#"{"segment":null,"transactions":4,"labelled":2,"frauds":1,"unlabelled":1,"immature":1,"days":8.0,"#,
        r#""threshold":20.0,"alerts":2,"alerts_per_day":0.25,"frauds_caught":0,"false_alerts":1,"#,
        r#""fraud_value":50,"value_caught":0,"#,
        r#""auc":0.5,"average_precision":0.5,"card_precision_at_100":null,"#,
        r#""recall_at_1_percent":0.0,"share_at_1_percent":0.0,"precision":0.0,"recall":0.0,"value_recall":0.0}],"#,
        r#""factors":[{"name":"amount","frauds":2,"others":2,"share_of_frauds":1.0,"share_of_others":1.0,"#,
        r#""precision":0.5,"lift":1.0},"#,
        r#"{"name":"risk","frauds":0,"others":0,"share_of_frauds":0.0,"share_of_others":0.0,"#,
        r#""precision":null,"lift":null},"#,
        r#"{"name":"night","frauds":0,"others":0,"share_of_frauds":0.0,"share_of_others":0.0,"#,
        r#""precision":null,"lift":null}]}"#,
    );
    assert_eq!(measures.to_json(), expected.replace("POLICY", policy(60.0).id()));
}
