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

/// A chunk's turn with a state: it comes when the chunks before it have passed the state on.
pub(crate) struct Turn<'s, S> {
    comes: Receiver<&'s mut S>,
    passes_on: Sender<&'s mut S>,
}

impl<'s, S> Turn<'s, S> {
    /// Waits for the turn.
    pub(crate) fn wait<E>(&self) -> Result<&'s mut S, Halt<E>> {
        // Whoever fails, or panics, does not pass the state on.
        self.comes.recv().map_err(|_| Halt::Earlier)
    }

    /// Passes the state on to the next chunk.
    pub(crate) fn pass_on(self, state: &'s mut S) {
        // Nobody waits behind the last chunk.
        let _ = self.passes_on.send(state);
    }

    /// Waits for the turn, and finishes the chunk.
    pub(crate) fn finish<E>(self, finish: impl FnOnce(&mut S) -> Result<(), E>) -> Result<(), Halt<E>> {
        let state = self.wait()?;
        finish(state)?;
        self.pass_on(state);
        Ok(())
    }
}

/// What is left to be done.
struct Rest<'s, S, L, Next> {
    next: Next,
    /// The turn of the next chunk.
    comes: Receiver<&'s mut S>,
    /// In each lane.
    lanes: Vec<Receiver<&'s mut L>>,
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
    in_lanes(threads, &mut [(); 0], state, next, |chunk, _, turn| work(chunk, turn))
}

/// The same with work that a chunk does in several lanes: it has a turn in each, which is independent of the others. If every chunk
/// waits for its turns in the order of the lanes, one can be in the first while the one before it is in the second.
///
/// # Errors
/// As [`in_turn`].
pub(crate) fn in_lanes<C, L: Send, S: Send, E: Send>(
    threads: usize,
    lanes: &mut [L],
    state: &mut S,
    next: impl FnMut() -> Result<Option<C>, E> + Send,
    work: impl Fn(C, Vec<Turn<'_, L>>, Turn<'_, S>) -> Result<(), Halt<E>> + Sync,
) -> Result<(), E> {
    let lanes = lanes.iter_mut().map(ready).collect();
    let rest = Mutex::new(Rest { next, comes: ready(state), lanes });
    let take = || -> Result<Option<_>, E> {
        let mut rest = rest.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(chunk) = (rest.next)()? else { return Ok(None) };
        let lanes: Vec<_> = rest.lanes.iter_mut().map(turn).collect();
        Ok(Some((chunk, lanes, turn(&mut rest.comes))))
    };
    let run = || -> Result<(), Halt<E>> {
        while let Some((chunk, lanes, turn)) = take()? {
            work(chunk, lanes, turn)?;
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

/// Where the first chunk finds a state.
fn ready<S>(state: &mut S) -> Receiver<&mut S> {
    let (sender, comes) = channel();
    // The receiver is there, so that it is sent.
    let _ = sender.send(state);
    comes
}

/// The turn of the chunk that comes next, which passes on to the one behind it.
fn turn<'s, S>(next: &mut Receiver<&'s mut S>) -> Turn<'s, S> {
    let (passes_on, comes) = channel();
    Turn { comes: std::mem::replace(next, comes), passes_on }
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
    fn each_lane_has_the_chunks_in_order_and_the_last_turn_comes_behind_all_lanes() {
        for threads in 1..5 {
            let (mut lanes, mut finished, mut numbers) = ([const { Vec::new() }; 3], Vec::new(), 0..200_u32);
            let next = || Ok::<_, u32>(numbers.next());
            let work = |number: u32, lanes: Vec<Turn<'_, Vec<u32>>>, turn: Turn<'_, Vec<u32>>| {
                for lane in lanes {
                    let met = lane.wait()?;
                    met.push(number);
                    lane.pass_on(met);
                }
                turn.finish(|finished| {
                    finished.push(number);
                    Ok(())
                })
            };
            assert_eq!(in_lanes(threads, &mut lanes, &mut finished, next, work), Ok(()));
            let all: Vec<u32> = (0..200).collect();
            assert_eq!(lanes, [&*all, &*all, &*all], "{threads}");
            assert_eq!(finished, all, "{threads}");
        }
    }

    #[test]
    fn nobody_waits_forever_for_a_chunk_that_fails_in_a_lane() {
        for threads in 1..5 {
            let (mut lanes, mut finished, mut numbers) = ([0_u32; 2], 0, 0..200_u32);
            let work = |number: u32, lanes: Vec<Turn<'_, u32>>, turn: Turn<'_, u32>| {
                for (place, lane) in lanes.into_iter().enumerate() {
                    let met = lane.wait()?;
                    if (number, place) == (70, 1) {
                        return Err(Halt::Failed("broken"));
                    }
                    *met += 1;
                    lane.pass_on(met);
                }
                turn.finish(|finished| {
                    *finished += 1;
                    Ok(())
                })
            };
            let result = in_lanes(threads, &mut lanes, &mut finished, || Ok(numbers.next()), work);
            assert_eq!((result, finished, lanes[1]), (Err("broken"), 70, 70), "{threads}");
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
