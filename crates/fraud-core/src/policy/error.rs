//! What can be wrong with a policy, and on which line.

use std::fmt;

/// A policy that cannot be used: every mistake in it, in the order of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyError {
    /// The mistakes, at least one.
    pub mistakes: Vec<Mistake>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// The line, from 1, of the text that is at fault.
    pub line: usize,
    /// What is wrong there.
    pub problem: PolicyProblem,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// All mistakes on one line.
impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("policy ")?;
        for (place, mistake) in self.mistakes.iter().enumerate() {
            if place > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolicyProblem {
    /// The text is not TOML.
    #[error("{0}")]
    Document(String),
    /// A key that does not exist there.
    #[error("unknown key `{key}` in {of}{hint}; it takes {accepted}", hint = hint(closest.as_deref()))]
    UnknownKey {
        /// The key.
        key: String,
        /// What it stands in.
        of: &'static str,
        /// The key that was probably meant.
        closest: Option<String>,
        /// The keys that exist there.
        accepted: String,
    },
    /// A key that must be there and is not.
    #[error("{of} needs `{key}`")]
    MissingKey {
        /// The key.
        key: &'static str,
        /// What it is missing in.
        of: &'static str,
    },
    /// A value of another type than its key takes.
    #[error("`{key}` is {found}, it takes {expected}")]
    Type {
        /// The key.
        key: &'static str,
        /// The type found.
        found: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A name that cannot be part of an id.
    #[error("name `{0}`: 1 to 64 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// Two factors have one name.
    #[error("factor `{0}` is defined twice")]
    DuplicateFactor(String),
    /// A policy without factors, or with more than can be told apart.
    #[error("a policy has 1 to {max} factors, not {0}", max = super::MAX_FACTORS)]
    FactorCount(usize),
    /// More inputs over entities than a history has room for.
    #[error("a policy looks at {max} things known of entities at most, not {0}", max = crate::history::MAX_ENTITY_INPUTS)]
    EntityInputCount(usize),
    /// A number outside what its key allows.
    #[error("`{key}` is {value}, it must be {must}")]
    Number {
        /// The key.
        key: &'static str,
        /// The number found.
        value: f64,
        /// What is accepted.
        must: &'static str,
    },
    /// An input that does not exist.
    #[error("unknown input `{name}`{hint}; inputs are {accepted}", hint = hint(closest.as_deref()))]
    UnknownInput {
        /// The name.
        name: String,
        /// The name that was probably meant.
        closest: Option<String>,
        /// The names that exist.
        accepted: String,
    },
    /// A kind of entity that does not exist.
    #[error("unknown entity `{name}`{hint}; entities are customer, merchant, device, card and ip", hint = hint(closest.as_deref()))]
    UnknownEntity {
        /// The name.
        name: String,
        /// The name that was probably meant.
        closest: Option<String>,
    },
    /// A list's name that no list can have.
    #[error("list `{0}`: 1 to 64 lower-case letters, digits or `_`")]
    ListName(String),
    /// A member that has an input of its own.
    #[error("`{field}` is no field for conditions: use `input = \"{input}\"`")]
    FieldIsInput {
        /// The member.
        field: String,
        /// The input.
        input: &'static str,
    },
    /// A factor without exactly one of the ways to give points.
    #[error("factor `{factor}` takes {takes}")]
    Shape {
        /// The factor's name.
        factor: String,
        /// What such a factor is made of.
        takes: &'static str,
    },
    /// A condition without exactly one subject or without a test that the subject takes.
    #[error("factor `{factor}`: {subject} takes {takes}")]
    Condition {
        /// The factor's name.
        factor: String,
        /// What the condition is about.
        subject: String,
        /// What it takes.
        takes: &'static str,
    },
    /// Two keys for one bound.
    #[error("`{first}` and `{second}` are two bounds on one side: keep one")]
    TwoBounds {
        /// One key.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A text that is too long to be any transaction's.
    #[error("`{key}` holds a text of more than {max} characters, which no value equals", max = crate::transaction::MAX_FIELD_TEXT)]
    LongText {
        /// The key.
        key: &'static str,
    },
    /// `missing` on an input that always has a value.
    #[error("factor `{factor}`: `{input}` always has a value, so `missing` never counts: remove it")]
    NeverMissing {
        /// The factor's name.
        factor: String,
        /// The input.
        input: String,
    },
    /// A band whose end is not beyond its start.
    #[error("factor `{factor}`: the band {band} is empty")]
    EmptyBand {
        /// The factor's name.
        factor: String,
        /// The band.
        band: String,
    },
    /// A band that the input's values do not reach.
    #[error("factor `{factor}`: no value reaches {band}: `{input}` is {range}")]
    UnreachableBand {
        /// The factor's name.
        factor: String,
        /// The band.
        band: String,
        /// The input.
        input: String,
        /// What values it has.
        range: String,
    },
    /// Two bands that share a value.
    #[error("factor `{factor}`: the band {second} overlaps the band {first}")]
    OverlappingBands {
        /// The factor's name.
        factor: String,
        /// The first band in the file.
        first: String,
        /// The band on the line of the error.
        second: String,
    },
    /// An input over the customer's history without the settings that history is kept by.
    #[error("`{input}` needs a [history] table with `prior_mean_amount` and `outlier_ratio`")]
    NoHistory {
        /// The input.
        input: String,
    },
    /// No transaction could raise an alert.
    #[error("`threshold` is {threshold}, but no score exceeds {highest}: nothing could ever raise an alert")]
    UnreachableThreshold {
        /// The threshold.
        threshold: f64,
        /// A score that no input exceeds.
        highest: f64,
    },
}

/// The end of a sentence about a name that does not exist.
fn hint(closest: Option<&str>) -> String {
    closest.map_or(String::new(), |closest| format!(" (did you mean `{closest}`?)"))
}
