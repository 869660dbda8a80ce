//! `fraudctl replay --handler transform`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use embedded_aws::Service;
use serde_json::{Value, json};

use crate::replay::{BEGIN, between};
use crate::support::{STREAM, World, text, world};

fn arguments<'a>(to: &'a str, out: &'a str) -> Vec<&'a str> {
    let span = ["--from", BEGIN, "--to", to, "--json", "--out", out];
    [&["replay", "--stream", STREAM, "--handler", "transform"][..], &span].concat()
}

async fn replay(world: &World, to: &str, out: &Path, more: &[&str]) -> Value {
    let output = world.fraudctl(&[&arguments(to, out.to_str().unwrap())[..], more].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The files below a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match path.is_dir() {
            true => found
                .extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes))),
            false => drop(found.insert(name, fs::read(path).unwrap())),
        }
    }
    found
}

/// The lines of files, with the folder of each.
fn lines(files: &BTreeMap<String, Vec<u8>>) -> Vec<(String, Value)> {
    let lines = |(path, bytes): (&String, &Vec<u8>)| {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        let folder = path.rsplit_once('/').unwrap().0.to_owned();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        lines.into_iter().map(move |line| (folder.clone(), line))
    };
    files.iter().flat_map(lines).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lakes_lines_are_written_in_their_partitions_and_the_same_files_again() {
    let mut world = world().await;
    world.put_transactions(1500).await;
    let to = between().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("lake");

    let before = replay(&world, &to, &out, &["--dry-run"]).await;
    let high = world.high_scores.len();
    let expected = |files: usize| json!({ "lines": 1500, "high_scores": high, "failed": { "invalid_amount": 1 }, "files": files });
    assert_eq!((&before["transactions"], &before["transform"]), (&1501.into(), &expected(0)));
    assert!(!out.exists());

    let summary = replay(&world, &to, &out, &[]).await;
    let written = files(&out);
    assert_eq!((&summary["complete"], &summary["transform"]), (&true.into(), &expected(written.len())));
    assert!(written.keys().all(|path| path.ends_with(".ndjson.gz")), "{:?}", written.keys());
    let (mut scored, mut failed) = (0, 0);
    let mut alerting = BTreeSet::new();
    for (folder, line) in lines(&written) {
        if folder == "processing-failed" {
            assert_eq!(line["rawData"], "eyJhbW91bnQiOiJtdWNoIn0=");
            failed += 1;
            continue;
        }
        scored += 1;
        assert!(line["enrichment"] != "unavailable" && line["ingested_at"].is_string());
        if line["fraud_score"].as_f64() > Some(0.8) {
            alerting.insert(line["decision_id"].as_str().unwrap().to_owned());
        }
        let Some(time) = line["event_time"].as_str().filter(|_| line["event_time_fault"].is_null()) else {
            continue;
        };
        let time = chrono::DateTime::parse_from_rfc3339(time).unwrap().to_utc();
        assert_eq!(folder, time.format("transactions/year=%Y/month=%m/day=%d/hour=%H").to_string());
    }
    assert_eq!((scored, failed), (1500, 1));
    assert_eq!(alerting, world.high_scores);

    let again = folder.path().join("again");
    replay(&world, &to, &again, &["--batch-size", "77"]).await;
    assert_eq!(files(&again), written);
    replay(&world, &to, &out, &[]).await;
    assert_eq!(files(&out), written);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_has_the_identity_that_its_position_gave_it_also_within_an_aggregate() {
    let world = world().await;
    let payload = |amount: u32| format!("{{\"customer_id\":\"C1\",\"amount\":{amount}}}").into_bytes();
    let users = [payload(1), payload(2)];
    let entry = |data| kpl_aggregation::Entry { partition_key: "C1", explicit_hash_key: None, data };
    let entries: Vec<_> = users.iter().map(|data| entry(&data[..])).collect();
    let aggregate = kpl_aggregation::encode(&entries).unwrap();
    let mut positions = BTreeSet::new();
    for (data, subs) in [(payload(0), vec![""]), (aggregate.to_vec(), vec!["", "/1"])] {
        let put = world.kinesis.put_record().stream_name(STREAM).partition_key("C1").data(data.into());
        let put = put.send().await.unwrap();
        for sub in subs {
            positions.insert(format!("@{STREAM}/{}/{}{sub}", put.shard_id(), put.sequence_number()));
        }
    }
    let to = between().await;
    let folder = tempfile::tempdir().unwrap();
    let summary = replay(&world, &to, folder.path(), &[]).await;
    assert_eq!((&summary["records"], &summary["transform"]["lines"]), (&2.into(), &3.into()));
    let written = lines(&files(folder.path()));
    let identities: BTreeSet<String> =
        written.iter().map(|(_, line)| line["decision_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(identities, positions);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_waits_for_profiles_that_cannot_be_looked_up() {
    let mut world = world().await;
    world.put_transactions(50).await;
    let to = between().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = world.command(&arguments(&to, folder.path().to_str().unwrap()));
    let command =
        command.envs(world.configuration()).env("PROFILE_SOURCE", "dynamodb:later").kill_on_drop(true);
    let child = command.spawn().unwrap();
    world.aws.calls().wait_for(Service::DynamoDb, "BatchGetItem", 2).await;
    assert_eq!(files(folder.path()).keys().filter(|path| path.contains(".gz")).count(), 0);
    world.create_profiles_table("later").await;
    let output = child.wait_with_output().await.unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(stderr.contains("records are retried: profiles_unavailable"), "{stderr}");
    let lines = lines(&files(folder.path()));
    assert_eq!(lines.len(), 51);
    assert!(lines.iter().all(|(_, line)| line["enrichment"] != "unavailable"));
}

const HISTORY: &str = "name = \"past\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[history]\nprior_mean_amount = 50\n\
                       outlier_ratio = 2\n\n[[factors]]\nname = \"many\"\ninput = \"history.count_24h\"\n\
                       bands = [{ above = 5, points = 60 }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_lacked_the_history_have_it_once_the_alerting_function_took_their_records_in() {
    let mut world = world().await;
    world.put_transactions(50).await;
    world.create_profiles_table("history").await;
    let to = between().await;
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("past.toml");
    fs::write(&policy, HISTORY).unwrap();
    let replay = async |handler: &str, out: &str| {
        let span = ["--from", BEGIN, "--to", &to, "--json"];
        let mut arguments = [&["replay", "--stream", STREAM, "--handler", handler][..], &span].concat();
        let out = folder.path().join(out);
        if handler == "transform" {
            arguments.extend(["--out", out.to_str().unwrap()]);
        }
        let mut command = world.command(&arguments);
        command.envs(world.configuration()).env("HISTORY", "dynamodb:history");
        let output =
            command.env("FRAUD_POLICY", format!("file:{}", policy.display())).output().await.unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let said = |out: &str| {
        let lines = lines(&files(&folder.path().join(out)));
        let scored = lines.into_iter().filter(|(folder, _)| folder != "processing-failed");
        let mut said = BTreeMap::new();
        for (_, line) in scored {
            assert_eq!(line["history"] == "none", line["customer_id"].is_null(), "{line}");
            *said.entry(line["history"].as_str().unwrap().to_owned()).or_insert(0) += 1;
        }
        said
    };
    let before = replay("transform", "before").await;
    let lagging = said("before")["lagging"];
    assert!(lagging > 0 && !said("before").contains_key("used"));
    assert_eq!(before["transform"]["lagging"], lagging);
    replay("alerts", "").await;
    let after = replay("transform", "after").await;
    assert_eq!(said("after").get("used"), Some(&lagging));
    assert!(!said("after").contains_key("lagging") && after["transform"]["lagging"].is_null(), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_replay_writes_no_file() {
    let mut world = world().await;
    world.put_transactions(50).await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = world.command(&arguments("2999-01-01T00:00:00Z", folder.path().to_str().unwrap()));
    let child = command.envs(world.configuration()).kill_on_drop(true).spawn().unwrap();
    world.aws.calls().wait_for(Service::DynamoDb, "BatchGetItem", 1).await;
    world.aws.calls().wait_for(Service::Kinesis, "GetRecords", 6).await;
    let pid = child.id().unwrap().to_string();
    tokio::process::Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&summary["complete"], &summary["transform"]["files"]), (&false.into(), &0.into()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_used_is_refused_before_anything_is_read() {
    let world = world().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let in_use = folder.path().join("in-use");
    fs::create_dir_all(in_use.join(".unfinished-replay")).unwrap();
    let to = between().await;
    let span = ["--from", BEGIN, "--to", &to];
    for (handler, out, message) in [
        ("transform", Some(&file), "cannot be written to"),
        ("transform", Some(&in_use), "another replay writes into this folder"),
        ("transform", None, "--handler transform needs --out DIR"),
        ("alerts", Some(&in_use), "--out is for --handler transform"),
    ] {
        let mut arguments = [&["replay", "--stream", STREAM, "--handler", handler][..], &span].concat();
        arguments.extend(out.iter().flat_map(|out| ["--out", out.to_str().unwrap()]));
        let output = world.fraudctl(&arguments).await;
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
    }
    assert!(world.aws.calls().all().into_iter().all(|call| call.operation != "GetRecords"));
}
