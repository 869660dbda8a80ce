//! A condition under `when`.

use toml::de::DeTable;

use super::entries::{Entries, Mistakes, Span};
use super::{Places, bounds};
use crate::closest::closest;
use crate::entity::{EntityKind, is_list_name};
use crate::fields;
use crate::inputs::{Input, ValueType};
use crate::policy::canonical::quoted;
use crate::policy::factor::{Condition, Test};
use crate::policy::{PolicyProblem, keys};

/// How a condition tests its subject.
#[derive(Clone, Copy, PartialEq)]
enum Asks {
    Bounds,
    AnyOf,
    NoneOf,
    Is,
    OnList,
}

pub(super) fn read(
    table: &DeTable<'_>,
    at: Span,
    factor: &str,
    places: &mut Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Condition> {
    let entries = Entries::new(table, at.clone(), "a condition", keys::CONDITION).and(keys::BOUNDS);
    let all_known = entries.finish(mistakes);
    let asks: Vec<Asks> = [
        (bounds::any(&entries), Asks::Bounds),
        (entries.get("any_of").is_some(), Asks::AnyOf),
        (entries.get("none_of").is_some(), Asks::NoneOf),
        (entries.get("is").is_some(), Asks::Is),
        (entries.get("on_list").is_some(), Asks::OnList),
    ]
    .into_iter()
    .filter_map(|(is_there, asks)| is_there.then_some(asks))
    .collect();
    let wrong = |subject: String, takes, mistakes: &mut Mistakes<'_>| {
        // A misspelt key has been told.
        if all_known {
            let problem = PolicyProblem::Condition { factor: factor.to_owned(), subject, takes };
            mistakes.add(at.clone(), problem);
        }
    };
    let subjects = ["input", "field", "entity"].into_iter().filter(|key| entries.get(key).is_some());
    let subjects: Vec<&str> = subjects.collect();
    let [subject] = subjects[..] else {
        wrong("a condition".to_owned(), "one of `input`, `field` and `entity`", mistakes);
        return None;
    };
    if subject == "entity" {
        let kind = entity(&entries, mistakes);
        let [Asks::OnList] = asks[..] else {
            wrong("`entity`".to_owned(), "`on_list`, and nothing else", mistakes);
            return None;
        };
        return on_list(&entries, kind?, places, mistakes);
    }
    let expected = match asks[..] {
        [Asks::Bounds] => ValueType::Number,
        [Asks::AnyOf | Asks::NoneOf] => ValueType::Text,
        [Asks::Is] => ValueType::Truth,
        _ => {
            wrong(format!("`{subject}`"), "bounds, `any_of`, `none_of` or `is`, one of them", mistakes);
            return None;
        }
    };
    let input = input(&entries, subject, expected, places, mistakes)?;
    if input.value_type() != expected {
        let takes = match input.value_type() {
            ValueType::Number => "bounds: it is a number",
            ValueType::Text => "`any_of` or `none_of`: it is a text",
            ValueType::Truth => "`is = true` or `is = false`",
        };
        wrong(format!("`{}`", input.name()), takes, mistakes);
        return None;
    }
    let name = input.name();
    let (test, text) = match asks[..] {
        [Asks::AnyOf] => {
            let texts = entries.texts("any_of", mistakes)?;
            let text = format!("{name} is {}", one_of(&texts));
            (Test::AnyOf(texts), text)
        }
        [Asks::NoneOf] => {
            let texts = entries.texts("none_of", mistakes)?;
            let text = format!("{name} is not {}", one_of(&texts));
            (Test::NoneOf(texts), text)
        }
        [Asks::Is] => {
            let truth = entries.truth("is", mistakes)?;
            (Test::Is(truth), format!("{name} is {truth}"))
        }
        _ => {
            let (bounds, text) = bounds::read(&entries, &input, factor, mistakes)?;
            (Test::Within(bounds), text)
        }
    };
    Some(Condition { of: places.of(input), test, text })
}

/// Texts as reasons write them. Long lists are cut: a rule is for people.
fn one_of(texts: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = texts.iter().take(SHOWN).map(|text| quoted(text)).collect();
    match texts.len().saturating_sub(SHOWN) {
        0 => shown.join(" or "),
        more => format!("{} or {more} more", shown.join(" or ")),
    }
}

/// The kind of entity under `entity`.
fn entity(entries: &Entries<'_, '_>, mistakes: &mut Mistakes<'_>) -> Option<EntityKind> {
    let (name, at) = entries.text("entity", mistakes)?;
    let kind = EntityKind::of_name(name);
    if kind.is_none() {
        let closest = closest(name, EntityKind::ALL.into_iter().map(EntityKind::as_str));
        let problem =
            PolicyProblem::UnknownEntity { name: name.to_owned(), closest: closest.map(str::to_owned) };
        mistakes.add(at, problem);
    }
    kind
}

fn on_list(
    entries: &Entries<'_, '_>,
    kind: EntityKind,
    places: &mut Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Condition> {
    let (list, at) = entries.text("on_list", mistakes)?;
    if !is_list_name(list) {
        mistakes.add(at, PolicyProblem::ListName(list.to_owned()));
        return None;
    }
    let text = format!("{} is on list {list}", kind.as_str());
    let of = places.of(Input::OnList(kind, list.to_owned()));
    Some(Condition { of, test: Test::Is(true), text })
}

/// The input under `input` or `field`.
pub(super) fn input(
    entries: &Entries<'_, '_>,
    key: &str,
    expected: ValueType,
    places: &Places,
    mistakes: &mut Mistakes<'_>,
) -> Option<Input> {
    let (input, at) = if key == "field" {
        let (field, at) = entries.text("field", mistakes)?;
        (Input::Field(field.to_owned(), expected), at)
    } else {
        let (name, at) = entries.text("input", mistakes)?;
        let Some(input) = Input::of_name(name, expected) else {
            mistakes.add(at, unknown_input(name));
            return None;
        };
        (input, at)
    };
    if let Input::Field(field, _) = &input {
        let named = match field.as_str() {
            fields::AMOUNT => Some("amount"),
            fields::EVENT_TIME => Some("hour"),
            _ => None,
        };
        if let Some(input) = named {
            mistakes.add(at, PolicyProblem::FieldIsInput { field: field.clone(), input });
            return None;
        }
    }
    if matches!(input, Input::History(_)) && !places.has_history {
        mistakes.add(at, PolicyProblem::NoHistory { input: input.name().into_owned() });
        return None;
    }
    Some(input)
}

fn unknown_input(name: &str) -> PolicyProblem {
    let names: Vec<_> = Input::named().map(|input| input.name()).collect();
    let known = names.iter().map(AsRef::as_ref).chain(["customer.risk"]);
    let closest = closest(name, known).map(str::to_owned);
    PolicyProblem::UnknownInput {
        name: name.to_owned(),
        closest,
        accepted: format!("{}, and `field.<name>`", names.join(", ")),
    }
}
