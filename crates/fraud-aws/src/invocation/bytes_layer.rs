//! Invocations as bytes: the runtime's own services parse an event before the handler sees it and serialize a response
//! after the handler wrote it, each a pass over every byte that costs as much as the handler's work.
//!
//! What they do besides is done here: a failed handler and a panic become the invocation's error, and the answer goes
//! back with the invocation's id. (AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes".)

use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use lambda_runtime::tower::Layer;
use lambda_runtime::{Diagnostic, Error, LambdaInvocation, Service};
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{PooledClient, build_request};

/// What the runtime API recognises a late answer by; it is sent back as it came.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// Puts a handler of bytes in the place of the runtime's services.
pub(super) struct BytesLayer<'h, H>(&'h H);

impl<'h, H> BytesLayer<'h, H> {
    /// `handler` gets the event and its deadline, in milliseconds since the epoch, and gives the response.
    pub(super) fn new(handler: &'h H) -> Self {
        BytesLayer(handler)
    }
}

impl<'h, H, S> Layer<S> for BytesLayer<'h, H> {
    type Service = BytesService<'h, H>;

    fn layer(&self, _: S) -> Self::Service {
        BytesService { handler: self.0, client: Rc::new(PooledClient::builder().with_pool_size(1).build()) }
    }
}

/// Answers invocations.
pub(super) struct BytesService<'h, H> {
    handler: &'h H,
    client: Rc<PooledClient>,
}

impl<'h, H> Service<LambdaInvocation> for BytesService<'h, H>
where
    H: AsyncFn(&[u8], u64) -> Result<String, Diagnostic>,
{
    type Response = ();
    type Error = Error;
    type Future = LocalBoxFuture<'h, Result<(), Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (handler, client) = (self.handler, Rc::clone(&self.client));
        Box::pin(async move {
            let handled = handler(&invocation.body, invocation.context.deadline);
            let result = match AssertUnwindSafe(handled).catch_unwind().await {
                Ok(result) => result,
                // The message may hold anything; the panic hook has told where it happened.
                Err(_) => Err(Diagnostic {
                    error_type: "Panic".to_owned(),
                    error_message: "the handler panicked".to_owned(),
                }),
            };
            answer(&client, &invocation, result).await
        })
    }
}

async fn answer(
    client: &PooledClient,
    invocation: &LambdaInvocation,
    result: Result<String, Diagnostic>,
) -> Result<(), Error> {
    let id = &invocation.context.request_id;
    let mut request = build_request().method("POST");
    if let Some(invocation_id) = invocation.parts.headers.get(INVOCATION_ID) {
        request = request.header(INVOCATION_ID, invocation_id);
    }
    let request = match result {
        Ok(response) => {
            request.uri(format!("/2018-06-01/runtime/invocation/{id}/response")).body(Body::from(response))?
        }
        Err(error) => {
            tracing::error!(error_type = error.error_type, "{}", error.error_message);
            request
                .uri(format!("/2018-06-01/runtime/invocation/{id}/error"))
                .header("lambda-runtime-function-error-type", &error.error_type)
                .body(Body::from(serde_json::to_vec(&error)?))?
        }
    };
    let status = client.call(request).await?.status();
    if !status.is_success() {
        // Lambda has ended the invocation by itself, late or too large as the answer was, and goes on with the next.
        tracing::error!(%status, "the runtime API refused the answer");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
