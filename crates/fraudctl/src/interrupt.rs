//! Ctrl-C and SIGTERM: the first ends the run in good order, the second at once.

use std::io;

use tokio::sync::watch;

use crate::display::note;

/// The exit status of a process that Ctrl-C ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Whether the run is to end.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Listens for Ctrl-C, and on Unix for SIGTERM, from now on.
    pub fn listen() -> Self {
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            if signal().await.is_err() {
                // Signals are not available. The sender must live on, or its end would count as a signal.
                std::future::pending::<()>().await;
            }
            sender.send_replace(true);
            note!("finishing; Ctrl-C again stops at once");
            if signal().await.is_ok() {
                std::process::exit(INTERRUPTED);
            }
        });
        Interrupt(receiver)
    }

    /// An interrupt that never comes.
    pub fn never() -> Self {
        let (sender, receiver) = watch::channel(false);
        // For as long as the process lives.
        std::mem::forget(sender);
        Interrupt(receiver)
    }

    /// Whether the first signal has come.
    pub fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the first signal; returns at once if it came before.
    pub async fn wait(mut self) {
        // An error says that the listener is gone with its runtime.
        let _ = self.0.wait_for(|interrupted| *interrupted).await;
    }
}

/// Waits for the next Ctrl-C or SIGTERM.
async fn signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
