//! What lines came to, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use fraud_core::evidence::ENGINE;
use fraud_core::verify::NOT_COVERED;
use serde_json::{Map, Value, json};

use super::tally::{Place, Tally};
use crate::display::{counted, on_one_line, per_second, thousands};

pub(super) fn json(tally: &Tally, time: Duration) -> Value {
    let differences: Map<String, Value> =
        tally.kinds.iter().map(|(kind, count)| (kind.as_str().to_owned(), (*count).into())).collect();
    let place = |place: &Place| json!({ "location": place.location, "decision_id": place.decision_id, "what": place.what });
    let places: Map<String, Value> = tally
        .places
        .iter()
        .map(|(kind, places)| (kind.as_str().to_owned(), places.iter().map(place).collect()))
        .collect();
    json!({
        "lines": tally.lines,
        "verified": tally.verified,
        "different": tally.different,
        "unknown_policy": tally.unknown_policy,
        "no_inputs": tally.no_inputs,
        "not_decisions": tally.not_decisions,
        "with_shadow": tally.with_shadow,
        "by_another_engine": tally.by_another_engine,
        "engine": ENGINE,
        "differences": differences,
        "places": places,
        "not_covered": NOT_COVERED,
        "seconds": time.as_secs_f64(),
    })
}

pub(super) fn text(tally: &Tally, time: Duration) -> String {
    // Writing to a string cannot fail.
    let mut out = String::new();
    let _ = write!(
        out,
        "{}, {} a second: {} verified, {} different, {} of an unknown policy, {} no_inputs, {} neither scored record nor alert",
        counted(tally.lines, "line"),
        thousands(per_second(tally.lines, time)),
        thousands(tally.verified),
        thousands(tally.different),
        thousands(tally.unknown_policy),
        thousands(tally.no_inputs),
        thousands(tally.not_decisions),
    );
    if tally.with_shadow > 0 {
        let _ =
            write!(out, "\n{} computed by a policy in the shadow, too", counted(tally.with_shadow, "line"));
    }
    if tally.by_another_engine > 0 {
        let lines = counted(tally.by_another_engine, "line");
        let _ = write!(out, "\n{lines} decided by another engine than {ENGINE}, which computed here");
    }
    for (kind, count) in &tally.kinds {
        let _ = write!(out, "\n{}: {}", kind.as_str(), counted(*count, "line"));
        for Place { location, decision_id, what } in tally.places.get(kind).into_iter().flatten() {
            let id = decision_id.as_deref().map_or_else(String::new, |id| format!(", {}", on_one_line(id)));
            let what = what.as_deref().map_or_else(String::new, |what| format!(": {}", on_one_line(what)));
            let _ = write!(out, "\n  {}{id}{what}", on_one_line(location));
        }
    }
    let _ = write!(out, "\nnot covered:");
    for what in NOT_COVERED {
        let _ = write!(out, "\n  {what}");
    }
    out
}
