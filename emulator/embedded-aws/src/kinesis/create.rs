//! CreateStream. The emulator's knows no streams on demand.

use std::collections::BTreeMap;
use std::time::SystemTime;

use ferrokinesis::sequence::{self, SeqObj};
use ferrokinesis::types::{
    EpochSeconds, HashKeyRange, SequenceNumberRange, Shard, StreamBuilder, StreamMode, StreamModeDetails,
    StreamStatus,
};
use serde::Deserialize;

use super::streams::{Streams, milliseconds, stream_arn};
use super::{refused, violated};
use crate::service::{ACCOUNT_ID, Service, ServiceError};

/// How many shards all streams may have together. Source: Kinesis developer guide, "Quotas and limits", us-east-1.
pub(super) const SHARD_LIMIT: u32 = 20_000;

/// With how many shards a stream on demand begins. Source: Kinesis developer guide, "Choose the right mode".
const ON_DEMAND_SHARDS: u32 = 4;

/// What a stream shall be.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateStream {
    stream_name: String,
    shard_count: Option<u32>,
    stream_mode_details: Option<StreamModeDetails>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

impl CreateStream {
    /// A stream with a fixed number of shards.
    pub(crate) fn provisioned(name: &str, shards: u32) -> Self {
        Self {
            stream_name: name.to_owned(),
            shard_count: Some(shards),
            stream_mode_details: None,
            tags: BTreeMap::new(),
        }
    }

    fn is_on_demand(&self) -> bool {
        self.stream_mode_details.as_ref().is_some_and(|details| details.stream_mode == StreamMode::OnDemand)
    }

    fn shards(&self) -> Result<u32, ServiceError> {
        match self.shard_count {
            None if self.is_on_demand() => Ok(ON_DEMAND_SHARDS),
            Some(_) if self.is_on_demand() => Err(Service::Kinesis
                .validation_error("ShardCount cannot be specified for a stream in the mode ON_DEMAND.")),
            Some(shards) if shards > 0 => Ok(shards),
            _ => Err(violated("shardCount", "Member must have value greater than or equal to 1")),
        }
    }
}

impl Streams {
    /// Creates a stream that is active at once. The shards split the hash keys evenly.
    pub(crate) async fn create(&self, request: CreateStream) -> Result<(), ServiceError> {
        let name = request.stream_name.as_str();
        let well_formed = (1..=128).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if !well_formed {
            return Err(violated(
                "streamName",
                "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
            ));
        }
        let shards = request.shards()?;
        if self.store.contains_stream(name).await {
            return Err(ServiceError::new(
                400,
                "ResourceInUseException",
                format!("Stream {name} under account {ACCOUNT_ID} already exists."),
            ));
        }
        if self.store.sum_open_shards().await.saturating_add(shards) > SHARD_LIMIT {
            return Err(ServiceError::new(
                400,
                "LimitExceededException",
                format!("All streams under account {ACCOUNT_ID} may have {SHARD_LIMIT} shards together."),
            ));
        }
        // As the emulator does it: no record may carry the time of its shard's creation.
        let created = milliseconds(SystemTime::now()).saturating_sub(2000);
        // 2^128 over their number, rounded down.
        let count = u128::from(shards);
        let width = (u128::MAX / count).saturating_add(u128::from(u128::MAX % count == count - 1));
        let shards = (0..shards).map(|n| {
            let first = width * u128::from(n);
            let last = if n + 1 == shards { u128::MAX } else { first + width - 1 };
            shard(n, first, last, created)
        });
        #[allow(clippy::cast_precision_loss, reason = "seconds of this age stay below 2^53")]
        let created = EpochSeconds((created / 1000) as f64);
        let arn = stream_arn(name);
        let mut stream =
            StreamBuilder::new(name.to_owned(), arn, StreamStatus::Active, created, shards.collect())
                .tags(request.tags);
        if let Some(details) = request.stream_mode_details {
            stream = stream.stream_mode_details(details);
        }
        self.store.put_stream(name, stream.build()).await.map_err(refused)
    }
}

fn shard(number: u32, first_hash: u128, last_hash: u128, created: u64) -> Shard {
    let start = SeqObj {
        shard_create_time: created,
        seq_ix: None,
        byte1: None,
        seq_time: None,
        seq_rand: None,
        shard_ix: i64::from(number),
        version: 2,
    };
    Shard {
        shard_id: sequence::shard_id_name(i64::from(number)),
        hash_key_range: HashKeyRange::new(first_hash.to_string(), last_hash.to_string()),
        sequence_number_range: SequenceNumberRange {
            starting_sequence_number: sequence::stringify_sequence(&start),
            ending_sequence_number: None,
        },
        parent_shard_id: None,
        adjacent_parent_shard_id: None,
    }
}
