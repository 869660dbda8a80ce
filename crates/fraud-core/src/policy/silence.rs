//! For whom no score is high enough to raise an alert, and what an input that is missing costs.

use std::fmt;

use super::Policy;
use super::reach::set;
use super::space::{Cell, Known, Space};
use crate::entity::EntityKind;
use crate::inputs::{Input, Place};

/// Transactions that a policy never raises an alert for, whatever else they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Silence {
    /// Those whose customer has no risk score that can be used: there is no profile, no customer, or the profile's risk is
    /// missing or unusable. They count with the policy's `default_risk`.
    WithoutRisk,
    /// Those in these hours of day: each from the first hour to before the second.
    Hours(Vec<(u8, u8)>),
    /// Those on these days of the week, 1 (Monday) to 7.
    Weekdays(Vec<u8>),
    /// Those whose event time cannot be read or is an epoch number, which has no local hour.
    WithoutLocalTime,
    /// Those with an amount up to this one.
    AmountsUpTo(f64),
    /// Those of which this is not known.
    Without(Lacking),
    /// Those whose entity of this kind is not on this list.
    NotOnList(EntityKind, String),
}

/// Something that may not be known of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lacking {
    /// The customer's profile.
    Profile,
    /// The customer's history.
    History,
    /// Labels of the merchant's transactions.
    Labels,
    /// What is known of the entity of this kind.
    Entity(EntityKind),
    /// A member of the transaction.
    Field(String),
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lacking::Profile => f.write_str("the customer's profile"),
            Lacking::History => f.write_str("the customer's history"),
            Lacking::Labels => f.write_str("labels of the merchant's transactions"),
            Lacking::Entity(kind) => write!(f, "an entry for the {}", kind.as_str()),
            Lacking::Field(name) => write!(f, "the field `{name}`"),
        }
    }
}

/// What it costs that something is not known.
#[derive(Debug, Clone, PartialEq)]
pub struct MissingCost {
    /// What is not known.
    pub lacking: Lacking,
    /// The highest score without it.
    pub highest: f64,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::WithoutRisk => f.write_str(
                "customers without a profile or without a usable risk score (no_profile, no_customer, unavailable, invalid_profile)",
            ),
            Silence::Hours(spans) => {
                f.write_str("transactions")?;
                for (place, (from, until)) in spans.iter().enumerate() {
                    let joint = if place == 0 { "" } else { " and" };
                    write!(f, "{joint} from {from:02}:00 to {until:02}:00")?;
                }
                Ok(())
            }
            Silence::Weekdays(days) => {
                const NAMES: [&str; 7] =
                    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
                let names = days.iter().filter_map(|&day| NAMES.get(usize::from(day).checked_sub(1)?).copied());
                write!(f, "transactions on {}", names.collect::<Vec<_>>().join(", "))
            }
            Silence::WithoutLocalTime => f.write_str("event times that are unreadable or epoch numbers"),
            Silence::AmountsUpTo(amount) => write!(f, "amounts up to {amount}"),
            Silence::Without(lacking) => write!(f, "transactions without {lacking}"),
            Silence::NotOnList(kind, list) => {
                write!(f, "transactions whose {} is not on the list `{list}`", kind.as_str())
            }
        }
    }
}

impl Policy {
    /// The kinds of transactions that this policy never raises an alert for. Without any, every kind can be alerted.
    pub fn silences(&self) -> Vec<Silence> {
        let space = Space::new(self);
        let is_silent = |known: &Known| !self.alerts(space.highest(known, Some(self.threshold())));
        let mut silences = Vec::new();
        let default_risk = Cell::Numbers(self.default_risk(), self.default_risk());
        if space.with(Place::CustomerRisk, default_risk).is_some_and(|known| is_silent(&known)) {
            silences.push(Silence::WithoutRisk);
        }
        let hours: Vec<u8> = space.silent_numbers(Place::Hour, 0..=23, &is_silent);
        if !hours.is_empty() {
            silences.push(Silence::Hours(spans(hours.into_iter())));
        }
        let without_time = space.with(Place::Hour, Cell::Missing);
        let weekday = self.place_of(&Input::Weekday);
        let without_time = match (without_time, weekday) {
            (Some(known), Some(place)) => space.and(known, place, Cell::Missing),
            (None, Some(place)) => space.with(place, Cell::Missing),
            (known, None) => known,
        };
        if let Some(place) = weekday {
            let days = space.silent_numbers(place, 1..=7, &is_silent);
            if !days.is_empty() {
                silences.push(Silence::Weekdays(days));
            }
        }
        if without_time.is_some_and(|known| is_silent(&known)) {
            silences.push(Silence::WithoutLocalTime);
        }
        silences.extend(space.silent_amounts(&is_silent).map(Silence::AmountsUpTo));
        for lacking in self.lacking() {
            if is_silent(&space.without(&lacking)) {
                silences.push(Silence::Without(lacking));
            }
        }
        for (index, further) in self.further_inputs().iter().enumerate() {
            let Input::OnList(kind, list) = &further.input else { continue };
            let off = space.with(Place::Further(index), Cell::Truth(false));
            let covered = silences.contains(&Silence::Without(Lacking::Entity(*kind)));
            if !covered && off.is_some_and(|known| is_silent(&known)) {
                silences.push(Silence::NotOnList(*kind, list.clone()));
            }
        }
        silences
    }

    /// What each thing that may not be known costs: only those that lower the highest score.
    pub fn missing_costs(&self) -> Vec<MissingCost> {
        let space = Space::new(self);
        let highest = space.highest(&space.nothing_known(), None);
        let costs = self.lacking().into_iter().map(|lacking| {
            let highest = space.highest(&space.without(&lacking), None);
            MissingCost { lacking, highest }
        });
        costs.filter(|cost| cost.highest < highest).collect()
    }

    /// The highest score of all transactions.
    pub fn highest_score(&self) -> f64 {
        self.highest()
    }

    /// What may not be known of a transaction that the policy looks at, beside the risk and the times.
    fn lacking(&self) -> Vec<Lacking> {
        let mut all: Vec<Lacking> = Vec::new();
        for further in self.further_inputs() {
            if let Some(lacking) = lacking(&further.input)
                && !all.contains(&lacking)
            {
                all.push(lacking);
            }
        }
        all
    }

    fn place_of(&self, input: &Input) -> Option<Place> {
        self.further_inputs().iter().position(|further| further.input == *input).map(Place::Further)
    }
}

/// What is not known where the input has no value.
fn lacking(input: &Input) -> Option<Lacking> {
    match input {
        Input::CustomerLifetimeValue | Input::CustomerSegment => Some(Lacking::Profile),
        Input::Field(name, _) => Some(Lacking::Field(name.clone())),
        Input::EntityRisk(kind) | Input::OnList(kind, _) => Some(Lacking::Entity(*kind)),
        Input::MerchantFraudRate | Input::MerchantCompromiseAge => Some(Lacking::Labels),
        Input::History(_) => Some(Lacking::History),
        Input::Amount | Input::CustomerRisk | Input::Hour | Input::Weekday => None,
    }
}

impl Space<'_> {
    /// Only this is known: the cell of one input; `None` if the policy does not look at it.
    fn with(&self, place: Place, cell: Cell) -> Option<Known> {
        self.and(self.nothing_known(), place, cell)
    }

    fn and(&self, mut known: Known, place: Place, cell: Cell) -> Option<Known> {
        let index = self.dimensions.iter().position(|dimension| dimension.place == place)?;
        set(&mut known, index, Some(cell));
        Some(known)
    }

    /// Only this is known: that something is not.
    fn without(&self, missing: &Lacking) -> Known {
        let mut known = self.nothing_known();
        for (index, dimension) in self.dimensions.iter().enumerate() {
            let input = self.policy.input(dimension.place);
            let cell = match input {
                Input::CustomerRisk if *missing == Lacking::Profile => {
                    Cell::Numbers(self.policy.default_risk(), self.policy.default_risk())
                }
                Input::OnList(..) if lacking(input).as_ref() == Some(missing) => Cell::Truth(false),
                // Labels and counts of a merchant are its entry.
                Input::MerchantFraudRate | Input::MerchantCompromiseAge
                    if *missing == Lacking::Entity(EntityKind::Merchant) =>
                {
                    Cell::Missing
                }
                _ if lacking(input).as_ref() == Some(missing) => Cell::Missing,
                _ => continue,
            };
            set(&mut known, index, Some(cell));
        }
        known
    }

    /// The numbers of an input for which no transaction raises an alert.
    fn silent_numbers(
        &self,
        place: Place,
        numbers: std::ops::RangeInclusive<u8>,
        is_silent: &impl Fn(&Known) -> bool,
    ) -> Vec<u8> {
        let cell = |number: u8| self.with(place, Cell::Numbers(f64::from(number), f64::from(number)));
        numbers.filter(|&number| cell(number).is_some_and(|known| is_silent(&known))).collect()
    }

    /// The amount up to which no transaction raises an alert: an edge of a band, for amounts between two edges score alike.
    fn silent_amounts(&self, is_silent: &impl Fn(&Known) -> bool) -> Option<f64> {
        let amounts = self.dimensions.iter().find(|dimension| dimension.place == Place::Amount)?;
        let mut up_to = None;
        for cell in &amounts.cells {
            match cell {
                Cell::Numbers(_, to) if *to < f64::MAX => {
                    if !self.with(Place::Amount, cell.clone()).is_some_and(|known| is_silent(&known)) {
                        break;
                    }
                    up_to = Some(*to);
                }
                _ => break,
            }
        }
        up_to
    }
}

/// Ascending hours as spans, each up to before its second hour.
fn spans(hours: impl Iterator<Item = u8>) -> Vec<(u8, u8)> {
    let mut spans: Vec<(u8, u8)> = Vec::new();
    for hour in hours {
        match spans.last_mut() {
            Some((_, until)) if *until == hour => *until += 1,
            _ => spans.push((hour, hour + 1)),
        }
    }
    spans
}

#[cfg(test)]
mod tests;
