//! How records are handed over: the arguments.

use std::time::Duration;

use clap::Args;

/// How records are handed over.
#[derive(Debug, Clone, Copy, Args)]
pub struct BatchArgs {
    /// Hand over at most this many records at once.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch_size: u16,
    /// How many seconds a function may take for a batch, as on Lambda; after that the batch is retried.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..=900))]
    timeout_seconds: u16,
}

impl BatchArgs {
    /// Hand over at most this many records at once.
    pub fn size(&self) -> usize {
        usize::from(self.batch_size)
    }

    /// How long a function may take for a batch.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_seconds))
    }
}
