//! Firehose's API for producers: delivery streams that take records by Direct PUT. What becomes of the records is the
//! business of a [`DeliveryStream`](crate::delivery_stream::DeliveryStream) over them.

mod requests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::delivery_stream::{DirectPut, MAX_RECORD, delivery_stream_arn};
use crate::event_source_mapping::Clock;
use crate::faults::BatchEntry;
use crate::front::{Backend, Extent, ResponseFuture};
use crate::http::{self, Request};
use crate::service::{Service, ServiceError};
use requests::{
    DescribeDeliveryStream, ListDeliveryStreams, PutRecord, PutRecordBatch, Record, malformed, parse,
};

/// The most records of one batch. Source: Firehose API reference, PutRecordBatch.
const MAX_RECORDS: usize = 500;

/// The largest batch, in bytes of data before base64. Source: Firehose API reference, PutRecordBatch: 4 MiB.
const MAX_BATCH: usize = 4 * 1024 * 1024;

/// How many names are listed if the request does not say. Source: Firehose API reference, ListDeliveryStreams.
const DEFAULT_LIMIT: usize = 10;

/// The service.
#[derive(Debug)]
pub(crate) struct Firehose {
    /// All there are from the start.
    streams: BTreeMap<String, DirectPut>,
    created: SystemTime,
}

impl Firehose {
    pub(crate) fn new<'a>(names: impl Iterator<Item = &'a String>) -> Result<Self, (String, ServiceError)> {
        let clock = Clock::starting_now();
        let mut streams = BTreeMap::new();
        for name in names {
            let well_formed = (1..=64).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
            if !well_formed {
                let error = validation(
                    "deliveryStreamName",
                    "must match [a-zA-Z0-9_.-]+ and have 1 to 64 characters",
                );
                return Err((name.clone(), error));
            }
            if streams.insert(name.clone(), DirectPut::new(name, clock)).is_some() {
                let message = format!("Firehose {name} already exists.");
                return Err((name.clone(), ServiceError::new(400, "ResourceInUseException", message)));
            }
        }
        Ok(Self { streams, created: clock.now() })
    }

    /// What was put on a delivery stream; `None` if there is no such delivery stream.
    pub(crate) fn direct_put(&self, name: &str) -> Option<DirectPut> {
        self.streams.get(name).cloned()
    }

    fn answer(&self, request: &Request, extent: &Extent) -> Result<Value, ServiceError> {
        let body = &request.body;
        match request.operation.as_str() {
            "PutRecord" => {
                let request: PutRecord = parse(body)?;
                let stream = self.named(&request.delivery_stream_name)?;
                let data = checked(&request.record, "record.data")?;
                stream.put(data).map_err(|error| validation("record.data", &error.to_string()))?;
                Ok(json!({ "RecordId": http::new_id(), "Encrypted": false }))
            }
            "PutRecordBatch" => self.put_record_batch(&parse(body)?, extent),
            "DescribeDeliveryStream" => self.describe(&parse(body)?),
            "ListDeliveryStreams" => self.list(&parse(body)?),
            _ => Err(ServiceError::new(
                400,
                "UnknownOperationException",
                "This is not an operation of Firehose that embedded-aws has: PutRecord, PutRecordBatch, \
                 DescribeDeliveryStream, ListDeliveryStreams.",
            )),
        }
    }

    fn put_record_batch(&self, request: &PutRecordBatch, extent: &Extent) -> Result<Value, ServiceError> {
        let total = request.records.len();
        if !(1..=MAX_RECORDS).contains(&total) {
            let constraint = format!("Member must have length from 1 to {MAX_RECORDS}");
            return Err(validation("records", &constraint));
        }
        let stream = self.named(&request.delivery_stream_name)?;
        let mut records = Vec::with_capacity(total);
        for (index, record) in request.records.iter().enumerate() {
            records.push(checked(record, &format!("records.{}.member.data", index + 1))?);
        }
        let bytes: usize = records.iter().map(Vec::len).sum();
        if bytes > MAX_BATCH {
            return Err(Service::Firehose
                .validation_error(format!("The batch has {bytes} bytes: at most {MAX_BATCH} are possible")));
        }
        let mut failed = 0;
        let mut responses = Vec::with_capacity(total);
        for (index, data) in records.into_iter().enumerate() {
            let left_out = extent.leaves_out(total, BatchEntry { index, key: "", content: &data });
            if left_out || stream.put(data).is_err() {
                let error = Service::Firehose.throttling_error();
                failed += 1;
                responses.push(json!({ "ErrorCode": error.code, "ErrorMessage": error.message }));
            } else {
                responses.push(json!({ "RecordId": http::new_id() }));
            }
        }
        Ok(json!({ "FailedPutCount": failed, "Encrypted": false, "RequestResponses": responses }))
    }

    fn describe(&self, request: &DescribeDeliveryStream) -> Result<Value, ServiceError> {
        let name = &request.delivery_stream_name;
        self.named(name)?;
        let created = self.created.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(json!({ "DeliveryStreamDescription": {
            "DeliveryStreamName": name,
            "DeliveryStreamARN": delivery_stream_arn(name),
            "DeliveryStreamStatus": "ACTIVE",
            "DeliveryStreamType": "DirectPut",
            "VersionId": "1",
            "CreateTimestamp": created,
            "Destinations": [],
            "HasMoreDestinations": false,
        }}))
    }

    fn list(&self, request: &ListDeliveryStreams) -> Result<Value, ServiceError> {
        let limit = request.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=10_000).contains(&limit) {
            return Err(validation("limit", "Member must have value from 1 to 10000"));
        }
        let wanted = request.delivery_stream_type.as_deref().is_none_or(|kind| kind == "DirectPut");
        let start = request.exclusive_start_delivery_stream_name.as_deref();
        let mut names =
            self.streams.keys().filter(|name| wanted && start.is_none_or(|start| name.as_str() > start));
        let page: Vec<_> = names.by_ref().take(limit).collect();
        Ok(json!({ "DeliveryStreamNames": page, "HasMoreDeliveryStreams": names.next().is_some() }))
    }

    fn named(&self, name: &str) -> Result<&DirectPut, ServiceError> {
        self.streams.get(name).ok_or_else(|| {
            let account = crate::service::ACCOUNT_ID;
            let message = format!("Firehose {name} under account {account} not found.");
            ServiceError::new(400, "ResourceNotFoundException", message)
        })
    }
}

impl Backend for Firehose {
    fn call(self: Arc<Self>, request: Request, extent: Extent) -> ResponseFuture {
        Box::pin(async move {
            match self.answer(&request, &extent) {
                Ok(answer) => http::answer(200, http::AMZ_JSON_1_1, answer.to_string()),
                Err(error) => Service::Firehose.error_answer(&error),
            }
        })
    }
}

/// A record's data, held to its limit.
fn checked(record: &Record<'_>, parameter: &str) -> Result<Vec<u8>, ServiceError> {
    let data = base64_simd::STANDARD
        .decode_to_vec(record.data.as_bytes())
        .map_err(|_| malformed(format!("{parameter} is not base64")))?;
    if data.len() > MAX_RECORD {
        return Err(validation(
            parameter,
            &format!("Member must have length less than or equal to {MAX_RECORD}"),
        ));
    }
    Ok(data)
}

/// What Firehose says if a parameter breaks a constraint that its model states.
fn validation(parameter: &str, constraint: &str) -> ServiceError {
    let message = format!(
        "1 validation error detected: Value at '{parameter}' failed to satisfy constraint: {constraint}"
    );
    ServiceError::new(400, "ValidationException", message)
}
