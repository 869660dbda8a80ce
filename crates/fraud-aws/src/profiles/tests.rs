use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{EmbeddedAws, Fault, Service, When};

use tokio::time::Instant;

use super::*;
use crate::config::CacheSettings;
use crate::lookup::Cached;

mod table;

const FILE: &str = r#"{
    "C1": {"segment": "gold", "lifetime_value": 12345678901234567890.123456789, "risk_score": 0.90},
    "C2": {},
    "C3": {"segment": "x", "lifetime_value": "1.50", "risk_score": "high"},
    "Ünï/c@de %": {"risk_score": 1}
}"#;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

/// What every profile store does, over the profiles of [`FILE`].
async fn keeps_the_contract(store: &impl ProfileStore) {
    let answer = store.lookup(&["nobody", "C3", "C1", "c1", "Ünï/c@de %", "C2"], soon()).await;
    let members = |lookup: &Lookup| match lookup {
        Lookup::Found(profile) => Some((crate::testing::members(profile), profile.is_valid())),
        Lookup::Absent => None,
        Lookup::Unavailable => panic!("unavailable"),
    };
    let profile = |segment: &str, value: &str, risk: &str, valid| {
        let text = format!(
            r#""customer_segment":"{segment}","customer_lifetime_value":{value},"customer_risk_score":{risk}"#
        );
        Some((text, valid))
    };
    let found: Vec<_> = answer.found.iter().map(members).collect();
    assert_eq!(found[0], None);
    assert_eq!(found[1], profile("x", "1.50", "0.5", false));
    // DynamoDB stores 0.90 as 0.9; a file's digits stay.
    let digits = [
        profile("gold", "12345678901234567890.123456789", "0.9", true),
        profile("gold", "12345678901234567890.123456789", "0.90", true),
    ];
    assert!(digits.contains(&found[2]), "{:?}", found[2]);
    assert_eq!(found[3], None);
    assert_eq!(found[4], profile("unknown", "0", "1", true));
    assert_eq!(found[5], profile("unknown", "0", "0.5", true));
    assert_eq!(answer.fault, None);
    assert!(store.lookup(&[], soon()).await.found.is_empty());
}

#[tokio::test]
async fn a_file_keeps_the_contract() {
    keeps_the_contract(&FileProfiles::parse(FILE).unwrap()).await;
}

#[tokio::test]
async fn a_table_keeps_the_contract() {
    let (aws, store) = table::with_the_files_profiles().await;
    keeps_the_contract(&store).await;
    crate::testing::assert_calls_are_those_of(PORT, &aws);
}

#[tokio::test]
async fn a_memory_keeps_the_contract_when_empty_and_when_full() {
    let settings =
        CacheSettings { max_age: Duration::from_secs(60), max_entries: 100, max_bytes: usize::MAX };
    let store = Cached::new(FileProfiles::parse(FILE).unwrap(), settings);
    keeps_the_contract(&store).await;
    keeps_the_contract(&store).await;
}

#[test]
fn a_file_that_is_none_is_told() {
    let missing = FileProfiles::load("no/such.json".as_ref()).unwrap_err().to_string();
    assert!(missing.starts_with("cannot read the profiles in no/such.json: "), "{missing}");
    for text in ["", "7", r#"{"C1": 7}"#, r#"{"C1": {}"#, "segment\ngold\n", "customer_id\nC1,2\n"] {
        assert!(FileProfiles::parse(text).is_err(), "{text}");
    }
}
