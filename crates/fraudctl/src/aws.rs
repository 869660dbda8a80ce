//! AWS as every command reaches it: what each call needs beforehand, and what a refusal asks for.

use std::error::Error;
use std::time::Duration;

use anyhow::anyhow;
use aws_calls::fault::{CANNOT_REACH, CANNOT_SEND, NO_ANSWER_IN_TIME, UNREADABLE_ANSWER};
use aws_calls::sdk::Sdk;
use aws_sdk_dynamodb::config::ProvideCredentials;
use tokio::time::timeout;

use crate::Failure;
use crate::display::print_detail;

/// Metadata services of a machine that has none are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) mend: String,
}

/// The settings for a command's clients.
///
/// # Errors
/// [`Failure::Failed`] if there is no region, or there are no credentials: no call could be made.
pub(crate) async fn sdk() -> Result<Sdk, Failure> {
    let sdk = Sdk::new();
    let said = |name: &str, Problem { what, mend }| anyhow!("{name}: {what}\nto fix it: {mend}");
    let region = region(&sdk).await.map_err(|problem| said("AWS region", problem))?;
    let endpoint = sdk.config().await.endpoint_url().map(|url| format!(" at {url}"));
    print_detail(format_args!("AWS: {region}{}", endpoint.unwrap_or_default()));
    credentials(&sdk).await.map_err(|problem| said("AWS credentials", problem))?;
    Ok(sdk)
}

/// The region that calls go to.
///
/// # Errors
/// [`Problem`] if none is set.
pub(crate) async fn region(sdk: &Sdk) -> Result<String, Problem> {
    let region = sdk.config().await.region().map(ToString::to_string);
    region
        .ok_or_else(|| Problem { what: "not set".to_owned(), mend: "export AWS_REGION=<region>".to_owned() })
}

/// Looks for credentials, as the first call would.
///
/// # Errors
/// [`Problem`] if none are found within ten seconds.
pub(crate) async fn credentials(sdk: &Sdk) -> Result<(), Problem> {
    let what = match sdk.config().await.credentials_provider() {
        None => "not set".to_owned(),
        Some(provider) => match timeout(PATIENCE, provider.provide_credentials()).await {
            Ok(Ok(_)) => return Ok(()),
            // The error's kind does not help; its cause may, such as a profile that does not exist.
            Ok(Err(error)) => match error.source() {
                Some(cause) => format!("not found: {cause}"),
                None => "not found".to_owned(),
            },
            Err(_elapsed) => "not found within 10 seconds".to_owned(),
        },
    };
    let mend =
        "export AWS_PROFILE=<profile>, or aws configure; aws sts get-caller-identity tells whose they are";
    Err(Problem { what, mend: mend.to_owned() })
}

/// A call's failure for a reason that is not its resource's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The credentials may not make it.
    NotAllowed,
    /// The credentials are expired or not known.
    Credentials,
    /// Nobody answered.
    NoAnswer,
}

impl Refusal {
    /// The refusal that an error code, or a text with one in it, means.
    pub(crate) fn of(code: &str) -> Option<Self> {
        let is = |words: &[&str]| words.iter().any(|word| code.contains(word));
        if is(&["AccessDenied", "AuthorizationError", "NotAuthorized", "Forbidden"]) {
            Some(Refusal::NotAllowed)
        } else if is(&["UnrecognizedClient", "InvalidClientTokenId", "ExpiredToken", "InvalidSignature"]) {
            Some(Refusal::Credentials)
        } else if is(&[CANNOT_REACH, CANNOT_SEND, NO_ANSWER_IN_TIME, UNREADABLE_ANSWER]) {
            Some(Refusal::NoAnswer)
        } else {
            None
        }
    }

    /// What to do about it, if neither service nor action is known.
    fn mend(self) -> &'static str {
        match self {
            Refusal::NotAllowed => "allow the call to these credentials, on the resource and on its key",
            Refusal::Credentials => "renew the credentials: aws sts get-caller-identity",
            Refusal::NoAnswer => "check AWS_REGION, the AWS_ENDPOINT_URL variables and the network",
        }
    }
}

/// What to do about a command's failure, if it is one of AWS's refusals.
pub fn hint(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::Failed(error) => Refusal::of(&format!("{error:#}")).map(Refusal::mend),
        Failure::Input(_) | Failure::Beyond(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_in_a_failures_text_is_told_with_what_to_do() {
        let hinted = |text: &str| hint(&Failure::Failed(anyhow!(text.to_owned())));
        assert!(hinted("cannot read the queue: AccessDenied").unwrap().starts_with("allow the call"));
        assert!(hinted("Query: ExpiredTokenException: expired").unwrap().starts_with("renew"));
        assert!(
            hinted("cannot read the table t: no answer in time").unwrap().starts_with("check AWS_REGION")
        );
        assert_eq!(hinted("there is no stream AccessStream"), None);
        assert_eq!(hint(&Failure::input(anyhow!("line 3: Forbidden"))), None);
    }
}
