//! GetShardIterator and DeleteStream, as far as they have to do with records: the emulator has none.

use std::time::SystemTime;

use ferrokinesis::{sequence, shard_iterator};
use serde::Deserialize;
use serde_json::json;

use super::read::after;
use super::streams::{Streams, asked_time, milliseconds};
use super::{Kinesis, answered, parse};
use crate::http::{HttpResponse, Request};
use crate::service::{Service, ServiceError};

/// What an iterator is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetShardIterator {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(default)]
    shard_id: String,
    #[serde(default)]
    shard_iterator_type: String,
    timestamp: Option<f64>,
}

/// A stream that is named.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
}

impl Kinesis {
    /// The emulator holds the request to its rules, and says where to begin; but at a time we do.
    pub(super) async fn shard_iterator(&self, request: Request) -> Result<HttpResponse, ServiceError> {
        let asked: Option<GetShardIterator> = parse(&request.body).ok();
        let answer = self.forward(request).await;
        let Some(asked) = asked.filter(|asked| asked.shard_iterator_type == "AT_TIMESTAMP") else {
            return Ok(answer);
        };
        let (Some(time), true) = (asked.timestamp, answer.status().is_success()) else { return Ok(answer) };
        let stream = Streams::named(asked.stream_name.as_deref(), asked.stream_arn.as_deref())?;
        match self.streams.arrived_from(stream, &asked.shard_id, asked_time(time)).await? {
            Some(iterator) => answered(&json!({ "ShardIterator": iterator })),
            None => Ok(answer),
        }
    }

    /// With the stream its records go.
    pub(super) async fn delete(&self, request: Request) -> Result<HttpResponse, ServiceError> {
        let named: Option<Named> = parse(&request.body).ok();
        let answer = self.forward(request).await;
        if let (Some(named), true) = (named, answer.status().is_success()) {
            let stream = Streams::named(named.stream_name.as_deref(), named.stream_arn.as_deref())?;
            self.streams.logged.lock().await.log.forget(stream);
        }
        Ok(answer)
    }
}

impl Streams {
    /// An iterator that begins with a shard's first record of this time or later, or behind its last; `None` if it has no records.
    async fn arrived_from(
        &self,
        stream: &str,
        shard: &str,
        time: u64,
    ) -> Result<Option<String>, ServiceError> {
        let internal = |_| Service::Kinesis.internal_error();
        let (shard, _) = sequence::resolve_shard_id(shard)
            .map_err(|_| Service::Kinesis.validation_error(format!("{shard} is not the id of a shard.")))?;
        let log = &self.logged.lock().await.log;
        let from = match log.arrived_from(stream, &shard, time).map_err(internal)? {
            Some(number) => Some(number),
            None => log.last(stream, &shard).map_err(internal)?.and_then(|last| after(&last)),
        };
        let now = milliseconds(SystemTime::now());
        Ok(from.map(|from| shard_iterator::create_shard_iterator(stream, &shard, &from, now)))
    }
}
