//! Faults that a run is to live through, as they are ordered on the command line: `sns=503:0.2`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use embedded_aws::{EmbeddedAws, Fault, Faults, RuleId, Service, ServiceError, When};

/// The draw of a run is that of any other with the same calls.
const SEED: u64 = 25;

/// What happens to calls of a service, or of one of its operations, and how often.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderedFault {
    service: Service,
    /// As the service's API reference names it; `None`: every operation.
    operation: Option<String>,
    kind: FaultKind,
    /// The share of the calls, above 0 and at most 1.
    probability: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum FaultKind {
    /// The service refuses the call with this HTTP status.
    Status(u16),
    Throttle,
    /// The call is done, and the connection closes before its answer.
    LoseAnswer,
    DropConnection,
    /// The call begins later.
    Delay(Duration),
}

/// Why a text orders no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultSyntaxError {
    /// It is not `SERVICE=FAULT`.
    #[error("`{0}` has no `=`: give SERVICE[.OPERATION]=FAULT[:SHARE], such as sns=503:0.2")]
    Form(String),
    /// No service has this name.
    #[error("`{0}` is not a service: give one of {services}", services = services())]
    Service(String),
    /// No fault has this name.
    #[error(
        "`{0}` is not a fault: give a status from 400 to 599, `throttle`, `lost` (done, and the answer is lost), `drop` (not done, \
         and no answer), or a delay such as 200ms or 2s"
    )]
    Kind(String),
    /// The share is not one.
    #[error("`{0}` is not a share of the calls: give a number above 0 and at most 1, such as 0.2")]
    Share(String),
}

/// `SERVICE[.OPERATION]=FAULT[:SHARE]`.
impl FromStr for OrderedFault {
    type Err = FaultSyntaxError;

    fn from_str(text: &str) -> Result<Self, FaultSyntaxError> {
        let (calls, fault) = text.split_once('=').ok_or_else(|| FaultSyntaxError::Form(text.to_owned()))?;
        let (name, operation) = match calls.split_once('.') {
            Some((name, operation)) => (name, Some(operation.to_owned())),
            None => (calls, None),
        };
        let service = Service::ALL.into_iter().find(|service| service.name() == name);
        let service = service.ok_or_else(|| FaultSyntaxError::Service(name.to_owned()))?;
        let (kind, share) = fault.split_once(':').unwrap_or((fault, "1"));
        let probability = share.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
        let probability = probability.ok_or_else(|| FaultSyntaxError::Share(share.to_owned()))?;
        let kind = FaultKind::of(kind).ok_or_else(|| FaultSyntaxError::Kind(kind.to_owned()))?;
        Ok(OrderedFault { service, operation, kind, probability })
    }
}

impl FaultKind {
    fn of(text: &str) -> Option<Self> {
        let delay = |number: &str, unit: fn(u64) -> Duration| number.parse().ok().map(unit);
        match text {
            "throttle" => Some(FaultKind::Throttle),
            "lost" => Some(FaultKind::LoseAnswer),
            "drop" => Some(FaultKind::DropConnection),
            _ => {
                let milliseconds =
                    text.strip_suffix("ms").and_then(|number| delay(number, Duration::from_millis));
                let seconds = text.strip_suffix('s').and_then(|number| delay(number, Duration::from_secs));
                let delay = milliseconds.or(seconds).map(FaultKind::Delay);
                let status = || text.parse().ok().filter(|status| (400..=599).contains(status));
                delay.or_else(|| status().map(FaultKind::Status))
            }
        }
    }

    fn fault(&self, service: Service) -> Fault {
        match self {
            FaultKind::Status(500) => Fault::InternalError,
            FaultKind::Status(503) => Fault::Error(ServiceError::new(
                503,
                "ServiceUnavailable",
                "The service is unavailable: fraud-local was told so by --fault.",
            )),
            FaultKind::Status(status @ 500..) => Fault::CodelessError {
                status: *status,
                body: format!("{} by --fault of fraud-local", service.name()),
                done: false,
            },
            FaultKind::Status(status) => {
                let message = "The call is refused: fraud-local was told so by --fault.";
                Fault::Error(ServiceError::new(*status, "OrderedByFault", message))
            }
            FaultKind::Throttle => Fault::Throttle,
            FaultKind::LoseAnswer => Fault::LoseAnswer,
            FaultKind::DropConnection => Fault::DropConnection,
            FaultKind::Delay(time) => Fault::Delay(*time),
        }
    }
}

impl fmt::Display for OrderedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.service.name())?;
        if let Some(operation) = &self.operation {
            write!(f, ".{operation}")?;
        }
        match &self.kind {
            FaultKind::Status(status) => write!(f, "={status}"),
            FaultKind::Throttle => write!(f, "=throttle"),
            FaultKind::LoseAnswer => write!(f, "=lost"),
            FaultKind::DropConnection => write!(f, "=drop"),
            FaultKind::Delay(time) => write!(f, "={}ms", time.as_millis()),
        }?;
        write!(f, ":{}", self.probability)
    }
}

fn services() -> String {
    Service::ALL.map(Service::name).join(", ")
}

/// Faults in force until this is dropped.
pub(crate) struct InForce {
    faults: Faults,
    rules: Vec<RuleId>,
}

/// Puts faults in force.
///
/// # Errors
/// If one can never happen.
pub(crate) fn in_force(aws: &EmbeddedAws, ordered: &[OrderedFault]) -> anyhow::Result<InForce> {
    let mut in_force = InForce { faults: aws.faults(), rules: Vec::new() };
    for (number, OrderedFault { service, operation, kind, probability }) in (0..).zip(ordered) {
        let when = match operation {
            Some(operation) => When::calls(*service, operation),
            None => When::any_call_to(*service),
        };
        let when = when.with_probability(*probability, SEED + number);
        in_force.rules.push(in_force.faults.add(when, kind.fault(*service))?);
    }
    Ok(in_force)
}

impl InForce {
    /// To how many calls each was applied, in the order in which they were ordered.
    pub(crate) fn calls(&self) -> Vec<u64> {
        self.rules.iter().map(|rule| self.faults.applied(*rule) as u64).collect()
    }
}

impl Drop for InForce {
    fn drop(&mut self) {
        for rule in &self.rules {
            self.faults.remove(*rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_the_calls_what_happens_and_how_often() {
        for (text, written) in [
            ("sns=503:0.2", "sns=503:0.2"),
            ("dynamodb.BatchGetItem=throttle", "dynamodb.BatchGetItem=throttle:1"),
            ("sqs=lost:1", "sqs=lost:1"),
            ("kinesis.PutRecords=drop:0.01", "kinesis.PutRecords=drop:0.01"),
            ("sns=2s:.5", "sns=2000ms:0.5"),
            ("sns=150ms", "sns=150ms:1"),
        ] {
            assert_eq!(text.parse::<OrderedFault>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_orders_nothing_is_told_with_what_does() {
        let error = |text: &str| text.parse::<OrderedFault>().unwrap_err().to_string();
        assert!(error("sns").contains("sns=503:0.2"));
        assert!(error("s3=500").contains("dynamodb, firehose, kinesis, sns, sqs"));
        for kind in ["sns=200", "sns=600", "sns=slow", "sns=", "sns=s", "sns=-1s"] {
            assert!(error(kind).contains("is not a fault"), "{kind}");
        }
        for share in ["sns=500:0", "sns=500:1.1", "sns=500:", "sns=500:NaN", "sns=500:half"] {
            assert!(error(share).contains("is not a share"), "{share}");
        }
    }
}
