//! A ledger in this process's memory, for development and tests: it forgets nothing while the process lives, and all of
//! it afterwards.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use exact_text::timestamp::Timestamp;
use fraud_core::alert::Alert;
use tokio::time::Instant;

use super::{
    AlertLedger, Claim, Claimed, LedgerFault, Marked, OnRecord, Release, Standing, StandingClaim, standing,
};

/// The ledger.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<HashMap<String, Row>>);

#[derive(Debug)]
struct Row {
    alert: Alert,
    token: String,
    /// In milliseconds since the epoch; 0 for a claim that was given up.
    expires_at: i64,
    may_have_been_sent: bool,
    sent: bool,
}

impl Row {
    fn fresh(alert: &Alert, claim: &Claim) -> Self {
        Row {
            alert: alert.clone(),
            token: claim.token.clone(),
            expires_at: claim.expires_at.millis(),
            may_have_been_sent: false,
            sent: false,
        }
    }

    fn is_held_by(&self, claim: &Claim) -> bool {
        !self.sent && self.token == claim.token
    }
}

impl MemoryLedger {
    fn rows(&self) -> MutexGuard<'_, HashMap<String, Row>> {
        // Every change under the lock is complete before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryLedger {
    /// Claims alerts that are not on record yet: all of them, or none if some are, which are told.
    pub fn claim_all(&self, alerts: &[&Alert], claim: &Claim) -> Vec<StandingClaim> {
        let mut rows = self.rows();
        let standing = |alert: &&&Alert| {
            let row = rows.get(&alert.alert_id)?;
            Some(StandingClaim { alert_id: alert.alert_id.clone(), fingerprint: row.alert.fingerprint })
        };
        let standing: Vec<_> = alerts.iter().filter_map(|alert| standing(&alert)).collect();
        if standing.is_empty() {
            rows.extend(alerts.iter().map(|alert| (alert.alert_id.clone(), Row::fresh(alert, claim))));
        }
        standing
    }
}

impl AlertLedger for MemoryLedger {
    async fn claim(&self, alert: &Alert, claim: &Claim, _deadline: Instant) -> Result<Claimed, LedgerFault> {
        let (token, expires_at) = (claim.token.clone(), claim.expires_at.millis());
        let mut rows = self.rows();
        let row = match rows.entry(alert.alert_id.clone()) {
            Entry::Occupied(row) => row.into_mut(),
            Entry::Vacant(place) => {
                place.insert(Row::fresh(alert, claim));
                return Ok(Claimed::Fresh);
            }
        };
        if !alert.is_of_the_same_content(row.alert.fingerprint) {
            return Ok(Claimed::IdInUse);
        }
        if row.sent {
            return Ok(Claimed::AlreadySent);
        }
        match standing(&row.token, row.expires_at, claim) {
            Standing::InForce { until } => return Ok(Claimed::InForce { until }),
            // Renewed: nothing but the term is another.
            Standing::Own => row.expires_at = expires_at,
            Standing::Expired => {
                row.may_have_been_sent |= row.expires_at != 0;
                (row.token, row.expires_at) = (token, expires_at);
            }
        }
        let (alert, may_have_been_sent) = (Box::new(row.alert.clone()), row.may_have_been_sent);
        Ok(Claimed::Stored { alert, may_have_been_sent })
    }

    async fn find(&self, alert: &Alert, _deadline: Instant) -> Result<Option<OnRecord>, LedgerFault> {
        let rows = self.rows();
        for id in alert.ids() {
            match rows.get(&id) {
                None => return Ok(None),
                Some(row) if !alert.is_of_the_same_content(row.alert.fingerprint) => {}
                Some(row) if row.sent => return Ok(Some(OnRecord::Sent)),
                Some(row) => return Ok(Some(OnRecord::Pending(Box::new(row.alert.clone())))),
            }
        }
        Ok(None)
    }

    async fn mark_sent(
        &self,
        alert_id: &str,
        claim: &Claim,
        _sent_at: Timestamp,
        _deadline: Instant,
    ) -> Result<Marked, LedgerFault> {
        Ok(match self.rows().get_mut(alert_id) {
            Some(row) if row.token == claim.token => {
                row.sent = true;
                Marked::Sent
            }
            _ => Marked::ClaimLost,
        })
    }

    async fn release(
        &self,
        alert_id: &str,
        claim: &Claim,
        release: Release,
        _deadline: Instant,
    ) -> Result<(), LedgerFault> {
        let mut rows = self.rows();
        if let Some(row) = rows.get_mut(alert_id).filter(|row| row.is_held_by(claim)) {
            row.may_have_been_sent |= release == Release::MayHaveBeenSent;
            row.expires_at = 0;
        }
        Ok(())
    }
}
