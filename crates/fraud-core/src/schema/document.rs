//! The TOML form of a schema, and its validation.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::elapsed::{Elapsed, is_elapsed};
use super::error::{SchemaErrors, SchemaMistake, SchemaProblem};
use super::number_text::DecimalMark;
use super::place::Place;
use super::time_form::{EPOCH_MILLIS, EPOCH_SECONDS, RFC_3339, TimeForm, Zone, pattern_has_offset};
use super::{Form, Mapping, Schema, fold};
use crate::closest::closest;
use crate::entity::EntityKind;
use crate::fields;

/// The forms of times that have names.
pub(super) const FORMS: &[&str] =
    &[EPOCH_SECONDS, EPOCH_MILLIS, RFC_3339, "seconds", "minutes", "hours", "days"];

pub(super) const NAME: &str = "name";
const FIELDS: &str = "fields";

/// The keys of a schema.
pub(super) const KEYS: &[&str] = &[
    NAME,
    fields::TRANSACTION_ID,
    fields::CUSTOMER_ID,
    fields::AMOUNT,
    fields::EVENT_TIME,
    fields::CURRENCY,
    "merchant",
    "device",
    "card",
    "ip",
    FIELDS,
];

const PLACE: &[&str] = &["at"];
const PLACE_OF_NUMBER: &[&str] = &["at", "text", "decimal"];
const PLACE_OF_TIME: &[&str] = &["at", "form", "zone", "since"];

/// What a mapped value can be.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Text,
    Number,
    Time,
}

/// Reads a document and collects what is wrong with it.
struct Reader<'t> {
    toml: &'t str,
    mistakes: Vec<SchemaMistake>,
    mappings: Vec<Mapping>,
}

pub(super) fn parse(toml: &str) -> Result<Schema, SchemaErrors> {
    let mut reader = Reader { toml, mistakes: Vec::new(), mappings: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(toml);
    for error in &errors {
        let message = error.message().trim().replace('\n', " ");
        reader.mistake(error.span().unwrap_or(0..0), SchemaProblem::Document(message));
    }
    // What is no TOML would only raise more of the same.
    let name = if reader.mistakes.is_empty() { reader.table(document.get_ref()) } else { None };
    match name {
        Some(name) if reader.mistakes.is_empty() => Ok(Schema::new(name, reader.mappings)),
        _ => Err(SchemaErrors::new(reader.mistakes)),
    }
}

impl Reader<'_> {
    fn mistake(&mut self, at: Range<usize>, problem: SchemaProblem) {
        let line = 1 + self.toml.bytes().take(at.start).filter(|&byte| byte == b'\n').count();
        self.mistakes.push(SchemaMistake { line, problem });
    }

    /// Reads the whole document, and gives its name.
    fn table(&mut self, table: &DeTable<'_>) -> Option<String> {
        let mut name = None;
        let mut mapped = 0;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                NAME => name = Some(self.name(value)),
                FIELDS => match value.get_ref() {
                    DeValue::Table(fields) => {
                        mapped += fields.len();
                        self.fields(fields);
                    }
                    _ => self.type_mistake(FIELDS, value, "a table of names and places"),
                },
                known if KEYS.contains(&known) => {
                    mapped += 1;
                    let (name, kind) = match known {
                        fields::AMOUNT => (known, Kind::Number),
                        fields::EVENT_TIME => (known, Kind::Time),
                        other => (member_of(other), Kind::Text),
                    };
                    self.mapping(known, name, kind, value);
                }
                unknown => {
                    mapped += 1;
                    self.unknown_key(unknown, key.span(), KEYS);
                }
            }
        }
        if name.is_none() {
            self.mistake(0..0, SchemaProblem::MissingName);
        }
        if mapped == 0 {
            self.mistake(0..0, SchemaProblem::NothingMapped);
        }
        name.flatten()
    }

    fn name(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref() {
            DeValue::String(name) if is_name(name) => return Some(name.as_ref().to_owned()),
            DeValue::String(name) => {
                self.mistake(value.span(), SchemaProblem::Name(name.as_ref().to_owned()));
            }
            _ => self.type_mistake(NAME, value, "a text"),
        }
        None
    }

    fn fields(&mut self, table: &DeTable<'_>) {
        let mut names: Vec<(String, String)> = Vec::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let folded = fold(name);
            let problem = field_problem(name).or_else(|| {
                let other = names.iter().find(|(_, other)| *other == folded);
                other.map(|(other, _)| SchemaProblem::MappedTwice {
                    name: name.to_owned(),
                    other: other.clone(),
                })
            });
            if let Some(problem) = problem {
                self.mistake(key.span(), problem);
            }
            names.push((name.to_owned(), folded));
            self.mapping(name, name, Kind::Number, value);
        }
    }

    /// Reads where the value of a name is, and how it is written there.
    fn mapping(&mut self, key: &str, name: &str, kind: Kind, value: &Spanned<DeValue<'_>>) {
        let mapping = match value.get_ref() {
            DeValue::String(_) => {
                let form = if kind == Kind::Time { Form::Time(TimeForm::Usual) } else { Form::AsIs };
                self.place(value).map(|place| (vec![place], form))
            }
            DeValue::Table(table) => self.mapping_table(key, kind, value, table),
            _ => {
                self.type_mistake(key, value, "a place, as in `\"/detail/id\"`, or a table with `at`");
                None
            }
        };
        let mapping = mapping.map(|(at, form)| Mapping { name: name.to_owned(), at, form });
        self.mappings.extend(mapping);
    }

    fn mapping_table(
        &mut self,
        key: &str,
        kind: Kind,
        value: &Spanned<DeValue<'_>>,
        table: &DeTable<'_>,
    ) -> Option<(Vec<Place>, Form)> {
        let known = match kind {
            Kind::Text => PLACE,
            Kind::Number => PLACE_OF_NUMBER,
            Kind::Time => PLACE_OF_TIME,
        };
        for (key, _) in table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
            self.unknown_key(key.get_ref(), key.span(), known);
        }
        let at = match table.get("at") {
            Some(at) => self.places(key, kind, at),
            None => {
                self.mistake(value.span(), SchemaProblem::MissingPlace(key.to_owned()));
                None
            }
        };
        let form = match kind {
            Kind::Text => Some(Form::AsIs),
            Kind::Number => self.number_form(table),
            Kind::Time => self.time_form(value, table, at.as_ref().is_some_and(|at| at.len() > 1)),
        };
        Some((at?, form?))
    }

    /// One place, or the places of a time that is joined from several members.
    fn places(&mut self, key: &str, kind: Kind, at: &Spanned<DeValue<'_>>) -> Option<Vec<Place>> {
        match at.get_ref() {
            DeValue::String(_) => self.place(at).map(|place| vec![place]),
            DeValue::Array(places) if kind == Kind::Time && !places.is_empty() => {
                let mut read = Vec::new();
                for place in places.iter() {
                    match place.get_ref() {
                        DeValue::String(_) => read.extend(self.place(place)),
                        _ => self.type_mistake("at", place, "places, each a text"),
                    }
                }
                (read.len() == places.len()).then_some(read)
            }
            _ => {
                let takes = match kind {
                    Kind::Time => "a place or several, each a text",
                    Kind::Text | Kind::Number => "one place, a text",
                };
                self.type_mistake(&format!("{key}.at"), at, takes);
                None
            }
        }
    }

    fn place(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Place> {
        let DeValue::String(text) = value.get_ref() else { return None };
        match Place::parse(text) {
            Ok(place) => Some(place),
            Err(fault) => {
                let place = text.as_ref().to_owned();
                self.mistake(value.span(), SchemaProblem::Place { place, fault });
                None
            }
        }
    }

    fn number_form(&mut self, table: &DeTable<'_>) -> Option<Form> {
        let is_text = match table.get("text").map(|text| (text, text.get_ref())) {
            None => Some(false),
            Some((_, DeValue::Boolean(is_text))) => Some(*is_text),
            Some((text, _)) => {
                self.type_mistake("text", text, "`true` or `false`");
                None
            }
        };
        let mark = match table.get("decimal").map(|mark| (mark, mark.get_ref())) {
            None => Some(DecimalMark::Unsaid),
            Some((at, DeValue::String(mark))) if DecimalMark::of_text(mark).is_some() => {
                if is_text == Some(false) {
                    self.mistake(at.span(), SchemaProblem::DecimalWithoutText);
                }
                DecimalMark::of_text(mark)
            }
            Some((at, _)) => {
                self.type_mistake("decimal", at, "`\".\"` or `\",\"`");
                None
            }
        };
        match (is_text?, mark?) {
            (true, mark) => Some(Form::NumberText(mark)),
            (false, _) => Some(Form::AsIs),
        }
    }

    fn time_form(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        table: &DeTable<'_>,
        is_joined: bool,
    ) -> Option<Form> {
        let zone = self.zone(table);
        let zone_at = table.get("zone").map(Spanned::span);
        let (form, form_at) = match table.get("form").map(|form| (form.get_ref(), form.span())) {
            None => (None, value.span()),
            Some((DeValue::String(form), at)) => (Some(form.as_ref()), at),
            Some(_) => {
                table.get("form").into_iter().for_each(|form| self.type_mistake("form", form, "a text"));
                return None;
            }
        };
        if is_joined && !form.is_some_and(|form| form.contains('%')) {
            self.mistake(form_at, SchemaProblem::JoinWithoutPattern);
            return None;
        }
        let is_since_start = form.is_some_and(is_elapsed);
        if let Some(since) = table.get("since").filter(|_| !is_since_start) {
            self.mistake(since.span(), SchemaProblem::UselessSince);
        }
        let form = match form {
            Some(form) if is_since_start => {
                if let Some(at) = zone_at {
                    self.mistake(at, SchemaProblem::UselessZone("`since` has an offset"));
                }
                TimeForm::Elapsed(self.elapsed(form, form_at, table)?)
            }
            None => {
                if let Some(at) = zone_at {
                    let why = "name a `form`, such as `rfc3339`";
                    self.mistake(at, SchemaProblem::UselessZone(why));
                }
                TimeForm::Usual
            }
            Some(EPOCH_SECONDS) => TimeForm::EpochSeconds(zone?),
            Some(EPOCH_MILLIS) => TimeForm::EpochMillis(zone?),
            Some(RFC_3339) => TimeForm::Rfc3339(zone?),
            Some(pattern) if pattern.contains('%') => match (pattern_has_offset(pattern), zone_at) {
                (Err(fault), _) => {
                    let pattern = pattern.to_owned();
                    self.mistake(form_at, SchemaProblem::Pattern { pattern, fault });
                    return None;
                }
                (Ok(true), Some(at)) => {
                    self.mistake(at, SchemaProblem::UselessZone("the pattern has an offset"));
                    return None;
                }
                (Ok(false), None) => {
                    self.mistake(form_at, SchemaProblem::MissingZone(pattern.to_owned()));
                    return None;
                }
                _ => TimeForm::Pattern(pattern.to_owned(), zone?),
            },
            Some(form) => {
                let closest = closest(form, FORMS.iter().copied()).map(str::to_owned);
                self.mistake(form_at, SchemaProblem::UnknownForm { form: form.to_owned(), closest });
                return None;
            }
        };
        Some(Form::Time(form))
    }

    /// A form of what has gone by since a start; `None` if the table does not tell the start.
    fn elapsed(&mut self, form: &str, form_at: Range<usize>, table: &DeTable<'_>) -> Option<Elapsed> {
        let Some(value) = table.get("since") else {
            self.mistake(form_at, SchemaProblem::MissingSince(form.to_owned()));
            return None;
        };
        let DeValue::String(since) = value.get_ref() else {
            self.type_mistake("since", value, "a text");
            return None;
        };
        let elapsed = Elapsed::new(form, since);
        if elapsed.is_none() {
            self.mistake(value.span(), SchemaProblem::Since(since.as_ref().to_owned()));
        }
        elapsed
    }

    /// The zone, if the table has one; `None` if it is not a zone.
    fn zone(&mut self, table: &DeTable<'_>) -> Option<Option<Zone>> {
        let Some(value) = table.get("zone") else { return Some(None) };
        let DeValue::String(name) = value.get_ref() else {
            self.type_mistake("zone", value, "a text");
            return None;
        };
        match Zone::parse(name) {
            Ok(zone) => Some(Some(zone)),
            Err(closest) => {
                let zone = name.as_ref().to_owned();
                self.mistake(value.span(), SchemaProblem::UnknownZone { zone, closest });
                None
            }
        }
    }

    fn unknown_key(&mut self, key: &str, at: Range<usize>, known: &'static [&'static str]) {
        let closest = closest(key, known.iter().copied()).map(str::to_owned);
        self.mistake(at, SchemaProblem::UnknownKey { key: key.to_owned(), closest, known });
    }

    fn type_mistake(&mut self, key: &str, value: &Spanned<DeValue<'_>>, takes: &'static str) {
        self.mistake(value.span(), SchemaProblem::Type { key: key.to_owned(), takes });
    }
}

/// Why a field cannot have a name.
pub(super) fn field_problem(name: &str) -> Option<SchemaProblem> {
    let name_of = || name.to_owned();
    if !is_name(name) {
        return Some(SchemaProblem::Name(name_of()));
    }
    if fields::is_own(name) {
        return Some(SchemaProblem::OwnName(name_of()));
    }
    key_of(&fold(name)).map(|key| SchemaProblem::HasKey { name: name_of(), key })
}

pub(super) fn is_name(name: &str) -> bool {
    let valid = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
    (1..=64).contains(&name.len()) && name.chars().all(valid)
}

/// The key of a schema that maps this name.
fn key_of(name: &str) -> Option<&'static str> {
    KEYS.iter().copied().filter(|key| ![NAME, FIELDS].contains(key)).find(|key| member_of(key) == name)
}

/// The name that a key of a schema maps.
pub(super) fn member_of(key: &str) -> &str {
    EntityKind::of_name(key).map_or(key, |kind| kind.member())
}
