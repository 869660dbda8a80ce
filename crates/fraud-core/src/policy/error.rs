//! What can be wrong with a policy, and on which line.

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("policy line {line}: {problem}")]
pub struct PolicyError {
    /// The line, from 1, of the text that is at fault.
    pub line: usize,
    /// What is wrong there.
    pub problem: PolicyProblem,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PolicyProblem {
    /// The text is not TOML, or has an unknown, missing, repeated or wrongly typed key.
    #[error("{0}")]
    Document(String),
    /// A name that cannot be part of an id.
    #[error("name `{0}`: 1 to 64 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// Two factors have one name.
    #[error("factor `{0}` is defined twice")]
    DuplicateFactor(String),
    /// A policy without factors, or with more than can be told apart.
    #[error("a policy has 1 to {max} factors, not {0}", max = super::MAX_FACTORS)]
    FactorCount(usize),
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
    /// A factor without exactly one of the ways to give points that its input has.
    #[error("factor `{factor}`: input `{input}` takes {takes}")]
    Shape {
        /// The factor's name.
        factor: String,
        /// Its input.
        input: &'static str,
        /// What such a factor is made of.
        takes: &'static str,
    },
    /// A band whose end is not beyond its start.
    #[error("factor `{factor}`: the band {band} is empty")]
    EmptyBand {
        /// The factor's name.
        factor: String,
        /// The band.
        band: String,
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
    /// No transaction could raise an alert.
    #[error("`threshold` is {threshold}, but no score exceeds {highest}: nothing could ever raise an alert")]
    UnreachableThreshold {
        /// The threshold.
        threshold: f64,
        /// The highest score that any input reaches.
        highest: f64,
    },
}
