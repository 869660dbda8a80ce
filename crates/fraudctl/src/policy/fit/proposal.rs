//! The proposal: the draft's text with fitted points in it, and what they were fitted to beside them.

use std::fmt::Write as _;

use anyhow::{Context, anyhow};
use backtest::fit::{Fitted, FittedBand, FittedFactor};
use fraud_core::policy::{Policy, Shape};
use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::display::counted;

/// The draft's text with the fitted points, bands, cap and threshold; `heading` stands above it.
///
/// # Errors
/// If the draft's text is not what `draft` was read from.
pub(super) fn write(
    text: &str,
    draft: &Policy,
    fitted: &Fitted,
    threshold: f64,
    heading: &[String],
) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse().context("the draft is not TOML")?;
    set(document.as_table_mut(), "threshold", number(threshold))?;
    if fitted.highest > draft.cap() {
        // No two scores may be one because they are cut.
        set(document.as_table_mut(), "cap", number(fitted.highest))?;
    }
    let all = draft.factors().iter().zip(&fitted.factors).enumerate();
    for (place, (factor, fitted)) in all.clone() {
        let table = factor_at(&mut document, place)?;
        write_factor(table, &factor.shape(), fitted)?;
    }
    // From the last on, so that places stay what they are.
    for (place, (_, fitted)) in all.rev() {
        if fitted.tells_nothing() {
            remove_factor(&mut document, place);
        }
    }
    let mut out = String::new();
    for line in heading {
        writeln!(out, "# {line}")?;
    }
    Ok(format!("{out}{document}"))
}

fn factors(document: &mut DocumentMut) -> Option<&mut Item> {
    document.get_mut("factors")
}

/// The table of a factor, in whichever way factors are written.
fn factor_at(document: &mut DocumentMut, place: usize) -> anyhow::Result<&mut dyn TableLike> {
    let table = match factors(document) {
        Some(Item::ArrayOfTables(tables)) => tables.get_mut(place).map(|table| table as &mut dyn TableLike),
        Some(Item::Value(Value::Array(array))) => {
            array.get_mut(place).and_then(Value::as_inline_table_mut).map(|table| table as &mut dyn TableLike)
        }
        _ => None,
    };
    table.ok_or_else(|| anyhow!("the draft has no factor {}", place + 1))
}

fn remove_factor(document: &mut DocumentMut, place: usize) {
    match factors(document) {
        Some(Item::ArrayOfTables(tables)) => {
            tables.remove(place);
        }
        Some(Item::Value(Value::Array(array))) => {
            array.remove(place);
        }
        _ => {}
    }
}

/// Sets a value, with the white space and comment that it has.
fn set(table: &mut dyn TableLike, key: &str, mut value: Value) -> anyhow::Result<()> {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => drop(table.insert(key, Item::Value(value))),
    }
    Ok(())
}

fn write_factor(table: &mut dyn TableLike, shape: &Shape, fitted: &FittedFactor) -> anyhow::Result<()> {
    match shape {
        Shape::Points(_) => {
            let points = fitted.bands.first().map_or(0.0, |band| band.points);
            let comment = fitted.bands.first().map(|band| format!("  # {}", counts(band)));
            set(table, "points", number(points))?;
            if let (Some(comment), Some(value)) =
                (comment, table.get_mut("points").and_then(Item::as_value_mut))
            {
                value.decor_mut().set_suffix(comment);
            }
        }
        Shape::Bands { .. } | Shape::Weight { .. } => {
            let bands = bands(table, fitted)?;
            table.remove("weight");
            table.remove("bands");
            table.insert("bands", Item::Value(bands));
            match &fitted.missing {
                Some(missing) if missing.points != 0.0 => set(table, "missing", number(missing.points))?,
                _ => drop(table.remove("missing")),
            }
        }
    }
    Ok(())
}

/// The list of bands, each on a line of its own with what it was fitted to.
fn bands(table: &dyn TableLike, fitted: &FittedFactor) -> anyhow::Result<Value> {
    let (transactions, frauds) = fitted.without;
    let mut text = format!(
        "[\n    # No points: {}, {}.\n",
        counted(transactions, "transaction"),
        counted(frauds, "fraud")
    );
    for band in fitted.bands.iter().filter(|band| band.points != 0.0) {
        let bounds = match band.of_draft {
            Some(ends) => drafted_bounds(table, ends)?,
            None => found_bounds(band),
        };
        let points = points_text(band.points);
        writeln!(text, "    {{ {bounds}points = {points} }}, # {}", counts(band))?;
    }
    text.push(']');
    text.parse().context("bands cannot be written")
}

/// The bounds of the draft's bands from the first to the last, as they are written there.
fn drafted_bounds(table: &dyn TableLike, (first, last): (usize, usize)) -> anyhow::Result<String> {
    let bands =
        table.get("bands").and_then(Item::as_array).context("the draft's factor has no list of bands")?;
    let bound = |place: usize, keys: &[&str]| {
        let band = bands.get(place).and_then(Value::as_inline_table);
        let found = keys.iter().find_map(|key| Some((key, band?.get(key)?)));
        found.map_or_else(String::new, |(key, value)| format!("{key} = {}, ", value.to_string().trim()))
    };
    Ok(bound(first, &["above", "from"]) + &bound(last, &["up_to", "below", "until"]))
}

/// Bounds that were found: bands begin at a number of two digits and end below the next.
fn found_bounds(band: &FittedBand) -> String {
    let from = format!("from = {}, ", points_text(band.above.next_up()));
    match band.up_to.is_finite() {
        true => format!("{from}below = {}, ", points_text(band.up_to.next_up())),
        false => from,
    }
}

/// A number as TOML has it: whole ones without a fraction.
fn points_text(number: f64) -> String {
    number.to_string()
}

fn number(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 1e9 {
        true => Value::from(number as i64),
        false => Value::from(number),
    }
}

fn counts(band: &FittedBand) -> String {
    let share = 100.0 * band.frauds as f64 / band.transactions.max(1) as f64;
    let (transactions, frauds) = (counted(band.transactions, "transaction"), counted(band.frauds, "fraud"));
    format!("{transactions}, {frauds} ({share:.2} %)")
}
