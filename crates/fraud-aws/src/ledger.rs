//! The alert ledger: the memory that sends each alert once, and the record of what was sent.

use std::future::Future;
use std::time::Duration;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use tokio::time::Instant;

use crate::config::ALERT_LEDGER;
use crate::port::{Call, Port};

mod browse;
mod connect;
mod dynamodb;
mod memory;
mod row;
mod send;
mod table;

pub use browse::{AuditRow, AuditValue, Pending, PendingAlert, Searched};
pub use connect::Ledger;
pub use dynamodb::DynamoDbLedger;
pub use memory::MemoryLedger;
pub use send::{SendLimits, Sender, Sent, Which, send_pending};
pub use table::TABLE;

/// The port as data.
pub const PORT: Port = Port {
    name: "ledger",
    variable: ALERT_LEDGER,
    calls: &[
        Call::new("PutItem", "dynamodb:PutItem"),
        Call::new("UpdateItem", "dynamodb:UpdateItem"),
        Call::new("DeleteItem", "dynamodb:DeleteItem"),
    ],
};

/// How far the clocks of two senders may differ. A claim of another's counts as in force for so much longer than it
/// says; while it is, nobody else sends. Lambda's hosts keep within milliseconds of each other (Amazon Time Sync), and
/// a second is short against the wait for the next attempt at a batch.
pub const CLOCK_SKEW: Duration = Duration::from_secs(1);

/// Remembers which alerts were sent.
///
/// A sender first [claims](Self::claim) an alert, then publishes what the claim gave it, then
/// [marks it as sent](Self::mark_sent); what it claimed and did not publish it [releases](Self::release). Every call
/// answers by its `deadline` at the latest, and may be made again after a fault.
pub trait AlertLedger: Send + Sync {
    /// Claims the right to send an alert. A claim holds until it expires, is released, or the alert is marked as sent.
    /// Claiming again what the same claim already holds succeeds, for the SDK repeats calls by itself: one invocation
    /// that meets an alert twice must know so without the ledger.
    ///
    /// # Errors
    /// [`LedgerFault`]; whether the claim was made is then unknown: nothing may be sent, and releasing it does no harm.
    fn claim(
        &self,
        alert: &Alert,
        claim: &Claim,
        deadline: Instant,
    ) -> impl Future<Output = Result<Claimed, LedgerFault>> + Send;

    /// Notes that a claimed alert was sent. Noting it again changes nothing.
    ///
    /// # Errors
    /// [`LedgerFault`]; if it was not noted, the alert goes out again once the claim has expired.
    fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        sent_at: Timestamp,
        deadline: Instant,
    ) -> impl Future<Output = Result<Marked, LedgerFault>> + Send;

    /// Gives a claim up before it expires, so that the next attempt need not wait for that. Giving up what is not held,
    /// or is not there, changes nothing.
    ///
    /// # Errors
    /// [`LedgerFault`]; the claim then holds until it expires.
    fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), LedgerFault>> + Send;
}

/// Who claims, and for how long: one for an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Tells this invocation from every other, also from another attempt at the same batch.
    pub token: String,
    /// Now.
    pub claimed_at: Timestamp,
    /// When the claim ends by itself: the invocation's deadline, after which it sends nothing more.
    pub expires_at: Timestamp,
}

impl Claim {
    /// A claim with a token drawn at random. An invocation's id would not do: an attempt at the same event can have it
    /// again, and would take the claim of one that died for its own.
    pub fn new(claimed_at: Timestamp, expires_at: Timestamp) -> Self {
        Claim { token: format!("{:032x}", fastrand::u128(..)), claimed_at, expires_at }
    }
}

/// What an attempt to claim came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// The alert is ours to send.
    Fresh,
    /// It is ours, and an earlier sender may have sent it and been unable to say so: the stored alert is to be sent,
    /// unchanged, in place of the one just made.
    TakenOver(Box<Alert>),
    /// It was sent before; nothing is to be sent.
    AlreadySent {
        /// The stored alert's amount: another one means that a producer used an id twice.
        transaction_amount: String,
    },
    /// Another sender has it. Its record must be retried.
    InForce {
        /// When the other's claim can be taken over.
        until: Timestamp,
    },
}

/// What marking an alert as sent came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// It is marked as sent, by this claim.
    Sent,
    /// The claim was no longer ours: it had expired and another has taken it over, so that the alert may have gone out
    /// twice.
    ClaimLost,
}

/// What is known of an alert whose claim is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// It was not sent under this claim. Where it cannot have been sent under an earlier one either, the ledger forgets
    /// it; else it keeps the stored message.
    NotSent,
    /// It may have been sent: the sink did not answer. The message stays, and goes out again unchanged.
    MayHaveBeenSent,
}

/// Why the ledger did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// The call failed, after retries.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// The alert does not fit into a row, and never will.
    #[error("a row of {size} bytes is too large")]
    RowTooLarge {
        /// The row's size in bytes.
        size: usize,
    },
    /// The alert's row is not one that this ledger wrote; it stays so until somebody mends it.
    #[error("the row's `{attribute}` cannot be read")]
    UnreadableRow {
        /// The attribute that is missing or of another form.
        attribute: &'static str,
    },
}

impl LedgerFault {
    /// Whether the ledger may answer another time.
    pub fn is_transient(&self) -> bool {
        matches!(self, LedgerFault::Call(_))
    }
}

/// What a claim in the ledger means for a new claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is the same one.
    Own,
    /// It is another's and holds.
    InForce { until: Timestamp },
    /// It can be taken over.
    Expired,
}

/// `expires_at` is in milliseconds since the epoch; 0 is a claim that was given up.
fn standing(token: &str, expires_at: i64, claim: &Claim) -> Standing {
    let skew = i64::try_from(CLOCK_SKEW.as_millis()).unwrap_or(i64::MAX);
    let until = Timestamp::saturating_from_millis(expires_at.saturating_add(skew));
    if expires_at == 0 || until <= claim.claimed_at {
        Standing::Expired
    } else if token == claim.token {
        Standing::Own
    } else {
        Standing::InForce { until }
    }
}

#[cfg(test)]
mod tests;
