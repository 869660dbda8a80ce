//! The bounds of bands and conditions.

use super::entries::{Entries, Mistakes, Numbers, Span};
use crate::inputs::Input;
use crate::policy::PolicyProblem;
use crate::policy::factor::Bounds;

const WHOLE_HOURS: Numbers = Numbers {
    must: "a whole hour from 0 to 24",
    accepted: |hour| (0.0..=24.0).contains(&hour) && hour.fract() == 0.0,
};
const WHOLE_DAYS: Numbers = Numbers {
    must: "a whole number from 1 (Monday) to 8 (behind Sunday)",
    accepted: |day| (1.0..=8.0).contains(&day) && day.fract() == 0.0,
};

/// The keys of a lower and of an upper bound, and how reasons write each.
const LOWER: [(&str, &str); 2] = [("above", ">"), ("from", ">=")];
const UPPER: [(&str, &str); 3] = [("up_to", "<="), ("below", "<"), ("until", "<")];

/// Whether the entries bound anything.
pub(super) fn any(entries: &Entries<'_, '_>) -> bool {
    LOWER.iter().chain(&UPPER).any(|(key, _)| entries.get(key).is_some())
}

/// The bounds in the entries over an input, and the rule as reasons write it; `None` if they are wrong.
pub(super) fn read(
    entries: &Entries<'_, '_>,
    input: &Input,
    factor: &str,
    mistakes: &mut Mistakes<'_>,
) -> Option<(Bounds, String)> {
    let numbers = match input {
        Input::Hour => &WHOLE_HOURS,
        Input::Weekday => &WHOLE_DAYS,
        _ => &Numbers::FINITE,
    };
    let lower = one(entries, &LOWER, numbers, mistakes);
    let upper = one(entries, &UPPER, numbers, mistakes);
    let (lower, upper) = (lower?, upper?);
    let name = input.name();
    let (above, lower_form) = match lower {
        None => (f64::NEG_INFINITY, "above -inf".to_owned()),
        Some(("from", _, from)) => (from.next_down(), format!("from {from}")),
        Some((_, _, above)) => (above, format!("above {above:?}")),
    };
    let (up_to, upper_form) = match upper {
        None => (f64::INFINITY, "up_to inf".to_owned()),
        Some(("up_to", _, up_to)) => (up_to, format!("up_to {up_to:?}")),
        Some((_, _, below)) => (below.next_down(), format!("until {below}")),
    };
    let text = match (lower, upper) {
        (Some((_, sign, from)), Some((_, end_sign, to))) => {
            format!("{name} {sign} {from} and {end_sign} {to}")
        }
        (Some((_, sign, number)), None) | (None, Some((_, sign, number))) => {
            format!("{name} {sign} {number}")
        }
        (None, None) => format!("any {name}"),
    };
    let bounds = Bounds { above, up_to, canonical: format!("{lower_form} {upper_form}") };
    is_reachable(&bounds, &text, input, factor, entries.span(), mistakes).then_some((bounds, text))
}

/// The bound under one of the keys: its key, its sign and its number; `None` in place of it if there is none.
type Bound = Option<(&'static str, &'static str, f64)>;

/// The bound of one side; `None` if it is wrong.
fn one(
    entries: &Entries<'_, '_>,
    keys: &[(&'static str, &'static str)],
    numbers: &Numbers,
    mistakes: &mut Mistakes<'_>,
) -> Option<Bound> {
    let mut bound: Bound = None;
    for (key, sign) in keys.iter().filter(|(key, _)| entries.get(key).is_some()) {
        if let Some((first, ..)) = bound {
            mistakes.add(entries.span(), PolicyProblem::TwoBounds { first, second: key });
            return None;
        }
        let (number, _) = entries.number(key, numbers, mistakes)?;
        bound = Some((key, sign, number));
    }
    Some(bound)
}

fn is_reachable(
    bounds: &Bounds,
    text: &str,
    input: &Input,
    factor: &str,
    at: Span,
    mistakes: &mut Mistakes<'_>,
) -> bool {
    let (factor, band) = (factor.to_owned(), format!("`{text}`"));
    if bounds.above >= bounds.up_to {
        mistakes.add(at, PolicyProblem::EmptyBand { factor, band });
        return false;
    }
    if bounds.reaches(input) {
        return true;
    }
    let (least, greatest) = input.range();
    let whole = if input.is_whole() { "a whole number " } else { "" };
    let range = match (least.is_finite(), greatest.is_finite()) {
        (true, true) => format!("{whole}from {least} to {greatest}"),
        (true, false) => format!("{whole}{least} or more"),
        _ => format!("{whole}any number"),
    };
    mistakes
        .add(at, PolicyProblem::UnreachableBand { factor, band, input: input.name().into_owned(), range });
    false
}
