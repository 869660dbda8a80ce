//! The topic and the queues.

use aws_calls::fault::CallFault;
use aws_calls::sdk::Sdk;
use aws_sdk_sns::Client;
use aws_sdk_sns::types::Subscription;
use aws_sdk_sqs::types::QueueAttributeName;
use fraud_aws::config::{AlertSinkTarget, DeadLettersTarget, Environment, UnalertedLettersTarget};
use fraud_aws::dead_letters::MAX_BODY_BYTES;

use super::finding::{Finding, Wrong};
use crate::display::counted;

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
    let client = Client::new(sdk.config().await);
    let answer = client.get_topic_attributes().topic_arn(topic_arn).send().await;
    let answer = answer.map_err(|error| match CallFault::of(&error).code {
        code if code.contains("NotFound") => {
            Wrong::new("the topic does not exist", "create it, or name another in ALERT_SINK")
        }
        code if code.starts_with("InvalidParameter") => {
            Wrong::new("it is not a topic's ARN", "name a topic's ARN of this region in ALERT_SINK")
        }
        code => Wrong::call("sns", "sns:GetTopicAttributes", &code),
    })?;
    let archives = match archives(&client, topic_arn).await {
        Ok(archives) => archives,
        Err(code) => return Err(Wrong::call("sns", "sns:ListSubscriptionsByTopic", &code)),
    };
    let number = |name: &str| {
        let number = answer.attributes().and_then(|attributes| attributes.get(name));
        number.and_then(|number| number.parse::<u64>().ok())
    };
    let confirmed = number("SubscriptionsConfirmed").map(|confirmed| confirmed.saturating_sub(archives));
    subscribed(topic_arn, confirmed, number("SubscriptionsPending"))
}

/// How many of a topic's subscriptions are Firehose's: an archive keeps alerts, and tells nobody. An error is its code.
async fn archives(client: &Client, topic_arn: &str) -> Result<u64, String> {
    let (mut archives, mut next) = (0, None);
    loop {
        let page =
            client.list_subscriptions_by_topic().topic_arn(topic_arn).set_next_token(next).send().await;
        let page = page.map_err(|error| CallFault::of(&error).code)?;
        let is_archive = |subscription: &&Subscription| subscription.protocol() == Some("firehose");
        archives += page.subscriptions().iter().filter(is_archive).count() as u64;
        next = page.next_token().map(str::to_owned);
        if next.is_none() {
            return Ok(archives);
        }
    }
}

/// Whether anybody receives what is published. SNS accepts alerts on a topic without subscribers.
fn subscribed(topic_arn: &str, confirmed: Option<u64>, pending: Option<u64>) -> Result<String, Wrong> {
    let waiting = pending.filter(|pending| *pending > 0);
    match (confirmed, waiting) {
        (Some(0), Some(waiting)) => Err(Wrong::new(
            format!("no subscription is confirmed ({waiting} not yet): alerts reach nobody"),
            "follow the link in the message that SNS sent to the subscriber; after three days subscribe it again",
        )),
        (Some(0), None) => Err(Wrong::new(
            "nobody is subscribed: alerts reach nobody",
            format!(
                "aws sns subscribe --topic-arn {topic_arn} --protocol <protocol> --notification-endpoint <endpoint>"
            ),
        )),
        (Some(confirmed), waiting) => {
            let waiting = waiting.map(|waiting| format!(", {waiting} not yet")).unwrap_or_default();
            let confirmed = counted(confirmed, "subscription");
            Ok(format!("there, {confirmed} confirmed{waiting}; publishing was not tried"))
        }
        (None, _) => Ok("there; it does not say who is subscribed".to_owned()),
    }
}

pub(super) async fn queue(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "dead letters";
    match DeadLettersTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(target) => letters(check, "DEAD_LETTERS", target, sdk, can_call).await,
    }
}

/// The queue of the high scores that nobody was alerted of, if it is another.
pub(super) async fn unalerted(environment: Environment<'_>, sdk: &Sdk, can_call: bool) -> Vec<Finding> {
    let check = "unalerted";
    match UnalertedLettersTarget::from_environment(environment) {
        Err(error) => vec![Finding::wrong(check, "", Wrong::setting(error))],
        Ok(UnalertedLettersTarget::DeadLetters) => {
            let found = "high scores that nobody was alerted of are among all dead letters";
            vec![Finding::ok(check, "dead_letters:", found)]
        }
        Ok(UnalertedLettersTarget::Own(target)) => {
            letters(check, "UNALERTED_LETTERS", target, sdk, can_call).await
        }
    }
}

async fn letters(
    check: &'static str,
    variable: &str,
    target: DeadLettersTarget,
    sdk: &Sdk,
    can_call: bool,
) -> Vec<Finding> {
    match target {
        DeadLettersTarget::Stdout => vec![Finding::ok(check, "stdout:", "for development")],
        DeadLettersTarget::Sqs { .. } if !can_call => Vec::new(),
        DeadLettersTarget::Sqs { queue_url } => {
            let result = find_queue(&queue_url, variable, sdk).await;
            vec![Finding::of(check, format!("sqs:{queue_url}"), result)]
        }
    }
}

async fn find_queue(queue_url: &str, variable: &str, sdk: &Sdk) -> Result<String, Wrong> {
    let client = aws_sdk_sqs::Client::new(sdk.config().await);
    let call = client.get_queue_attributes().queue_url(queue_url).attribute_names(QueueAttributeName::All);
    let answer = call.send().await.map_err(|error| match CallFault::of(&error).code {
        code if code.contains("NonExistentQueue") || code.contains("QueueDoesNotExist") => {
            Wrong::new("the queue does not exist", format!("create it, or name another in {variable}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_wrong_unless_somebody_confirmed_a_subscription() {
        let wrong = |confirmed, pending| subscribed("arn", Some(confirmed), Some(pending)).unwrap_err();
        assert_eq!(wrong(0, 0).what, "nobody is subscribed: alerts reach nobody");
        assert!(wrong(0, 0).mend.starts_with("aws sns subscribe --topic-arn arn "));
        assert_eq!(wrong(0, 2).what, "no subscription is confirmed (2 not yet): alerts reach nobody");
        let found = subscribed("arn", Some(1), Some(1)).unwrap();
        assert_eq!(found, "there, 1 subscription confirmed, 1 not yet; publishing was not tried");
    }
}
