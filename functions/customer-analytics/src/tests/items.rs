//! Records for tests, and what must come of them.

use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use embedded_aws::event_source_mapping::Record;
use exact_text::timestamp::Timestamp;
use fraud_core::identity::{Identity, Position};
use fraud_core::money::Money;
use fraud_core::transaction::Transaction;
use fraud_core::window::{Fold, WindowRule, WindowTotals};
use kpl_aggregation::{Entry, Payload, encode, split};
use proptest::prelude::*;
use serde_json::json;

/// A record of a test's stream.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A transaction with an id of its producer's, by which also its amount and its time are given: the same customer and
    /// id again is the same transaction.
    Named { customer: u8, id: u8 },
    /// The same by way of another partition key, so that it may lie in another shard or lane.
    Stray { customer: u8, id: u8, key: u8 },
    /// A transaction with an id that its producer uses for others too: each amount and time is another.
    Reused { customer: u8, id: u8, amount: u16, time: u8 },
    /// A transaction without an id.
    Nameless { customer: u8, amount: i8 },
    /// A transaction without a customer.
    NoCustomer,
    /// No transaction, or one whose amount cannot be added up exactly.
    Undeliverable { customer: u8, amount: Option<&'static str> },
    /// Several in one stream record.
    Aggregate(Vec<Item>),
    /// So many transactions of one customer and window in one stream record, more than one write can take.
    Burst { customer: u8, first: u16, count: u16 },
}

/// Times that lie in three windows, on their edges too, out of order and with other offsets; unknown ones, and ones that
/// are too far away to count.
const TIMES: [&str; 10] = [
    "2024-01-15T03:59:59.999Z",
    "2024-01-15T04:00:00Z",
    "2024-01-15T03:58:07Z",
    "2024-01-15T13:04:59.999+09:00",
    "2024-01-15T04:05:00.000Z",
    "2024-01-15T04:00:00.001Z",
    "2024-01-01T04:00:00Z",
    "2030-01-01T04:00:00Z",
    "soon",
    "2024-01-15T04:09:59",
];

/// Amounts of every size that can be added up exactly.
const AMOUNTS: [&str; 7] =
    ["0.1", "12.50", "1e3", "999999999999999999.999999999999", "0.000000000001", "0.0000000000010", "7"];

impl Item {
    pub(super) fn partition_key(&self) -> String {
        match self {
            Item::Named { customer, .. }
            | Item::Reused { customer, .. }
            | Item::Nameless { customer, .. }
            | Item::Burst { customer, .. }
            | Item::Undeliverable { customer, .. } => format!("c{customer}"),
            Item::Stray { key, .. } => format!("stray{key}"),
            Item::NoCustomer => "nobody".to_owned(),
            Item::Aggregate(_) => "c0".to_owned(),
        }
    }

    pub(super) fn data(&self) -> Bytes {
        match self {
            Item::Named { customer, id } | Item::Stray { customer, id, .. } => {
                let amount = AMOUNTS[usize::from(*id) % AMOUNTS.len()];
                let time = TIMES[usize::from(*id) % TIMES.len()];
                // An unknown time is the arrival's affair: a duplicate of such a transaction may lie elsewhere.
                let rest = format!(r#""amount":{amount},"event_time":"{time}""#);
                format!(r#"{{"transaction_id":{id},"customer_id":"c{customer}",{rest}}}"#).into()
            }
            Item::Reused { customer, id, amount, time } => json!({
                "transaction_id": format!("reused {id}"), "customer_id": format!("c{customer}"),
                "amount": amount, "event_time": TIMES[usize::from(*time) % TIMES.len()],
            })
            .to_string()
            .into(),
            Item::Nameless { customer, amount } => {
                json!({ "customer_id": format!("c{customer}"), "amount": amount }).to_string().into()
            }
            Item::NoCustomer => r#"{"transaction_id":1,"amount":5}"#.into(),
            Item::Undeliverable { customer, amount: Some(amount) } => {
                format!(r#"{{"customer_id":"c{customer}","amount":{amount}}}"#).into()
            }
            Item::Undeliverable { amount: None, .. } => r#"{"amount":"#.into(),
            Item::Aggregate(inner) => aggregate(&inner.iter().map(Item::data).collect::<Vec<_>>()),
            Item::Burst { customer, first, count } => {
                let transaction = |id: u16| {
                    let id = format!(r#""transaction_id":"burst {id}","customer_id":"c{customer}""#);
                    format!(r#"{{{id},"amount":0.1,"event_time":"2024-01-15T04:00:00Z"}}"#).into()
                };
                aggregate(&(*first..first + count).map(transaction).collect::<Vec<_>>())
            }
        }
    }
}

/// A KPL aggregate of these user records.
pub(super) fn aggregate(payloads: &[Bytes]) -> Bytes {
    let entry = |data| Entry { partition_key: "c", explicit_hash_key: None, data };
    encode(&payloads.iter().map(|payload| entry(payload)).collect::<Vec<_>>()).unwrap()
}

pub(super) fn items(most: usize) -> impl Strategy<Value = Vec<Item>> {
    let undeliverable =
        prop::sample::select(vec![None, Some("1e18"), Some("0.0000000000001"), Some("1e300")]);
    let single = prop_oneof![
        6 => (0u8..4, 0u8..60).prop_map(|(customer, id)| Item::Named { customer, id }),
        2 => (0u8..4, 0u8..60, 0u8..9).prop_map(|(customer, id, key)| Item::Stray { customer, id, key }),
        2 => (0u8..4, 0u8..5, 0u16..4, 0u8..10)
            .prop_map(|(customer, id, amount, time)| Item::Reused { customer, id, amount, time }),
        2 => (0u8..4, -3i8..20).prop_map(|(customer, amount)| Item::Nameless { customer, amount }),
        1 => Just(Item::NoCustomer),
        1 => (0u8..4, undeliverable).prop_map(|(customer, amount)| Item::Undeliverable { customer, amount }),
    ]
    .boxed();
    let item = prop_oneof![
        18 => single.clone(),
        2 => prop::collection::vec(single, 1..8).prop_map(Item::Aggregate),
        1 => (0u8..4, 0u16..200, 50u16..250)
            .prop_map(|(customer, first, count)| Item::Burst { customer, first, count }),
    ];
    prop::collection::vec(item, 0..most)
}

/// What must have come of a stream in the end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) totals: Vec<WindowTotals>,
    /// The ends of the dead letters' ids: sequence number, and place in the aggregate.
    pub(super) letters: BTreeSet<String>,
}

impl Expected {
    /// Of these records, each shard's in its order.
    pub(super) fn of(records: &[Record], rule: WindowRule) -> Self {
        let mut fold = Fold::new(rule);
        let mut letters = BTreeSet::new();
        for record in records {
            let arrival = record.approximate_arrival.duration_since(UNIX_EPOCH).unwrap().as_millis();
            let arrival = Timestamp::from_millis(i64::try_from(arrival).unwrap()).unwrap();
            let payloads = match split(record.data.clone()) {
                Payload::Plain(data) => vec![(0, data)],
                Payload::Aggregate(users) => {
                    users.into_iter().map(|user| (user.sub_sequence_number, user.data)).collect()
                }
            };
            for (sub_sequence_number, data) in payloads {
                // Sequence numbers are a test stream's own over all its shards.
                let position = Position {
                    stream: "transactions",
                    shard: "any",
                    sequence_number: &record.sequence_number,
                    sub_sequence_number,
                };
                let is_good = Transaction::parse(&data).is_ok_and(|transaction| {
                    let (customer, id) =
                        (transaction.customer_id.as_deref(), transaction.transaction_id.as_deref());
                    let identity = Identity::of(customer, id, Some(position)).unwrap();
                    fold.add(&transaction, &identity, arrival);
                    customer.is_none()
                        || transaction.amount.value <= 0.0
                        || Money::amount(&transaction.amount.digits).is_ok()
                });
                if !is_good {
                    let id = Identity::Position(position).to_string();
                    letters.insert(end_of(&id));
                }
            }
        }
        Expected { totals: fold.totals(), letters }
    }
}

/// A dead letter's id without stream and shard.
pub(super) fn end_of(id: &str) -> String {
    id.splitn(3, '/').nth(2).unwrap().to_owned()
}
