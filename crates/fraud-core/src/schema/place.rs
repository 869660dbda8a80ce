//! Where a value is in a producer's object.

use std::fmt;

use crate::transaction::MAX_DEPTH;

/// A JSON pointer (RFC 6901) that may pass through JSON text: behind a member's name a `#` reads the member's text as JSON,
/// and the pointer goes on in there, as in `/Message#/transaction_id`. At the front the `#` reads the record itself as such a
/// text. In a name `#` is written `~2`, as RFC 6901 writes `~` as `~0` and `/` as `~1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    text: String,
    steps: Vec<Step>,
}

/// One step of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// To an object's member of this name, or to an array's element if the name is an index.
    Member(String),
    /// Into the JSON that a text holds.
    Text,
}

/// Why a text is not a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFault {
    /// It begins neither with `/` nor with `#`.
    #[error("a place begins with `/`, as in `/detail/amount`")]
    Start,
    /// It names no member.
    #[error("it names no member")]
    Empty,
    /// A `~` that is none of `~0`, `~1` and `~2`.
    #[error("`~` is written `~0`, `/` in a name `~1`, and `#` in a name `~2`")]
    Escape,
    /// A `#` with more of a name behind it.
    #[error("behind `#` comes `/` or the end; `#` in a name is written `~2`")]
    Text,
    /// It goes deeper than transactions are read.
    #[error("it goes deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl Place {
    /// Reads a place.
    ///
    /// # Errors
    /// The [`PlaceFault`].
    pub fn parse(text: &str) -> Result<Self, PlaceFault> {
        let mut steps = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            match first {
                '#' => {
                    steps.push(Step::Text);
                    rest = rest.strip_prefix('#').unwrap_or_default();
                    if !(rest.is_empty() || rest.starts_with(['/', '#'])) {
                        return Err(PlaceFault::Text);
                    }
                }
                '/' => {
                    let name = rest.strip_prefix('/').unwrap_or_default();
                    let end = name.find(['/', '#']).unwrap_or(name.len());
                    let (name, behind) = name.split_at(end);
                    steps.push(Step::Member(unescape(name).ok_or(PlaceFault::Escape)?));
                    rest = behind;
                }
                _ => return Err(PlaceFault::Start),
            }
        }
        if !steps.iter().any(|step| matches!(step, Step::Member(_))) {
            return Err(PlaceFault::Empty);
        }
        if steps.len() > MAX_DEPTH {
            return Err(PlaceFault::TooDeep);
        }
        Ok(Place { text: text.to_owned(), steps })
    }

    /// The top-level member of this name.
    pub(crate) fn top_level(name: &str) -> Self {
        let text = format!("/{}", name.replace('~', "~0").replace('/', "~1").replace('#', "~2"));
        Place { text, steps: vec![Step::Member(name.to_owned())] }
    }

    /// The member of the record's own object that it begins at, if it begins at one.
    pub(super) fn first_member(&self) -> Option<&str> {
        match self.steps.first() {
            Some(Step::Member(name)) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether this is the top-level member of that name.
    pub(crate) fn is_top_level(&self, name: &str) -> bool {
        matches!(self.steps.as_slice(), [Step::Member(member)] if member == name)
    }
}

/// The place as it was written.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn unescape(name: &str) -> Option<String> {
    let mut pieces = name.split('~');
    let mut unescaped = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let mut characters = piece.chars();
        unescaped.push(match characters.next()? {
            '0' => '~',
            '1' => '/',
            '2' => '#',
            _ => return None,
        });
        unescaped.push_str(characters.as_str());
    }
    Some(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn member(name: &str) -> Step {
        Step::Member(name.to_owned())
    }

    #[test]
    fn a_place_is_a_pointer_that_may_pass_through_text() {
        for (text, steps) in [
            ("/a", vec![member("a")]),
            ("/detail/0/x y", vec![member("detail"), member("0"), member("x y")]),
            ("/Message#/id", vec![member("Message"), Step::Text, member("id")]),
            (
                "/body#/Message#/id",
                vec![member("body"), Step::Text, member("Message"), Step::Text, member("id")],
            ),
            ("#/id", vec![Step::Text, member("id")]),
            ("##/id", vec![Step::Text, Step::Text, member("id")]),
            ("/amount#", vec![member("amount"), Step::Text]),
            ("/a~1b~0c~2d", vec![member("a/b~c#d")]),
            ("/~01", vec![member("~1")]),
            ("/", vec![member("")]),
        ] {
            let place = Place::parse(text).unwrap();
            assert_eq!((place.steps(), &*place.to_string()), (&*steps, text));
        }
    }

    #[test]
    fn a_text_that_is_no_place_says_why() {
        for (text, fault) in [
            ("", PlaceFault::Empty),
            ("#", PlaceFault::Empty),
            ("detail/amount", PlaceFault::Start),
            ("$.amount", PlaceFault::Start),
            ("/a~", PlaceFault::Escape),
            ("/a~3", PlaceFault::Escape),
            ("/a#b", PlaceFault::Text),
            ("#a", PlaceFault::Text),
            (&"/a".repeat(MAX_DEPTH + 1), PlaceFault::TooDeep),
        ] {
            assert_eq!(Place::parse(text).unwrap_err(), fault, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_name_can_be_written_as_a_place(name in ".{0,12}") {
            let place = Place::top_level(&name);
            prop_assert!(place.is_top_level(&name));
            prop_assert_eq!(Place::parse(&place.to_string()), Ok(place));
        }

        #[test]
        fn no_text_panics(text in "[/#~012a]{0,12}|.{0,12}") {
            let _ = Place::parse(&text);
        }
    }
}
