use proptest::prelude::*;

use super::*;
use crate::merchant::{Bucket, MerchantDays};

const LINE: &str = r#"{"customer_id":"C1","transaction_id":7,"merchant_id":"M1","event_time":"2026-01-08T09:00:00+01:00","amount":12.50,"verdict":"fraud","reported_at":"2026-01-15T08:00:00Z","source":"chargeback"}"#;
/// 2026-01-20, and the day of [`LINE`]'s event.
const TODAY: i32 = 20_473;
const EVENT_DAY: i32 = 20_461;

fn label(line: &str) -> Label {
    read(line.as_bytes()).unwrap().label
}

fn mistakes(line: &str) -> String {
    read(line.as_bytes()).unwrap_err().to_string()
}

fn counting() -> Counting {
    Counting::at(i64::from(TODAY) * 86_400, LabelDelay::default(), None)
}

#[test]
fn a_label_is_read_with_what_it_tells_of_its_transaction() {
    let ReadLabel { label, left_out } =
        read(LINE.replace('}', r#","kind":"x","outlier":null}"#).as_bytes()).unwrap();
    assert_eq!(label.key(), "C1/7");
    assert_eq!(left_out, ["kind"]);
    let Statement { reported_at, source, verdict, details } = &label.statement;
    assert_eq!((*source, *verdict), (LabelSource::Chargeback, Verdict::Fraud));
    assert_eq!(reported_at.to_string(), "2026-01-15T08:00:00.000Z");
    assert_eq!(details.amount.as_deref(), Some("12.50"));
    assert_eq!((details.day(), details.outlier), (Some(EVENT_DAY), None));
    assert!(label.is_self_contained());
}

#[test]
fn all_labels_of_a_transaction_have_its_identity() {
    let of = |ids: &str| label(&LINE.replace(r#""customer_id":"C1","transaction_id":7"#, ids)).key();
    assert_eq!(of(r#""customer_id":"C/1","transaction_id":"T1""#), "C%2F1/T1");
    assert_eq!(of(r#""decision_id":"C%2F1/T1""#), "C%2F1/T1");
    assert_eq!(of(r#""alert_id":"C%2F1/T1""#), "C%2F1/T1");
    assert_eq!(of(r#""customer_id":"","transaction_id":"T1""#), "/T1");
    assert_eq!(of(r#""alert_id":"@s/shardId-0/7""#), "@s/shardId-0/7");
    // The alert of a reused id is one of its own; what else names it may be there, too.
    let reused =
        r#""alert_id":"C1/7/0123456789abcdef","decision_id":"C1/7","customer_id":"C1","transaction_id":"7""#;
    assert_eq!(of(reused), "C1/7/0123456789abcdef");
}

#[test]
fn every_mistake_of_a_label_is_named_at_once() {
    assert_eq!(mistakes("[]"), "it is not a JSON object in UTF-8");
    assert_eq!(mistakes(&format!("{LINE} x")), "it is not a JSON object in UTF-8");
    let all = mistakes(
        r#"{"customer_id":"C1","verdict":"bad","source":7,"amount":"1,5","event_time":"soon","outlier":"no","merchant_id":1.5}"#,
    );
    for expected in [
        "it names no transaction: give alert_id, decision_id, or customer_id and transaction_id",
        "`verdict` cannot be used: it is `fraud`, `legitimate` or `retracted`",
        "`reported_at` is missing; it is a time, RFC 3339 or an epoch number",
        "`source` cannot be used: it is `cardholder`, `chargeback` or `analyst`",
        "`merchant_id` cannot be used: it is a text of up to 256 characters or an integer",
        "`event_time` cannot be used: it is a time, RFC 3339 or an epoch number",
        "`amount` cannot be used: it is a finite number",
        "`outlier` cannot be used: it is true or false",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    let other = LINE.replace(r#""customer_id""#, r#""decision_id":"C1/8","customer_id""#);
    assert_eq!(mistakes(&other), "`transaction_id` names another transaction than `decision_id`");
    let long =
        LINE.replace(r#""customer_id""#, &format!(r#""alert_id":"{}","customer_id""#, "a".repeat(2049)));
    assert!(mistakes(&long).starts_with("`alert_id` has more than 2048 bytes"));
    for amount in ["1e999", "\"NaN\"", "\"\"", "true", "\"+1\"", "\" 1\""] {
        assert!(mistakes(&LINE.replace("12.50", amount)).contains("`amount`"), "{amount}");
    }
}

#[test]
fn a_fraud_is_ordinary_below_the_policys_amount_unless_it_is_an_outlier() {
    let counted = |amount: &str, outlier: &str| {
        let line = LINE.replace("12.50", amount).replace('}', &format!(r#","outlier":{outlier}}}"#));
        let mut labelled = Labelled::default();
        labelled.take_in(label(&line).statement, &counting());
        labelled.counted().cloned().unwrap().ordinary
    };
    assert!(counted("199.99", "null") && counted("-5", "false"));
    assert!(!counted("200", "null") && !counted("12.50", "true"));
}

#[test]
fn a_fraud_of_a_day_that_is_not_kept_counts_nowhere() {
    let counted = |days: i32| {
        let counting = Counting::at(i64::from(EVENT_DAY + days) * 86_400, LabelDelay::default(), None);
        let mut labelled = Labelled::default();
        let Taken::Holds(change) = labelled.take_in(label(LINE).statement, &counting) else { panic!() };
        change.by_merchant(&counting).len()
    };
    assert_eq!((counted(-2), counted(-1), counted(0), counted(67), counted(68)), (0, 1, 1, 1, 0));
}

#[test]
fn a_transaction_without_a_merchant_counts_nowhere() {
    let mut labelled = Labelled::default();
    let statement = label(&LINE.replace(r#""merchant_id":"M1","#, "")).statement;
    assert!(matches!(
        labelled.take_in(statement, &counting()),
        Taken::Holds(Change { before: None, after: None })
    ));
}

#[test]
fn the_latest_statement_that_its_source_has_not_taken_back_is_the_verdict() {
    let at = |minute: u32, source: &str, verdict: &str| {
        let line = LINE.replace("08:00:00Z", &format!("08:{minute:02}:00Z"));
        label(&line.replace("chargeback", source).replace("fraud", verdict)).statement
    };
    let mut labelled = Labelled::default();
    let mut take = |statement| {
        let taken = labelled.take_in(statement, &counting());
        (taken, labelled.verdict().map(|verdict| verdict.verdict), labelled.counted().is_some())
    };
    let (fraud, legitimate) = (Some(Verdict::Fraud), Some(Verdict::Legitimate));
    assert!(
        matches!(take(at(1, "cardholder", "fraud")), (Taken::Holds(_), verdict, true) if verdict == fraud)
    );
    assert!(matches!(take(at(1, "cardholder", "fraud")), (Taken::Known, verdict, true) if verdict == fraud));
    assert!(
        matches!(take(at(3, "analyst", "legitimate")), (Taken::Holds(_), verdict, false) if verdict == legitimate)
    );
    assert!(
        matches!(take(at(2, "chargeback", "fraud")), (Taken::Holds(_), verdict, false) if verdict == legitimate)
    );
    // What the analyst said is taken back: the chargeback holds.
    assert!(
        matches!(take(at(4, "analyst", "retracted")), (Taken::Holds(_), verdict, true) if verdict == fraud)
    );
    assert!(
        matches!(take(at(3, "analyst", "legitimate")), (Taken::Superseded, verdict, true) if verdict == fraud)
    );
    assert!(
        matches!(take(at(5, "chargeback", "retracted")), (Taken::Holds(_), verdict, true) if verdict == fraud)
    );
    assert!(matches!(take(at(5, "cardholder", "retracted")), (Taken::Holds(_), None, false)));
    // At the same moment fraud is more than legitimate, and of two sources the analyst says more.
    assert!(
        matches!(take(at(6, "cardholder", "legitimate")), (Taken::Holds(_), verdict, false) if verdict == legitimate)
    );
    assert!(
        matches!(take(at(6, "cardholder", "fraud")), (Taken::Holds(_), verdict, true) if verdict == fraud)
    );
    assert!(
        matches!(take(at(6, "analyst", "legitimate")), (Taken::Holds(_), verdict, false) if verdict == legitimate)
    );
}

/// Labels of few transactions, sources, moments and merchants, so that they meet.
fn labels() -> impl Strategy<Value = Vec<Label>> {
    let details = (
        prop::option::of(prop::sample::select(vec!["M1", "M2"])),
        prop::sample::select(vec![-70_i64, -60, -3, 0, 1, 2]),
        prop::sample::select(vec!["1", "199.99", "200", "1e3"]),
        prop::option::of(any::<bool>()),
    );
    let details = details.prop_map(|(merchant, day, amount, outlier)| Details {
        merchant_id: merchant.map(str::to_owned),
        event_time: Some(((i64::from(TODAY) + day) * 86_400 + 5).to_string()),
        amount: Some(amount.to_owned()),
        outlier,
    });
    let label = (
        0..3_u8,
        0..4_i64,
        prop::sample::select(&LabelSource::ALL[..]),
        prop::sample::select(&Verdict::ALL[..]),
        details,
    );
    let label = label.prop_map(|(transaction, reported, source, verdict, details)| Label {
        of: LabelledId::Decision(format!("C1/{transaction}")),
        statement: Statement {
            reported_at: Timestamp::from_millis(reported * 1000).unwrap(),
            source,
            verdict,
            details,
        },
    });
    prop::collection::vec(label, 0..24)
}

/// Takes labels in, one after the other; gives the merchants' days.
fn taken_in(labels: &[Label]) -> std::collections::BTreeMap<String, MerchantDays> {
    let counting = counting();
    let mut rows: std::collections::BTreeMap<String, Labelled> = std::collections::BTreeMap::new();
    let mut merchants: std::collections::BTreeMap<String, MerchantDays> = std::collections::BTreeMap::new();
    for label in labels {
        let taken = rows.entry(label.key()).or_default().take_in(label.statement.clone(), &counting);
        let Taken::Holds(change) = taken else { continue };
        for (merchant, buckets) in change.by_merchant(&counting) {
            for ((bucket, day), change) in buckets {
                merchants.entry(merchant.to_owned()).or_default().add(bucket, day, change);
            }
        }
    }
    merchants
}

/// Without days of which nothing counts.
fn counts(merchants: std::collections::BTreeMap<String, MerchantDays>) -> Vec<(String, i32, u32, u32)> {
    let days = merchants.into_iter().flat_map(|(merchant, days)| {
        let days = days.days().to_vec();
        days.into_iter().map(move |day| (merchant.clone(), day.day, day.frauds, day.ordinary))
    });
    days.filter(|(_, _, frauds, ordinary)| frauds + ordinary > 0).collect()
}

proptest! {
    #[test]
    fn labels_in_any_order_and_number_count_as_a_plain_fold_says(
        labels in labels(),
        order in any::<prop::sample::Index>(),
        again in any::<bool>(),
    ) {
        let expected = counts(fold::fold(&labels, &counting()));
        let mut others = labels.clone();
        others.reverse();
        if !others.is_empty() {
            let length = others.len();
            others.rotate_left(order.index(length));
        }
        if again {
            others.extend(labels.clone());
        }
        prop_assert_eq!(counts(taken_in(&labels)), expected.clone());
        prop_assert_eq!(counts(taken_in(&others)), expected);
    }

    #[test]
    fn what_is_written_reads_back(
        mut label in labels().prop_filter_map("one", |labels| labels.into_iter().next()),
        customer in ".{0,6}",
        transaction in ".{1,6}",
        merchant in ".{1,6}",
    ) {
        label.of = LabelledId::Transaction { customer_id: customer, transaction_id: transaction };
        label.statement.details.merchant_id = Some(merchant);
        let json = label.to_json();
        prop_assert!(!json.contains('\n'));
        prop_assert_eq!(statement_of(label.statement.to_json().as_bytes()), Ok(label.statement.clone()));
        prop_assert_eq!(read(json.as_bytes()).map(|read| read.label), Ok(label));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), text in ".{0,40}") {
        let _ = read(&bytes);
        let _ = read(LINE.replace("12.50", &text).as_bytes());
        let _ = read(LINE.replace("2026-01-08T09:00:00+01:00", &text).as_bytes());
    }

    #[test]
    fn taking_back_never_takes_more_than_was_counted(labels in labels()) {
        for bucket in [Bucket::Frauds, Bucket::Ordinary] {
            let mut sums: std::collections::BTreeMap<(String, i32), i32> = std::collections::BTreeMap::new();
            let mut rows: std::collections::BTreeMap<String, Labelled> = std::collections::BTreeMap::new();
            for label in &labels {
                let taken = rows.entry(label.key()).or_default().take_in(label.statement.clone(), &counting());
                let Taken::Holds(change) = taken else { continue };
                for (merchant, buckets) in change.by_merchant(&counting()) {
                    for ((of, day), change) in buckets.into_iter().filter(|((of, _), _)| *of == bucket) {
                        prop_assert_eq!(of, bucket);
                        let sum = sums.entry((merchant.to_owned(), day)).or_default();
                        *sum += change;
                        prop_assert!(*sum >= 0);
                    }
                }
            }
        }
    }
}
