//! The topic and the queue.

use aws_sdk_sqs::types::QueueAttributeName;
use fraud_aws::config::{AlertSinkTarget, DeadLettersTarget, Environment};
use fraud_aws::dead_letters::MAX_BODY_BYTES;
use fraud_aws::sdk::{Sdk, error_code};

use super::finding::{Finding, Wrong};

pub(super) async fn topic(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "alert sink";
    match AlertSinkTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(AlertSinkTarget::Stdout) => vec![Finding::ok(check, "stdout:", "for development")],
        Ok(AlertSinkTarget::Sns { .. }) if !can_call => Vec::new(),
        Ok(AlertSinkTarget::Sns { topic_arn }) => {
            let result = find_topic(&topic_arn, sdk).await;
            vec![Finding::of(check, format!("sns:{topic_arn}"), result)]
        }
    }
}

async fn find_topic(topic_arn: &str, sdk: &Sdk) -> Result<String, Wrong> {
    let client = aws_sdk_sns::Client::new(sdk.config().await);
    let answer = client.get_topic_attributes().topic_arn(topic_arn).send().await;
    let answer = answer.map_err(|error| match error_code(&error) {
        code if code.contains("NotFound") => {
            Wrong::new("the topic does not exist", "create it, or name another in ALERT_SINK")
        }
        code if code.starts_with("InvalidParameter") => {
            Wrong::new("it is no topic's ARN", "name a topic's ARN of this region in ALERT_SINK")
        }
        code => Wrong::call("sns", "sns:GetTopicAttributes", &code),
    })?;
    let number = |name: &str| {
        let attributes = answer.attributes();
        attributes.and_then(|attributes| attributes.get(name)).map_or("?", String::as_str).to_owned()
    };
    Ok(format!(
        "there, {} subscriptions confirmed; publishing is not tried",
        number("SubscriptionsConfirmed")
    ))
}

pub(super) async fn queue(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "dead letters";
    match DeadLettersTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(DeadLettersTarget::Stdout) => vec![Finding::ok(check, "stdout:", "for development")],
        Ok(DeadLettersTarget::Sqs { .. }) if !can_call => Vec::new(),
        Ok(DeadLettersTarget::Sqs { queue_url }) => {
            let result = find_queue(&queue_url, sdk).await;
            vec![Finding::of(check, format!("sqs:{queue_url}"), result)]
        }
    }
}

async fn find_queue(queue_url: &str, sdk: &Sdk) -> Result<String, Wrong> {
    let client = aws_sdk_sqs::Client::new(sdk.config().await);
    let call = client.get_queue_attributes().queue_url(queue_url).attribute_names(QueueAttributeName::All);
    let answer = call.send().await.map_err(|error| match error_code(&error) {
        code if code.contains("NonExistentQueue") || code.contains("QueueDoesNotExist") => {
            Wrong::new("the queue does not exist", "create it, or name another in DEAD_LETTERS")
        }
        code => Wrong::call("sqs", "sqs:GetQueueAttributes", &code),
    })?;
    let number = |name| {
        let number = answer.attributes().and_then(|attributes| attributes.get(&name));
        number.and_then(|number| number.parse::<usize>().ok())
    };
    if let Some(most) = number(QueueAttributeName::MaximumMessageSize).filter(|most| *most < MAX_BODY_BYTES) {
        return Err(Wrong::new(
            format!("it takes messages of {most} bytes: letters of larger records would lack their data"),
            format!(
                "aws sqs set-queue-attributes --queue-url {queue_url} --attributes MaximumMessageSize={MAX_BODY_BYTES}"
            ),
        ));
    }
    let waiting = number(QueueAttributeName::ApproximateNumberOfMessages).unwrap_or_default();
    let days = number(QueueAttributeName::MessageRetentionPeriod).unwrap_or_default() / (24 * 60 * 60);
    Ok(format!("there, about {waiting} letters wait, each kept for {days} days"))
}
