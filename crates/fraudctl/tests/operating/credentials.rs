//! Without a region or credentials every command says so, and how to fix it, before it calls anything.

use crate::world::{Ended, World};

/// Each command that calls AWS, with input that is right.
fn commands<'a>(queue: &'a str, topic: &'a str, file: &'a str, rows: &'a str) -> Vec<Vec<&'a str>> {
    vec![
        vec!["aggregates", "C1", "--table", "dynamodb:customer_aggregates"],
        vec!["alerts", "pending"],
        vec!["alerts", "show", "C1/T1"],
        vec!["alerts", "send", "--sink", topic],
        vec![
            "consume",
            "--stream",
            "transactions",
            "--name",
            "look",
            "--checkpoints",
            "dynamodb:checkpoints",
        ],
        vec!["dead-letters", "list", "--queue", queue],
        vec!["dead-letters", "show", "x", "--queue", queue],
        vec!["dead-letters", "redrive", "--queue", queue],
        vec!["dead-letters", "delete", "x", "--queue", queue],
        vec!["produce", file, "--stream", "transactions"],
        vec!["produce", file, "--firehose", "lake"],
        vec!["profiles", "export", "--from", "dynamodb:customer_profiles"],
        vec!["profiles", "import", rows, "--to", "dynamodb:customer_profiles"],
        vec![
            "replay",
            "--stream",
            "transactions",
            "--handler",
            "alerts",
            "--from",
            "2026-01-15T08:00:00Z",
            "--to",
            "2026-01-15T09:00:00Z",
        ],
        vec!["stream", "create", "transactions"],
        vec!["stream", "describe", "transactions"],
    ]
}

async fn told_by_every_command(without: &[&str], told: &str, mend: &str) {
    let world = World::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (file, rows) = (folder.path().join("tx.ndjson"), folder.path().join("rows.ndjson"));
    std::fs::write(&file, "{\"transaction_id\":\"T1\",\"customer_id\":\"C1\",\"amount\":1}\n").unwrap();
    std::fs::write(&rows, "{\"customer_id\":\"C1\"}\n").unwrap();
    world.aws.calls().clear();
    let (queue, topic) = (world.queue(), world.variables["ALERT_SINK"].clone());
    for arguments in commands(&queue, &topic, file.to_str().unwrap(), rows.to_str().unwrap()) {
        let mut command = world.command(&arguments);
        for variable in without {
            command.env_remove(variable);
        }
        // Nothing of this machine's own is found in place of what is missing.
        command.env("AWS_CONFIG_FILE", "/nowhere").env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("AWS_DEFAULT_REGION");
        let ended = Ended::from(command.output().await.unwrap());
        assert_eq!((ended.status, &*ended.stdout), (Some(1), ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(told), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains(&format!("to fix it: {mend}")), "{arguments:?}: {ended:?}");
    }
    assert!(world.aws.calls().all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_that_no_region_is_set() {
    told_by_every_command(&["AWS_REGION"], "AWS region: not set", "export AWS_REGION=<region>").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_says_that_there_are_no_credentials() {
    let without = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    told_by_every_command(&without, "AWS credentials: not found", "export AWS_PROFILE=<profile>").await;
}
