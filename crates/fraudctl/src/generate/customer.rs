//! Customers and their habits.

use std::io::{self, Write};

use super::random::Random;

/// A customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Customer {
    /// `C` and six digits.
    pub id: String,
    /// `None`: the customer has no profile.
    pub(super) segment: Option<&'static str>,
    pub(super) lifetime_cents: u64,
    /// In hundredths.
    pub(super) risk_percent: u32,
    /// What the customer usually spends.
    pub(super) usual_cents: f64,
    /// Hours east of UTC.
    pub(super) utc_offset: i32,
    /// The hour, as the customer's clock shows it, around which the customer buys.
    pub(super) usual_hour: f64,
    pub(super) currency: &'static str,
    /// The merchants that the customer goes to.
    pub(super) merchants: Vec<u32>,
}

/// Segments, how many of a hundred customers are in each, what they usually spend, and what they have spent so far.
const SEGMENTS: [(&str, u32, f64, f64); 4] = [
    ("bronze", 55, 2_500.0, 80_000.0),
    ("silver", 30, 6_000.0, 600_000.0),
    ("gold", 12, 18_000.0, 4_000_000.0),
    ("platinum", 3, 70_000.0, 30_000_000.0),
];

/// Where customers live: the currency, hours east of UTC, and how many of a hundred do.
const REGIONS: [(&str, i32, u32); 5] =
    [("USD", -5, 40), ("USD", -8, 15), ("EUR", 1, 25), ("GBP", 0, 12), ("JPY", 9, 8)];

pub(super) const MERCHANTS: u32 = 2_000;

impl Customer {
    pub(super) fn generate(number: usize, random: &mut Random) -> Self {
        let percent = random.below(100);
        let (segment, _, spending, lifetime) = weighted(&SEGMENTS, percent, |segment| segment.1);
        let percent = random.below(100);
        let (currency, utc_offset, _) = weighted(&REGIONS, percent, |region| region.2);
        let risk_percent = risk_percent(random);
        Customer {
            id: format!("C{number:06}"),
            segment: (!random.chance(0.03)).then_some(segment),
            lifetime_cents: (lifetime * random.between(0.2, 2.5)) as u64,
            risk_percent,
            usual_cents: spending * random.between(0.4, 2.0),
            utc_offset,
            usual_hour: random.between(9.0, 21.0),
            currency,
            merchants: (0..3 + random.below(6)).map(|_| random.below(MERCHANTS)).collect(),
        }
    }

    /// The customer's member of a profile file; `None` without a profile.
    pub(super) fn profile_line(&self) -> Option<String> {
        Some(profile_line(&self.id, self.segment?, self.lifetime_cents, self.risk_percent))
    }
}

/// A member of a profile file; the risk is in hundredths.
pub(super) fn profile_line(id: &str, segment: &str, lifetime_cents: u64, risk_percent: u32) -> String {
    format!(
        "\"{id}\": {{\"segment\": \"{segment}\", \"lifetime_value\": {}.{:02}, \"risk_score\": {}.{:02}}}",
        lifetime_cents / 100,
        lifetime_cents % 100,
        risk_percent / 100,
        risk_percent % 100,
    )
}

/// Writes a profile file of these members.
pub(super) fn write_profiles(members: impl Iterator<Item = String>, mut out: impl Write) -> io::Result<()> {
    out.write_all(b"{\n")?;
    let mut separator = "";
    for member in members {
        write!(out, "{separator}{member}")?;
        separator = ",\n";
    }
    out.write_all(b"\n}\n")
}

/// A risk in hundredths. Few are risky: the smallest of three draws, but for one in twenty.
pub(super) fn risk_percent(random: &mut Random) -> u32 {
    match random.chance(0.05) {
        true => 70 + random.below(31),
        false => (0..3).map(|_| random.below(101)).min().unwrap_or_default(),
    }
}

/// The item in which the `percent`-th of a hundred falls, by the items' shares.
fn weighted<T: Copy>(items: &[T], percent: u32, share: impl Fn(&T) -> u32) -> T {
    let mut left = percent;
    for item in items {
        if left < share(item) {
            return *item;
        }
        left -= share(item);
    }
    // The shares add up to a hundred.
    items[items.len() - 1]
}
