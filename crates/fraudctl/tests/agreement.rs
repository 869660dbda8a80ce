//! The lake, the alerts, the recount and `score` decide alike, under a policy over fields, lists and risks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use fraud_aws::profiles::{FileProfiles, rows};
use fraud_core::policy::Policy;
use fraud_core::schema::Schema;
use fraud_local::{AT_ONCE, Input, Pipeline, start_services};
use fraudctl::entities;
use fraudctl::generate::Dataset;
use fraudctl::input::Input as Files;
use fraudctl::interrupt::Interrupt;
use fraudctl::profiles;
use serde_json::{Map, Value, json};

/// Generated transactions, every third with a device, every fourth on a Saturday.
fn transactions(dataset: &Dataset) -> String {
    let changed = |(number, line): (usize, String)| {
        let line = if number % 4 == 0 { line.replace("\"2026-01-15T", "\"2026-01-17T") } else { line };
        match number % 3 {
            0 => line.replacen('{', &format!("{{\"device_id\":\"D{}\",", number % 7), 1) + "\n",
            _ => line + "\n",
        }
    };
    dataset.transactions.iter().map(|transaction| transaction.to_json()).enumerate().map(changed).collect()
}

/// Some merchants with a risk, a device and some customers on lists; one list's entry ended long ago.
fn known(lines: &str) -> Value {
    let mut entities = Map::new();
    for line in lines.lines() {
        let transaction: Value = serde_json::from_str(line).unwrap();
        let merchant = transaction["merchant_id"].as_str().unwrap();
        let number: u32 = merchant[1..].parse().unwrap();
        if !number.is_multiple_of(3) {
            entities.insert(format!("merchant/{merchant}"), json!({ "risk": f64::from(number % 10) / 10.0 }));
        }
        if let Some(customer) = transaction["customer_id"].as_str().filter(|id| id.ends_with('7')) {
            entities.insert(format!("customer/{customer}"), json!({ "list_trusted": 0 }));
        }
    }
    entities.insert("device/D3".into(), json!({ "list_compromised": 0 }));
    entities.insert("device/D4".into(), json!({ "list_compromised": 1 }));
    Value::Object(entities)
}

/// The lines of all files under a folder.
fn lines_under(folder: &Path) -> Vec<Value> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            lines.extend(lines_under(&path));
        } else {
            let text = fs::read_to_string(path).unwrap();
            lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
    }
    lines
}

fn names(reasons: &Value) -> Vec<&str> {
    reasons.as_array().unwrap().iter().map(|reason| reason["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_of_a_run_is_the_one_that_score_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/examples/card-online.toml");
    let dataset = Dataset::generate(3000, 5);
    let lines = transactions(&dataset);
    fs::write(path("tx.ndjson"), &lines).unwrap();
    fs::write(path("entities.json"), known(&lines).to_string()).unwrap();
    let mut written = Vec::new();
    dataset.write_profiles(&mut written).unwrap();
    fs::write(path("profiles.json"), &written).unwrap();

    let aws = start_services().await.unwrap();
    let rows = rows::read(&written).unwrap();
    let parsed = Policy::parse(&fs::read_to_string(&policy).unwrap()).unwrap();
    let pipeline = Pipeline {
        aws: &aws,
        entities: entities::for_policies(Some(&path("entities.json")), &parsed.clone().into()).unwrap(),
        policies: parsed.into(),
        schema: Schema::builtin_default(),
        profiles: FileProfiles::of_rows(&rows).unwrap(),
        labels: None,
        coming: None,
        out: path("out"),
        analytics: false,
        at_once: AT_ONCE,
        faults: Vec::new(),
        rate: None,
        interrupt: Interrupt::never(),
    };
    let input = Files::open(&[path("tx.ndjson").display().to_string().parse().unwrap()]).unwrap();
    let report = pipeline.run(profiles::items(&rows), Input::Given(Box::new(input))).await.unwrap().report;
    assert!(report.balanced, "{:?}", report.discrepancies);

    let score = Command::new(env!("CARGO_BIN_EXE_fraudctl"))
        .args(["score", "tx.ndjson", "--json", "--profiles", "profiles.json", "--entities", "entities.json"])
        .args(["--policy", &policy.display().to_string()])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(score.status.success(), "{}", String::from_utf8_lossy(&score.stderr));
    let scored: BTreeMap<String, Value> = String::from_utf8(score.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|scored| (scored["transaction_id"].as_str().unwrap().to_owned(), scored))
        .collect();
    let landed = lines_under(&path("out/scored"));
    let alerts: BTreeMap<String, Value> = fs::read_to_string(path("out/alerts.ndjson"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|alert| (alert["transaction_id"].as_str().unwrap().to_owned(), alert))
        .collect();

    assert_eq!((landed.len(), scored.len()), (3000, 3000));
    let mut fired: BTreeMap<String, usize> = BTreeMap::new();
    for line in &landed {
        let id = line["transaction_id"].as_str().unwrap();
        let scored = &scored[id];
        assert_eq!(line["fraud_score"], scored["fraud_score"], "{line}");
        let reasons: Vec<_> =
            line["fraud_reasons"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(reasons, names(&scored["reasons"]), "{line}");
        reasons.iter().for_each(|name| *fired.entry((*name).to_owned()).or_default() += 1);
        assert_eq!(scored["alert"], alerts.contains_key(id), "{line}");
        if let Some(alert) = alerts.get(id) {
            assert_eq!(
                (&alert["reasons"], &alert["fraud_score"]),
                (&scored["reasons"], &line["fraud_score"])
            );
            for name in ["fraud_inputs", "position", "engine"] {
                assert_eq!((&alert[name], alert[name].is_string()), (&line[name], true), "{name}: {line}");
            }
        }
    }
    assert!(!alerts.is_empty());
    // Every factor of the example contributed somewhere: none agrees by never being asked.
    let policy = Policy::parse(&fs::read_to_string(&policy).unwrap()).unwrap();
    for factor in policy.factors() {
        assert!(fired.contains_key(factor.name()), "{} never contributed: {fired:?}", factor.name());
    }
}
