//! The space of all transactions as a policy tells them apart: for each input the cells of values that it treats alike.

use std::fmt;

use super::canonical::quoted;
use super::{Condition, Factor, Gives, Policy, Test, factor::weighted};
use crate::inputs::{Input, InputValue, Inputs, Place, ValueType};

/// Values of one input that no band and no condition tells apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// The numbers from the first to the second, both included.
    Numbers(f64, f64),
    /// One of these texts.
    Texts(Vec<String>),
    /// Any text but these, which have cells of their own.
    OtherText(Vec<String>),
    /// Whether something is so.
    Truth(bool),
    /// No value.
    Missing,
}

/// One input and its cells, in ascending order, `Missing` last.
#[derive(Debug, Clone)]
pub(super) struct Dimension {
    pub place: Place,
    pub cells: Vec<Cell>,
    /// Whether a weight looks at it, so that values of one cell give different points.
    pub is_weighted: bool,
}

/// The inputs that a policy looks at, each once.
#[derive(Debug, Clone)]
pub(super) struct Space<'p> {
    pub policy: &'p Policy,
    pub dimensions: Vec<Dimension>,
}

/// For each dimension the cell that is known, if any.
pub(super) type Known = Vec<Option<Cell>>;

impl<'p> Space<'p> {
    /// The space of a policy. Inputs that can change a score by more come first, those with weights last.
    pub(super) fn new(policy: &'p Policy) -> Self {
        let mut space = Space { policy, dimensions: Vec::new() };
        for place in policy.factors().iter().flat_map(Factor::places) {
            if !space.dimensions.iter().any(|known| known.place == place) {
                space.dimensions.push(Dimension::new(policy, place));
            }
        }
        let nothing = space.nothing_known();
        let influence = |place: Place| -> f64 {
            let factors =
                policy.factors().iter().filter(|factor| factor.places().any(|other| other == place));
            factors.map(|factor| space.points(factor, &nothing)).map(|(least, most)| most - least).sum()
        };
        let mut dimensions = space.dimensions.clone();
        dimensions.sort_by(|one, other| {
            let by_influence = influence(other.place).total_cmp(&influence(one.place));
            one.is_weighted.cmp(&other.is_weighted).then(by_influence)
        });
        Space { policy, dimensions }
    }

    pub(super) fn nothing_known(&self) -> Known {
        vec![None; self.dimensions.len()]
    }

    /// The least and the most that the scores of transactions can be of which this is known. Rounded addition is monotonic,
    /// so that no score lies outside; not every score between, nor each of the two, must be one.
    pub(super) fn scores(&self, known: &Known) -> (f64, f64) {
        let (mut least, mut most) = (0.0, 0.0);
        for factor in self.policy.factors() {
            let (low, high) = self.points(factor, known);
            least += low;
            most += high;
        }
        (self.policy.cut(least), self.policy.cut(most))
    }

    /// The least and the most points of a factor.
    fn points(&self, factor: &Factor, known: &Known) -> (f64, f64) {
        let (mut always, mut ever) = (true, true);
        for condition in &factor.when {
            let (all, any) = self.holds(condition, known);
            always &= all;
            ever &= any;
        }
        if !ever {
            return (0.0, 0.0);
        }
        let (least, most) = match factor.looks_at() {
            None => match factor.gives {
                Gives::Points(points) => (points, points),
                _ => (0.0, 0.0),
            },
            Some(place) => {
                let ranges = self.cells(place, known).map(|cell| factor.gives.points_in(cell));
                ranges.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1))).unwrap_or((0.0, 0.0))
            }
        };
        if always { (least, most) } else { (least.min(0.0), most.max(0.0)) }
    }

    /// Whether a condition always holds, and whether it ever does.
    fn holds(&self, condition: &Condition, known: &Known) -> (bool, bool) {
        let (mut always, mut ever) = (true, false);
        for cell in self.cells(condition.of, known) {
            let holds = condition.test.holds_in(cell);
            always &= holds;
            ever |= holds;
        }
        (always, ever)
    }

    /// The cells that an input's value can lie in.
    fn cells<'s>(&'s self, place: Place, known: &'s Known) -> impl Iterator<Item = &'s Cell> {
        let index = self.dimensions.iter().position(|dimension| dimension.place == place);
        let known = index.and_then(|index| known.get(index)).and_then(Option::as_ref);
        let all = index.and_then(|index| self.dimensions.get(index)).filter(|_| known.is_none());
        known.into_iter().chain(all.map(|dimension| dimension.cells.iter()).into_iter().flatten())
    }
}

impl Dimension {
    fn new(policy: &Policy, place: Place) -> Self {
        let input = policy.input(place);
        let looks = policy.factors().iter().filter(|factor| factor.looks_at() == Some(place));
        let is_weighted = looks.clone().any(|factor| matches!(factor.gives, Gives::Weight { .. }));
        let conditions =
            || policy.factors().iter().flat_map(|factor| &factor.when).filter(|when| when.of == place);
        let mut cells = match input.value_type() {
            ValueType::Truth => vec![Cell::Truth(false), Cell::Truth(true)],
            ValueType::Text => texts(conditions()),
            ValueType::Number => {
                let bands = looks.filter_map(|factor| match &factor.gives {
                    Gives::Bands { bands, .. } => Some(bands.iter().map(|band| &band.bounds)),
                    _ => None,
                });
                let bounds = conditions().filter_map(|condition| match &condition.test {
                    Test::Within(bounds) => Some(bounds),
                    _ => None,
                });
                let edges = bands.flatten().chain(bounds).flat_map(|bounds| [bounds.above, bounds.up_to]);
                numbers(input, edges.collect())
            }
        };
        if input.can_be_missing() {
            cells.push(Cell::Missing);
        }
        Dimension { place, cells, is_weighted }
    }
}

/// The cells of an input's numbers, which end at these edges.
fn numbers(input: &Input, mut edges: Vec<f64>) -> Vec<Cell> {
    let (least, greatest) = input.range();
    edges.push(f64::INFINITY);
    edges.sort_by(f64::total_cmp);
    edges.dedup();
    let mut from = least.max(f64::MIN);
    let mut cells = Vec::with_capacity(edges.len());
    for edge in edges {
        let to = edge.min(greatest).min(f64::MAX);
        let (first, last) = if input.is_whole() { (from.ceil(), to.floor()) } else { (from, to) };
        if first <= last {
            cells.push(Cell::Numbers(first, last));
        }
        from = from.max(edge.next_up());
    }
    cells
}

/// The cells of texts: those that the same conditions name are one.
fn texts<'c>(conditions: impl Iterator<Item = &'c Condition>) -> Vec<Cell> {
    let lists: Vec<&Vec<String>> = conditions
        .filter_map(|condition| match &condition.test {
            Test::AnyOf(texts) | Test::NoneOf(texts) => Some(texts),
            _ => None,
        })
        .collect();
    let mut all: Vec<&String> = lists.iter().copied().flatten().collect();
    all.sort_unstable();
    all.dedup();
    let mut cells: Vec<(Vec<bool>, Vec<String>)> = Vec::new();
    for text in &all {
        let named: Vec<bool> = lists.iter().map(|list| list.contains(text)).collect();
        match cells.iter_mut().find(|(other, _)| *other == named) {
            Some((_, texts)) => texts.push((*text).clone()),
            None => cells.push((named, vec![(*text).clone()])),
        }
    }
    let others = Cell::OtherText(all.into_iter().cloned().collect());
    cells.into_iter().map(|(_, texts)| Cell::Texts(texts)).chain([others]).collect()
}

impl Gives {
    /// The least and the most points of the values in a cell.
    fn points_in(&self, cell: &Cell) -> (f64, f64) {
        match (self, cell) {
            (Gives::Points(points), _) => (*points, *points),
            (Gives::Bands { bands, .. }, Cell::Numbers(from, _)) => {
                let band = bands.iter().find(|band| band.bounds.contain(*from));
                let points = band.map_or(0.0, |band| band.points);
                (points, points)
            }
            (Gives::Weight { weight, .. }, Cell::Numbers(from, to)) => {
                let (one, other) = (weighted(*from, *weight), weighted(*to, *weight));
                (one.min(other), one.max(other))
            }
            (Gives::Bands { missing, .. } | Gives::Weight { missing, .. }, _) => (*missing, *missing),
        }
    }
}

impl Test {
    /// Whether the test holds for the values in a cell.
    fn holds_in(&self, cell: &Cell) -> bool {
        match (self, cell) {
            (Test::Within(bounds), Cell::Numbers(from, _)) => bounds.contain(*from),
            (Test::AnyOf(texts), Cell::Texts(cell)) => cell.iter().any(|text| texts.contains(text)),
            (Test::NoneOf(texts), Cell::Texts(cell)) => !cell.iter().any(|text| texts.contains(text)),
            (Test::NoneOf(_), _) => true,
            (Test::Is(truth), Cell::Truth(value)) => truth == value,
            _ => false,
        }
    }
}

impl Cell {
    /// Whether an input's value lies in the cell.
    pub(super) fn holds(&self, value: &InputValue<'_>) -> bool {
        match (self, value) {
            (Cell::Numbers(from, to), InputValue::Number(number)) => (*from..=*to).contains(number),
            (Cell::Texts(texts), InputValue::Text(text)) => texts.iter().any(|own| **own == **text),
            (Cell::OtherText(texts), InputValue::Text(text)) => !texts.iter().any(|own| **own == **text),
            (Cell::Truth(truth), InputValue::Truth(value)) => truth == value,
            (Cell::Missing, InputValue::None | InputValue::Unavailable) => true,
            // A list that could not be looked up is one that the entity is not on.
            (Cell::Truth(false), InputValue::Unavailable) => true,
            _ => false,
        }
    }

    /// The two cells as one, if the second continues the first.
    pub(super) fn joined(&self, next: &Cell, is_whole: bool) -> Option<Cell> {
        match (self, next) {
            (Cell::Numbers(from, end), Cell::Numbers(start, to)) => {
                let continues = if is_whole { end + 1.0 == *start } else { end.next_up() == *start };
                continues.then_some(Cell::Numbers(*from, *to))
            }
            (Cell::Texts(one), Cell::Texts(other)) => {
                Some(Cell::Texts(one.iter().chain(other).cloned().collect()))
            }
            (Cell::Texts(one), Cell::OtherText(named)) => {
                let rest = named.iter().filter(|text| !one.contains(text)).cloned().collect();
                Some(Cell::OtherText(rest))
            }
            _ => None,
        }
    }

    /// The cell as people say it.
    pub(super) fn words(&self, input: &Input) -> String {
        match self {
            Cell::Numbers(from, to) if matches!(input, Input::Hour) => {
                format!("from {from:02}:00 to {:02}:00", to + 1.0)
            }
            Cell::Numbers(from, to) if input.is_whole() && from == to => from.to_string(),
            Cell::Numbers(from, to) => Span(*from, *to, input).to_string(),
            Cell::Texts(texts) => texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(" or "),
            Cell::OtherText(texts) if texts.is_empty() => "any text".to_owned(),
            Cell::OtherText(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
                format!("a text other than {}", texts.join(" and "))
            }
            Cell::Truth(true) => "yes".to_owned(),
            Cell::Truth(false) => "no".to_owned(),
            Cell::Missing => "no value".to_owned(),
        }
    }
}

/// Numbers from the first to the second, without the ends that the input's range has anyway. An end next to a rounder number
/// is told by that one.
struct Span<'i>(f64, f64, &'i Input);

impl fmt::Display for Span<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span(from, to, input) = *self;
        // A negative zero is a zero.
        let (from, to) = (from + 0.0, to + 0.0);
        let (least, greatest) = input.range();
        let lower = (from > least.max(f64::MIN)).then(|| match round(from.next_down(), from) {
            above if above < from && !input.is_whole() => format!("above {above}"),
            from => format!("from {from}"),
        });
        let upper = (to < greatest.min(f64::MAX)).then(|| match round(to.next_up(), to) {
            below if below > to && !input.is_whole() => format!("below {below}"),
            to => format!("up to {to}"),
        });
        match (lower, upper) {
            (None, None) => f.write_str("any value"),
            (Some(one), None) | (None, Some(one)) => f.write_str(&one),
            (Some(lower), Some(upper)) => write!(f, "{lower}, {upper}"),
        }
    }
}

/// The number as people say it: its neighbour if that is rounder, and a billionth at most beside it a number of nine places,
/// where a sum of weights has lost its last digits.
fn round(neighbour: f64, number: f64) -> f64 {
    let nine_places = (number * 1e9).round() / 1e9;
    let near = (nine_places - number).abs() <= 1e-9;
    let length = |number: &f64| number.to_string().len();
    [number, neighbour].into_iter().chain(near.then_some(nine_places)).min_by_key(length).unwrap_or(number)
}

impl Inputs<'_> {
    /// Whether the value at a place lies in one of the cells.
    pub(super) fn lies_in(&self, place: Place, cells: &[Cell]) -> bool {
        let value = self.value(place);
        cells.iter().any(|cell| cell.holds(&value))
    }
}
