//! Answers that say nothing.

use embedded_aws::{Fault, Service, When};

use crate::support::{Recorder, numbers, padded, shard, world};

#[tokio::test(flavor = "multi_thread")]
async fn after_an_answer_that_says_nothing_the_call_is_made_again_and_no_record_is_left_out() {
    for (service, operation) in [
        (Service::Kinesis, "DescribeStreamSummary"),
        (Service::Kinesis, "ListShards"),
        (Service::Kinesis, "GetShardIterator"),
        (Service::Kinesis, "GetRecords"),
        (Service::DynamoDb, "UpdateItem"),
    ] {
        for fault in [
            Fault::CutAnswer,
            Fault::EmptyAnswer,
            Fault::CodelessError { status: 403, body: "<html/>".to_owned(), done: true },
        ] {
            let world = world(1).await;
            world.put(0..9).await;
            let last = world.put_record("key-2", "9").await;
            let rule = world.aws.faults().add(When::calls(service, operation).nth(1), fault.clone()).unwrap();
            let handler = Recorder::new();
            world.catch_up(&handler).await;
            assert_eq!(world.aws.faults().applied(rule), 1, "{operation}");
            assert_eq!(handler.numbers(), numbers(0..10), "{operation}, {fault:?}");
            let checkpoint = world.checkpoint(&shard(0)).await;
            assert_eq!(checkpoint, Some(padded(&last)), "{operation}, {fault:?}");
        }
    }
}
