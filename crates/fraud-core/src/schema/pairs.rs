//! A schema of names and places without a file.

use super::document::{KEYS, NAME, field_problem, is_name, member_of};
use super::{Form, Mapping, Place, Schema, SchemaProblem, TimeForm, fold};
use crate::entity::EntityKind;
use crate::fields;

impl Schema {
    /// A schema that maps each of these names, a key of schemas, the member that it stands for (`merchant_id`) or a field, to
    /// the place behind it. An amount may be text.
    ///
    /// # Errors
    /// Every [`SchemaProblem`].
    pub fn of_pairs<'p>(
        name: &str,
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, Vec<SchemaProblem>> {
        let (mut mappings, mut problems) = (Vec::<Mapping>::new(), Vec::new());
        if !is_name(name) {
            problems.push(SchemaProblem::Name(name.to_owned()));
        }
        for (key, place) in pairs {
            let name = match EntityKind::of_name(key) {
                Some(kind) => kind.member(),
                None => key,
            };
            let is_core = KEYS.iter().any(|known| *known != NAME && member_of(known) == name);
            if let Some(problem) = (!is_core).then(|| field_problem(name)).flatten() {
                problems.push(problem);
            }
            if let Some(other) = mappings.iter().find(|other| fold(&other.name) == fold(name)) {
                problems.push(SchemaProblem::MappedTwice { name: key.to_owned(), other: other.name.clone() });
            }
            let form = match name {
                fields::AMOUNT => Form::NumberText(Default::default()),
                fields::EVENT_TIME => Form::Time(TimeForm::Usual),
                _ => Form::AsIs,
            };
            match Place::parse(place) {
                Ok(place) => mappings.push(Mapping { name: name.to_owned(), at: vec![place], form }),
                Err(fault) => problems.push(SchemaProblem::Place { place: place.to_owned(), fault }),
            }
        }
        if mappings.is_empty() && problems.is_empty() {
            problems.push(SchemaProblem::NothingMapped);
        }
        if problems.is_empty() { Ok(Schema::new(name.to_owned(), mappings)) } else { Err(problems) }
    }

    /// The members of the producer's object that places begin at, each with the name that is mapped there.
    pub fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        self.mappings.iter().flat_map(|mapping| {
            mapping.at.iter().filter_map(|place| Some((mapping.name.as_str(), place.first_member()?)))
        })
    }
}
