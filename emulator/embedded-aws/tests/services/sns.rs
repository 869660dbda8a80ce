//! SNS, as the unmodified SDK sees it.

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::operation::publish::{PublishError, PublishOutput};
use aws_sdk_sns::operation::publish_batch::{PublishBatchError, PublishBatchOutput};
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry};
use embedded_aws::{EmbeddedAws, Fault, Service, When};

const LIMIT: usize = 262_144;

async fn aws() -> (EmbeddedAws, Client, String) {
    let aws = EmbeddedAws::builder().services([Service::Sns]).topic("alerts").start().await.unwrap();
    let (client, arn) = (crate::support::sns(&aws), aws.topic_arn("alerts").unwrap());
    (aws, client, arn)
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(data_type).string_value(value).build().unwrap()
}

fn entry(id: &str, message: &str) -> PublishBatchRequestEntry {
    PublishBatchRequestEntry::builder().id(id).message(message).build().unwrap()
}

fn entries(count: usize) -> Vec<PublishBatchRequestEntry> {
    (0..count).map(|n| entry(&format!("id-{n}"), &format!("message {n}"))).collect()
}

type Published<E, T> = Result<T, SdkError<E>>;

async fn publish(client: &Client, arn: &str, message: &str) -> Published<PublishError, PublishOutput> {
    client.publish().topic_arn(arn).message(message).send().await
}

async fn with_subject(client: &Client, arn: &str, subject: &str) -> Published<PublishError, PublishOutput> {
    client.publish().topic_arn(arn).message("message").subject(subject).send().await
}

async fn publish_batch(
    client: &Client,
    arn: &str,
    entries: Vec<PublishBatchRequestEntry>,
) -> Published<PublishBatchError, PublishBatchOutput> {
    client.publish_batch().topic_arn(arn).set_publish_batch_request_entries(Some(entries)).send().await
}

fn code<E: ProvideErrorMetadata, T>(result: &Published<E, T>) -> Option<&str> {
    result.as_ref().err().and_then(ProvideErrorMetadata::code)
}

fn messages(aws: &EmbeddedAws) -> Vec<String> {
    aws.published().into_iter().map(|published| published.message).collect()
}

fn failed(answer: &PublishBatchOutput) -> Vec<(&str, &str, bool)> {
    answer.failed().iter().map(|entry| (entry.id(), entry.code(), entry.sender_fault())).collect()
}

#[tokio::test]
async fn a_message_is_kept_as_it_was_published_subject_attributes_and_all() {
    let (aws, client, arn) = aws().await;
    let message = "<a & b> \"c\" + é 🚨\r\n";

    let answer = client
        .publish()
        .topic_arn(&arn)
        .message(message)
        .subject("Fraud & more: 100%")
        .message_attributes("fraud_score", attribute("Number", "0.93"))
        .message_attributes("segments", attribute("String.Array", "[\"gold\"]"))
        .message_attributes(
            "bytes",
            MessageAttributeValue::builder()
                .data_type("Binary")
                .binary_value(Blob::new([0, 255]))
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();

    let [published] = &aws.published()[..] else { panic!("{:?}", aws.published()) };
    assert_eq!(answer.message_id(), Some(published.message_id.as_str()));
    assert_eq!((published.topic_arn.as_str(), published.message.as_str()), (arn.as_str(), message));
    assert_eq!(published.subject.as_deref(), Some("Fraud & more: 100%"));
    assert_eq!(published.batch_entry_id, None);
    assert_eq!(published.attributes["fraud_score"].data_type, "Number");
    assert_eq!(published.attributes["fraud_score"].text(), Some("0.93"));
    assert_eq!(published.attributes["segments"].data_type, "String.Array");
    assert_eq!(
        published.attributes["bytes"].value,
        embedded_aws::MessageAttributeValue::Binary(vec![0, 255].into())
    );
}

#[tokio::test]
async fn a_batch_of_ten_is_published_in_its_order_and_each_entry_has_an_id_of_its_own() {
    let (aws, client, arn) = aws().await;

    let answer = publish_batch(&client, &arn, entries(10)).await.unwrap();

    let expected: Vec<_> = (0..10).map(|n| (Some(format!("id-{n}")), format!("message {n}"))).collect();
    let published = aws.published();
    let found: Vec<_> = published.iter().map(|p| (p.batch_entry_id.clone(), p.message.clone())).collect();
    assert_eq!(found, expected);
    let answered: Vec<_> = answer.successful().iter().map(|entry| entry.message_id().unwrap()).collect();
    let accepted: Vec<_> = published.iter().map(|published| published.message_id.as_str()).collect();
    assert_eq!(answered, accepted);
    assert!(answer.failed().is_empty());
}

#[tokio::test]
async fn a_batch_has_one_to_ten_entries_with_distinct_well_formed_ids() {
    let (aws, client, arn) = aws().await;

    let none = publish_batch(&client, &arn, vec![]).await;
    let eleven = publish_batch(&client, &arn, entries(11)).await;
    let twice = publish_batch(&client, &arn, vec![entry("a", "1"), entry("b", "2"), entry("a", "3")]).await;
    let longest = publish_batch(&client, &arn, vec![entry(&"i".repeat(80), "1")]).await;
    let too_long = publish_batch(&client, &arn, vec![entry(&"i".repeat(81), "1")]).await;
    let odd = publish_batch(&client, &arn, vec![entry("a b", "1")]).await;
    let empty = publish_batch(&client, &arn, vec![entry("", "1")]).await;

    let PublishBatchError::EmptyBatchRequestException(_) = none.unwrap_err().into_service_error() else {
        panic!()
    };
    let PublishBatchError::TooManyEntriesInBatchRequestException(_) =
        eleven.unwrap_err().into_service_error()
    else {
        panic!()
    };
    let PublishBatchError::BatchEntryIdsNotDistinctException(_) = twice.unwrap_err().into_service_error()
    else {
        panic!()
    };
    for result in [&too_long, &odd, &empty] {
        assert_eq!(code(result), Some("InvalidBatchEntryId"));
    }
    assert!(longest.is_ok());
    assert_eq!(messages(&aws), ["1"]);
}

#[tokio::test]
async fn a_batch_may_hold_262144_bytes_of_bodies_and_attributes_and_not_one_more() {
    let (aws, client, arn) = aws().await;
    let batch = |bytes: usize| {
        let attributed = PublishBatchRequestEntry::builder()
            .id("b")
            .message("m")
            .message_attributes("name", attribute("String", "value"))
            .build()
            .unwrap();
        let rest = bytes - ("m".len() + "name".len() + "String".len() + "value".len());
        vec![entry("a", &"x".repeat(rest)), attributed]
    };

    let longest = publish_batch(&client, &arn, batch(LIMIT)).await;
    let too_long = publish_batch(&client, &arn, batch(LIMIT + 1)).await;

    assert_eq!(longest.unwrap().successful().len(), 2);
    let PublishBatchError::BatchRequestTooLongException(_) = too_long.unwrap_err().into_service_error()
    else {
        panic!()
    };
    assert_eq!(messages(&aws).len(), 2);
}

#[tokio::test]
async fn a_message_has_1_to_262144_bytes_not_characters() {
    let (aws, client, arn) = aws().await;

    let longest = publish(&client, &arn, &"é".repeat(LIMIT / 2)).await;
    let too_long = publish(&client, &arn, &format!("{}x", "é".repeat(LIMIT / 2))).await;
    let empty = publish(&client, &arn, "").await;

    assert!(longest.is_ok());
    assert_eq!((code(&too_long), code(&empty)), (Some("InvalidParameter"), Some("InvalidParameter")));
    assert_eq!(too_long.unwrap_err().message(), Some("Invalid parameter: Message too long"));
    assert_eq!(aws.published().len(), 1);
}

#[tokio::test]
async fn a_subject_is_one_line_of_at_most_100_characters() {
    let (_aws, client, arn) = aws().await;

    for subject in ["s", "!", &"é".repeat(99).replacen('é', "e", 1), &"s".repeat(100)] {
        assert!(with_subject(&client, &arn, subject).await.is_ok(), "{subject}");
    }
    for subject in ["", " s", "é", "a\nb", "a\tb", "a\u{7f}", "a\u{2028}b", &"s".repeat(101)] {
        let refused = with_subject(&client, &arn, subject).await;
        assert_eq!(code(&refused), Some("InvalidParameter"), "{subject:?}");
    }
}

#[tokio::test]
async fn an_entry_that_is_wrong_in_itself_fails_alone() {
    let (aws, client, arn) = aws().await;
    let subject =
        PublishBatchRequestEntry::builder().id("b").message("b").subject("two\nlines").build().unwrap();

    let answer = publish_batch(&client, &arn, vec![entry("a", ""), subject, entry("c", "c")]).await.unwrap();

    assert_eq!(failed(&answer), [("a", "InvalidParameter", true), ("b", "InvalidParameter", true)]);
    assert_eq!(messages(&aws), ["c"]);
}

#[tokio::test]
async fn a_bad_attribute_refuses_the_message_and_the_whole_batch() {
    let (aws, client, arn) = aws().await;
    for (name, value) in [
        ("score", attribute("Number", "high")),
        ("score", attribute("Float", "0.5")),
        ("score", attribute("String", "")),
        ("AWS.score", attribute("String", "a")),
    ] {
        let message = client.publish().topic_arn(&arn).message("m").message_attributes(name, value.clone());
        let bad = PublishBatchRequestEntry::builder().id("b").message("b").message_attributes(name, value);
        let batch = vec![entry("a", "a"), bad.build().unwrap()];

        assert_eq!(code(&message.send().await), Some("ParameterValueInvalid"));
        assert_eq!(code(&publish_batch(&client, &arn, batch).await), Some("ParameterValueInvalid"));
    }
    assert!(aws.published().is_empty());
}

#[tokio::test]
async fn structured_messages_need_a_default() {
    let (_aws, client, arn) = aws().await;
    let structured =
        |message: &str| client.publish().topic_arn(&arn).message_structure("json").message(message).send();

    assert!(structured(r#"{"default":"a"}"#).await.is_ok());
    for message in [r#"{"sqs":"a"}"#, r#"{"default":1}"#, "text"] {
        assert_eq!(code(&structured(message).await), Some("InvalidParameter"));
    }
}

#[tokio::test]
async fn an_unknown_topic_is_not_found_and_what_is_no_arn_is_no_parameter() {
    let (_aws, client, arn) = aws().await;

    let unknown = publish(&client, &format!("{arn}-other"), "m").await;
    let unknown_batch = publish_batch(&client, &format!("{arn}-other"), entries(1)).await;
    let no_arn = publish(&client, "alerts", "m").await;
    let none = client.publish().message("m").send().await;

    assert_eq!(unknown.as_ref().unwrap_err().raw_response().unwrap().status().as_u16(), 404);
    assert!(unknown.unwrap_err().into_service_error().is_not_found_exception());
    assert!(unknown_batch.unwrap_err().into_service_error().is_not_found_exception());
    assert_eq!((code(&no_arn), code(&none)), (Some("InvalidParameter"), Some("InvalidParameter")));
}

#[tokio::test]
async fn creating_a_topic_again_finds_it_and_its_attributes_can_be_read() {
    let (aws, client, arn) = aws().await;

    let again = client.create_topic().name("alerts").send().await.unwrap();
    let other = client.create_topic().name("other").send().await.unwrap();
    let bad = client.create_topic().name("a topic").send().await;
    let attributes = client.get_topic_attributes().topic_arn(&arn).send().await.unwrap();
    let unknown = client.get_topic_attributes().topic_arn(format!("{arn}-2")).send().await;

    assert_eq!(again.topic_arn(), Some(arn.as_str()));
    assert_eq!(other.topic_arn(), aws.topic_arn("other").as_deref());
    assert_eq!(code(&bad), Some("InvalidParameter"));
    assert_eq!(attributes.attributes().unwrap()["TopicArn"], arn);
    assert!(unknown.unwrap_err().into_service_error().is_not_found_exception());
    assert_eq!(aws.topic_arn("no such topic"), None);
}

#[tokio::test]
async fn topics_are_listed_in_pages_of_a_hundred() {
    let (_aws, client, _) = aws().await;
    for n in 0..100 {
        client.create_topic().name(format!("topic-{n}")).send().await.unwrap();
    }

    let first = client.list_topics().send().await.unwrap();
    let second = client.list_topics().set_next_token(first.next_token.clone()).send().await.unwrap();

    assert_eq!((first.topics().len(), second.topics().len()), (100, 1));
    assert_eq!(second.next_token(), None);
}

#[tokio::test]
async fn half_a_batch_is_published_and_the_rest_comes_back_as_failed_through_no_fault_of_the_senders() {
    let (aws, client, arn) = aws().await;
    aws.faults().add(When::calls(Service::Sns, "PublishBatch"), Fault::Half).unwrap();

    let five = publish_batch(&client, &arn, entries(5)).await.unwrap();
    let one = publish_batch(&client, &arn, vec![entry("only", "only")]).await.unwrap();

    assert_eq!(five.successful().len(), 2);
    assert_eq!(
        failed(&five),
        [
            ("id-2", "InternalError", false),
            ("id-3", "InternalError", false),
            ("id-4", "InternalError", false)
        ]
    );
    assert_eq!(failed(&one), [("only", "InternalError", false)]);
    assert_eq!(messages(&aws), ["message 0", "message 1"]);
}

#[tokio::test]
async fn a_throttled_publish_is_refused_and_one_whose_answer_is_lost_was_accepted() {
    let (aws, client, arn) = aws().await;
    aws.faults().add(When::calls(Service::Sns, "Publish").nth(1), Fault::Throttle).unwrap();
    aws.faults().add(When::calls(Service::Sns, "Publish").nth(2), Fault::LoseAnswer).unwrap();

    let throttled = publish(&client, &arn, "throttled").await;
    let lost = publish(&client, &arn, "lost").await;

    assert_eq!(code(&throttled), Some("Throttled"));
    assert!(matches!(lost, Err(SdkError::DispatchFailure(_))), "{lost:?}");
    assert_eq!(messages(&aws), ["lost"]);
}

#[tokio::test]
async fn what_was_published_is_kept_even_where_calls_are_only_counted() {
    let aws = EmbeddedAws::builder()
        .topic("alerts")
        .recording(embedded_aws::Recording::Counts)
        .start()
        .await
        .unwrap();

    publish(&crate::support::sns(&aws), &aws.topic_arn("alerts").unwrap(), "m").await.unwrap();

    assert_eq!(messages(&aws), ["m"]);
    assert!(aws.calls().all().is_empty());
}

#[tokio::test]
async fn a_topic_whose_name_is_none_stops_the_start() {
    let error = EmbeddedAws::builder().topic("a topic").start().await.unwrap_err();

    assert!(error.to_string().contains("a topic"), "{error}");
}
