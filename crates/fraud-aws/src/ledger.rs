//! The alert ledger: the memory that sends each alert once, and the record of what was sent.

use std::future::Future;
use std::time::Duration;

use aws_calls::fault::CallFault;
use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use fraud_core::fingerprint::Fingerprint;
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
pub use send::{CLAIM_TERM, SendLimits, Sender, Sent, ToSend, send_pending};
pub use table::TABLE;

/// The port as data.
pub const PORT: Port = Port {
    name: "ledger",
    variable: ALERT_LEDGER,
    calls: &[Call::new("PutItem", "dynamodb:PutItem"), Call::new("UpdateItem", "dynamodb:UpdateItem")],
};

/// How far the clocks of two senders may differ. A claim of another's counts as in force for so much longer than it
/// says; while it is, nobody else sends. Lambda's hosts keep within milliseconds of each other (Amazon Time Sync). Where
/// clocks differ by more, an alert can go out twice.
pub const CLOCK_SKEW: Duration = Duration::from_secs(1);

/// Remembers which alerts were sent.
///
/// A sender first [claims](Self::claim) an alert, then publishes what the claim gave it, then
/// [marks it as sent](Self::mark_sent); what it claimed and did not publish it [releases](Self::release). What was once
/// claimed stays on record with its message, so that whatever goes out under an id is always the same. Every call
/// answers by its `deadline` at the latest, and may be made again after a fault.
pub trait AlertLedger: Send + Sync {
    /// Claims the right to send an alert. A claim holds until it expires, is released, or the alert is marked as sent.
    /// Claiming again what the same claim already holds succeeds, for the SDK repeats calls by itself.
    ///
    /// # Errors
    /// [`LedgerFault`]; whether the claim was made is then unknown: nothing may be sent, and releasing it does no harm.
    fn claim(
        &self,
        alert: &Alert,
        claim: &Claim,
        deadline: Instant,
    ) -> impl Future<Output = Result<Claimed, LedgerFault>> + Send;

    /// What is on record of an alert's transaction, under whichever of its [ids](Alert::ids); `None` if there is nothing.
    ///
    /// # Errors
    /// [`LedgerFault`]
    fn find(
        &self,
        alert: &Alert,
        deadline: Instant,
    ) -> impl Future<Output = Result<Option<OnRecord>, LedgerFault>> + Send;

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

/// Who claims, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Tells this sender from every other, also from another attempt at the same batch.
    pub token: String,
    /// Now.
    pub claimed_at: Timestamp,
    /// When the claim ends by itself. The sender publishes nothing under it from then on.
    pub expires_at: Timestamp,
}

impl Claim {
    /// A claim with a token of its own.
    ///
    /// # Errors
    /// [`LedgerFault::NoRandomness`]
    pub fn new(claimed_at: Timestamp, expires_at: Timestamp) -> Result<Self, LedgerFault> {
        Ok(Claim { token: Self::new_token()?, claimed_at, expires_at })
    }

    /// A claim under a sender's token that lasts for the [term](CLAIM_TERM), but not beyond when the sender ends.
    pub fn for_the_term(token: &str, claimed_at: Timestamp, ends_at: Option<Timestamp>) -> Self {
        let term = i64::try_from(CLAIM_TERM.as_millis()).unwrap_or(i64::MAX);
        let end = Timestamp::saturating_from_millis(claimed_at.millis().saturating_add(term));
        let expires_at = ends_at.map_or(end, |ends_at| end.min(ends_at));
        Claim { token: token.to_owned(), claimed_at, expires_at }
    }

    /// A token from the system's randomness. An invocation's id would not do: an attempt at the same event can have it again,
    /// and would take the claim of one that died for its own. Nor would a generator that two processes may have seeded
    /// alike.
    ///
    /// # Errors
    /// [`LedgerFault::NoRandomness`]
    pub fn new_token() -> Result<String, LedgerFault> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| LedgerFault::NoRandomness)?;
        Ok(format!("{:032x}", u128::from_be_bytes(token)))
    }
}

/// What an attempt to claim came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// The alert is ours to send, and is now on record.
    Fresh,
    /// It is ours to send, and was on record before: the stored alert is to be sent, unchanged, in place of the one just
    /// made.
    Stored {
        /// The stored alert.
        alert: Box<Alert>,
        /// Whether it may have been sent: an earlier claim ended without saying that nothing was.
        may_have_been_sent: bool,
    },
    /// It was sent before; nothing is to be sent.
    AlreadySent,
    /// Its id is that of an alert with another content, sent or not: it needs [another](Alert::ids).
    IdInUse,
    /// Another sender has it. Its record must be retried.
    InForce {
        /// When the other's claim can be taken over.
        until: Timestamp,
    },
}

/// What is on record of a transaction's alert.
#[derive(Debug, Clone, PartialEq)]
pub enum OnRecord {
    /// It was sent.
    Sent,
    /// It is to be sent, or is being sent: the stored alert.
    Pending(Box<Alert>),
}

/// A claim that stood where one was to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingClaim {
    /// The alert's id.
    pub alert_id: String,
    /// The content that it was claimed for; `None` if the ledger does not say.
    pub fingerprint: Option<Fingerprint>,
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
    /// It was not sent under this claim.
    NotSent,
    /// It may have been sent: the sink did not answer.
    MayHaveBeenSent,
}

/// Why the ledger did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFault {
    /// The call failed, after retries.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// The system gave no random bytes for a claim's token.
    #[error("the system gives no randomness")]
    NoRandomness,
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
        matches!(self, LedgerFault::Call(_) | LedgerFault::NoRandomness)
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
    match expires_at {
        0 => Standing::Expired,
        _ if token == claim.token => Standing::Own,
        _ if until <= claim.claimed_at => Standing::Expired,
        _ => Standing::InForce { until },
    }
}

#[cfg(test)]
mod tests;
