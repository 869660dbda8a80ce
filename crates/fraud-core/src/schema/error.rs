//! What can be wrong with a schema, and on which lines.

use std::fmt;

use super::place::PlaceFault;
use super::time_form::PatternFault;

/// A schema that cannot be used: everything that is wrong with it, in the order of its lines.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaErrors(Vec<SchemaMistake>);

/// One thing that is wrong with a schema.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct SchemaMistake {
    /// The line, from 1, of the text that is at fault.
    pub line: usize,
    /// What is wrong there.
    pub problem: SchemaProblem,
}

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SchemaProblem {
    /// The text is not TOML, or repeats a key.
    #[error("{0}")]
    Document(String),
    /// A key that means nothing here.
    #[error("`{key}` is not known here; {}", meant(closest.as_deref(), known))]
    UnknownKey {
        /// The key.
        key: String,
        /// The known key that is likely meant.
        closest: Option<String>,
        /// The keys that are known here.
        known: &'static [&'static str],
    },
    /// There is no `name`.
    #[error("a schema has a `name`: 1 to 64 letters, digits, `.`, `_` or `-`")]
    MissingName,
    /// A name that cannot be part of an id, or of a field.
    #[error("name `{0}`: 1 to 64 letters, digits, `.`, `_` or `-`")]
    Name(String),
    /// Nothing is mapped.
    #[error("the schema maps nothing; name a place, as in `amount = \"/detail/amount\"`")]
    NothingMapped,
    /// A field whose name another mapping has, letter case aside.
    #[error("`{name}` is mapped twice: `{other}` is the same name to the lake")]
    MappedTwice {
        /// The field.
        name: String,
        /// The other mapping.
        other: String,
    },
    /// A field with a name that has a key of its own.
    #[error("`{name}` has a key of its own: write `{key} = ..` above `[fields]`")]
    HasKey {
        /// The field.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// A field under whose name only this product writes.
    #[error("`{0}` is a name that scored records use; take another")]
    OwnName(String),
    /// A value of a type that the key does not take.
    #[error("`{key}` takes {takes}")]
    Type {
        /// The key.
        key: String,
        /// What it takes.
        takes: &'static str,
    },
    /// No `at` where there must be one.
    #[error("`{0}` needs `at`, the place of its value")]
    MissingPlace(String),
    /// A text that is not a place.
    #[error("`{place}` is not a place: {fault}")]
    Place {
        /// The text.
        place: String,
        /// Why not.
        fault: PlaceFault,
    },
    /// `decimal` without `text = true`.
    #[error("`decimal` says how text is read; it needs `text = true`")]
    DecimalWithoutText,
    /// A form of time that is not known.
    #[error(
        "the form `{form}` is not known; {}, or a pattern such as `%d/%m/%Y %H:%M`",
        meant(closest.as_deref(), super::document::FORMS)
    )]
    UnknownForm {
        /// The form.
        form: String,
        /// The known form that is likely meant.
        closest: Option<String>,
    },
    /// A pattern that no time can be read by.
    #[error("the pattern `{pattern}`: {fault}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why not.
        fault: PatternFault,
    },
    /// A pattern whose times have no offset, and no zone.
    #[error("times of the form `{0}` have no offset: name their `zone`, as in `zone = \"Europe/Berlin\"`")]
    MissingZone(String),
    /// A zone for times that have one.
    #[error("`zone` has no use here: {0}")]
    UselessZone(&'static str),
    /// A zone that is not known.
    #[error("the zone `{zone}` is not known{}; it is `UTC`, an offset such as `+01:00`, or a name of the IANA database", did_you_mean(closest.as_deref()))]
    UnknownZone {
        /// The zone.
        zone: String,
        /// The known zone that is likely meant.
        closest: Option<String>,
    },
    /// A form that needs a start, without one.
    #[error("times of the form `{0}` need `since`, the start, as in `since = \"2026-01-01T00:00:00Z\"`")]
    MissingSince(String),
    /// A start that is not a time with an offset.
    #[error("`since` is `{0}`; it takes a time with an offset, as in `2026-01-01T00:00:00Z`")]
    Since(String),
    /// A start for times that need none.
    #[error("`since` has no use here: it is for the forms `seconds`, `minutes`, `hours` and `days`")]
    UselessSince,
    /// A time of several members without a pattern.
    #[error("a time of several members needs a pattern as its `form`, such as `%Y %m %d %H:%M`")]
    JoinWithoutPattern,
}

impl SchemaErrors {
    pub(super) fn new(mut mistakes: Vec<SchemaMistake>) -> Self {
        mistakes.sort_by_key(|mistake| mistake.line);
        SchemaErrors(mistakes)
    }

    /// All mistakes, in the order of their lines; there is at least one.
    pub fn mistakes(&self) -> &[SchemaMistake] {
        &self.0
    }
}

/// All mistakes on one line.
impl fmt::Display for SchemaErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        // A key or a place that is quoted may hold a line break.
        write!(f, "schema {}", mistakes.join("; ").replace(['\n', '\r'], " "))
    }
}

impl std::error::Error for SchemaErrors {}

fn meant(closest: Option<&str>, known: &[&str]) -> String {
    match closest {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("known are {}", known.join(", "))
        }
    }
}

fn did_you_mean(closest: Option<&str>) -> String {
    closest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}
