//! DynamoDB: dynoxide, an emulator on SQLite, behind the front.

mod half;
mod server;
mod table;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Uri;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

pub(crate) use server::Server;
pub use table::{KeyType, TableDefinition};

use crate::front::{Backend, Extent, ResponseFuture};
use crate::http::{self, HttpResponse, Request};
use crate::service::{Service, ServiceError};

/// Hands calls on to the emulator, which serves HTTP and nothing else.
pub(crate) struct DynamoDb {
    client: Client<HttpConnector, Full<Bytes>>,
    address: Uri,
}

impl DynamoDb {
    pub(crate) fn new(address: Uri) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), address }
    }

    async fn forward(&self, request: Request) -> HttpResponse {
        let mut forwarded = hyper::Request::new(Full::new(request.body));
        *forwarded.method_mut() = hyper::Method::POST;
        *forwarded.uri_mut() = self.address.clone();
        *forwarded.headers_mut() = request.headers;
        // Both are set again: the address differs, and so does the length if the body was halved.
        forwarded.headers_mut().remove("host");
        forwarded.headers_mut().remove("content-length");
        let collected = async {
            let (parts, body) = self.client.request(forwarded).await.ok()?.into_parts();
            Some((parts, body.collect().await.ok()?.to_bytes()))
        };
        match collected.await {
            Some((parts, body)) => HttpResponse::from_parts(parts, http::full(body)),
            None => Service::DynamoDb.error_answer(&ServiceError::new(
                500,
                "InternalServerError",
                "the emulator behind this address did not answer",
            )),
        }
    }

    async fn forward_half(&self, mut request: Request) -> HttpResponse {
        let operation = request.operation.clone();
        let Some((half, rest)) = half::split(&operation, &request.body) else {
            // Nothing that could be halved: the service says what is wrong with it.
            return self.forward(request).await;
        };
        let Some(half) = half else {
            return http::answer(200, http::AMZ_JSON_1_0, half::nothing_done(&operation, rest));
        };
        request.body = half;
        let (mut parts, body) = self.forward(request).await.into_parts();
        let body = http::collected(body).await;
        if !parts.status.is_success() {
            return HttpResponse::from_parts(parts, http::full(body));
        }
        // Both describe the body that the emulator wrote.
        parts.headers.remove("content-length");
        parts.headers.remove("x-amz-crc32");
        HttpResponse::from_parts(parts, http::full(half::merge(&operation, &body, rest)))
    }
}

impl Backend for DynamoDb {
    fn call(self: Arc<Self>, request: Request, extent: Extent) -> ResponseFuture {
        Box::pin(async move {
            match extent {
                Extent::Half => self.forward_half(request).await,
                // No fault leaves out single entries here.
                Extent::Whole | Extent::Except(_) => self.forward(request).await,
            }
        })
    }
}
