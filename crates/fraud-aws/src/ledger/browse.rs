//! The ledger as people read it: one alert's whole row, and the alerts whose sender died.

use aws_calls::fault::CallFault;
use aws_sdk_dynamodb::types::AttributeValue;
use exact_text::json::ObjectWriter;
use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;

use super::row::{CLAIMED, Item, Row, SENT};
use super::table::*;
use super::{CLOCK_SKEW, DynamoDbLedger, LedgerFault};

/// What is read of every row in the search for pending alerts. `status` is a reserved word, as is no other of them
/// (Amazon DynamoDB developer guide, "Reserved words").
const PENDING: [&str; 7] =
    [ALERT_ID, FRAUD_SCORE, TRANSACTION_AMOUNT, REASONS, CLAIMED_AT, CLAIM_EXPIRES_AT, MAY_HAVE_BEEN_SENT];

/// An alert that was claimed, and is neither sent nor held by anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingAlert {
    /// The alert's id.
    pub alert_id: String,
    /// The score, as in the message.
    pub fraud_score: String,
    /// The amount: the producer's digits.
    pub transaction_amount: String,
    /// The reasons, as JSON.
    pub reasons: String,
    /// When it was claimed last, RFC 3339.
    pub claimed_at: String,
    /// Whether a sender gave the claim up before it expired, rather than dying with it.
    pub given_up: bool,
    /// Whether it may have been sent all the same: a claim ended without saying that nothing was sent.
    pub may_have_been_sent: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pending {
    /// The alerts, those that wait longest first.
    pub alerts: Vec<PendingAlert>,
    /// The ids of pending alerts whose row this ledger did not write so, and what is wrong with it.
    pub unreadable: Vec<(String, LedgerFault)>,
}

/// How far a search has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Searched {
    /// Rows looked at.
    pub rows: u64,
    /// Pending alerts among them.
    pub found: u64,
}

/// An alert's row, whole.
#[derive(Debug)]
pub struct AuditRow(Row);

/// One attribute of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AuditValue<'a> {
    /// A string.
    Text(&'a str),
    /// A number's digits.
    Number(&'a str),
    /// A flag.
    Flag(bool),
    /// Anything else; the ledger writes none.
    Other(&'a AttributeValue),
}

impl DynamoDbLedger {
    /// The alerts whose claim has ended without their being sent, those that wait longest first. Reads the whole
    /// table, a megabyte at a time, and calls `progress` after each.
    ///
    /// What was claimed or sent in the last second may be missing or still be there: the claim that sends an alert
    /// looks again.
    ///
    /// # Errors
    /// [`LedgerFault::Call`]
    pub async fn pending(
        &self,
        now: Timestamp,
        mut progress: impl FnMut(Searched),
    ) -> Result<Pending, LedgerFault> {
        let skew = i64::try_from(CLOCK_SKEW.as_millis()).unwrap_or(i64::MAX);
        let ended = now.millis().saturating_sub(skew);
        let (mut pending, mut searched, mut start) = (Pending::default(), Searched::default(), None);
        loop {
            let scan = self
                .client
                .scan()
                .table_name(&self.table)
                .projection_expression(PENDING.join(", "))
                .filter_expression(format!("#status = :claimed AND {CLAIM_EXPIRES_AT} <= :ended"))
                .expression_attribute_names("#status", STATUS)
                .expression_attribute_values(":claimed", AttributeValue::S(CLAIMED.to_owned()))
                .expression_attribute_values(":ended", AttributeValue::N(ended.to_string()))
                .set_exclusive_start_key(start);
            let answer = scan.send().await.map_err(|error| CallFault::of(&error))?;
            searched.rows += u64::try_from(answer.scanned_count()).unwrap_or_default();
            let items = answer.items.ok_or_else(|| CallFault::unreadable("the answer has no items"))?;
            for item in items {
                let row = Row(item);
                match pending_alert(&row) {
                    Ok(alert) => pending.alerts.push(alert),
                    Err(fault) => {
                        let id = row.text(ALERT_ID).unwrap_or_default().to_owned();
                        pending.unreadable.push((id, fault));
                    }
                }
            }
            searched.found = pending.alerts.len() as u64;
            progress(searched);
            start = answer.last_evaluated_key;
            if start.is_none() {
                pending
                    .alerts
                    .sort_by(|a, b| (&a.claimed_at, &a.alert_id).cmp(&(&b.claimed_at, &b.alert_id)));
                return Ok(pending);
            }
        }
    }

    /// An alert's row; `None` if there is none.
    ///
    /// # Errors
    /// [`LedgerFault`]
    pub async fn row(&self, alert_id: &str) -> Result<Option<AuditRow>, LedgerFault> {
        Ok(self.get(alert_id).await?.map(AuditRow))
    }

    /// Notes that an alert which is marked as sent was sent again by hand.
    ///
    /// # Errors
    /// [`LedgerFault`], also where it is not marked as sent.
    pub async fn note_sent_again(&self, alert_id: &str, at: Timestamp) -> Result<(), LedgerFault> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key(ALERT_ID, AttributeValue::S(alert_id.to_owned()))
            .condition_expression("#status = :sent")
            .update_expression(format!("SET {SENT_AGAIN_AT} = :at"))
            .expression_attribute_names("#status", STATUS)
            .expression_attribute_values(":sent", AttributeValue::S(SENT.to_owned()))
            .expression_attribute_values(":at", AttributeValue::S(at.to_string()));
        update.send().await.map_err(|error| CallFault::of(&error))?;
        Ok(())
    }
}

fn pending_alert(row: &Row) -> Result<PendingAlert, LedgerFault> {
    let text = |attribute| row.text(attribute).map(str::to_owned);
    let given_up = row.expires_at()? == 0;
    Ok(PendingAlert {
        alert_id: text(ALERT_ID)?,
        fraud_score: text(FRAUD_SCORE)?,
        transaction_amount: text(TRANSACTION_AMOUNT)?,
        reasons: text(REASONS)?,
        claimed_at: text(CLAIMED_AT)?,
        given_up,
        may_have_been_sent: row.may_have_been_sent()? || !given_up,
    })
}

impl AuditRow {
    /// Whether the alert is marked as sent.
    ///
    /// # Errors
    /// [`LedgerFault::UnreadableRow`]
    pub fn is_sent(&self) -> Result<bool, LedgerFault> {
        self.0.is_sent()
    }

    /// The alert, with its message byte for byte as it was stored.
    ///
    /// # Errors
    /// [`LedgerFault::UnreadableRow`]
    pub fn alert(&self) -> Result<Alert, LedgerFault> {
        self.0.alert()
    }

    /// Every attribute, those that the ledger writes in the order of their description, then all others by name.
    pub fn attributes(&self) -> Vec<(&str, AuditValue<'_>)> {
        let Row(item) = &self.0;
        let mut names: Vec<&str> = item.keys().map(String::as_str).collect();
        let place = |name: &str| {
            let known = TABLE.attributes.iter().position(|attribute| attribute.name == name);
            if name == TABLE.partition_key.name { 0 } else { known.map_or(usize::MAX, |place| place + 1) }
        };
        names.sort_by_key(|name| (place(name), *name));
        names.into_iter().filter_map(|name| Some((name, value(item, name)?))).collect()
    }

    /// The row as a JSON object: every text a string, every number with its digits.
    pub fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        for (name, value) in self.attributes() {
            match value {
                AuditValue::Text(text) => object.text(name, text),
                AuditValue::Number(digits) => object.json(name, digits),
                AuditValue::Flag(flag) => object.json(name, if flag { "true" } else { "false" }),
                AuditValue::Other(other) => object.text(name, &format!("{other:?}")),
            };
        }
        object.finish()
    }
}

fn value<'a>(item: &'a Item, name: &str) -> Option<AuditValue<'a>> {
    Some(match item.get(name)? {
        AttributeValue::S(text) => AuditValue::Text(text),
        AttributeValue::N(digits) => AuditValue::Number(digits),
        AttributeValue::Bool(flag) => AuditValue::Flag(*flag),
        other => AuditValue::Other(other),
    })
}
