//! Getting the consumer's lease, and keeping it.

use exact_text::timestamp::Timestamp;
use tokio::time::Instant;

use super::checkpoints::{Checkpoints, Holder, Kept, Lease, LeaseAnswer, LeaseClaim, Standing, Start};
use super::error::ConsumerError;
use super::handler::Handler;
use super::settings::From;
use super::shared::{LEASE, Shared, now};
use super::source::{ShardSource, StreamDescription};
use super::stop::Stop;

/// How often a lease is renewed, and looked at while it is another's, within its length.
const RENEWALS: u32 = 3;
const LOOKS: u32 = 10;
/// By how much this machine's clock may be ahead of the stream's where "from now on" has to be said as a time.
const CLOCK_ALLOWANCE: i64 = 5_000;

impl<S: ShardSource, C: Checkpoints, H: Handler> Shared<S, C, H> {
    /// Takes the lease: at once if nobody holds it, or after it was seen not to change for its whole length. `None` if the
    /// consumer is to end first.
    ///
    /// # Errors
    /// [`ConsumerError::NameInUse`] if its holder renews it meanwhile.
    pub(super) async fn take_lease(
        &self,
        stream: &StreamDescription,
        owner: &str,
        stop: &Stop,
    ) -> Result<Option<Lease>, ConsumerError> {
        let claim = LeaseClaim {
            owner: owner.to_owned(),
            length: self.settings.lease,
            stream_created_at: stream.created_at,
            start: start(self.settings.from),
        };
        let mut seen: Option<(Standing, Instant)> = None;
        while !stop.is_set() {
            // The time is taken before the call whose answer proves that the lease has stood still until then.
            let expired = seen.as_ref().filter(|(standing, since)| since.elapsed() >= standing.length);
            let expired = expired.map(|(standing, _)| standing);
            let answer = self.keep(LEASE, stop, || self.checkpoints.take_lease(&claim, expired)).await?;
            let standing = match answer {
                LeaseAnswer::Taken(lease) => return Ok(Some(lease)),
                LeaseAnswer::OtherStream { created_at } => {
                    return Err(ConsumerError::OtherStream {
                        stream: self.stream(),
                        consumer: self.settings.name.clone(),
                        theirs: created_at,
                        created_at: stream.created_at,
                    });
                }
                LeaseAnswer::Held(standing) => standing,
            };
            let look_again = standing.length / LOOKS;
            match &seen {
                Some((before, _)) if *before != standing => {
                    return Err(ConsumerError::NameInUse {
                        stream: self.stream(),
                        consumer: self.settings.name.clone(),
                        owner: standing.owner,
                    });
                }
                Some(_) => {}
                None => seen = Some((standing, Instant::now())),
            }
            let alive = "is the process before still alive?".to_owned();
            self.report().trouble.insert(LEASE.to_owned(), alive);
            stop.pause(look_again).await;
        }
        Ok(None)
    }

    /// Renews the lease until it is lost, and says so. A call that fails is made again: the lease may be lost meanwhile,
    /// which the next answer says.
    pub(super) async fn keep_lease(&self, holder: &Holder) -> ConsumerError {
        let never = Stop::new();
        loop {
            tokio::time::sleep(self.settings.lease / RENEWALS).await;
            match self.keep(LEASE, &never, || self.checkpoints.renew_lease(&holder.owner)).await {
                Ok(Kept::Ours) => {}
                Ok(Kept::Lost(to)) => return self.lost("its lease", to),
                Err(error) => return error,
            }
        }
    }

    /// Gives the lease up. If that fails, it runs out, and the next start waits for that.
    pub(super) async fn release_lease(&self, holder: &Holder) {
        let stop = Stop::new();
        stop.set();
        // The run's own result matters more than how long the next one waits.
        let _ = self.keep(LEASE, &stop, || self.checkpoints.release_lease(&holder.owner)).await;
    }
}

/// Where a consumer begins, in words that a later process can go by.
fn start(from: From) -> Start {
    match from {
        From::TrimHorizon => Start::TrimHorizon,
        From::Latest => Start::Time(Timestamp::saturating_from_millis(now().millis() - CLOCK_ALLOWANCE)),
        From::Time(time) => Start::Time(time),
    }
}
