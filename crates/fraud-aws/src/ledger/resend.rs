//! Sending an alert whose sender died, by the same steps as the function that raised it.

use std::time::Duration;

use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use tokio::time::{Instant, sleep};

use super::{AlertLedger, Claim, Claimed, LedgerFault, Marked, Release};
use crate::alerts::{AlertSink, PublishFault};
use crate::clock::Clock;

/// The part of the time that is kept for noting what was done: a third.
const SETTLING_PARTS: u32 = 3;
/// The pause before an alert that was sent is marked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What sending an alert came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resent {
    /// It was sent and stands as sent.
    Sent,
    /// It stands as sent already; nothing was done.
    SentBefore,
    /// Another sender holds it; nothing was done.
    InForce {
        /// When the other's claim can be taken over.
        until: Timestamp,
    },
    /// Its row is gone: who held it has given it up unsent, and its record comes again. Nothing was done.
    Gone,
    /// The sink did not take it; it is pending as before.
    NotPublished(PublishFault),
    /// It was sent, and that could not be noted: it is pending, and going out again once its claim has expired.
    NotMarked(LedgerFault),
    /// It was sent, but so late that another sender has taken it over: it may have gone out twice.
    ClaimLost,
}

/// Claims `alert`, publishes what the ledger has stored of it, and marks it as sent, within `time`. Where others,
/// functions among them, do the same at the same time, one of them sends it.
///
/// # Errors
/// [`LedgerFault`] where it could not be claimed; nothing was sent then.
pub async fn resend(
    ledger: &impl AlertLedger,
    sink: &impl AlertSink,
    clock: &impl Clock,
    alert: &Alert,
    time: Duration,
) -> Result<Resent, LedgerFault> {
    let (now, end) = (clock.now(), Instant::now() + time);
    let work = end - time / SETTLING_PARTS;
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let claim = Claim::new(now, Timestamp::saturating_from_millis(now.millis().saturating_add(millis)));
    let id = &alert.alert_id;
    let stored = match ledger.claim(alert, &claim, work).await {
        Ok(Claimed::TakenOver(stored)) => stored,
        Ok(Claimed::AlreadySent { .. }) => return Ok(Resent::SentBefore),
        Ok(Claimed::InForce { until }) => return Ok(Resent::InForce { until }),
        Ok(Claimed::Fresh) => {
            ledger.release(id, &claim, Release::NotSent, end).await?;
            return Ok(Resent::Gone);
        }
        Err(fault) => {
            // The call may have reached the ledger all the same; a claim that cannot be given back runs out.
            let _ = ledger.release(id, &claim, Release::NotSent, end).await;
            return Err(fault);
        }
    };
    let published = sink.publish(&[&*stored], work).await.pop();
    if let Err(fault) = published.unwrap_or(Err(PublishFault::HeldBack)) {
        // As above.
        let _ = ledger.release(id, &claim, fault.release(), end).await;
        return Ok(Resent::NotPublished(fault));
    }
    let sent_at = clock.now();
    loop {
        match ledger.mark_sent(id, &claim, sent_at, end).await {
            Ok(Marked::Sent) => return Ok(Resent::Sent),
            Ok(Marked::ClaimLost) => return Ok(Resent::ClaimLost),
            Err(fault) if Instant::now() + PAUSE >= end => return Ok(Resent::NotMarked(fault)),
            Err(_) => sleep(PAUSE).await,
        }
    }
}
