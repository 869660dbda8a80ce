//! The same work on each of many, by several threads.

use std::thread;

/// What `work` makes of each item, in order, by this many threads, each with a run of neighbours.
pub fn in_chunks<'i, T: Sync, R: Send>(
    items: &'i [T],
    threads: usize,
    work: impl Fn(&'i [T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let size = items.len().div_ceil(threads.max(1)).max(1);
    if items.len() <= size {
        return work(items);
    }
    thread::scope(|scope| {
        let started: Vec<_> = items
            .chunks(size)
            .map(|items| {
                let work = &work;
                scope.spawn(move || work(items))
            })
            .collect();
        let mut results = Vec::with_capacity(items.len());
        for thread in started {
            match thread.join() {
                Ok(own) => results.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}
