//! Kinesis Data Streams: ferrokinesis, an emulator in process, behind the front.
//!
//! Streams, shards and iterators are the emulator's. Records are put, kept and read here: the emulator keeps them in memory and
//! their arrival in whole seconds, refuses requests of more than 5 MiB, and does not say at a shard's end where its records go on;
//! and half of a call is nothing that it could do. Creating streams and listing shards is done here because the emulator knows no
//! streams on demand and its pages cannot be followed. Records do not expire.

mod create;
mod iterators;
mod list_shards;
mod log;
mod read;
mod record_source;
mod streams;
mod write;

use std::io;
use std::sync::Arc;

use ferrokinesis::store::StoreOptions;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use create::CreateStream;
pub use record_source::{EmbeddedStream, SourceError};
pub(crate) use streams::Streams;

use crate::arrivals::Arrivals;
use crate::front::{Backend, Extent, ResponseFuture};
use crate::http::{self, HttpResponse, Request};
use crate::service::{ACCOUNT_ID, REGION, Service, ServiceError};

/// The service.
pub(crate) struct Kinesis {
    streams: Arc<Streams>,
    emulator: TowerToHyperService<axum::Router>,
}

impl Kinesis {
    /// A service without streams; with `write_limits` a shard takes no more than Kinesis lets it.
    ///
    /// # Errors
    /// If no temporary file can be created.
    pub(crate) fn new(write_limits: bool, arrivals: Arrivals) -> io::Result<Self> {
        let options = StoreOptions {
            create_stream_ms: 0,
            delete_stream_ms: 0,
            update_stream_ms: 0,
            shard_limit: create::SHARD_LIMIT,
            enforce_limits: write_limits,
            aws_account_id: ACCOUNT_ID.to_owned(),
            aws_region: REGION.to_owned(),
            ..StoreOptions::default()
        };
        let (router, store) = ferrokinesis::create_app(options);
        let streams = Arc::new(Streams::new(store, arrivals)?);
        Ok(Self { streams, emulator: TowerToHyperService::new(router) })
    }

    pub(crate) fn streams(&self) -> &Arc<Streams> {
        &self.streams
    }

    async fn answer(&self, request: Request, extent: &Extent) -> Result<HttpResponse, ServiceError> {
        let spoken = request.headers.get("content-type").is_some_and(|value| value == http::AMZ_JSON_1_1);
        if !spoken {
            return Err(ServiceError::new(
                415,
                "UnsupportedMediaType",
                "embedded-aws accepts AWS JSON 1.1 here, not CBOR",
            ));
        }
        let body = &request.body;
        match request.operation.as_str() {
            "CreateStream" => {
                self.streams.create(parse(body)?).await?;
                Ok(http::answer(200, http::AMZ_JSON_1_1, Bytes::new()))
            }
            "PutRecord" => answered(&self.streams.put_record(body).await?),
            "PutRecords" => answered(&self.streams.put_records(body, extent).await?),
            "GetRecords" => answered(&self.streams.get_records(&parse(body)?).await?),
            "GetShardIterator" => self.shard_iterator(request).await,
            "DeleteStream" => self.delete(request).await,
            "ListShards" => answered(&self.streams.list_shards(&parse(body)?).await?),
            "SubscribeToShard" => Err(ServiceError::new(
                400,
                "UnknownOperationException",
                "embedded-aws has no SubscribeToShard: it needs HTTP/2",
            )),
            _ => Ok(self.forward(request).await),
        }
    }

    async fn forward(&self, request: Request) -> HttpResponse {
        let mut forwarded = hyper::Request::new(Full::new(request.body));
        *forwarded.method_mut() = hyper::Method::POST;
        *forwarded.headers_mut() = request.headers;
        let (parts, body) = match self.emulator.call(forwarded).await {
            Ok(answer) => answer.into_parts(),
            Err(never) => match never {},
        };
        match body.collect().await {
            Ok(body) => HttpResponse::from_parts(parts, http::full(body.to_bytes())),
            Err(_) => Service::Kinesis.error_answer(&Service::Kinesis.internal_error()),
        }
    }
}

impl Backend for Kinesis {
    fn call(self: Arc<Self>, request: Request, extent: Extent) -> ResponseFuture {
        Box::pin(async move {
            match self.answer(request, &extent).await {
                Ok(answer) => answer,
                Err(error) => Service::Kinesis.error_answer(&error),
            }
        })
    }
}

fn answered(answer: &impl Serialize) -> Result<HttpResponse, ServiceError> {
    let body = serde_json::to_vec(answer).map_err(|_| Service::Kinesis.internal_error())?;
    Ok(http::answer(200, http::AMZ_JSON_1_1, body))
}

/// Reads a request's body.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    serde_json::from_slice(body).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> ServiceError {
    ServiceError::new(400, "SerializationException", error.to_string())
}

/// What Kinesis says if a parameter breaks a constraint that its model states.
fn violated(parameter: &str, constraint: &str) -> ServiceError {
    ServiceError::new(
        400,
        "ValidationException",
        format!(
            "1 validation error detected: Value at '{parameter}' failed to satisfy constraint: {constraint}"
        ),
    )
}

/// The emulator's own error.
fn refused(error: ferrokinesis::error::KinesisErrorResponse) -> ServiceError {
    ServiceError::new(error.status_code, error.body.error_type, error.body.message.unwrap_or_default())
}
