use std::collections::{HashMap, HashSet};

use fraud_aws::profiles::FileProfiles;
use serde_json::Value;

use super::*;

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let bytes = |seed| {
        let dataset = Dataset::generate(500, seed);
        let mut out = Vec::new();
        dataset.write_transactions(&mut out).unwrap();
        dataset.write_profiles(&mut out).unwrap();
        dataset.labels().for_each(|label| out.extend(label.to_json().bytes()));
        out
    };
    assert_eq!(bytes(1), bytes(1));
    assert_ne!(bytes(1), bytes(2));
}

#[test]
fn every_transaction_is_valid_and_has_an_id_of_its_own_and_no_label_in_it() {
    let dataset = Dataset::generate(2000, 3);
    let mut out = Vec::new();
    dataset.write_transactions(&mut out).unwrap();
    let mut ids = HashSet::new();
    for line in out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let transaction = fraud_core::transaction::Transaction::parse(line).unwrap();
        assert!(matches!(transaction.event_time, fraud_core::transaction::TimeField::Known(..)));
        assert!(transaction.amount.value > 0.0);
        assert!(ids.insert(transaction.transaction_id.unwrap().into_owned()));
        assert!(!String::from_utf8_lossy(line).contains("fraud"));
    }
    assert_eq!(ids.len(), 2000);
}

#[test]
fn labels_name_about_one_in_a_hundred_as_fraud_of_every_kind() {
    let dataset = Dataset::generate(20_000, 4);
    let mut kinds: HashMap<FraudKind, usize> = HashMap::new();
    let mut ids = HashSet::new();
    for label in dataset.labels() {
        *kinds.entry(label.kind).or_default() += 1;
        assert!(ids.insert(label.transaction_id));
    }
    assert_eq!(ids.len(), 200);
    assert!(kinds.len() == day::KINDS.len() && kinds.values().all(|count| *count > 10), "{kinds:?}");
}

#[test]
fn the_profile_file_is_one_that_the_functions_read() {
    let dataset = Dataset::generate(1000, 5);
    let mut out = Vec::new();
    dataset.write_profiles(&mut out).unwrap();
    FileProfiles::parse(std::str::from_utf8(&out).unwrap()).unwrap();
    let profiles: Value = serde_json::from_slice(&out).unwrap();
    let with_profile = profiles.as_object().unwrap().len();
    assert!(with_profile > 350 && with_profile < dataset.customers.len(), "{with_profile}");
}

#[test]
fn no_transactions_are_no_transactions() {
    let dataset = Dataset::generate(0, 6);
    assert_eq!((dataset.transactions.len(), dataset.customers.len()), (0, 0));
}
