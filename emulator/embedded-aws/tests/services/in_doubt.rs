//! Answers after which a client cannot know whether its call was done, as the unmodified SDK sees them.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use aws_sdk_sns::types::PublishBatchRequestEntry;
use embedded_aws::event_source_mapping::RecordSource;
use embedded_aws::{EmbeddedAws, Fault, FaultError, Service, When};

/// What the SDK makes of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// A success that speaks of this many entries.
    Success(usize),
    /// An error answer with this status and error code.
    Error(u16, Option<String>),
}

fn uncoded(status: u16) -> Told {
    Told::Error(status, None)
}

/// An answer's content, or its error.
macro_rules! told {
    ($answer:expr, |$success:pat_param| $entries:expr) => {{
        match $answer {
            Ok($success) => Told::Success($entries),
            Err(error) => {
                let status = error.raw_response().unwrap().status().as_u16();
                Told::Error(status, error.into_service_error().meta().code().map(str::to_owned))
            }
        }
    }};
}

async fn aws() -> EmbeddedAws {
    let builder = EmbeddedAws::builder().table("items", "id").stream("stream", 1).delivery_stream("lake");
    builder.topic("topic").queue("queue").start().await.unwrap()
}

/// A write of one entry.
async fn write(aws: &EmbeddedAws, service: Service) -> Told {
    use crate::support::{dynamodb, firehose, kinesis, sns, sqs};
    match service {
        Service::DynamoDb => {
            let id = AttributeValue::S(aws.calls().all().len().to_string());
            told!(dynamodb(aws).put_item().table_name("items").item("id", id).send().await, |_| 0)
        }
        Service::Firehose => {
            let record = aws_sdk_firehose::types::Record::builder().data(b"a".to_vec().into());
            let call = firehose(aws).put_record_batch().delivery_stream_name("lake");
            let call = call.records(record.build().unwrap());
            told!(call.send().await, |answer| answer.request_responses().len())
        }
        Service::Kinesis => {
            let record = PutRecordsRequestEntry::builder().partition_key("a").data(b"a".to_vec().into());
            let call = kinesis(aws).put_records().stream_name("stream").records(record.build().unwrap());
            told!(call.send().await, |answer| answer.records().len())
        }
        Service::Sns => {
            let entry = PublishBatchRequestEntry::builder().id("a").message("a").build().unwrap();
            let call = sns(aws).publish_batch().topic_arn(aws.topic_arn("topic").unwrap());
            let call = call.publish_batch_request_entries(entry);
            told!(call.send().await, |answer| answer.successful().len() + answer.failed().len())
        }
        Service::Sqs => {
            let call = sqs(aws).send_message().queue_url(aws.queue_url("queue").unwrap()).message_body("a");
            told!(call.send().await, |answer| answer.message_id().iter().len())
        }
        other => panic!("no write to {other:?}"),
    }
}

/// How many writes a service has done.
async fn done(aws: &EmbeddedAws, service: Service) -> usize {
    match service {
        Service::DynamoDb => {
            let scan = crate::support::dynamodb(aws).scan().table_name("items").send().await;
            scan.unwrap().items().len()
        }
        Service::Firehose => aws.direct_put("lake").unwrap().records().len(),
        Service::Kinesis => {
            let source = aws.record_source("stream");
            let shard = source.shards().await.unwrap().remove(0);
            source.read(&shard.id, None, 100).await.unwrap().records.len()
        }
        Service::Sns => aws.published().len(),
        Service::Sqs => aws.messages("queue").unwrap().len(),
        other => panic!("no writes to {other:?}"),
    }
}

/// Writes once to each service under a fault, and gives for each what the SDK was told. Each write must then be done, or
/// none.
async fn written_under(fault: Fault, is_done: bool) -> Vec<(Service, Told)> {
    let aws = aws().await;
    let mut all = Vec::new();
    for service in Service::ALL {
        let rule = aws.faults().add(When::any_call_to(service), fault.clone()).unwrap();
        all.push((service, write(&aws, service).await));
        assert_eq!(aws.faults().applied(rule), 1);
        aws.faults().remove(rule);
        assert_eq!(done(&aws, service).await, usize::from(is_done), "{service:?}");
    }
    all
}

#[tokio::test]
async fn half_an_answer_is_an_error_without_a_code_and_the_call_is_done() {
    for (service, told) in written_under(Fault::CutAnswer, true).await {
        match service {
            // The SDK reads XML as far as it goes.
            Service::Sns => assert_eq!(told, Told::Success(1)),
            _ => assert_eq!(told, uncoded(200), "{service:?}"),
        }
    }
}

#[tokio::test]
async fn an_empty_answer_is_a_success_that_names_nothing_and_the_call_is_done() {
    for (service, told) in written_under(Fault::EmptyAnswer, true).await {
        assert_eq!(told, Told::Success(0), "{service:?}");
    }
}

#[tokio::test]
async fn an_error_of_a_proxy_has_no_code_whether_or_not_the_call_is_done() {
    for done in [false, true] {
        for (status, body) in [
            (403, "<html><head><title>403 Forbidden</title></head><body>no</body></html>"),
            (400, "{\"__type\":\"com.amaz"),
            (400, "<ErrorResponse><Error><Type>Sender</Type><Co"),
            (503, ""),
        ] {
            let fault = Fault::CodelessError { status, body: body.to_owned(), done };
            for (service, told) in written_under(fault, done).await {
                assert_eq!(told, uncoded(status), "{service:?}, {body}");
            }
        }
    }
}

#[tokio::test]
async fn an_error_that_is_cut_loses_its_code() {
    let aws = aws().await;
    aws.faults().add(When::any_call(), Fault::CutAnswer).unwrap();
    let call = crate::support::sqs(&aws).delete_message().receipt_handle("none");
    let told = told!(call.queue_url(aws.queue_url("queue").unwrap()).send().await, |_| 0);
    assert!(matches!(told, Told::Error(400..=499, _)), "{told:?}");
    let call = crate::support::dynamodb(&aws).describe_table().table_name("none");
    assert_eq!(told!(call.send().await, |_| 0), uncoded(400));
}

#[tokio::test]
async fn a_success_is_no_error_without_a_code() {
    let fault = Fault::CodelessError { status: 200, body: String::new(), done: true };
    assert_eq!(aws().await.faults().add(When::any_call(), fault), Err(FaultError::Status(200)));
}
