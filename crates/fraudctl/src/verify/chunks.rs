//! Entries by chunks, read on a thread of their own.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::input::{Entry, Input, InputError};

/// Entries of a chunk.
const CHUNK: usize = 8192;
/// Chunks that are read ahead.
const READ_AHEAD: usize = 2;

/// The input's entries by chunks; behind an error nothing comes.
pub(super) fn chunks(mut input: Input) -> Receiver<Result<Vec<Entry>, InputError>> {
    let (sender, receiver) = sync_channel(READ_AHEAD);
    thread::spawn(move || {
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            let failed = input.by_ref().take(CHUNK).find_map(|entry| match entry {
                Ok(entry) => {
                    chunk.push(entry);
                    None
                }
                Err(error) => Some(error),
            });
            let is_last = chunk.len() < CHUNK || failed.is_some();
            // An error of the channel says that nobody listens any more.
            if sender.send(Ok(chunk)).is_err() {
                return;
            }
            if let Some(error) = failed {
                let _ = sender.send(Err(error));
            }
            if is_last {
                return;
            }
        }
    });
    receiver
}
