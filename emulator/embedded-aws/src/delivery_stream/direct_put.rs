//! Records that producers put on a delivery stream themselves.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;

use crate::event_source_mapping::{Clock, Page, Record, RecordSource, Shard};
use crate::service::{ACCOUNT_ID, REGION};

/// The largest record, in bytes before base64.
/// Source: Firehose developer guide, "Amazon Data Firehose quota": 1,000 KiB.
pub(crate) const MAX_RECORD: usize = 1_024_000;

/// The only shard there is.
const SHARD: &str = "direct-put";

/// A record has more than 1,000 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of {0} bytes: at most {MAX_RECORD} are possible")]
pub struct RecordTooLarge(pub usize);

/// The records that were put on a delivery stream directly, which are all kept. A cloneable handle.
#[derive(Debug, Clone)]
pub struct DirectPut {
    name: String,
    clock: Clock,
    records: Arc<Mutex<Vec<(Bytes, SystemTime)>>>,
}

impl DirectPut {
    /// For a delivery stream of this name; records arrive by this clock.
    #[must_use]
    pub fn new(name: impl Into<String>, clock: Clock) -> Self {
        Self { name: name.into(), clock, records: Arc::default() }
    }

    /// Puts a record.
    ///
    /// # Errors
    /// [`RecordTooLarge`]; nothing is put then.
    pub fn put(&self, data: impl Into<Bytes>) -> Result<(), RecordTooLarge> {
        let data = data.into();
        if data.len() > MAX_RECORD {
            return Err(RecordTooLarge(data.len()));
        }
        self.all().push((data, self.clock.now()));
        Ok(())
    }

    /// Everything that was put, in order.
    #[must_use]
    pub fn records(&self) -> Vec<Bytes> {
        self.all().iter().map(|(data, _)| data.clone()).collect()
    }

    fn all(&self) -> MutexGuard<'_, Vec<(Bytes, SystemTime)>> {
        // Nothing panics while it holds the lock.
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The delivery stream's own ARN is in place of a stream's; the records' places are their sequence numbers.
impl RecordSource for DirectPut {
    type Error = Infallible;

    fn stream_arn(&self) -> String {
        delivery_stream_arn(&self.name)
    }

    async fn shards(&self) -> Result<Vec<Shard>, Infallible> {
        Ok(vec![Shard { id: SHARD.to_owned(), parents: Vec::new() }])
    }

    async fn read(&self, _shard_id: &str, after: Option<&str>, limit: usize) -> Result<Page, Infallible> {
        let all = self.all();
        let begin = after.and_then(|place| place.parse::<usize>().ok()).map_or(0, |place| place + 1);
        let rest = all.iter().enumerate().skip(begin).take(limit);
        let records: Vec<_> = rest
            .map(|(place, (data, arrival))| Record {
                partition_key: String::new(),
                data: data.clone(),
                sequence_number: place.to_string(),
                approximate_arrival: *arrival,
            })
            .collect();
        let caught_up = begin + records.len() >= all.len();
        Ok(Page { records, caught_up, closed: false })
    }
}

/// The ARN of a delivery stream.
pub(crate) fn delivery_stream_arn(name: &str) -> String {
    format!("arn:aws:firehose:{REGION}:{ACCOUNT_ID}:deliverystream/{name}")
}
