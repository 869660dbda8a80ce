//! An alert's row in a DynamoDB table: what the ledger decides by, and the audit record of the alert.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `alert_id` | S | the table's key |
//! | `status` | S | `claimed` or `sent` |
//! | `claim_token` | S | who claimed it last |
//! | `claim_expires_at` | N | when that claim ends, milliseconds since the epoch; 0 once it was given up |
//! | `may_have_been_sent` | BOOL | whether an earlier claim ended without saying that nothing was sent |
//! | `claimed_at` | S | when it was claimed last, RFC 3339 |
//! | `sent_at` | S | when it was sent, RFC 3339; only then |
//! | `sent_again_at` | S | when somebody last had it sent again by hand, RFC 3339; only then |
//! | `message` | S | the message as it went out, or is to go out again |
//! | `fingerprint` | S | what tells the transaction from another under its id; a row without one counts as that of any |
//! | `reuses_id_of` | S | as in the message, where it has one |
//! | `customer_segment` | S | the message's attribute, where it has one |
//! | `merchant_id` | S | the transaction's merchant, where it names one: for labels. Rows of older releases lack it |
//! | `customer_id`, `transaction_id`, `event_time` | S | as in the message, where they are not null |
//! | `transaction_amount` | S | the producer's digits: a number here holds 38 of them and no more |
//! | `fraud_score` | S | as in the message: numbers here have a smaller range than scores may have |
//! | `reasons` | S | the message's JSON |
//! | `policy`, `enrichment`, `stream`, `shard` | S | as in the message |
//! | `arrival` | S | the message's `timestamp` |
//! | `sequence_number` | S | padded with zeros on the left to 64 digits, so that it sorts; the message has it unpadded |
//! | `sub_sequence_number` | N | for a record inside an aggregate, but for the first |
//! | `ttl` | N | when the row may be deleted, seconds since the epoch |
//!
//! The message, its segment, the merchant and the fingerprint are what an alert is rebuilt from; everything beside them is there to be read and
//! queried. DynamoDB deletes a row some time after its `ttl`; until then it counts, for a longer memory does no harm.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use fraud_core::alert::Alert;
use fraud_core::fingerprint::Fingerprint;

use super::table::*;
use super::{Claim, LedgerFault, Standing, standing};

/// The most bytes of a row: names and values (Amazon DynamoDB developer guide, "Item sizes and formats").
const MAX_ROW_BYTES: usize = 400 * 1024;
/// More than any number takes, by the same source.
const NUMBER_BYTES: usize = 21;

pub(super) const CLAIMED: &str = "claimed";
pub(super) const SENT: &str = "sent";

/// A row's attributes.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The row of an alert that is claimed for the first time.
///
/// # Errors
/// [`LedgerFault::RowTooLarge`]
pub(super) fn claimed(alert: &Alert, claim: &Claim, retention: Duration) -> Result<Item, LedgerFault> {
    let always = [
        (ALERT_ID, text(&alert.alert_id)),
        (STATUS, text(CLAIMED)),
        (CLAIM_TOKEN, text(&claim.token)),
        (CLAIM_EXPIRES_AT, number(claim.expires_at.millis())),
        (MAY_HAVE_BEEN_SENT, AttributeValue::Bool(false)),
        (CLAIMED_AT, text(claim.claimed_at)),
        (MESSAGE, text(&alert.message)),
        (TRANSACTION_AMOUNT, text(&alert.transaction_amount)),
        (FRAUD_SCORE, text(&alert.fraud_score)),
        (REASONS, text(&alert.reasons)),
        (POLICY, text(&alert.policy)),
        (ENRICHMENT, text(&alert.enrichment)),
        (ARRIVAL, text(alert.arrival)),
        (STREAM, text(&alert.stream)),
        (SHARD, text(&alert.shard)),
        (SEQUENCE_NUMBER, text(format_args!("{:0>64}", alert.sequence_number))),
        (TTL, number(ttl(claim, retention))),
    ];
    let sub_sequence_number = alert.sub_sequence_number;
    let where_known = [
        (FINGERPRINT, alert.fingerprint.map(text)),
        (REUSES_ID_OF, alert.reuses_id_of.as_ref().map(text)),
        (CUSTOMER_SEGMENT, alert.customer_segment.as_ref().map(text)),
        (MERCHANT_ID, alert.merchant_id.as_ref().map(text)),
        (CUSTOMER_ID, alert.customer_id.as_ref().map(text)),
        (TRANSACTION_ID, alert.transaction_id.as_ref().map(text)),
        (EVENT_TIME, alert.event_time.as_ref().map(text)),
        (SUB_SEQUENCE_NUMBER, (sub_sequence_number > 0).then(|| number(sub_sequence_number))),
    ];
    let where_known = where_known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let item: Item =
        always.into_iter().chain(where_known).map(|(name, value)| (name.to_owned(), value)).collect();
    let size = item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum();
    if size > MAX_ROW_BYTES { Err(LedgerFault::RowTooLarge { size }) } else { Ok(item) }
}

/// When a row claimed now may be deleted, in seconds since the epoch.
pub(super) fn ttl(claim: &Claim, retention: Duration) -> i64 {
    let retention = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
    claim.claimed_at.millis().div_euclid(1000).saturating_add(retention)
}

fn text(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn value_bytes(value: &AttributeValue) -> usize {
    value.as_s().map_or(NUMBER_BYTES, String::len)
}

/// A row as the table gave it.
#[derive(Debug)]
pub(super) struct Row(pub(super) Item);

impl Row {
    /// Whether the alert is marked as sent.
    pub(super) fn is_sent(&self) -> Result<bool, LedgerFault> {
        match self.text(STATUS)? {
            SENT => Ok(true),
            CLAIMED => Ok(false),
            _ => Err(LedgerFault::UnreadableRow { attribute: STATUS }),
        }
    }

    /// Who claimed it last.
    pub(super) fn token(&self) -> Result<&str, LedgerFault> {
        self.text(CLAIM_TOKEN)
    }

    /// What the row means for a new claim.
    pub(super) fn standing(&self, claim: &Claim) -> Result<Standing, LedgerFault> {
        Ok(standing(self.token()?, self.expires_at()?, claim))
    }

    /// When its claim ends, in milliseconds since the epoch; 0 once it was given up.
    pub(super) fn expires_at(&self) -> Result<i64, LedgerFault> {
        let attribute = CLAIM_EXPIRES_AT;
        let expires_at = self.0.get(attribute).and_then(|value| value.as_n().ok()?.parse().ok());
        expires_at.ok_or(LedgerFault::UnreadableRow { attribute })
    }

    /// Whether an earlier claim ended without saying that nothing was sent.
    pub(super) fn may_have_been_sent(&self) -> Result<bool, LedgerFault> {
        let attribute = MAY_HAVE_BEEN_SENT;
        let flag = self.0.get(attribute).and_then(|value| value.as_bool().ok());
        flag.copied().ok_or(LedgerFault::UnreadableRow { attribute })
    }

    /// What tells the transaction from another; `None` in a row of an older release, and for a fingerprint of another rule.
    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::parse(self.0.get(FINGERPRINT)?.as_s().ok()?)
    }

    /// The alert, with its message byte for byte as it was stored.
    pub(super) fn alert(&self) -> Result<Alert, LedgerFault> {
        let text = |name: &str| self.0.get(name).and_then(|value| value.as_s().ok()).cloned();
        let alert =
            Alert::from_message(self.text(MESSAGE)?.to_owned(), text(CUSTOMER_SEGMENT), self.fingerprint());
        let mut alert = alert.map_err(|_| LedgerFault::UnreadableRow { attribute: MESSAGE })?;
        alert.merchant_id = text(MERCHANT_ID);
        Ok(alert)
    }

    pub(super) fn text(&self, attribute: &'static str) -> Result<&str, LedgerFault> {
        let text = self.0.get(attribute).and_then(|value| value.as_s().ok());
        text.map(String::as_str).ok_or(LedgerFault::UnreadableRow { attribute })
    }
}
