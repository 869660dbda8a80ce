//! A deployment looked over: as it must be, and with each thing wrong that can be.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use embedded_aws::{Fault, KeyType, Service, ServiceError, TableDefinition, When};
use serde_json::Value;

use crate::functions::{event, high, run_analytics};
use crate::world::{AGGREGATES, Ended, Item, LEDGER, PROFILES, World};

/// The report: what is wrong by check, and the status. Nothing may be both.
async fn wrong(world: &World, arguments: &[&str]) -> BTreeMap<String, (String, String)> {
    let arguments = [&["doctor", "--stream", "transactions", "--json"], arguments].concat();
    let ended = world.fraudctl(&arguments).await;
    let lines = ended.json_lines();
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let wrong: BTreeMap<_, _> = lines
        .iter()
        .filter(|line| line["ok"] == false)
        .map(|line| (text(line, "check"), (text(line, "wrong"), text(line, "mend"))))
        .collect();
    assert_eq!(ended.status, Some(i32::from(!wrong.is_empty())), "{ended:?}");
    assert!(wrong.values().all(|(what, mend)| !what.is_empty() && !mend.is_empty()), "{wrong:?}");
    wrong
}

/// The one check that fails, what it says and how to mend it.
async fn only_wrong(world: &World, arguments: &[&str]) -> (String, String, String) {
    let wrong = wrong(world, arguments).await;
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let (check, (what, mend)) = wrong.into_iter().next().unwrap();
    (check, what, mend)
}

async fn started() -> World {
    let mut world = World::start().await;
    // The default, in place of none, which no days of aggregates could outlive.
    world.variables.insert("EVENT_TIME_MAX_AGE_HOURS", "168".to_owned());
    world.variables.remove("ALERT_LEDGER_DAYS");
    world.variables.remove("AGGREGATE_DAYS");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_as_it_must_be_passes_and_is_left_as_it_was() {
    let world = started().await;
    let before = (world.rows(PROFILES).await, world.rows(LEDGER).await, world.rows(AGGREGATES).await);
    let ended = world.fraudctl(&["doctor", "--stream", "transactions"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.lines().all(|line| line.starts_with("ok ")), "{ended:?}");
    for line in [
        "policy          builtin:default: default@",
        "profiles        dynamodb:customer_profiles: active, key customer_id (S)",
        "profiles        dynamodb:customer_profiles: dynamodb:BatchGetItem is allowed",
        "alert ledger    dynamodb:alert_ledger: time to live on ttl",
        "alert ledger    dynamodb:alert_ledger: dynamodb:UpdateItem is allowed",
        "clock           this machine: as DynamoDB's, within a few seconds",
        "unalerted       dead_letters:: high scores that nobody was alerted of are among all dead letters",
        "aggregates      dynamodb:customer_aggregates: active, key customer_id (S), window_start (N)",
        "aggregates      dynamodb:customer_aggregates: dynamodb:UpdateItem is allowed",
        "stream          transactions: active, 2 open shards, records kept for 24 hours",
        "stream          transactions: alerts are remembered for 400 days, which is longer",
        "aggregate sink  none:: totals are not sent",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    let after = (world.rows(PROFILES).await, world.rows(LEDGER).await, world.rows(AGGREGATES).await);
    assert_eq!(after, before);
    assert!(world.letters().is_empty() && world.alerted().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_and_how_to_mend_it() {
    let world = started().await;
    let missing = [
        ("--profiles", "dynamodb:nowhere", "profiles", "the table does not exist", "customer_id (S)"),
        ("--ledger", "dynamodb:x", "alert ledger", "it is not a table name", "ALERT_LEDGER"),
        ("--ledger", "dynamodb:nowhere", "alert ledger", "the table does not exist", "alert_id (S)"),
        ("--checkpoints", "dynamodb:nowhere", "checkpoints", "the table does not exist", "consumer_name (S)"),
        ("--aggregates", "dynamodb:nowhere", "aggregates", "the table does not exist", "window_start (N)"),
        (
            "--sink",
            "sns:arn:aws:sns:us-east-1:123456789012:nowhere",
            "alert sink",
            "the topic does not",
            "ALERT_SINK",
        ),
        (
            "--aggregate-sink",
            "kinesis:nowhere",
            "aggregate sink",
            "the stream does not exist",
            "stream create nowhere",
        ),
        ("--policy", "file:nowhere.toml", "policy", "cannot read nowhere.toml", "fraudctl score"),
        ("--schema", "file:nowhere.toml", "schema", "cannot read nowhere.toml", "fraudctl schema check"),
        ("--schema", "strict", "schema", "TRANSACTION_SCHEMA is `strict`; it accepts", "set it"),
        ("--policy", "strict", "policy", "FRAUD_POLICY is `strict`; it accepts", "set it"),
        ("--profiles", "file:nowhere.json", "profiles", "nowhere.json", "fraudctl generate"),
    ];
    for (option, value, check, what, mend) in missing {
        let found = only_wrong(&world, &[option, value]).await;
        assert!(found.0 == check && found.1.contains(what) && found.2.contains(mend), "{option}: {found:?}");
    }
    let elsewhere = world.queue().replace("fraud-dead-letters", "nowhere");
    let (check, what, _) = only_wrong(&world, &["--queue", &elsewhere]).await;
    assert_eq!((&*check, &*what), ("dead letters", "the queue does not exist"));
    let ended = world.fraudctl(&["doctor", "--stream", "nowhere"]).await;
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("WRONG  stream          nowhere: the stream does not exist"), "{ended:?}");
    assert!(ended.stdout.contains("to fix it: fraudctl stream create nowhere"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_table_that_is_a_memory_is_to_be_restored_before_it_is_created() {
    let world = started().await;
    for (option, loss) in [
        ("--ledger", "what was alerted is alerted again"),
        ("--aggregates", "what was counted is counted again"),
        ("--checkpoints", "what was consumed is consumed again"),
    ] {
        let (_, _, mend) = only_wrong(&world, &[option, "dynamodb:nowhere"]).await;
        let restore = mend.find("restore it (docs/operations.md, \"A lost table\")");
        assert!(restore.is_some() && restore < mend.find("create it with the key"), "{mend}");
        assert!(mend.contains(loss), "{mend}");
    }
    let (_, _, mend) = only_wrong(&world, &["--profiles", "dynamodb:nowhere"]).await;
    assert!(!mend.contains("restore"), "profiles can be imported again: {mend}");
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregates_that_are_kept_under_another_window_rule_are_told() {
    let mut world = started().await;
    world.variables.insert("EVENT_TIME_MAX_AGE_HOURS", "0".to_owned());
    run_analytics(&world, 600, &event(&[&high(Some("T1"), "1")])).await;
    let (check, what, mend) = only_wrong(&world, &[]).await;
    assert_eq!(check, "aggregates");
    assert!(what.starts_with("the table's windows were written with WINDOW_SECONDS=600 "), "{what}");
    assert!(mend.contains("Another window rule"), "{mend}");
    world.variables.insert("WINDOW_SECONDS", "600".to_owned());
    assert!(wrong(&world, &[]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_that_cannot_be_used_are_told_by_attribute_and_share_and_never_by_customer() {
    let world = started().await;
    let (text, number) = (
        |text: &str| AttributeValue::S(text.to_owned()),
        |digits: &str| AttributeValue::N(digits.to_owned()),
    );
    let put = async |id: &str, attributes: &[(&str, AttributeValue)]| {
        let mut item: Item =
            attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        item.insert("customer_id".to_owned(), text(id));
        world.put(PROFILES, item).await;
    };
    // With C1, and the 15 others that can be used.
    for n in 0..15 {
        put(&format!("good-{n}"), &[("risk_score", number("0.25")), ("segment", text("gold"))]).await;
    }
    put("secret-1", &[("risk_score", number("1.5"))]).await;
    put("secret-2", &[("risk_score", number("95")), ("segment", number("7"))]).await;
    put("secret-3", &[("lifetime_value", AttributeValue::Bool(true))]).await;
    put("secret-4", &[("risk_score", text("high"))]).await;
    let (check, what, mend) = only_wrong(&world, &[]).await;
    assert_eq!(check, "profiles");
    assert_eq!(
        what,
        "4 of 20 profiles sampled cannot be used in full (20.0 %), a default counts instead: lifetime_value is not a number \
         (1), risk_score is not a number (1), risk_score is outside 0 to 1 (2), segment is not text (1)"
    );
    assert!(mend.contains("fraudctl profiles import <file> --to dynamodb:customer_profiles"), "{mend}");
    let ended = world.fraudctl(&["doctor"]).await;
    // Other lines have port numbers of the services.
    let lines = ended.stdout.lines().filter(|line| line.contains("dynamodb:customer_profiles"));
    let of_profiles: Vec<&str> = lines.collect();
    assert!(of_profiles.iter().any(|line| line.contains("4 of 20")), "{ended:?}");
    for told in ["secret", "1.5", "95", "high"] {
        assert!(of_profiles.iter().all(|line| !line.contains(told)), "{told}: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_profiles_are_sampled_and_an_empty_table_is_told() {
    let world = started().await;
    world.delete(PROFILES, "customer_id", "C1").await;
    let (check, what, mend) = only_wrong(&world, &[]).await;
    assert_eq!((&*check, &*what), ("profiles", "it holds no profile: no customer's risk is known"));
    assert!(mend.starts_with("fraudctl profiles import"), "{mend}");
    let customer = |n: u32| Item::from([("customer_id".to_owned(), AttributeValue::S(n.to_string()))]);
    fraudctl::profiles::write(&world.client().await, PROFILES, (0..1200).map(customer).collect(), |_| ())
        .await
        .unwrap();
    let ended = world.fraudctl(&["doctor"]).await;
    assert!(ended.stdout.contains("1,000 profiles sampled, all can be used"), "{ended:?}");
    world.deny(Service::DynamoDb, "Scan");
    let ended = world.fraudctl(&["doctor"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("not sampled: dynamodb:Scan is not allowed"), "{ended:?}");
}

/// An SNS whose topics have this many confirmed and pending subscriptions; `archives` of the confirmed ones are archives.
async fn sns(confirmed: u32, archives: usize, pending: u32) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let entry = |key, value: u32| format!("<entry><key>{key}</key><value>{value}</value></entry>");
    let entries = entry("SubscriptionsConfirmed", confirmed) + &entry("SubscriptionsPending", pending);
    let answer = |action: &str, result: &str| {
        let body = format!(
            "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{result}</{action}Result>\
             </{action}Response>"
        );
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let attributes = answer("GetTopicAttributes", &format!("<Attributes>{entries}</Attributes>"));
    let archive = "<member><Protocol>firehose</Protocol></member>".repeat(archives);
    let list = "ListSubscriptionsByTopic";
    let subscriptions = answer(list, &format!("<Subscriptions>{archive}</Subscriptions>"));
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = Vec::new();
            // The form comes behind the head, perhaps by itself.
            while !String::from_utf8_lossy(&request).contains("Action=") {
                let mut part = [0; 16 * 1024];
                match connection.read(&mut part).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            let is_list = String::from_utf8_lossy(&request).contains(list);
            let answer = if is_list { &subscriptions } else { &attributes };
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_topic_without_a_confirmed_subscription_is_wrong() {
    let world = started().await;
    for (confirmed, archives, pending, told) in [
        (0, 0, 0, Some("nobody is subscribed: alerts reach nobody")),
        (1, 1, 0, Some("nobody is subscribed: alerts reach nobody")),
        (1, 1, 1, Some("no subscription is confirmed (1 not yet): alerts reach nobody")),
        (3, 1, 1, None),
    ] {
        let mut command = world.command(&["doctor", "--json"]);
        command.env("AWS_ENDPOINT_URL_SNS", sns(confirmed, archives, pending).await);
        let ended = Ended::from(command.output().await.unwrap());
        assert_eq!(ended.status, Some(i32::from(told.is_some())), "{ended:?}");
        let topic = ended.json_lines().into_iter().find(|line| line["check"] == "alert sink").unwrap();
        assert_eq!(topic["wrong"].as_str(), told, "{topic}");
        if told.is_none() {
            let found = "there, 2 subscriptions confirmed, 1 not yet; publishing was not tried";
            assert_eq!(topic["found"], found);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_cannot_work_is_told_with_its_line() {
    let world = started().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("strict.toml");
    std::fs::write(&file, "name = \"p\"\ncap = -1\n").unwrap();
    let (check, what, _) = only_wrong(&world, &["--policy", &format!("file:{}", file.display())]).await;
    assert_eq!(check, "policy");
    assert!(what.contains("policy line "), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_that_are_not_set_or_wrong_are_told_with_what_they_accept() {
    let mut world = started().await;
    for (variable, value, check, what) in [
        ("PROFILE_SOURCE", "", "profiles", "PROFILE_SOURCE is not set; it accepts `dynamodb:<table>`"),
        ("ALERT_SINK", "topic", "alert sink", "ALERT_SINK is `topic`; it accepts `sns:<topic arn>`"),
        ("DEAD_LETTERS", "", "dead letters", "DEAD_LETTERS is not set"),
        (
            "UNALERTED_LETTERS",
            "sqs:x",
            "unalerted",
            "UNALERTED_LETTERS is `sqs:x`; it accepts `sqs:<queue url>`",
        ),
        ("WINDOW_SECONDS", "0", "settings", "WINDOW_SECONDS is `0`"),
        ("PROFILE_CACHE_SECONDS", "soon", "settings", "PROFILE_CACHE_SECONDS is `soon`"),
    ] {
        let usual = world.variables.insert(variable, value.to_owned());
        let found = only_wrong(&world, &[]).await;
        assert!(found.0 == check && found.1.contains(what), "{variable}: {found:?}");
        world.variables.insert(variable, usual.unwrap_or_default());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_key_or_whose_rows_never_expire_is_told() {
    let other = embedded_aws::EmbeddedAws::builder()
        .stream("transactions", 1)
        .table("customer_profiles", "customer")
        .table_definition(
            TableDefinition::new("alert_ledger", "alert_id", KeyType::String).sort_key("at", KeyType::Number),
        )
        .table_definition(
            TableDefinition::new("customer_aggregates", "customer_id", KeyType::String)
                .sort_key("window_start", KeyType::String),
        )
        .table("endless_ledger", "alert_id")
        .table_definition(
            TableDefinition::new("strange_ledger", "alert_id", KeyType::String).time_to_live("until"),
        )
        .topic("fraud-alerts")
        .queue("fraud-dead-letters")
        .start()
        .await
        .unwrap();
    let mut world = started().await;
    world.aws = other;
    world
        .variables
        .insert("DEAD_LETTERS", format!("sqs:{}", world.aws.queue_url("fraud-dead-letters").unwrap()));
    let wrong = wrong(&world, &[]).await;
    let told = |check: &str| wrong[check].0.as_str();
    assert_eq!(told("profiles"), "its key is customer (S), it must be customer_id (S)");
    assert_eq!(told("alert ledger"), "its key is alert_id (S), at (N), it must be alert_id (S)");
    let expected =
        "its key is customer_id (S), window_start (S), it must be customer_id (S), window_start (N)";
    assert_eq!(told("aggregates"), expected);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    for (table, what) in [
        ("endless_ledger", "time to live is off: rows are never deleted"),
        ("strange_ledger", "time to live is on until: rows are never deleted"),
    ] {
        let wrong = self::wrong(&world, &["--ledger", &format!("dynamodb:{table}")]).await;
        assert_eq!(wrong["alert ledger"].0, what);
        let mend = format!("aws dynamodb update-time-to-live --table-name {table} ");
        assert!(wrong["alert ledger"].1.starts_with(&mend), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_permission_that_is_missing_is_told_by_its_action() {
    let world = started().await;
    for (service, operation, check) in [
        (Service::DynamoDb, "DescribeTimeToLive", "alert ledger"),
        (Service::DynamoDb, "BatchGetItem", "profiles"),
        (Service::DynamoDb, "PutItem", "alert ledger"),
        (Service::Sns, "GetTopicAttributes", "alert sink"),
        (Service::Sns, "ListSubscriptionsByTopic", "alert sink"),
        (Service::Sqs, "GetQueueAttributes", "dead letters"),
        (Service::Kinesis, "DescribeStreamSummary", "stream"),
        (Service::Kinesis, "ListShards", "stream"),
    ] {
        world.deny(service, operation);
        let wrong = wrong(&world, &[]).await;
        let (what, mend) = &wrong[check];
        let action = format!("{}:{operation}", service.name());
        assert!(what.starts_with(&format!("may not call {action} (A")), "{wrong:?}");
        assert!(mend.starts_with(&format!("allow {action} on it")), "{wrong:?}");
        world.aws.faults().clear();
    }
    // Two tables are updated.
    world.deny(Service::DynamoDb, "UpdateItem");
    let wrong = wrong(&world, &[]).await;
    assert_eq!(wrong.keys().collect::<Vec<_>>(), ["aggregates", "alert ledger"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_and_credentials_that_are_refused_are_told() {
    let world = started().await;
    let expired = ServiceError::new(400, "ExpiredTokenException", "expired");
    world.aws.faults().add(When::any_call_to(Service::Kinesis), Fault::Error(expired)).unwrap();
    let (check, what, mend) = only_wrong(&world, &[]).await;
    assert_eq!(check, "stream");
    assert!(
        what.contains("the credentials are refused (ExpiredTokenException)") && mend.contains("renew"),
        "{what}"
    );
    world.aws.faults().clear();

    // A port where nobody listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let output = world
        .command(&["doctor", "--json"])
        .env("AWS_ENDPOINT_URL_SNS", format!("http://127.0.0.1:{port}"))
        .output()
        .await
        .unwrap();
    let ended = crate::world::Ended::from(output);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let wrong: Vec<Value> = ended.json_lines().into_iter().filter(|line| line["ok"] == false).collect();
    assert_eq!((wrong.len(), &wrong[0]["check"]), (1, &"alert sink".into()), "{ended:?}");
    assert_eq!(wrong[0]["wrong"], "sns does not answer (cannot reach the service)");
    assert_eq!(wrong[0]["mend"], "check AWS_REGION, AWS_ENDPOINT_URL_SNS and the network");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_region_or_credentials_no_service_is_asked() {
    let world = started().await;
    let output = world
        .command(&["doctor", "--stream", "transactions", "--json"])
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONFIG_FILE", "/nowhere")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
        .output()
        .await
        .unwrap();
    let ended = crate::world::Ended::from(output);
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let wrong: Vec<Value> = ended.json_lines().into_iter().filter(|line| line["ok"] == false).collect();
    let checks: Vec<&str> = wrong.iter().map(|line| line["check"].as_str().unwrap()).collect();
    assert_eq!(checks, ["region", "credentials"], "{ended:?}");
    assert!(world.aws.calls().all().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_is_shorter_than_the_streams_is_told() {
    let mut world = started().await;
    let raised = world.fraudctl(&["stream", "create", "transactions", "--retention-hours", "168"]).await;
    assert_eq!(raised.status, Some(0), "{raised:?}");
    world.variables.insert("ALERT_LEDGER_DAYS", "7".to_owned());
    let (check, what, mend) = only_wrong(&world, &[]).await;
    assert_eq!((&*check, &*mend), ("stream", "set ALERT_LEDGER_DAYS to 8 at least"));
    assert!(what.starts_with("ALERT_LEDGER_DAYS is 7, and records are kept for 168 hours"), "{what}");
    world.variables.insert("ALERT_LEDGER_DAYS", "8".to_owned());
    world.variables.insert("AGGREGATE_DAYS", "14".to_owned());
    let (_, _, mend) = only_wrong(&world, &[]).await;
    assert_eq!(mend, "set AGGREGATE_DAYS to 15 at least");
    world.variables.insert("AGGREGATE_DAYS", "15".to_owned());
    assert!(wrong(&world, &[]).await.is_empty());
}

/// What is said of the clock if DynamoDB's shows this many seconds more.
async fn clock_against(world: &World, ahead: i64) -> (Value, Option<i32>) {
    let now = aws_sdk_dynamodb::primitives::DateTime::from(std::time::SystemTime::now());
    let date = aws_sdk_dynamodb::primitives::DateTime::from_secs(now.secs() + ahead);
    let date = date.fmt(aws_sdk_dynamodb::primitives::DateTimeFormat::HttpDate).unwrap();
    let rule = world.aws.faults().add(When::any_call_to(Service::DynamoDb), Fault::Date(date)).unwrap();
    let ended = world.fraudctl(&["doctor", "--stream", "transactions", "--json"]).await;
    world.aws.faults().remove(rule);
    let clock = ended.json_lines().into_iter().find(|line| line["check"] == "clock").unwrap();
    (clock, ended.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_apart_from_dynamodbs_is_told_and_far_apart_it_is_wrong() {
    let world = started().await;
    for (ahead, side) in [(15, "behind"), (-15, "ahead of")] {
        let (clock, status) = clock_against(&world, ahead).await;
        assert_eq!((&clock["ok"], status), (&Value::Bool(true), Some(0)), "{clock}");
        let found = clock["found"].as_str().unwrap();
        assert!(found.starts_with("at least 1") && found.contains(side), "{clock}");
        assert!(clock["mend"].as_str().unwrap().contains("NTP"), "{clock}");
    }
    // The machine may take seconds to start the tool.
    for (ahead, side) in [(60, "behind"), (-60, "ahead of")] {
        let (clock, status) = clock_against(&world, ahead).await;
        assert_eq!((&clock["ok"], status), (&Value::Bool(false), Some(1)), "{clock}");
        assert!(clock["wrong"].as_str().unwrap().contains(side), "{clock}");
        assert!(clock["mend"].as_str().unwrap().contains("NTP"), "{clock}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_queues_of_letters_are_checked() {
    let mut world = started().await;
    let queue = world.variables["DEAD_LETTERS"].clone();
    let nowhere = queue.replace("fraud-dead-letters", "nowhere");
    world.variables.insert("UNALERTED_LETTERS", queue);
    assert!(wrong(&world, &[]).await.is_empty());
    let (check, what, mend) = only_wrong(&world, &["--unalerted-queue", &nowhere]).await;
    assert_eq!((check.as_str(), what.as_str()), ("unalerted", "the queue does not exist"));
    assert!(mend.ends_with("UNALERTED_LETTERS"), "{mend}");
    let (check, _, mend) = only_wrong(&world, &["--queue", &nowhere]).await;
    assert!(check == "dead letters" && mend.ends_with("in DEAD_LETTERS"), "{mend}");
}

const LISTS: &str = "name = \"lists\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[[factors]]\nname = \"merchant\"\n\
                     when = [{ entity = \"merchant\", on_list = \"compromised\" }]\npoints = 60\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_entities_and_the_policy_store_are_looked_over() {
    let mut world = started().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lists.toml");
    std::fs::write(&file, LISTS).unwrap();
    let file = file.to_str().unwrap();
    let source = format!("file:{file}");

    // A policy that asks for entities, and no source of them.
    let (check, what, mend) = only_wrong(&world, &["--policy", &source]).await;
    assert_eq!(check, "entities");
    assert!(
        what.contains("asks for entities (merchant)") && mend.contains("ENTITY_SOURCE"),
        "{what}; {mend}"
    );
    let (check, what, mend) = only_wrong(&world, &["--entities", "dynamodb:nowhere"]).await;
    assert_eq!(check, "entities");
    assert!(what.contains("the table does not exist") && mend.contains("entity (S)"), "{what}; {mend}");
    let (check, what, _) = only_wrong(&world, &["--entities", "dynamodb:alert_ledger"]).await;
    assert_eq!(
        (check.as_str(), what.as_str()),
        ("entities", "its key is alert_id (S), it must be entity (S)")
    );

    let store = "dynamodb:policies";
    let published =
        world.fraudctl(&["policy", "publish", file, "--store", store, "--by", "ana", "--json"]).await;
    let id = published.json()["policy_id"].as_str().unwrap().to_owned();
    world.variables.insert("FRAUD_POLICY", format!("store:{id}"));
    world.variables.insert("ENTITY_SOURCE", "dynamodb:entities".to_owned());
    let ended = world.fraudctl(&["doctor", "--stream", "transactions", "--policy-store", store]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for line in [
        &*format!("policy          store:{id}: {id}"),
        "entities        dynamodb:entities: dynamodb:BatchGetItem is allowed",
        "policy store    dynamodb:policies: active, key policy_id (S)",
        "policy store    dynamodb:policies: dynamodb:GetItem is allowed",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    let (check, what, _) =
        only_wrong(&world, &["--policy-store", store, "--policy", "store:lists@000000000000"]).await;
    assert_eq!(check, "policy");
    assert!(what.contains("is not in the table policies (POLICY_STORE)"), "{what}");
    let denied = wrong(&world, &[]).await;
    assert!(denied["policy"].0.contains("POLICY_STORE is not set"), "{denied:?}");
    world.deny(Service::DynamoDb, "GetItem");
    let denied = wrong(&world, &["--policy-store", store, "--policy", "builtin:default"]).await;
    assert!(denied["policy store"].1.contains("dynamodb:GetItem"), "{denied:?}");
}

const HISTORY: &str = "name = \"past\"\ncap = 100\nthreshold = 50\ndefault_risk = 0.5\n\n[history]\nprior_mean_amount = 50\n\
                       outlier_ratio = 2\n\n[[factors]]\nname = \"many\"\ninput = \"history.count_24h\"\n\
                       bands = [{ above = 5, points = 60 }]\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_looked_over_with_the_policy_and_the_ledger_beside_it() {
    let mut world = started().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("past.toml");
    std::fs::write(&file, HISTORY).unwrap();
    let policy = format!("file:{}", file.display());

    // Policy and variable differ: what the functions say when they refuse to start.
    let (check, what, mend) = only_wrong(&world, &["--policy", &policy]).await;
    assert_eq!(check, "history");
    assert!(
        what.contains("looks at the customers' history") && what.contains("HISTORY keeps none"),
        "{what}"
    );
    assert!(mend.contains("HISTORY=dynamodb:<table>"), "{mend}");
    let (check, what, mend) = only_wrong(&world, &["--history", "dynamodb:customer_history"]).await;
    assert_eq!(check, "history");
    assert!(what.contains("has no [history]") && mend.contains("set HISTORY to none:"), "{what}; {mend}");

    world.variables.insert("FRAUD_POLICY", policy);
    world.variables.insert("HISTORY", "dynamodb:customer_history".to_owned());
    let before = world.rows("customer_history").await;
    let ended = world.fraudctl(&["doctor", "--stream", "transactions"]).await;
    assert_eq!(ended.status, Some(0), "{ended:?}");
    for line in [
        "history         dynamodb:alert_ledger: dynamodb:GetItem is allowed",
        "history         dynamodb:customer_history: active, key customer_id (S)",
        "history         dynamodb:customer_history: time to live on ttl",
        "history         dynamodb:customer_history: dynamodb:BatchGetItem is allowed",
        "history         dynamodb:customer_history: dynamodb:PutItem is allowed",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    assert_eq!(world.rows("customer_history").await, before);

    for (value, what, mend) in [
        ("dynamodb:nowhere", "the table does not exist", "restore it (docs/operations.md, \"A lost table\")"),
        ("dynamodb:alert_ledger", "its key is alert_id (S), it must be customer_id (S)", "HISTORY"),
        ("dynamodb:customer_profiles", "time to live is off", "update-time-to-live"),
        ("file:history", "HISTORY is `file:history`; it accepts", "set it"),
        ("memory:", "HISTORY and ALERT_LEDGER must both be", "name a table in each"),
    ] {
        let found = only_wrong(&world, &["--history", value]).await;
        assert!(
            found.0 == "history" && found.1.contains(what) && found.2.contains(mend),
            "{value}: {found:?}"
        );
    }
    let (check, what, _) = only_wrong(&world, &["--ledger", "memory:"]).await;
    assert_eq!(check, "history");
    assert!(what.contains("HISTORY and ALERT_LEDGER must both be"), "{what}");

    // The ledger is asked about what the history forgot.
    world.deny(Service::DynamoDb, "GetItem");
    let denied = wrong(&world, &[]).await;
    assert!(denied["history"].0.starts_with("may not call dynamodb:GetItem"), "{denied:?}");
}
