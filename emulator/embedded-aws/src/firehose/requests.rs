//! Requests as the API reference has them.

use std::borrow::Cow;

use serde::Deserialize;

use crate::service::ServiceError;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Record<'a> {
    /// In base64.
    #[serde(borrow)]
    pub(super) data: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRecord<'a> {
    pub(super) delivery_stream_name: String,
    #[serde(borrow)]
    pub(super) record: Record<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutRecordBatch<'a> {
    pub(super) delivery_stream_name: String,
    #[serde(borrow)]
    pub(super) records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeDeliveryStream {
    pub(super) delivery_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListDeliveryStreams {
    pub(super) limit: Option<usize>,
    pub(super) delivery_stream_type: Option<String>,
    pub(super) exclusive_start_delivery_stream_name: Option<String>,
}

/// Reads a request's body.
pub(super) fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ServiceError> {
    serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
}

pub(super) fn malformed(message: String) -> ServiceError {
    ServiceError::new(400, "SerializationException", message)
}
