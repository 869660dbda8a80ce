//! SQS, as the unmodified SDK sees it.

mod limits;
mod messages;
mod queues;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::operation::send_message_batch::{SendMessageBatchError, SendMessageBatchOutput};
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use embedded_aws::{EmbeddedAws, Service};

const LIMIT: usize = 1_048_576;

async fn aws() -> (EmbeddedAws, Client, String) {
    let aws = EmbeddedAws::builder().services([Service::Sqs]).queue("letters").start().await.unwrap();
    let (client, url) = (crate::support::sqs(&aws), aws.queue_url("letters").unwrap());
    (aws, client, url)
}

fn attribute(data_type: &str, value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type(data_type).string_value(value).build().unwrap()
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

fn entries(count: usize) -> Vec<SendMessageBatchRequestEntry> {
    (0..count).map(|n| entry(&format!("id-{n}"), &format!("message {n}"))).collect()
}

async fn send(client: &Client, url: &str, body: &str) {
    client.send_message().queue_url(url).message_body(body).send().await.unwrap();
}

async fn send_batch(
    client: &Client,
    url: &str,
    entries: Vec<SendMessageBatchRequestEntry>,
) -> Result<SendMessageBatchOutput, SdkError<SendMessageBatchError>> {
    client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await
}

/// Receives up to ten messages without waiting, hidden for so many seconds.
async fn receive(client: &Client, url: &str, visibility_timeout: i32) -> Vec<Message> {
    let answer = client
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(10)
        .visibility_timeout(visibility_timeout)
        .message_system_attribute_names(MessageSystemAttributeName::All)
        .message_attribute_names("All")
        .send()
        .await
        .unwrap();
    answer.messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.body().unwrap()).collect()
}

fn kept(aws: &EmbeddedAws) -> Vec<String> {
    aws.messages("letters").unwrap().into_iter().map(|message| message.body).collect()
}

async fn counts(client: &Client, url: &str) -> (String, String) {
    let (visible, hidden) = (
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    );
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(visible.clone())
        .attribute_names(hidden.clone())
        .send()
        .await
        .unwrap();
    let attributes = answer.attributes().unwrap();
    (attributes[&visible].clone(), attributes[&hidden].clone())
}

fn code<T, E: ProvideErrorMetadata>(result: &Result<T, SdkError<E>>) -> Option<&str> {
    result.as_ref().err().and_then(ProvideErrorMetadata::code)
}
