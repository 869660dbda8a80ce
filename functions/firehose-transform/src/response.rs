//! The answer to a Firehose transformation event, never larger than Lambda lets it be.

use exact_text::timestamp::{Calendar, Timestamp};

use lambda_events::firehose::FirehoseRecord;

/// The largest response of a synchronous invocation, in bytes (AWS Lambda developer guide, "Lambda quotas": 6 MB for
/// request and response each; 6,291,556 is what the runtime enforces for the response).
pub const MAX_RESPONSE_BYTES: usize = 6_291_556;

/// The smallest records, in bytes, that a delivery stream's buffer must be safe for: a customer and an amount.
///
/// A record grows when it is scored, and the smaller it is the more. A buffer of [`MAX_RESPONSE_BYTES`] /
/// [`SMALLEST_RECORDS_ANSWER_BYTES`] × this many bytes is answered whole if no record is smaller.
pub const SMALLEST_RECORD_BYTES: usize = 40;

/// The most bytes that the answer to such a record takes under the default policy, with a segment of 32 bytes and no
/// transaction id, so that its position in the stream takes its place.
pub const SMALLEST_RECORDS_ANSWER_BYTES: usize = 920;

/// The keys of a record's partition in the lake, and with how many digits each is written.
pub const PARTITION_KEYS: [(&str, usize); 4] = [("year", 4), ("month", 2), ("day", 2), ("hour", 2)];

const OPEN: &str = "{\"records\":[";
const CLOSE: &str = "]}";

/// Even the echoes of all records, the smallest answers there are, pass what Lambda lets a function answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many records: not even their unchanged data would fit into a response")]
pub struct Unanswerable;

/// Writes the answers of an event's records, in order, each exactly once.
///
/// Room for the echo of every record still to be answered is kept free at all times, so that the answer can always be
/// completed.
#[derive(Debug)]
pub struct ResponseWriter {
    out: String,
    limit: usize,
    /// What the echoes of the records still to be answered would take, their commas included.
    reserved: usize,
    partition: Partition,
}

/// The partition of the records of one hour, as the answer writes it: most records lie in that of the one before.
#[derive(Debug)]
struct Partition {
    /// Since the epoch.
    hour: i64,
    /// From the end of a record's data to its last brace.
    text: String,
}

impl Partition {
    fn of(time: Timestamp) -> Self {
        let Calendar { year, month, day, hour } = time.calendar();
        let values = [i64::from(year), i64::from(month), i64::from(day), i64::from(hour)];
        let keys = PARTITION_KEYS.iter().zip(values);
        let keys: Vec<_> =
            keys.map(|((key, digits), value)| format!("\"{key}\":\"{value:0digits$}\"")).collect();
        let text = format!("\",\"metadata\":{{\"partitionKeys\":{{{}}}}}}}", keys.join(","));
        Partition { hour: hour_of(time), text }
    }
}

fn hour_of(time: Timestamp) -> i64 {
    time.millis().div_euclid(3_600_000)
}

impl ResponseWriter {
    /// An answer to these records, of at most `limit` bytes. Their lines take some `further` bytes more than under the default
    /// policy: a matter of room, not of a bound.
    ///
    /// # Errors
    /// [`Unanswerable`] if the limit leaves no room for their echoes. What Firehose sends always fits: an echo is
    /// shorter than the record in the request.
    pub fn new(records: &[FirehoseRecord<'_>], further: usize, limit: usize) -> Result<Self, Unanswerable> {
        let reserved: usize = records.iter().map(echo_length).sum();
        if OPEN.len() + reserved + CLOSE.len() > limit {
            return Err(Unanswerable);
        }
        // A scored record grows by less than this; where it does not, the buffer grows too.
        const GROWTH: usize = 640;
        let growth = GROWTH + further / 3 * 4;
        let mut out = String::with_capacity((reserved + records.len() * growth).min(limit));
        out.push_str(OPEN);
        let partition = Partition::of(Timestamp::saturating_from_millis(0));
        Ok(ResponseWriter { out, limit, reserved, partition })
    }

    /// Answers the next record with its scored line, to be stored in the partition of `time`. Says whether that fitted;
    /// where it did not, the record is still to be answered, with [`echo`](Self::echo).
    #[must_use]
    pub fn ok(&mut self, record: &FirehoseRecord<'_>, line: &[u8], time: Timestamp) -> bool {
        let reserved_after = self.reserved - echo_length(record);
        let start = self.out.len();
        self.open_record(record, "Ok");
        base64_simd::STANDARD.encode_append(line, &mut self.out);
        if self.partition.hour != hour_of(time) {
            self.partition = Partition::of(time);
        }
        self.out.push_str(&self.partition.text);
        let fits = self.out.len() + reserved_after + CLOSE.len() <= self.limit;
        if fits {
            self.reserved = reserved_after;
        } else {
            self.out.truncate(start);
        }
        fits
    }

    /// Answers the next record as failed, with its data as it came.
    pub fn echo(&mut self, record: &FirehoseRecord<'_>) {
        self.reserved -= echo_length(record);
        self.open_record(record, "ProcessingFailed");
        self.out.push_str(record.data.map_or("", |data| data.raw()));
        self.out.push_str("\"}");
    }

    /// The complete answer.
    pub fn finish(mut self) -> String {
        self.out.push_str(CLOSE);
        self.out
    }

    fn open_record(&mut self, record: &FirehoseRecord<'_>, result: &str) {
        if self.out.len() > OPEN.len() {
            self.out.push(',');
        }
        self.out.push_str("{\"recordId\":\"");
        self.out.push_str(record.id.raw());
        self.out.push_str("\",\"result\":\"");
        self.out.push_str(result);
        self.out.push_str("\",\"data\":\"");
    }
}

/// The bytes that a record's echo takes, with a comma.
fn echo_length(record: &FirehoseRecord<'_>) -> usize {
    const FIXED: usize = r#"{"recordId":"","result":"ProcessingFailed","data":""},"#.len();
    FIXED + record.id.raw().len() + record.data.map_or(0, |data| data.raw().len())
}

#[cfg(test)]
mod tests;
