use std::collections::{BTreeMap, HashMap, HashSet};

use fraud_aws::profiles::FileProfiles;
use fraud_core::label::LabelSource;

use super::*;
use crate::generate::fraud::FraudKind;
use crate::generate::label::Label;

const DAY: i64 = SECONDS_OF_DAY;
const HALF_A_YEAR: MonthsSettings =
    MonthsSettings { days: 180, customers: 2000, merchants: 4000, from: FROM, seed: 7 };
const LARGE: u64 = 22_000;
/// [`FROM`], in seconds since the epoch.
const BEGIN: i64 = 1_767_225_600;
const FROM: NaiveDate = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();

fn lines(settings: MonthsSettings) -> Vec<String> {
    Months::new(settings).map(|transaction| transaction.to_json()).collect()
}

/// The share of each kind of fraud.
fn shares(transactions: &[Transaction]) -> BTreeMap<FraudKind, f64> {
    let mut counts = BTreeMap::new();
    for kind in transactions.iter().filter_map(|transaction| transaction.fraud) {
        *counts.entry(kind).or_insert(0.0) += 1.0 / transactions.len() as f64;
    }
    counts
}

#[test]
fn the_settings_decide_every_byte_and_each_of_them_changes_some() {
    let settings = MonthsSettings { days: 20, customers: 100, merchants: 200, from: FROM, seed: 1 };
    let bytes = |settings| {
        let mut profiles = Vec::new();
        Months::new(settings).write_profiles(&mut profiles).unwrap();
        let labels: Vec<_> =
            Months::new(settings).filter_map(|t| Label::of(&t, settings.seed)).map(|l| l.to_json()).collect();
        (lines(settings), labels, String::from_utf8(profiles).unwrap())
    };
    let given = bytes(settings);
    assert_eq!(bytes(settings), given);
    let other = NaiveDate::from_ymd_opt(2025, 6, 30).unwrap();
    for changed in [
        MonthsSettings { days: 21, ..settings },
        MonthsSettings { customers: 101, ..settings },
        MonthsSettings { merchants: 201, ..settings },
        MonthsSettings { from: other, ..settings },
        MonthsSettings { seed: 2, ..settings },
    ] {
        assert_ne!(bytes(changed).0, given.0, "{changed:?}");
    }
    let longer = lines(MonthsSettings { days: 40, ..settings });
    assert_eq!(longer[..given.0.len()], given.0, "more days change nothing of the first");
}

#[test]
fn transactions_are_valid_in_the_order_of_event_time_within_their_days_and_of_distinct_ids() {
    let (mut ids, mut last) = (HashSet::new(), i64::MIN);
    let settings = MonthsSettings { days: 60, customers: 300, merchants: 500, ..HALF_A_YEAR };
    for line in lines(settings) {
        let transaction = fraud_core::transaction::Transaction::parse(line.as_bytes()).unwrap();
        let fraud_core::transaction::TimeField::Known(time, _) = &transaction.event_time else {
            panic!("{line}")
        };
        let millis = time.instant.millis();
        assert!(last <= millis && (BEGIN..BEGIN + 60 * DAY).contains(&(millis / 1000)), "{line}");
        last = millis;
        let (_, cents) = transaction.amount.digits.split_once('.').unwrap();
        assert!(cents.len() == 2 && transaction.amount.value > 0.0, "{line}");
        assert!(transaction.customer_id.is_some() && line.contains("\"currency\":\"EUR\""), "{line}");
        assert!(ids.insert(transaction.transaction_id.unwrap().into_owned()));
        assert!(!line.contains("fraud"), "{line}");
    }
    assert!(ids.len() > 60 * 300, "{}", ids.len());
}

#[test]
fn over_half_a_year_each_kind_of_fraud_has_its_share_and_amounts_are_those_of_the_handbook() {
    let transactions: Vec<_> = Months::new(HALF_A_YEAR).collect();
    let a_day = transactions.len() as f64 / f64::from(HALF_A_YEAR.customers * HALF_A_YEAR.days);
    assert!((1.85..2.15).contains(&a_day), "{a_day} transactions a day and customer");
    let by_kind = shares(&transactions);
    for (kind, share) in [
        (FraudKind::LargeAmount, 0.0001..0.0006),
        (FraudKind::MerchantCompromised, 0.0032..0.0062),
        (FraudKind::CardCompromised, 0.0014..0.0032),
        (FraudKind::CardTesting, 0.0004..0.0014),
    ] {
        assert!(share.contains(&by_kind[&kind]), "{kind:?}: {}", by_kind[&kind]);
    }
    let all: f64 = by_kind.values().sum();
    assert!(by_kind.len() == 4 && (0.0065..0.0095).contains(&all), "{all}");
    let mean = transactions.iter().map(|t| t.cents as f64).sum::<f64>() / transactions.len() as f64;
    assert!((5150.0..5600.0).contains(&mean), "a mean of {mean} cents");
    assert!(transactions.iter().all(|t| t.cents <= LARGE || t.fraud.is_some()));
    // The first days are as those in the middle: what is compromised was so before.
    let first = transactions.iter().filter(|t| t.second < BEGIN + 30 * DAY);
    let first: Vec<_> = first.cloned().collect();
    let share: f64 = shares(&first).values().sum();
    assert!((0.005..0.012).contains(&share), "{share} in the first month");
}

#[test]
fn a_compromised_merchants_transactions_are_all_fraud_from_first_to_last_for_two_to_six_weeks() {
    let transactions: Vec<_> = Months::new(HALF_A_YEAR).collect();
    let mut merchants: HashMap<&str, Vec<&Transaction>> = HashMap::new();
    for transaction in &transactions {
        merchants.entry(&transaction.merchant).or_default().push(transaction);
    }
    let mut spells = Vec::new();
    for of_one in merchants.values() {
        // Where two spells are, there are ordinary transactions between them.
        for spell in of_one.split(|transaction| transaction.fraud.is_none()) {
            let by_merchant = |t: &&&Transaction| t.fraud == Some(FraudKind::MerchantCompromised);
            let mut found = spell.iter().filter(by_merchant).map(|t| t.second);
            let (Some(first), last) = (found.next(), found.next_back()) else { continue };
            spells.push((last.unwrap_or(first) - first) / DAY);
        }
    }
    assert!(spells.len() > 60, "{}", spells.len());
    assert!(spells.iter().all(|days| *days <= 42), "{spells:?}");
    let long = spells.iter().filter(|days| **days > 28).count();
    assert!(long > spells.len() / 10, "{long} of {} are longer than four weeks", spells.len());
    // Nothing ordinary within one: of those who sell daily each spell is one piece.
    let busy = merchants.values().filter(|of_one| of_one.len() > 360);
    for of_one in busy {
        let ordinary = |t: &&&Transaction| t.fraud.is_none();
        let marked = of_one.iter().filter(|t| t.fraud == Some(FraudKind::MerchantCompromised));
        let seconds: Vec<i64> = marked.map(|t| t.second).collect();
        for pair in seconds.windows(2).filter(|pair| pair[1] - pair[0] < 7 * DAY) {
            let between = of_one.iter().filter(|t| (pair[0]..pair[1]).contains(&t.second));
            assert_eq!(between.filter(ordinary).count(), 0);
        }
    }
}

#[test]
fn a_third_of_a_compromised_cards_transactions_is_fraud_of_five_times_the_amount_for_at_most_three_weeks() {
    let transactions: Vec<_> = Months::new(HALF_A_YEAR).collect();
    let mut customers: HashMap<&str, Vec<&Transaction>> = HashMap::new();
    for transaction in &transactions {
        customers.entry(transaction.customer.as_deref().unwrap()).or_default().push(transaction);
    }
    let (mut ratios, mut frauds, mut all) = (Vec::new(), 0, 0);
    for of_one in customers.values() {
        let usual: Vec<u64> = of_one.iter().filter(|t| t.fraud.is_none()).map(|t| t.cents).collect();
        let usual = usual.iter().sum::<u64>() as f64 / usual.len() as f64;
        let stolen = |t: &&&Transaction| t.fraud == Some(FraudKind::CardCompromised);
        ratios.extend(of_one.iter().filter(stolen).map(|t| t.cents as f64 / usual));
        let seconds: Vec<i64> = of_one.iter().filter(stolen).map(|t| t.second).collect();
        let (Some(first), Some(last)) = (seconds.first(), seconds.last()) else { continue };
        // One spell alone.
        if last - first <= 21 * DAY && seconds.len() > 2 {
            frauds += seconds.len() - 1;
            all += of_one.iter().filter(|t| (*first..*last).contains(&t.second)).count();
        }
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!(ratios.len() > 500 && (4.6..5.4).contains(&mean), "{mean} of {}", ratios.len());
    let share = frauds as f64 / all as f64;
    assert!((0.28..0.48).contains(&share), "{frauds} of {all}");
}

#[test]
fn a_tested_card_has_many_small_amounts_within_minutes_at_new_merchants_and_a_large_one_at_last() {
    let settings = MonthsSettings { merchants: 1_000_000, ..HALF_A_YEAR };
    let mut before: HashMap<String, HashSet<String>> = HashMap::new();
    let mut bursts: Vec<Vec<Transaction>> = Vec::new();
    let mut open: HashMap<String, Vec<Transaction>> = HashMap::new();
    for transaction in Months::new(settings) {
        let customer = transaction.customer.clone().unwrap();
        if transaction.fraud == Some(FraudKind::CardTesting) {
            assert!(!before.entry(customer.clone()).or_default().contains(&transaction.merchant));
            let burst = open.entry(customer).or_default();
            burst.push(transaction);
            if burst.last().unwrap().cents > 1000 {
                bursts.push(std::mem::take(burst));
            }
        } else {
            before.entry(customer).or_default().insert(transaction.merchant);
        }
    }
    assert!(bursts.len() > 20 && open.values().all(Vec::is_empty), "{}", bursts.len());
    for burst in bursts {
        let (large, small) = burst.split_last().unwrap();
        assert!((6..=15).contains(&small.len()) && large.cents >= 15_000, "{burst:?}");
        assert!(small.iter().all(|t| (50..=300).contains(&t.cents)), "{burst:?}");
        assert!(large.second - small[0].second < 12 * 60, "{burst:?}");
    }
}

#[test]
fn customers_have_means_numbers_hours_and_homes_of_their_own() {
    let settings = MonthsSettings { customers: 400, ..HALF_A_YEAR };
    let mut customers: HashMap<String, Vec<Transaction>> = HashMap::new();
    for transaction in Months::new(settings).filter(|t| t.fraud.is_none()) {
        customers.entry(transaction.customer.clone().unwrap()).or_default().push(transaction);
    }
    let spread = |mut of_each: Vec<f64>| {
        of_each.sort_by(f64::total_cmp);
        of_each[of_each.len() * 9 / 10] / of_each[of_each.len() / 10]
    };
    let known = customers.values().filter(|of_one| of_one.len() >= 100);
    let means =
        known.clone().map(|of_one| of_one.iter().map(|t| t.cents as f64).sum::<f64>() / of_one.len() as f64);
    assert!(spread(means.collect()) > 2.5);
    assert!(spread(customers.values().map(|of_one| of_one.len() as f64).collect()) > 4.0);
    for of_one in known {
        let mut visits: HashMap<&str, usize> = HashMap::new();
        of_one.iter().for_each(|t| *visits.entry(&t.merchant).or_default() += 1);
        let mut visits: Vec<usize> = visits.into_values().collect();
        visits.sort_by_key(|count| std::cmp::Reverse(*count));
        let home: usize = visits.iter().take(8).sum();
        assert!(home * 10 >= of_one.len() * 8 && visits.len() > 3, "{home} of {}: {visits:?}", of_one.len());
    }
    let mean_hour = |of_one: &Vec<Transaction>| {
        of_one.iter().map(|t| t.second.rem_euclid(DAY) as f64 / 3600.0).sum::<f64>() / of_one.len() as f64
    };
    let hours: Vec<f64> = customers.values().filter(|of_one| of_one.len() >= 100).map(mean_hour).collect();
    assert!(hours.iter().any(|hour| *hour < 11.5) && hours.iter().any(|hour| *hour > 17.0));
}

#[test]
fn every_customer_has_a_profile_that_the_functions_read() {
    let settings = MonthsSettings { customers: 2000, ..HALF_A_YEAR };
    let mut out = Vec::new();
    Months::new(settings).write_profiles(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    FileProfiles::parse(&text).unwrap();
    let profiles: HashMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(profiles.len(), 2000);
    for segment in ["bronze", "silver", "gold", "platinum"] {
        let count = profiles.values().filter(|profile| profile["segment"] == segment).count();
        assert!(count > 20, "{count} in {segment}");
    }
}

#[test]
fn labels_name_the_frauds_and_when_they_were_reported() {
    let seed = HALF_A_YEAR.seed;
    let mut delays = Vec::new();
    for transaction in Months::new(HALF_A_YEAR) {
        let label = Label::of(&transaction, seed);
        assert_eq!(label.is_some(), transaction.fraud.is_some());
        let Some(label) = label else { continue };
        let line: serde_json::Value = serde_json::from_str(&label.to_json()).unwrap();
        let sent: serde_json::Value = serde_json::from_str(&transaction.to_json()).unwrap();
        for member in ["customer_id", "transaction_id", "merchant_id", "event_time", "amount"] {
            assert_eq!(line[member], sent[member], "{member}");
        }
        assert_eq!((&line["verdict"], &line["kind"]), (&"fraud".into(), &label.kind.as_str().into()));
        let reported = exact_text::written_time::parse(line["reported_at"].as_str().unwrap()).unwrap();
        let delay = reported.instant.millis() / 1000 - transaction.second;
        assert_eq!(line["source"] == "cardholder", label.source == LabelSource::Cardholder);
        delays.push(delay);
    }
    delays.sort_unstable();
    let at = |percent: usize| delays[delays.len() * percent / 100] as f64 / DAY as f64;
    assert!(delays[0] >= 3600 && at(100 - 1) <= 45.0);
    assert!((1.7..2.6).contains(&at(25)), "a quarter within {} days", at(25));
    assert!((6.0..8.0).contains(&at(50)), "half within {} days", at(50));
}
