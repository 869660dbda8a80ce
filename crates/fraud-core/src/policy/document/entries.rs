//! The entries of a table, each asked for once by its key, and the mistakes in them.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::closest::closest;
use crate::policy::keys::Key;
use crate::policy::{Mistake, PolicyError, PolicyProblem};

/// A place in the text, in bytes.
pub(super) type Span = Range<usize>;

/// The mistakes found so far.
pub(super) struct Mistakes<'t> {
    text: &'t str,
    found: Vec<Mistake>,
}

impl<'t> Mistakes<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Mistakes { text, found: Vec::new() }
    }

    pub(super) fn add(&mut self, at: Span, problem: PolicyProblem) {
        let line = 1 + self.text.bytes().take(at.start).filter(|&byte| byte == b'\n').count();
        self.found.push(Mistake { line, problem });
    }

    pub(super) fn wrong_type(
        &mut self,
        at: Span,
        key: &'static str,
        found: &DeValue<'_>,
        expected: &'static str,
    ) {
        let found = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.add(at, PolicyProblem::Type { key, found, expected });
    }

    /// Whether there is a mistake.
    ///
    /// # Errors
    /// All of them, if there is one.
    pub(super) fn none_yet(&mut self) -> Result<(), PolicyError> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|mistake| mistake.line);
        Err(PolicyError { mistakes: std::mem::take(&mut self.found) })
    }

    /// The error for a document that gave neither a policy nor a mistake, which no text makes it do.
    pub(super) fn nothing_read(&self) -> PolicyError {
        debug_assert!(false, "a policy is missing without a mistake");
        let problem = PolicyProblem::Document("the policy cannot be read".to_owned());
        PolicyError { mistakes: vec![Mistake { line: 1, problem }] }
    }
}

/// Which numbers a key takes.
pub(super) struct Numbers {
    pub must: &'static str,
    pub accepted: fn(f64) -> bool,
}

impl Numbers {
    pub(super) const ABOVE_ZERO: Numbers =
        Numbers { must: "finite and more than 0", accepted: |number| number > 0.0 };
    pub(super) const FROM_ZERO: Numbers =
        Numbers { must: "finite and 0 or more", accepted: |number| number >= 0.0 };
    pub(super) const RISK: Numbers =
        Numbers { must: "between 0 and 1", accepted: |risk| (0.0..=1.0).contains(&risk) };
    pub(super) const FINITE: Numbers = Numbers { must: "finite", accepted: |_| true };
    /// Within these no sum of as many as a policy has leaves the numbers.
    pub(super) const POINTS: Numbers = Numbers {
        must: "a number from -1000000000 to 1000000000",
        accepted: |points| (-1e9..=1e9).contains(&points),
    };
}

/// The entries of a table.
pub(super) struct Entries<'d, 'i> {
    table: &'d DeTable<'i>,
    at: Span,
    of: &'static str,
    keys: &'static [Key],
    more_keys: &'static [Key],
}

impl<'d, 'i> Entries<'d, 'i> {
    /// The entries of the table at a place, which is an `of` and takes `keys`.
    pub(super) fn new(table: &'d DeTable<'i>, at: Span, of: &'static str, keys: &'static [Key]) -> Self {
        Entries { table, at, of, keys, more_keys: &[] }
    }

    /// The same, which takes these keys too.
    pub(super) fn and(self, more_keys: &'static [Key]) -> Self {
        Entries { more_keys, ..self }
    }

    /// Where the table is.
    pub(super) fn span(&self) -> Span {
        self.at.clone()
    }

    /// A value.
    pub(super) fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'i>>> {
        debug_assert!(self.known().any(|known| known == key), "`{key}` is no key of {}", self.of);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// A number that the key takes, and where it is.
    pub(super) fn number(
        &self,
        key: &'static str,
        numbers: &Numbers,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<(f64, Span)> {
        let entry = self.get(key)?;
        let value = match entry.get_ref() {
            DeValue::Integer(integer) => match integer.radix() {
                10 => integer.as_str().parse().ok(),
                radix => i64::from_str_radix(integer.as_str(), radix).ok().map(|integer| integer as f64),
            },
            DeValue::Float(float) => float.as_str().parse().ok(),
            other => {
                mistakes.wrong_type(entry.span(), key, other, "a number");
                return None;
            }
        };
        let value: f64 = value.unwrap_or(f64::NAN);
        if value.is_finite() && (numbers.accepted)(value) {
            // A negative zero would be another policy by its id, and the same by its scores.
            return Some((value + 0.0, entry.span()));
        }
        mistakes.add(entry.span(), PolicyProblem::Number { key, value, must: numbers.must });
        None
    }

    /// A text, and where it is.
    pub(super) fn text(&self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<(&'d str, Span)> {
        let entry = self.get(key)?;
        match entry.get_ref() {
            DeValue::String(text) => Some((text, entry.span())),
            other => {
                mistakes.wrong_type(entry.span(), key, other, "a text");
                None
            }
        }
    }

    /// A name that can be part of an id.
    pub(super) fn name(&self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<(String, Span)> {
        let (text, at) = self.text(key, mistakes)?;
        let valid =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-');
        if (1..=64).contains(&text.len()) && text.chars().all(valid) {
            return Some((text.to_owned(), at));
        }
        mistakes.add(at, PolicyProblem::Name(text.to_owned()));
        None
    }

    /// true or false.
    pub(super) fn truth(&self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<bool> {
        let entry = self.get(key)?;
        match entry.get_ref() {
            DeValue::Boolean(truth) => Some(*truth),
            other => {
                mistakes.wrong_type(entry.span(), key, other, "true or false");
                None
            }
        }
    }

    /// A list of texts, none of them longer than a value can be, sorted, each once.
    pub(super) fn texts(&self, key: &'static str, mistakes: &mut Mistakes<'_>) -> Option<Vec<String>> {
        let (array, at) = self.array(key, mistakes)?;
        let mut texts = Vec::with_capacity(array.len());
        for entry in array.iter() {
            match entry.get_ref() {
                DeValue::String(text) if text.chars().nth(crate::transaction::MAX_FIELD_TEXT).is_none() => {
                    texts.push(text.to_string());
                }
                DeValue::String(_) => mistakes.add(entry.span(), PolicyProblem::LongText { key }),
                other => mistakes.wrong_type(entry.span(), key, other, "texts, in quotes"),
            }
        }
        if array.is_empty() {
            mistakes.add(at, PolicyProblem::Type { key, found: "empty", expected: "at least one text" });
        }
        let whole = !array.is_empty() && texts.len() == array.len();
        texts.sort_unstable();
        texts.dedup();
        whole.then_some(texts)
    }

    pub(super) fn array(
        &self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<(&'d DeArray<'i>, Span)> {
        let entry = self.get(key)?;
        let array = entry.get_ref().as_array();
        if array.is_none() {
            mistakes.wrong_type(entry.span(), key, entry.get_ref(), "a list");
        }
        Some((array?, entry.span()))
    }

    pub(super) fn table(
        &self,
        key: &'static str,
        mistakes: &mut Mistakes<'_>,
    ) -> Option<(&'d DeTable<'i>, Span)> {
        let entry = self.get(key)?;
        let table = entry.get_ref().as_table();
        if table.is_none() {
            mistakes.wrong_type(entry.span(), key, entry.get_ref(), "a table");
        }
        Some((table?, entry.span()))
    }

    /// Tells the keys that are not known, and those that are missing but for one that is misspelt. Gives whether all keys are
    /// known: only then what they say together can be judged.
    pub(super) fn finish(&self, mistakes: &mut Mistakes<'_>) -> bool {
        let mut all_known = true;
        let mut meant: Vec<&str> = Vec::new();
        for (key, _) in self.table.iter() {
            let name: &str = key.get_ref();
            if self.known().any(|known| known == name) {
                continue;
            }
            all_known = false;
            let unused = || self.known().filter(|known| self.get(known).is_none());
            let closest = closest(name, unused());
            meant.extend(closest);
            let accepted: Vec<_> = self.known().map(|known| format!("`{known}`")).collect();
            let problem = PolicyProblem::UnknownKey {
                key: name.to_owned(),
                of: self.of,
                closest: closest.map(str::to_owned),
                accepted: accepted.join(", "),
            };
            mistakes.add(key.span(), problem);
        }
        let needed = self.keys.iter().chain(self.more_keys).filter(|key| key.required);
        for key in needed.filter(|key| self.get(key.name).is_none() && !meant.contains(&key.name)) {
            let problem = PolicyProblem::MissingKey { key: key.name, of: self.of };
            mistakes.add(self.at.clone(), problem);
        }
        all_known
    }

    fn known(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().chain(self.more_keys).map(|key| key.name)
    }
}
