//! The emulator's own server, on a thread and a port of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use dynoxide::Database;
use hyper::Uri;
use tokio::sync::oneshot;

use super::table::TableDefinition;
use crate::aws::StartError;

/// A running emulator. It ends when this is dropped.
///
/// The emulator does a call's work where it received it, blocking, and one database is behind all calls: with a
/// thread of its own it holds up nobody else's.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(tables: &[TableDefinition]) -> Result<Self, StartError> {
        let database = database(tables)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(StartError::Listen)?;
        listener.set_nonblocking(true).map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serve = move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                // Dropping the sender stops it too.
                let shutdown = async { drop(stopped.await) };
                let _ = dynoxide::server::serve_with_shutdown(listener, database, shutdown).await;
            });
        };
        let thread = std::thread::Builder::new()
            .name("embedded-dynamodb".to_owned())
            .spawn(serve)
            .map_err(StartError::Runtime)?;
        Ok(Self { address, stop, thread })
    }

    /// Where it listens.
    pub(crate) fn uri(&self) -> Result<Uri, StartError> {
        let uri = format!("http://{}/", self.address).parse();
        uri.map_err(|error| StartError::Runtime(io::Error::other(error)))
    }

    /// Stops the server and waits until its thread has ended. Its clients must have gone: it lets open connections
    /// finish.
    pub(crate) fn stop(self) {
        drop(self.stop);
        let _ = self.thread.join();
    }
}

/// A database with these tables, in temporary files: a long run does not fill the memory with items. Their names are removed
/// before this returns, so that they are gone with the process however it ends.
fn database(tables: &[TableDefinition]) -> Result<Database, StartError> {
    let unusable = |error: dynoxide::DynoxideError| StartError::Database(error.to_string());
    let folder = tempfile::tempdir().map_err(StartError::TemporaryFile)?;
    let path = folder.path().join("dynamodb");
    let path = path.to_str().ok_or_else(|| {
        StartError::Database(format!("its path is not UTF-8: {}: set TMPDIR", path.display()))
    })?;
    let database = Database::new(path).map_err(unusable)?;
    // Nothing waits for the disk: what the process leaves behind is of no use.
    database.enable_bulk_loading().map_err(unusable)?;
    for table in tables {
        table.create(&database).map_err(StartError::Table)?;
    }
    Ok(database)
}
