//! The threads behind the ports.

use std::net::TcpListener;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::StartError;
use crate::dynamodb;
use crate::front::Front;

/// The threads that serve, until they are told to stop or this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    stop: oneshot::Sender<()>,
    fronts: JoinHandle<()>,
    database: Option<dynamodb::Server>,
}

impl Running {
    pub(super) fn start(
        fronts: Vec<(TcpListener, Front)>,
        database: Option<dynamodb::Server>,
    ) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            runtime.block_on(async move {
                for (listener, front) in fronts {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                    tokio::spawn(front.serve(listener));
                }
                // Dropping the sender stops it too.
                let _ = stopped.await;
            });
            // Not waiting for its tasks: a call that hangs would never end.
            runtime.shutdown_background();
        };
        let fronts = std::thread::Builder::new()
            .name("embedded-aws".to_owned())
            .spawn(serve)
            .map_err(StartError::Runtime)?;
        Ok(Self { stop, fronts, database })
    }

    pub(super) fn stop(self) {
        // The fronts first: they are the database's clients.
        drop(self.stop);
        let _ = self.fronts.join();
        if let Some(database) = self.database {
            database.stop();
        }
    }
}
