//! The emulator's streams and our records, and what may happen to them at the same time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Mutex as SyncMutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferrokinesis::store::Store;
use ferrokinesis::types::Stream;
use tokio::sync::Mutex;

use super::log::Log;
use super::refused;
use crate::arrivals::Arrivals;
use crate::service::{ACCOUNT_ID, REGION, Service, ServiceError};

/// Streams and their records.
///
/// A record is numbered first and logged afterwards: a reader could pass a number whose record is still to come, or find a shard
/// closed before its last record is in. So whoever puts or reads records holds `logged`.
pub(crate) struct Streams {
    pub(super) store: Store,
    pub(super) logged: Mutex<Logged>,
    arrivals: Arrivals,
    /// How many records each stream has taken.
    taken: SyncMutex<HashMap<String, u64>>,
}

/// The records of all streams.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) log: Log,
    pub(super) last: LastArrivals,
}

/// When the last record of each shard arrived, by the names of stream and shard.
pub(super) type LastArrivals = HashMap<(String, String), SystemTime>;

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl Streams {
    pub(super) fn new(store: Store, arrivals: Arrivals) -> io::Result<Self> {
        let logged = Mutex::new(Logged { log: Log::new()?, last: LastArrivals::new() });
        Ok(Self { store, logged, arrivals, taken: SyncMutex::default() })
    }

    /// Notes that a stream has taken this many records more.
    pub(super) fn took(&self, stream: &str, records: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken.entry(stream.to_owned()).or_default() += records as u64;
    }

    /// How many records a stream has taken.
    pub(super) fn taken(&self, stream: &str) -> u64 {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.get(stream).copied().unwrap_or_default()
    }

    pub(crate) fn simulates_arrivals(&self) -> bool {
        self.arrivals.are_simulated()
    }

    /// When a record arrives that is put at `now`.
    pub(super) fn arrival(
        &self,
        data: &[u8],
        (stream, shard): (&str, &str),
        now: SystemTime,
        last: &mut LastArrivals,
    ) -> SystemTime {
        if !self.arrivals.are_simulated() {
            return now;
        }
        let last = last.entry((stream.to_owned(), shard.to_owned()));
        let arrival = match &last {
            Entry::Occupied(last) => self.arrivals.arrival(data, Some(*last.get()), now),
            Entry::Vacant(_) => self.arrivals.arrival(data, None, now),
        };
        last.insert_entry(arrival);
        arrival
    }

    /// A stream as it is now.
    pub(super) async fn stream(&self, name: &str) -> Result<Stream, ServiceError> {
        self.store.get_stream(name).await.map_err(refused)
    }

    /// The stream that a request names, by its name or its ARN.
    pub(super) fn named<'a>(name: Option<&'a str>, arn: Option<&'a str>) -> Result<&'a str, ServiceError> {
        match (name, arn) {
            (Some(_), Some(_)) => {
                Err(Service::Kinesis
                    .validation_error("StreamARN and StreamName cannot be provided together."))
            }
            (Some(name), None) => Ok(name),
            (None, Some(arn)) => arn.split_once(":stream/").map(|(_, name)| name).ok_or_else(|| {
                Service::Kinesis.validation_error(format!("{arn} is not the ARN of a stream."))
            }),
            (None, None) => {
                Err(Service::Kinesis.validation_error("Either StreamName or StreamARN must be provided."))
            }
        }
    }
}

/// The ARN of a stream.
pub(super) fn stream_arn(name: &str) -> String {
    format!("arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/{name}")
}

/// Whole milliseconds since 1970.
pub(super) fn milliseconds(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The time that is this many milliseconds after 1970.
pub(super) fn time(milliseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(milliseconds)
}

/// A time as answers tell it: seconds since 1970 with milliseconds after the point.
#[allow(clippy::cast_precision_loss, reason = "milliseconds of this age stay below 2^53 for 285,000 years")]
pub(super) fn told(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// The time that a request [tells](told).
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturated: before 1970 is 1970")]
pub(super) fn asked_time(told: f64) -> u64 {
    (told * 1000.0).round() as u64
}
