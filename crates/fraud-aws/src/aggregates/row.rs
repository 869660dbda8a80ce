//! A row of the aggregates in DynamoDB.
//!
//! | attribute | type | |
//! |---|---|---|
//! | `customer_id` | S | the partition key |
//! | `window_start` | N | the sort key: seconds since the epoch |
//! | `event_window_start`, `event_window_end` | S | the window's bounds, RFC 3339 in UTC; the end is not part of it |
//! | `window_seconds` | N | the window's length |
//! | `event_count` | N | how many transactions counted |
//! | `total_amount` | N | their amounts' sum, exact |
//! | `sum_complete` | BOOL | whether `total_amount` holds all their amounts; absent: yes |
//! | `counted` | BS | what they are recognised by: a [`TransactionHash`] of 8 bytes for each |
//! | `counted_by` | S | what those are made of: `fingerprint/1`, of the identity and the fingerprint; absent in rows that an older release began: of the identity alone |
//! | `dedup_complete` | BOOL | whether `counted` has held all of them from the first on |
//! | `updated_at` | S | when it was last added to, RFC 3339 in UTC |
//! | `ttl` | N | when the row may be deleted, seconds since the epoch |
//!
//! One more item holds the [rule](super::rule) that the windows are kept under.
//!
//! DynamoDB deletes a row some time after its `ttl`; until then it counts, for a longer memory does no harm.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;

use aws_sdk_dynamodb::types::AttributeValue;
use fraud_core::money::Money;
use fraud_core::window::{TransactionHash, Window, WindowTotals};

use super::table::*;
use super::{AggregateFault, CountedBy, RowState};

/// A row's attributes.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The value of `counted_by`, with the version of the fingerprints' rule: under another rule a transaction has another
/// hash.
pub(super) const BY_CONTENT: &str = "fingerprint/1";

/// The attributes that a row's totals are read from.
pub(super) const TOTALS: [&str; 7] =
    [CUSTOMER_ID, WINDOW_START, WINDOW_SECONDS, EVENT_COUNT, TOTAL_AMOUNT, SUM_COMPLETE, DEDUP_COMPLETE];

/// # Errors
/// [`AggregateFault::UnreadableRow`] if the row is for windows of another length.
pub(super) fn check_length(standing: Window, expected: Window) -> Result<(), AggregateFault> {
    let attribute = WINDOW_SECONDS;
    if standing == expected { Ok(()) } else { Err(AggregateFault::UnreadableRow { attribute }) }
}

/// The row with its memory.
///
/// # Errors
/// [`AggregateFault::UnreadableRow`]
pub(super) fn state(item: &Item) -> Result<RowState, AggregateFault> {
    let attribute = COUNTED;
    let unreadable = AggregateFault::UnreadableRow { attribute };
    let hashes =
        item.get(attribute).and_then(|value| value.as_bs().ok()).ok_or_else(|| unreadable.clone())?;
    let hash = |hash: &aws_sdk_dynamodb::primitives::Blob| hash.as_ref().try_into().ok().map(TransactionHash);
    let remembered: Option<HashSet<_>> = hashes.iter().map(hash).collect();
    Ok(RowState {
        totals: totals(item)?,
        counted_by: counted_by(item)?,
        remembered: remembered.ok_or(unreadable)?,
    })
}

fn counted_by(item: &Item) -> Result<CountedBy, AggregateFault> {
    match item.get(COUNTED_BY) {
        None => Ok(CountedBy::Identity),
        Some(AttributeValue::S(text)) if text == BY_CONTENT => Ok(CountedBy::Content),
        Some(_) => Err(AggregateFault::UnreadableRow { attribute: COUNTED_BY }),
    }
}

/// The row without its memory.
///
/// # Errors
/// [`AggregateFault::UnreadableRow`]
pub(super) fn totals(item: &Item) -> Result<WindowTotals, AggregateFault> {
    let customer_id = item.get(CUSTOMER_ID).and_then(|value| value.as_s().ok());
    let customer_id = customer_id.ok_or(AggregateFault::UnreadableRow { attribute: CUSTOMER_ID })?;
    let seconds: NonZeroU32 = number(item, WINDOW_SECONDS, |digits| digits.parse().ok())?;
    let window = number(item, WINDOW_START, |digits| Window::starting_at(digits.parse().ok()?, seconds))?;
    totals_of(customer_id, window, item)
}

/// The totals of a customer's window out of some of its row's attributes.
///
/// # Errors
/// [`AggregateFault::UnreadableRow`]
pub(super) fn totals_of(
    customer_id: &str,
    window: Window,
    item: &Item,
) -> Result<WindowTotals, AggregateFault> {
    Ok(WindowTotals {
        customer_id: customer_id.to_owned(),
        window,
        event_count: number(item, EVENT_COUNT, |digits| digits.parse().ok())?,
        total_amount: number(item, TOTAL_AMOUNT, Money::sum)?,
        // Rows of releases that dead-lettered such amounts uncounted do not have it.
        sum_complete: !item.contains_key(SUM_COMPLETE) || boolean(item, SUM_COMPLETE)?,
        dedup_complete: boolean(item, DEDUP_COMPLETE)?,
    })
}

fn boolean(item: &Item, attribute: &'static str) -> Result<bool, AggregateFault> {
    let value = item.get(attribute).and_then(|value| value.as_bool().ok());
    value.copied().ok_or(AggregateFault::UnreadableRow { attribute })
}

fn number<T>(
    item: &Item,
    attribute: &'static str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, AggregateFault> {
    let digits = item.get(attribute).and_then(|value| value.as_n().ok());
    digits.and_then(|digits| parse(digits)).ok_or(AggregateFault::UnreadableRow { attribute })
}
