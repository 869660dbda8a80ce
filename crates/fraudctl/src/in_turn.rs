//! Work on chunks by several threads, each chunk finished in its turn.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Why a thread stops before the last chunk.
pub(crate) enum Halt<E> {
    Failed(E),
    /// A chunk before this one failed.
    Earlier,
}

impl<E> From<E> for Halt<E> {
    fn from(error: E) -> Self {
        Halt::Failed(error)
    }
}

/// A chunk's turn: it comes when the chunks before it are finished.
pub(crate) struct Turn<'s, S> {
    comes: Receiver<&'s mut S>,
    passes_on: Sender<&'s mut S>,
}

impl<S> Turn<'_, S> {
    /// Waits for the turn, and finishes the chunk.
    pub(crate) fn finish<E>(self, finish: impl FnOnce(&mut S) -> Result<(), E>) -> Result<(), Halt<E>> {
        // Whoever fails, or panics, does not pass the state on.
        let state = self.comes.recv().map_err(|_| Halt::Earlier)?;
        finish(state)?;
        // Nobody waits behind the last chunk.
        let _ = self.passes_on.send(state);
        Ok(())
    }
}

/// What is left to be done.
struct Rest<'s, S, Next> {
    next: Next,
    /// The turn of the next chunk.
    comes: Receiver<&'s mut S>,
}

/// Works on the chunks that `next` gives until it gives none: each thread takes the next chunk, does what it can without the others,
/// and [finishes](Turn::finish) it with `state` when its turn has come.
///
/// # Errors
/// What `next` or `work` fails with; of several chunks that fail one of them.
pub(crate) fn in_turn<C, S: Send, E: Send>(
    threads: usize,
    state: &mut S,
    next: impl FnMut() -> Result<Option<C>, E> + Send,
    work: impl Fn(C, Turn<'_, S>) -> Result<(), Halt<E>> + Sync,
) -> Result<(), E> {
    let (first, comes) = channel();
    // The receiver is there, so that it is sent.
    let _ = first.send(state);
    let rest = Mutex::new(Rest { next, comes });
    let take = || -> Result<Option<(C, Turn<'_, S>)>, E> {
        let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(chunk) = (rest.next)()? else { return Ok(None) };
        let (passes_on, comes) = channel();
        let comes = std::mem::replace(&mut rest.comes, comes);
        Ok(Some((chunk, Turn { comes, passes_on })))
    };
    let run = || -> Result<(), Halt<E>> {
        while let Some((chunk, turn)) = take()? {
            work(chunk, turn)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let started: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let own = run();
        let joined = started.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        [own].into_iter().chain(joined).try_for_each(|result| match result {
            Err(Halt::Failed(error)) => Err(error),
            Ok(()) | Err(Halt::Earlier) => Ok(()),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(threads: usize, chunks: u32, fails_at: Option<u32>) -> (Vec<u32>, Result<(), u32>) {
        let (mut finished, mut numbers) = (Vec::new(), 0..chunks);
        let work = |number: u32, turn: Turn<'_, Vec<u32>>| {
            turn.finish(|finished| {
                finished.push(number);
                if fails_at == Some(number) { Err(number) } else { Ok(()) }
            })
        };
        let result = in_turn(threads, &mut finished, || Ok(numbers.next()), work);
        (finished, result)
    }

    #[test]
    fn chunks_are_finished_in_order_by_any_number_of_threads() {
        for threads in 1..5 {
            assert_eq!(finished(threads, 200, None), ((0..200).collect(), Ok(())), "{threads}");
            assert_eq!(finished(threads, 0, None), (Vec::new(), Ok(())), "{threads}");
        }
    }

    #[test]
    fn nothing_is_finished_behind_a_chunk_that_fails() {
        for threads in 1..5 {
            assert_eq!(finished(threads, 200, Some(70)), ((0..=70).collect(), Err(70)), "{threads}");
        }
    }

    #[test]
    fn chunks_before_the_end_of_what_can_be_read_are_finished() {
        for threads in 1..5 {
            let (mut sum, mut numbers) = (0, 0..10);
            let next = || numbers.next().map_or(Err("broken off"), |number| Ok(Some(number)));
            let work = |number: u32, turn: Turn<'_, u32>| {
                turn.finish(|sum| {
                    *sum += number;
                    Ok(())
                })
            };
            assert_eq!(in_turn(threads, &mut sum, next, work), Err("broken off"));
            assert_eq!(sum, 45, "{threads}");
        }
    }
}
