//! A transaction as its producer writes it: where its values are in the producer's object, and how they are written.
//! Schemas are data (TOML).

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::fields;

mod document;
mod elapsed;
mod error;
mod number_text;
mod pairs;
mod place;
mod time_form;

pub use error::{SchemaErrors, SchemaMistake, SchemaProblem};
pub use number_text::DecimalMark;
pub(crate) use number_text::number;
pub(crate) use place::Step;
pub use place::{Place, PlaceFault};
pub use time_form::PatternFault;
pub(crate) use time_form::TimeForm;

/// A validated schema. What it does not map is read where it is without one: the top-level member of its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    id: String,
    mappings: Vec<Mapping>,
}

/// Where the value of a name is, and how it is written there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mapping {
    /// The name of the member that the scored record has for it.
    pub(crate) name: String,
    /// Its place; several for a time that is joined from them.
    pub(crate) at: Vec<Place>,
    pub(crate) form: Form,
}

/// How a value is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    /// As a transaction without a schema has it.
    AsIs,
    /// A number that may be text.
    NumberText(DecimalMark),
    /// A time.
    Time(TimeForm),
}

impl Schema {
    /// The schema that maps nothing: transactions have our names, at the top level.
    pub fn builtin_default() -> Self {
        Schema::new("default".to_owned(), Vec::new())
    }

    /// Reads and validates a schema.
    ///
    /// # Errors
    /// [`SchemaErrors`]: everything that is wrong, each with its line.
    pub fn parse(toml: &str) -> Result<Self, SchemaErrors> {
        document::parse(toml)
    }

    fn new(name: String, mut mappings: Vec<Mapping>) -> Self {
        mappings.sort_by_key(|mapping| (order(&mapping.name), mapping.name.clone()));
        let digest = Sha256::digest(canonical_form(&name, &mappings));
        let mut id = format!("{name}@");
        for byte in digest.iter().take(6) {
            // Writing to a string cannot fail.
            let _ = write!(id, "{byte:02x}");
        }
        Schema { id, mappings }
    }

    /// `<name>@<the first 12 hex digits of the SHA-256 of the canonical form>`: schemas that read alike have the same id,
    /// whatever their files' comments and layout.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether transactions are read as they are without a schema.
    pub fn is_default(&self) -> bool {
        self.mappings.is_empty()
    }

    /// The mapped names, as scored records have them, in their order there.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.mappings.iter().map(|mapping| mapping.name.as_str())
    }

    /// The mappings in the order of scored records.
    pub(crate) fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }
}

/// The names that a mapping may have beside those of fields, in the order of scored records.
const ORDER: [&str; 9] = [
    fields::TRANSACTION_ID,
    fields::CUSTOMER_ID,
    fields::AMOUNT,
    fields::EVENT_TIME,
    fields::CURRENCY,
    fields::MERCHANT_ID,
    fields::DEVICE_ID,
    fields::CARD_ID,
    fields::IP,
];

fn order(name: &str) -> usize {
    ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len())
}

/// A name as readers see it that do not tell upper from lower case.
pub(crate) fn fold(name: &str) -> String {
    name.chars().map(|character| fields::fold(character).to_ascii_lowercase()).collect()
}

/// One line for each mapping, in the order of scored records.
fn canonical_form(name: &str, mappings: &[Mapping]) -> String {
    let mut form = format!("name {name}\n");
    for Mapping { name, at, form: written } in mappings {
        let _ = write!(form, "{name} at");
        for place in at {
            let _ = write!(form, " {:?}", place.to_string());
        }
        let _ = match written {
            Form::AsIs | Form::Time(TimeForm::Usual) => writeln!(form),
            Form::NumberText(mark) => writeln!(form, " text {:?}", mark.as_str()),
            Form::Time(TimeForm::Elapsed(elapsed)) => {
                writeln!(form, " form {:?} since {:?}", elapsed.form(), elapsed.since)
            }
            Form::Time(time) => {
                let zone = time.zone().map_or("", |zone| zone.name.as_str());
                writeln!(form, " form {:?} zone {zone:?}", time.as_str())
            }
        };
    }
    form
}

#[cfg(test)]
mod tests;
