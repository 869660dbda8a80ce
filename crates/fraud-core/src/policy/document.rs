//! The TOML form of a policy, and its validation: every mistake is found, not only the first.

use toml::de::{DeArray, DeTable};

use super::{HistorySettings, MAX_FACTORS, Parts, Policy, PolicyError, PolicyProblem, keys};
use crate::history::MAX_ENTITY_INPUTS;
use crate::inputs::{Input, Place};

mod bounds;
mod condition;
mod entries;
mod factor;

use entries::{Entries, Mistakes, Numbers};

/// A policy's inputs as they are met, each once.
#[derive(Default)]
struct Places {
    further: Vec<Input>,
    /// Whether there is a `[history]`.
    has_history: bool,
}

impl Places {
    /// The place of an input.
    fn of(&mut self, input: Input) -> Place {
        match input {
            Input::Amount => Place::Amount,
            Input::CustomerRisk => Place::CustomerRisk,
            Input::Hour => Place::Hour,
            input => {
                let known = self.further.iter().position(|further| *further == input);
                Place::Further(known.unwrap_or_else(|| {
                    self.further.push(input);
                    self.further.len() - 1
                }))
            }
        }
    }
}

pub(super) fn parse(toml: &str) -> Result<Policy, PolicyError> {
    let mut mistakes = Mistakes::new(toml);
    let (document, errors) = DeTable::parse_recoverable(toml);
    for error in errors {
        let at = error.span().unwrap_or(0..0);
        mistakes.add(at, PolicyProblem::Document(error.message().trim().replace('\n', " ")));
    }
    // What is no TOML would only raise more of the same.
    mistakes.none_yet()?;
    let policy = read(document.get_ref(), &mut mistakes);
    mistakes.none_yet()?;
    // Without a mistake there is a policy; a mistake says why there is none.
    policy.ok_or_else(|| mistakes.nothing_read())
}

fn read(document: &DeTable<'_>, mistakes: &mut Mistakes<'_>) -> Option<Policy> {
    let entries = Entries::new(document, 0..0, "a policy", keys::POLICY);
    let name = entries.name("name", mistakes);
    let cap = entries.number("cap", &Numbers::ABOVE_ZERO, mistakes);
    let threshold = entries.number("threshold", &Numbers::FROM_ZERO, mistakes);
    let default_risk = entries.number("default_risk", &Numbers::RISK, mistakes);
    let mut places = Places::default();
    let history = entries.table("history", mistakes);
    places.has_history = history.is_some();
    let history = history.map(|(table, at)| read_history(table, at, mistakes));
    let factors = entries.array("factors", mistakes).map(|(array, at)| {
        if array.is_empty() || array.len() > MAX_FACTORS {
            mistakes.add(at, PolicyProblem::FactorCount(array.len()));
            return None;
        }
        let factors = factors(array, &mut places, mistakes);
        let of_entities = places.further.iter().filter(|input| input.is_of_entity()).count();
        if of_entities > MAX_ENTITY_INPUTS {
            mistakes.add(at, PolicyProblem::EntityInputCount(of_entities));
        }
        factors
    });
    entries.finish(mistakes);

    let (threshold, at_threshold) = threshold?;
    let history = match history {
        None => None,
        Some(history) => Some(history?),
    };
    let parts = Parts {
        name: name?.0,
        cap: cap?.0,
        threshold,
        default_risk: default_risk?.0,
        history,
        factors: factors??,
        further: places.further,
    };
    let policy = Policy::new(parts);
    if !policy.can_alert() {
        let highest = policy.highest();
        mistakes.add(at_threshold, PolicyProblem::UnreachableThreshold { threshold, highest });
    }
    Some(policy)
}

fn read_history(
    table: &DeTable<'_>,
    at: entries::Span,
    mistakes: &mut Mistakes<'_>,
) -> Option<HistorySettings> {
    let entries = Entries::new(table, at, "[history]", keys::HISTORY);
    let prior_mean_amount = entries.number("prior_mean_amount", &Numbers::ABOVE_ZERO, mistakes);
    let outlier_ratio = entries.number("outlier_ratio", &Numbers::ABOVE_ZERO, mistakes);
    let ordinary_below = entries.number("ordinary_below", &Numbers::ABOVE_ZERO, mistakes);
    entries.finish(mistakes);
    Some(HistorySettings {
        prior_mean_amount: prior_mean_amount?.0,
        outlier_ratio: outlier_ratio?.0,
        ordinary_below: ordinary_below.map_or(200.0, |(number, _)| number),
    })
}

/// The factors; `None` if one of them is wrong.
fn factors(
    array: &DeArray<'_>,
    places: &mut Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Vec<super::Factor>> {
    let mut factors: Vec<super::Factor> = Vec::with_capacity(array.len());
    let mut all = true;
    let mut names: Vec<String> = Vec::new();
    for entry in array.iter() {
        let at = entry.span();
        let Some(table) = entry.get_ref().as_table() else {
            mistakes.wrong_type(at, "factors", entry.get_ref(), "a table for each factor");
            all = false;
            continue;
        };
        let factor = factor::read(table, at, &mut names, places, mistakes);
        all &= factor.is_some();
        factors.extend(factor);
    }
    all.then_some(factors)
}
