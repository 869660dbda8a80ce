//! Queues themselves.

use aws_sdk_sqs::types::QueueAttributeName;

use super::{aws, code, kept, send};

#[tokio::test]
async fn queues_are_created_once_found_listed_and_described() {
    let (_aws, client, url) = aws().await;
    let create = |name: &str, timeout: &str| {
        let request = client.create_queue().queue_name(name);
        request.attributes(QueueAttributeName::VisibilityTimeout, timeout).send()
    };

    let again = create("letters", "30").await.unwrap();
    let different = create("letters", "31").await;
    let other = create("letters-2", "43200").await.unwrap();
    let bad_value = create("letters-3", "43201").await;
    let bad_name = create("letters.fifo", "30").await;
    let found = client.get_queue_url().queue_name("letters").send().await.unwrap();
    let not_found = client.get_queue_url().queue_name("nothing").send().await;
    let listed = client.list_queues().queue_name_prefix("letters").send().await.unwrap();
    let page = client.list_queues().max_results(1).send().await.unwrap();
    let rest = client.list_queues().set_next_token(page.next_token.clone()).send().await.unwrap();
    let attributes = client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();

    assert_eq!((again.queue_url(), found.queue_url()), (Some(url.as_str()), Some(url.as_str())));
    assert!(different.unwrap_err().into_service_error().is_queue_name_exists());
    assert_eq!(code(&bad_value), Some("InvalidAttributeValue"));
    assert_eq!(code(&bad_name), Some("InvalidParameterValue"));
    assert!(not_found.unwrap_err().into_service_error().is_queue_does_not_exist());
    let other = other.queue_url.unwrap();
    assert_eq!(listed.queue_urls(), [url.clone(), other.clone()]);
    assert_eq!((page.queue_urls(), rest.queue_urls()), (&[url][..], &[other][..]));
    assert_eq!(attributes[&QueueAttributeName::QueueArn], "arn:aws:sqs:us-east-1:123456789012:letters");
    assert_eq!(attributes[&QueueAttributeName::MaximumMessageSize], "1048576");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "30");
}

#[tokio::test]
async fn a_queue_that_would_need_what_is_not_there_is_refused() {
    let (_aws, client, _) = aws().await;
    for name in [QueueAttributeName::FifoQueue, QueueAttributeName::RedrivePolicy] {
        let refused = client.create_queue().queue_name("q").attributes(name, "true").send().await;
        assert!(refused.unwrap_err().into_service_error().is_invalid_attribute_name());
    }
}

#[tokio::test]
async fn an_unknown_queue_does_not_exist_whatever_is_asked_of_it() {
    let (_aws, client, url) = aws().await;
    let unknown = format!("{url}-2");

    let sent = client.send_message().queue_url(&unknown).message_body("m").send().await;
    let received = client.receive_message().queue_url("no url").send().await;

    assert!(sent.unwrap_err().into_service_error().is_queue_does_not_exist());
    assert!(received.unwrap_err().into_service_error().is_queue_does_not_exist());
}

#[tokio::test]
async fn a_queue_is_purged_once_a_minute() {
    let (aws, client, url) = aws().await;
    send(&client, &url, "a").await;

    client.purge_queue().queue_url(&url).send().await.unwrap();
    let empty = kept(&aws).is_empty();
    let again = client.purge_queue().queue_url(&url).send().await;

    assert!(empty);
    assert!(again.unwrap_err().into_service_error().is_purge_queue_in_progress());
}
