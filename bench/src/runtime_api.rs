//! A stub of the Lambda Runtime API on loopback: gives a function its events and takes its answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// What a function tells the API.
enum Message {
    /// It is ready for an event.
    Polled,
    /// It answered one.
    Answered(Bytes),
    /// It failed.
    Failed(Bytes),
}

/// The API for one function. Dropping it ends the service.
pub(crate) struct RuntimeApi {
    /// Where it listens: the function's `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) address: SocketAddr,
    events: mpsc::UnboundedSender<Bytes>,
    messages: mpsc::UnboundedReceiver<Message>,
    service: tokio::task::JoinHandle<std::io::Result<()>>,
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    messages: mpsc::UnboundedSender<Message>,
}

impl RuntimeApi {
    /// Starts the API.
    ///
    /// # Errors
    /// If there is no free port.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (events, receiver) = mpsc::unbounded_channel();
        let (sender, messages) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { events: Mutex::new(receiver), messages: sender });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        let service = tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(RuntimeApi { address, events, messages, service })
    }

    /// Waits until the function asks for an event.
    ///
    /// # Errors
    /// If it fails instead.
    pub(crate) async fn polled(&mut self) -> anyhow::Result<()> {
        match self.message().await? {
            Message::Polled => Ok(()),
            Message::Answered(_) => bail!("the function answered what it was not asked"),
            Message::Failed(error) => bail!("the function failed: {}", String::from_utf8_lossy(&error)),
        }
    }

    /// Gives an event to the function, which has asked for one, and its answer back once it asks for the next.
    ///
    /// # Errors
    /// If the function fails.
    pub(crate) async fn invoke(&mut self, event: Bytes) -> anyhow::Result<Bytes> {
        self.events.send(event).context("the API has ended")?;
        let answer = match self.message().await? {
            Message::Answered(answer) => answer,
            Message::Polled => bail!("the function asked for the next event without an answer"),
            Message::Failed(error) => bail!("the function failed: {}", String::from_utf8_lossy(&error)),
        };
        self.polled().await?;
        Ok(answer)
    }

    async fn message(&mut self) -> anyhow::Result<Message> {
        self.messages.recv().await.context("the API has ended")
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.service.abort();
    }
}

async fn next(State(shared): State<Arc<Shared>>) -> impl IntoResponse {
    let _ = shared.messages.send(Message::Polled);
    let Some(event) = shared.events.lock().await.recv().await else {
        return Err(StatusCode::GONE);
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let headers = AppendHeaders([
        ("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned()),
        ("Lambda-Runtime-Deadline-Ms", (now + 600_000).to_string()),
        (
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        ),
        ("Content-Type", "application/json".to_owned()),
    ]);
    Ok((headers, event))
}

async fn response(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let _ = shared.messages.send(Message::Answered(body));
    StatusCode::ACCEPTED
}

async fn error(State(shared): State<Arc<Shared>>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    let _ = shared.messages.send(Message::Failed(body));
    StatusCode::ACCEPTED
}

async fn init_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let _ = shared.messages.send(Message::Failed(body));
    StatusCode::ACCEPTED
}
