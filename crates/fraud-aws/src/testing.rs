//! What the tests of several ports share.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_calls::table::Kind;
use aws_sdk_dynamodb::types::AttributeValue;
use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use fraud_core::decision::Decider;
use fraud_core::enrichment::Enrichment;
use fraud_core::event_time::EventTimeBounds;
use fraud_core::identity::Position;
use fraud_core::policy::Policy;
use fraud_core::profile::{Attribute, Profile};
use fraud_core::transaction::Transaction;
use tokio::time::Instant;

/// A deadline that no test reaches unless it means to.
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// Seconds after 2024-01-15T03:00:00Z.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_705_287_600_000 + seconds * 1000).unwrap()
}

/// A profile's members as records carry them, under a policy whose default risk is 0.5.
pub(crate) fn members(profile: &Profile) -> String {
    let mut members = Vec::new();
    profile.write_members("0.5", &mut members);
    String::from_utf8(members).unwrap()
}

/// The alert for a payload, whose customer has the segment `gold` and the risk 0.9.
pub(crate) fn alert_for(payload: &str, sub_sequence_number: u64) -> Alert {
    alert_of(payload, sub_sequence_number, "gold")
}

/// The alert for a payload, whose customer has this segment and the risk 0.9.
pub(crate) fn alert_of(payload: &str, sub_sequence_number: u64, segment: &str) -> Alert {
    let policy = Policy::builtin_default().unwrap();
    let profile = Profile::new(Attribute::Text(segment), Attribute::Missing, Attribute::Number("0.9"));
    let transaction = Transaction::parse(payload.as_bytes()).unwrap();
    let position = Position {
        stream: "transactions",
        shard: "shardId-000000000000",
        sequence_number: "49590338271490256608559692538361571095921575989136588898",
        sub_sequence_number,
    };
    let enrichment = Enrichment::Profile(&profile);
    let decider = Decider::new(policy, EventTimeBounds::UNBOUNDED);
    let decision = decider.decide(&transaction, enrichment, at(0), Some(position));
    Alert::new(&transaction, &decision, &decider, position)
}

/// An alert whose message takes this many bytes more, for what a sink or a ledger does with large ones.
pub(crate) fn enlarged(mut alert: Alert, bytes: usize) -> Alert {
    const MEMBER: &str = r#","more":"""#;
    if bytes > 0 {
        alert.message.pop();
        alert.message += &format!(r#","more":"{}"}}"#, "0".repeat(bytes.saturating_sub(MEMBER.len())));
    }
    alert
}

/// The settings with which a test's clients reach a service in its own process.
pub(crate) async fn for_embedded(
    aws: &embedded_aws::EmbeddedAws,
    service: embedded_aws::Service,
) -> aws_config::SdkConfig {
    aws_calls::sdk::Sdk::at(aws.endpoint(service).unwrap(), embedded_aws::REGION).await.config().await.clone()
}

/// A writer that others can look into.
#[derive(Clone, Default)]
pub(crate) struct Page {
    text: Arc<Mutex<Vec<u8>>>,
    writes_left: Option<Arc<Mutex<usize>>>,
}

impl Page {
    /// A writer that fails after this many writes.
    pub(crate) fn that_breaks_after(writes: usize) -> Self {
        Page { writes_left: Some(Arc::new(Mutex::new(writes))), ..Self::default() }
    }

    /// The lines written so far, all of them whole.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.text.lock().unwrap().clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(left) = &self.writes_left {
            let mut left = left.lock().unwrap();
            *left = left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
        }
        self.text.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Fails unless the calls that arrived are those that the port says a function makes, none more and none fewer.
pub(crate) fn assert_calls_are_those_of(port: crate::port::Port, aws: &embedded_aws::EmbeddedAws) {
    let arrived: BTreeSet<String> = aws.calls().all().into_iter().map(|call| call.operation).collect();
    assert_eq!(arrived, port.calls.iter().map(|call| call.operation.to_owned()).collect(), "{}", port.name);
}

/// Fails unless the attributes of a row are the table's, each of its type.
pub(crate) fn assert_is_a_row_of(table: aws_calls::table::Table, row: &HashMap<String, AttributeValue>) {
    let keys = table.keys().map(|(key, _)| key);
    let known: HashMap<_, _> = keys
        .chain(table.attributes.iter().copied())
        .map(|attribute| (attribute.name, attribute.kind))
        .collect();
    for (name, value) in row {
        let kind = match value {
            AttributeValue::S(_) => Kind::S,
            AttributeValue::N(_) => Kind::N,
            AttributeValue::B(_) => Kind::B,
            AttributeValue::Bool(_) => Kind::Bool,
            AttributeValue::Bs(_) => Kind::Bs,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(known.get(name.as_str()), Some(&kind), "{}: {name}", table.name);
    }
    assert!(table.keys().all(|(key, _)| row.contains_key(key.name)));
    assert!(table.time_to_live.is_none_or(|name| row.contains_key(name)));
}

/// Answers to a call that was done after which nobody can know whether it was.
pub(crate) fn answers_that_say_nothing() -> [embedded_aws::Fault; 3] {
    use embedded_aws::Fault;
    let page = "<html><body>403 Forbidden</body></html>".to_owned();
    [Fault::CutAnswer, Fault::EmptyAnswer, Fault::CodelessError { status: 403, body: page, done: true }]
}

/// Fails unless the fault is that of an answer that says nothing.
pub(crate) fn assert_is_in_doubt(fault: &aws_calls::fault::CallFault) {
    use aws_calls::fault::{FaultKind, UNREADABLE_ANSWER};
    assert_eq!((fault.kind, &*fault.code), (FaultKind::NoAnswer, UNREADABLE_ANSWER), "{fault:?}");
}
