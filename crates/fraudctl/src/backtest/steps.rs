//! Chunks of records through an engine, step by step.

use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use backtest::engine::{Decided, Engine, PastRecord, STEP_MILLIS, Shard};
use exact_text::timestamp::Timestamp;

use crate::in_turn::{Halt, Turn};

/// Decides on chunks of records, several at once: each shard of the customers has its own lane.
pub(super) struct Steps<'k, Look> {
    /// Written to only by the chunk that is in all lanes.
    engine: RwLock<Engine<'k>>,
    /// What is to be known of a record's decisions.
    look: Look,
}

/// What decisions about a shard's customers come from.
#[derive(Debug, Default)]
pub(super) struct Lane<'k> {
    shard: Shard<'k>,
    /// The step that the records have come to: the same in all lanes.
    step: Option<i64>,
}

impl<'k, Look, R> Steps<'k, Look>
where
    Look: Fn(&PastRecord<'_>, &[Decided<'_>]) -> R,
{
    pub(super) fn new(engine: Engine<'k>, look: Look) -> Self {
        Steps { engine: RwLock::new(engine), look }
    }

    /// Decides on a chunk's records: what is to be known of each; `None` of a copy of a transaction that was decided before.
    pub(super) fn decide<E>(
        &self,
        records: &[&PastRecord<'_>],
        lanes: Vec<Turn<'_, Lane<'k>>>,
    ) -> Result<Vec<Option<R>>, Halt<E>> {
        let shards = lanes.len();
        let chunk = Chunk { records, lanes: records.iter().map(|record| record.shard(shards)).collect() };
        let mut looked: Vec<Option<R>> = records.iter().map(|_| None).collect();
        let (mut before, mut steps) = (0..0, Vec::new());
        let mut held = Vec::with_capacity(shards);
        for (place, turn) in lanes.into_iter().enumerate() {
            let lane = turn.wait()?;
            if place == 0 {
                (before, steps) = chunk.by_step(lane.step);
            }
            self.decide_in(place, lane, &chunk, before.clone(), &mut looked);
            match steps.is_empty() {
                true => turn.pass_on(lane),
                false => held.push((turn, lane)),
            }
        }
        let last = steps.pop();
        for (step, records) in steps {
            self.becomes(step, held.iter_mut().map(|(_, lane)| &mut **lane));
            for (place, (_, lane)) in held.iter_mut().enumerate() {
                self.decide_in(place, lane, &chunk, records.clone(), &mut looked);
            }
        }
        if let Some((step, records)) = last {
            self.becomes(step, held.iter_mut().map(|(_, lane)| &mut **lane));
            for (place, (turn, lane)) in held.into_iter().enumerate() {
                self.decide_in(place, lane, &chunk, records.clone(), &mut looked);
                turn.pass_on(lane);
            }
        }
        Ok(looked)
    }

    /// Decides on those of some neighbours whose customers are in a lane.
    fn decide_in(
        &self,
        place: usize,
        lane: &mut Lane<'k>,
        chunk: &Chunk<'_, '_>,
        neighbours: Range<usize>,
        looked: &mut [Option<R>],
    ) {
        let engine = self.engine.read().unwrap_or_else(PoisonError::into_inner);
        let all = chunk.records.iter().zip(&chunk.lanes).zip(looked);
        let (records, looked): (Vec<_>, Vec<_>) = all
            .take(neighbours.end)
            .skip(neighbours.start)
            .filter(|((_, of), _)| **of == place)
            .map(|((record, _), looked)| (*record, looked))
            .unzip();
        let mut looked = looked.into_iter();
        engine.decide_all(&mut lane.shard, records.into_iter(), &self.look, |decided| {
            if let Some(looked) = looked.next() {
                *looked = decided;
            }
        });
    }

    /// Takes a step, with all lanes.
    fn becomes<'l>(&self, step: i64, lanes: impl Iterator<Item = &'l mut Lane<'k>>)
    where
        'k: 'l,
    {
        let at = |lane: &'l mut Lane<'k>| {
            lane.step = Some(step);
            &mut lane.shard
        };
        let mut shards: Vec<&mut Shard<'k>> = lanes.map(at).collect();
        let now = Timestamp::saturating_from_millis(step.saturating_mul(STEP_MILLIS));
        self.engine.write().unwrap_or_else(PoisonError::into_inner).becomes(now, &mut shards);
    }
}

/// Records that are decided at once.
struct Chunk<'c, 't> {
    records: &'c [&'c PastRecord<'t>],
    /// The lane of each.
    lanes: Vec<usize>,
}

impl Chunk<'_, '_> {
    /// The records that belong to the step that the ones before had come to, and each later step with its own.
    fn by_step(&self, mut step: Option<i64>) -> (Range<usize>, Vec<(i64, Range<usize>)>) {
        let (mut first, mut later) = (0..0, Vec::new());
        for (place, record) in self.records.iter().enumerate() {
            let of = record.arrival.millis().div_euclid(STEP_MILLIS);
            if step.is_none_or(|before| before < of) {
                step = Some(of);
                later.push((of, place..place));
            }
            later.last_mut().map_or(&mut first, |(_, records)| records).end = place + 1;
        }
        (first, later)
    }
}
