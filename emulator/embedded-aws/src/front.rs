//! The HTTP server in front of a service: records each call, does to it what the faults say, and has the service
//! answer it.

use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{DATE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, server::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::calls::{Call, Calls};
use crate::faults::{BatchEntry, Entries, Fault, Faults};
use crate::http::{self, HttpResponse, Request};
use crate::service::{Service, ServiceError};

/// DynamoDB's limit for a request, 16 MiB, is the largest of all the services.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// How much of a call a service shall do.
#[derive(Debug, Clone)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// The first half of its entries, rounded down; the others are given back as not done.
    Half,
    /// All but these entries, which are given back as not done.
    Except(Entries),
}

impl Extent {
    /// Whether an entry of a request with `total` entries shall be given back. To be asked once for each entry, in
    /// order.
    pub(crate) fn leaves_out(&self, total: usize, entry: BatchEntry<'_>) -> bool {
        match self {
            Self::Whole => false,
            Self::Half => entry.index >= total / 2,
            Self::Except(entries) => entries.pick(entry),
        }
    }
}

/// A service behind the front.
pub(crate) trait Backend: Send + Sync + 'static {
    /// Does a call. It runs to its end even if the client has gone, as on AWS.
    fn call(self: Arc<Self>, request: Request, extent: Extent) -> ResponseFuture;
}

/// An answer that is being worked out.
pub(crate) type ResponseFuture = Pin<Box<dyn Future<Output = HttpResponse> + Send>>;

/// A service's front: cheap to clone, one for each connection.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) service: Service,
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) calls: Calls,
    pub(crate) faults: Faults,
}

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection closes without an answer, as a fault ordered")]
struct Closed;

/// What becomes of the answer to a call that was done.
enum AnswerFate {
    Arrives,
    Lost,
    Held,
    Cut,
    Empty,
    Replaced(HttpResponse),
}

/// What becomes of a call.
enum CallFate {
    Answer(HttpResponse),
    Close,
    Hang,
}

impl Front {
    /// Accepts connections until the runtime ends.
    pub(crate) async fn serve(self, listener: TcpListener) {
        loop {
            // An error here is one connection's, such as one that its client has already closed.
            let Ok((stream, _)) = listener.accept().await else { continue };
            // Answers are small and awaited: holding them back for more bytes would only add latency.
            let _ = stream.set_nodelay(true);
            let front = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| front.clone().answer(request));
                // An error ends this connection only: the client closed it, or a fault did.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn answer(self, request: hyper::Request<Incoming>) -> Result<HttpResponse, Closed> {
        let (parts, body) = request.into_parts();
        if parts.method != Method::POST {
            return Ok(http::answer(404, "text/plain", "this address answers POST requests only"));
        }
        let body = match Limited::new(body, MAX_REQUEST_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                return Ok(http::answer(413, "text/plain", "the request is larger than 16 MiB"));
            }
            Err(_) => return Err(Closed),
        };
        let operation = self.service.operation(&parts.headers, &body).unwrap_or_default();
        let call = Call { service: self.service, operation, received_at: SystemTime::now(), body };
        let in_flight = self.calls.begin(&call);
        let request =
            Request { operation: call.operation.clone(), headers: parts.headers, body: call.body.clone() };
        // A task of its own: what has arrived is done even if the client gives up on it.
        let outcome = tokio::spawn(self.clone().carry_out(call, request)).await;
        let outcome =
            outcome.unwrap_or_else(|_| CallFate::Answer(self.error(&self.service.internal_error())));
        match outcome {
            CallFate::Answer(answer) => {
                drop(in_flight);
                Ok(answer)
            }
            CallFate::Close => Err(Closed),
            // Ends when the client closes the connection, or with the runtime.
            CallFate::Hang => std::future::pending().await,
        }
    }

    async fn carry_out(self, call: Call, request: Request) -> CallFate {
        let plan = self.faults.plan(&call);
        let date = plan.iter().find_map(|fault| match fault {
            Fault::Date(date) => HeaderValue::from_str(date).ok(),
            _ => None,
        });
        let mut fate = self.fate(call, request, plan).await;
        if let (CallFate::Answer(answer), Some(date)) = (&mut fate, date) {
            // The server sets its own only where there is none.
            answer.headers_mut().insert(DATE, date);
        }
        fate
    }

    async fn fate(self, call: Call, request: Request, plan: Vec<Fault>) -> CallFate {
        let mut extent = Extent::Whole;
        let mut after = Vec::new();
        let mut fate = AnswerFate::Arrives;
        for fault in plan {
            match fault {
                // It is the answer's, whatever that will be.
                Fault::Date(_) => {}
                Fault::Delay(time) => tokio::time::sleep(time).await,
                Fault::Before(hook) => hook.run(call.clone()).await,
                Fault::After(hook) => after.push(hook),
                Fault::InternalError => {
                    return CallFate::Answer(self.error(&self.service.internal_error()));
                }
                Fault::Error(error) => return CallFate::Answer(self.error(&error)),
                Fault::Throttle => {
                    return CallFate::Answer(self.error(&self.service.throttling_error()));
                }
                Fault::Hang => return CallFate::Hang,
                Fault::DropConnection => return CallFate::Close,
                Fault::LoseAnswer => fate = AnswerFate::Lost,
                Fault::HoldAnswer => fate = AnswerFate::Held,
                Fault::CutAnswer => fate = AnswerFate::Cut,
                Fault::EmptyAnswer => fate = AnswerFate::Empty,
                Fault::CodelessError { status, body, done } => {
                    let error = http::answer(status, "text/html", body);
                    if !done {
                        return CallFate::Answer(error);
                    }
                    fate = AnswerFate::Replaced(error);
                }
                Fault::Half => extent = Extent::Half,
                Fault::FailEntries(entries) => extent = Extent::Except(entries),
            }
        }
        let answer = self.backend.clone().call(request, extent).await;
        for hook in after {
            hook.run(call.clone()).await;
        }
        CallFate::Answer(match fate {
            AnswerFate::Arrives => answer,
            AnswerFate::Lost => return CallFate::Close,
            AnswerFate::Held => return CallFate::Hang,
            AnswerFate::Cut => http::first_half(answer).await,
            AnswerFate::Empty => self.service.empty_answer(&call.operation),
            AnswerFate::Replaced(error) => error,
        })
    }

    fn error(&self, error: &ServiceError) -> HttpResponse {
        self.service.error_answer(error)
    }
}
