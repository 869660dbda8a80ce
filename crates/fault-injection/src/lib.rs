//! For tests only: decides which of the calls that a function makes through its ports fail, and how.
//!
//! A crate of its own because the tests of both Kinesis functions use it, and neither function's build may contain it.
//!
//! A test wraps a port in memory into one that asks [`Fates`] about every call; what the calls are is the test's to say,
//! by an enum of its own. The same seed and the same calls in the same order meet the same fates.

mod log;

pub use log::{logged, without_position};

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is done.
    Done,
    /// Refused: nothing was done.
    Refused,
    /// Done, but the caller is told that it failed.
    AnswerLost,
    /// Done, and done again, and the caller has the second answer: what a client's own retry makes of a lost one.
    Repeated,
    /// Nothing was done, and the caller cannot know: there was an answer, and nobody can read it.
    Unreadable,
    /// Nothing was done, and the caller learns at its deadline that there is no answer.
    Hang,
    /// The caller's process dies with the call undone, or done: its [invocation] ends at once, and a caller
    /// that is in none waits beyond every deadline.
    Die {
        /// Whether the call was done.
        done: bool,
    },
}

/// The fates that a call may meet, with their probabilities; otherwise it is done.
pub type Chances<C> = fn(C) -> &'static [(Fate, f64)];

/// Decides what happens to each call: by order first, then by chance. A cloneable handle.
#[derive(Debug, Clone)]
pub struct Fates<C>(Arc<Mutex<Plan<C>>>);

struct Plan<C> {
    random: fastrand::Rng,
    chances: Chances<C>,
    ordered: HashMap<C, BTreeMap<usize, Fate>>,
    seen: HashMap<C, usize>,
    in_a_row: usize,
    most_in_a_row: usize,
    watch: Option<Watch<C>>,
}

/// Runs at a call at which a process dies, within its invocation: the call, and whether it was done.
type Watch<C> = Arc<dyn Fn(C, bool) + Send + Sync>;

impl<C> fmt::Debug for Plan<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").finish_non_exhaustive()
    }
}

impl Fate {
    /// Whether the caller cannot know if the call was done.
    pub fn leaves_a_doubt(self) -> bool {
        matches!(self, Fate::AnswerLost | Fate::Unreadable | Fate::Hang)
    }
}

tokio::task_local! {
    /// What ends the invocation that is under way.
    static KILL: Arc<Notify>;
}

/// Runs a function's invocation in a process of its own; `None` if that dies.
pub async fn invocation<T>(run: impl Future<Output = T>) -> Option<T> {
    let kill = Arc::new(Notify::new());
    tokio::select! {
        biased;
        () = kill.notified() => None,
        done = KILL.scope(Arc::clone(&kill), run) => Some(done),
    }
}

impl<C: Copy + Eq + Hash> Fates<C> {
    /// Every call is done.
    pub fn kind() -> Self {
        Self::random(0, |_| &[])
    }

    /// Calls meet fates by chance. No more than three in a row fail: an outage that lasts as long as an invocation is a
    /// fate of its own.
    pub fn random(seed: u64, chances: Chances<C>) -> Self {
        Fates(Arc::new(Mutex::new(Plan {
            random: fastrand::Rng::with_seed(seed),
            chances,
            ordered: HashMap::new(),
            seen: HashMap::new(),
            in_a_row: 0,
            most_in_a_row: 3,
            watch: None,
        })))
    }

    /// From here on calls are done, but for those that are ordered otherwise.
    pub fn end(&self) {
        self.plan().chances = |_| &[];
    }

    /// Tells of each call at which a process dies, within its invocation: the call, and whether it was done.
    pub fn tell_deaths(&self, watch: impl Fn(C, bool) + Send + Sync + 'static) {
        self.plan().watch = Some(Arc::new(watch));
    }

    /// Any number of calls in a row may fail.
    #[must_use]
    pub fn without_mercy(self) -> Self {
        self.plan().most_in_a_row = usize::MAX;
        self
    }

    /// The `nth` call of this kind, from 1, meets this fate.
    pub fn order(&self, call: C, nth: usize, fate: Fate) {
        self.plan().ordered.entry(call).or_default().insert(nth, fate);
    }

    /// How many calls of this kind there were.
    pub fn calls(&self, call: C) -> usize {
        self.plan().seen.get(&call).copied().unwrap_or_default()
    }

    /// Lets a call meet its fate: `work` does it, `fault` is what the caller is told if it failed.
    ///
    /// # Errors
    /// That of `work`, or `fault`.
    pub async fn apply<T, E, Work: Future<Output = Result<T, E>>>(
        &self,
        call: C,
        deadline: Instant,
        work: impl Fn() -> Work,
        fault: impl FnOnce() -> E,
    ) -> Result<T, E> {
        self.apply_told(call, deadline, work, |_| fault()).await
    }

    /// [`apply`](Self::apply) where what the caller is told depends on the fate.
    ///
    /// # Errors
    /// That of `work`, or `fault`.
    pub async fn apply_told<T, E, Work: Future<Output = Result<T, E>>>(
        &self,
        call: C,
        deadline: Instant,
        work: impl Fn() -> Work,
        fault: impl FnOnce(Fate) -> E,
    ) -> Result<T, E> {
        let (fate, latency) = self.draw(call);
        sleep(latency).await;
        match fate {
            Fate::Done => work().await,
            Fate::Refused | Fate::Unreadable => Err(fault(fate)),
            Fate::AnswerLost => {
                work().await?;
                Err(fault(fate))
            }
            Fate::Repeated => {
                work().await?;
                work().await
            }
            Fate::Hang => {
                sleep_until(deadline).await;
                Err(fault(fate))
            }
            Fate::Die { done } => {
                if done {
                    let _ = work().await;
                }
                let watch = self.plan().watch.clone();
                if let Some(watch) = watch {
                    watch(call, done);
                }
                let _ = KILL.try_with(|kill| kill.notify_one());
                std::future::pending().await
            }
        }
    }

    fn draw(&self, call: C) -> (Fate, Duration) {
        let plan = &mut *self.plan();
        let seen = plan.seen.entry(call).or_default();
        *seen += 1;
        if let Some(fate) = plan.ordered.get(&call).and_then(|fates| fates.get(seen)) {
            return (*fate, Duration::ZERO);
        }
        let chances = (plan.chances)(call);
        let latency = match chances.is_empty() {
            true => Duration::ZERO,
            false => Duration::from_micros(plan.random.u64(200..20_000)),
        };
        let mut point = plan.random.f64();
        let fate = chances.iter().find(|(_, chance)| {
            point -= chance;
            point < 0.0
        });
        match fate {
            Some((fate, _)) if plan.in_a_row < plan.most_in_a_row => {
                plan.in_a_row += 1;
                (*fate, latency)
            }
            _ => {
                plan.in_a_row = 0;
                (Fate::Done, latency)
            }
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs with tokio's clock going ahead whenever all wait. The same run takes the same course: pauses, too, are drawn from one
/// seed.
///
/// # Errors
/// If no runtime can be had.
pub fn simulated<T>(run: impl Future<Output = T>) -> io::Result<T> {
    fastrand::seed(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
    Ok(runtime.block_on(run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    enum Call {
        Write,
        Read,
    }

    const DEADLINE: Duration = Duration::from_secs(5);

    /// What a caller learns of a call that meets this fate, how often the call was done, and how long that took.
    fn meet(fate: Fate) -> (Option<Result<usize, &'static str>>, usize, Duration) {
        simulated(async {
            let fates = Fates::kind();
            fates.order(Call::Write, 2, fate);
            let done = Mutex::new(0);
            let work = async || {
                *done.lock().unwrap() += 1;
                Ok(*done.lock().unwrap())
            };
            let start = Instant::now();
            assert_eq!(fates.apply(Call::Write, start + DEADLINE, work, || "refused").await, Ok(1));
            *done.lock().unwrap() = 0;
            let answer = fates.apply(Call::Write, start + DEADLINE, work, || "refused");
            let answer = tokio::time::timeout(2 * DEADLINE, answer).await.ok();
            assert_eq!(fates.apply(Call::Read, start + DEADLINE, async || Ok(7), || "refused").await, Ok(7));
            assert_eq!((fates.calls(Call::Write), fates.calls(Call::Read)), (2, 1));
            (answer, *done.lock().unwrap(), start.elapsed())
        })
        .unwrap()
    }

    #[test]
    fn an_ordered_fate_meets_the_call_that_it_was_ordered_for() {
        assert_eq!(meet(Fate::Done), (Some(Ok(1)), 1, Duration::ZERO));
        assert_eq!(meet(Fate::Refused), (Some(Err("refused")), 0, Duration::ZERO));
        assert_eq!(meet(Fate::AnswerLost), (Some(Err("refused")), 1, Duration::ZERO));
        assert_eq!(meet(Fate::Repeated), (Some(Ok(2)), 2, Duration::ZERO));
        assert_eq!(meet(Fate::Unreadable), (Some(Err("refused")), 0, Duration::ZERO));
        assert_eq!(meet(Fate::Hang), (Some(Err("refused")), 0, DEADLINE));
        assert_eq!(meet(Fate::Die { done: true }), (None, 1, 2 * DEADLINE));
        assert_eq!(meet(Fate::Die { done: false }), (None, 0, 2 * DEADLINE));
    }

    #[test]
    fn a_call_that_kills_ends_its_own_invocation_at_once_and_no_other_and_is_told() {
        let run = async {
            let fates = Fates::kind();
            fates.order(Call::Write, 1, Fate::Die { done: true });
            let deaths = Arc::<Mutex<Vec<(Call, bool)>>>::default();
            let seen = Arc::clone(&deaths);
            fates.tell_deaths(move |call, done| seen.lock().unwrap().push((call, done)));
            let start = Instant::now();
            let write =
                || invocation(fates.apply(Call::Write, start + DEADLINE, async || Ok(7), || "refused"));
            assert_eq!(tokio::join!(write(), write()), (None, Some(Ok(7))));
            assert_eq!(start.elapsed(), Duration::ZERO);
            assert_eq!(*deaths.lock().unwrap(), [(Call::Write, true)]);
        };
        simulated(run).unwrap();
    }

    #[test]
    fn fates_come_by_chance_as_the_seed_has_it_and_no_more_than_three_in_a_row() {
        let draw = |seed| {
            let fates = Fates::random(seed, |_: Call| &[(Fate::Refused, 0.5), (Fate::Hang, 0.3)]);
            (0..1000).map(|_| fates.draw(Call::Write).0).collect::<Vec<_>>()
        };
        let drawn = draw(1);
        assert_eq!(drawn, draw(1));
        assert_ne!(drawn, draw(2));
        assert!(drawn.windows(4).all(|four| four.contains(&Fate::Done)));
        for fate in [Fate::Done, Fate::Refused, Fate::Hang] {
            assert!(drawn.iter().filter(|drawn| **drawn == fate).count() > 100);
        }
        let fates = Fates::random(1, |_: Call| &[(Fate::Refused, 1.0)]);
        fates.end();
        assert_eq!(fates.draw(Call::Write).0, Fate::Done);
        let without_mercy = Fates::random(1, |_: Call| &[(Fate::Refused, 1.0)]).without_mercy();
        assert!((0..1000).all(|_| without_mercy.draw(Call::Write).0 == Fate::Refused));
    }
}
