//! Dead letters, looked at: listed and shown, and none taken away.

use std::collections::BTreeSet;

use embedded_aws::{Fault, Service, ServiceError, When};
use serde_json::json;

use crate::functions::{FIRST, SHARD, position_id, run_alerts};
use crate::letters::{batch, send_strangers};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_tells_of_every_letter_and_takes_none_away() {
    let world = World::start().await;
    run_alerts(&world, &batch()).await;
    send_strangers(&world).await;
    for _ in 0..2 {
        let listed = world.dead_letters("list", &["--json"]).await;
        assert_eq!(listed.status, Some(0), "{listed:?}");
        let lines = listed.json_lines();
        assert_eq!(lines.len(), 5);
        let of = |name: &str, value: &str| lines.iter().find(|line| line[name] == value).unwrap().clone();
        let mut letter = of("reason", "invalid_amount");
        assert!(letter["first_seen"].is_string() && letter["message_id"].is_string());
        for volatile in ["first_seen", "message_id", "receive_count"] {
            letter.as_object_mut().unwrap().remove(volatile);
        }
        let expected = json!({
            "id": position_id(2, 1),
            "reason": "invalid_amount",
            "function": "kinesis-alerts",
            "stream": "transactions",
            "shard": SHARD,
            "sequence_number": (FIRST + 2).to_string(),
            "sub_sequence_number": 1,
            "arrival": "2024-01-15T03:00:00.250Z",
            "size": 17,
            "data_omitted": false,
        });
        assert_eq!(letter, expected);
        assert_eq!(lines.iter().filter(|line| line["data_omitted"] == true).count(), 1);
        assert_eq!(of("not_a_letter", "missing field `id` at line 1 column 17")["size"], 17);
        assert_eq!(world.waiting().await, (5, 0));
    }
    let table = world.dead_letters("list", &["--limit", "3"]).await;
    assert_eq!(
        table.stdout.lines().filter(|line| line.contains("2024-01-15") || line.contains("no dead")).count(),
        3
    );
    assert!(table.stderr.contains("and about 2 more"), "{table:?}");
    assert_eq!(world.waiting().await, (5, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_before_the_queue_failed_is_listed_and_the_rest_is_told() {
    let world = World::start().await;
    for n in 0..15 {
        world.send_to_queue(&n.to_string()).await;
    }
    let no = ServiceError::new(403, "AccessDeniedException", "no");
    let second = When::calls(Service::Sqs, "ReceiveMessage").nth(2);
    world.aws.faults().add(second, Fault::Error(no)).unwrap();
    let cut = world.dead_letters("list", &["--json"]).await;
    assert_eq!((cut.status, cut.json_lines().len()), (Some(1), 10), "{cut:?}");
    assert!(cut.stderr.contains("cannot read the queue: AccessDenied"), "{cut:?}");
    assert_eq!(world.waiting().await, (15, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_goes_on_for_as_long_as_there_are_letters() {
    let world = World::start().await;
    for n in 0..35 {
        world.send_to_queue(&n.to_string()).await;
    }
    let listed = world.dead_letters("list", &["--json"]).await;
    let ids: BTreeSet<String> =
        listed.json_lines().iter().map(|line| line["message_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 35);
    assert_eq!(world.waiting().await, (35, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_gone_is_no_failure() {
    let world = World::start().await;
    run_alerts(&world, &batch()).await;
    let queue = world.queue();
    let mut command = world.command(&["dead-letters", "list", "--queue", &queue, "--json"]);
    // The reading end of its standard output is closed before it begins.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).stderr(std::process::Stdio::piped()).output().await.unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]), "{output:?}");
    assert_eq!(world.waiting().await, (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_shown_with_its_data_decoded() {
    let world = World::start().await;
    run_alerts(&world, &batch()).await;
    let shown = world.dead_letters("show", &[&position_id(2, 1)]).await;
    assert_eq!(shown.status, Some(0), "{shown:?}");
    for line in ["reason  invalid_amount", "in aggregate  place 1", "data  {\"amount\":\"much\"}"] {
        assert!(shown.stdout.contains(line), "{line}: {shown:?}");
    }
    let raw = world.dead_letters("show", &[&position_id(1, 0), "--json"]).await;
    assert!(world.letters().contains(&raw.json()), "{raw:?}");
    let missing = world.dead_letters("show", &["@transactions/shardId-000000000000/1"]).await;
    assert_eq!(missing.status, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("no letter @transactions/shardId-000000000000/1 among 2 letters"));
    assert_eq!(world.waiting().await, (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_cannot_be_read_is_told_by_its_code() {
    let world = World::start().await;
    let nowhere = world.queue().replace("fraud-dead-letters", "nowhere");
    for command in [&["list"][..], &["show", "x"], &["redrive"]] {
        let arguments = [&["dead-letters"], command, &["--queue", &nowhere]].concat();
        let failed = world.fraudctl(&arguments).await;
        assert_eq!(failed.status, Some(1), "{failed:?}");
        assert!(!failed.stdout.contains("no letters"), "{failed:?}");
        assert!(failed.stderr.contains("cannot read the queue: "), "{failed:?}");
        assert!(failed.stderr.contains("NonExistentQueue") || failed.stderr.contains("QueueDoesNotExist"));
    }
    for operation in ["ReceiveMessage", "GetQueueAttributes"] {
        world.deny(Service::Sqs, operation);
        for arguments in [&[][..], &["--json"]] {
            let denied = world.dead_letters("list", arguments).await;
            assert_eq!((denied.status, &*denied.stdout), (Some(1), ""), "{operation}: {denied:?}");
            assert!(denied.stderr.contains("cannot read the queue: AccessDenied"), "{denied:?}");
            assert!(denied.stderr.contains("to fix it: allow the call to these credentials"), "{denied:?}");
        }
        world.aws.faults().clear();
    }
    for (queue, told) in [
        ("sns:letters", "--queue is `sns:letters`; it accepts `sqs:<queue url>`"),
        ("stdout:", "letters that went to standard output cannot be read again"),
    ] {
        let wrong = world.fraudctl(&["dead-letters", "list", "--queue", queue]).await;
        assert_eq!(wrong.status, Some(2));
        assert!(wrong.stderr.contains(told), "{wrong:?}");
    }
    let said_by_the_environment = world.fraudctl(&["dead-letters", "list"]).await;
    assert_eq!(said_by_the_environment.stdout, "no letters\n", "{said_by_the_environment:?}");
}
