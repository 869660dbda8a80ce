//! Keys that repeat from object to object.

use super::{JsonError, Scanner, Text};

/// Places beyond this are not remembered: no object that is read often has so many members.
const MAX_PLACES: usize = 64;

/// What the keys of the objects read before looked like, and what each means to their reader.
///
/// The objects of a batch mostly have the same members in the same order. A key at the place where it was before is
/// recognised by its bytes, quotes and colon included, and need not be read and looked up again.
#[derive(Debug)]
pub struct RepeatedKeys<'a, M>(Vec<Key<'a, M>>);

#[derive(Debug)]
struct Key<'a, M> {
    /// From behind the brace or comma to behind the colon.
    text: &'a str,
    has_line_break: bool,
    meaning: M,
}

impl<M> RepeatedKeys<'_, M> {
    /// No key is known yet.
    pub fn new() -> Self {
        RepeatedKeys(Vec::new())
    }
}

impl<M> Default for RepeatedKeys<'_, M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Scanner<'a> {
    /// Reads an object like [`object`](Self::object), but calls `member` with what its key means: `meaning` of the key,
    /// `None` being one that is not valid Unicode.
    ///
    /// # Errors
    /// [`JsonError`] if the text is not an object, and whatever `member` returns.
    #[inline]
    pub fn members<M: Copy, E: From<JsonError>>(
        &mut self,
        known: &mut RepeatedKeys<'a, M>,
        meaning: impl Fn(Option<&str>) -> M,
        mut member: impl FnMut(M, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'{')?;
        if self.peek() != Some(b'}') {
            let mut place = 0;
            loop {
                let meaning = match self.repeated_key(known, &mut place) {
                    Some(meaning) => meaning,
                    None => self.new_key(known, place, &meaning)?,
                };
                place += 1;
                member(meaning, self)?;
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => break,
                }
            }
        }
        Ok(self.leave(b'}')?)
    }

    /// Reads the key that is known for `place`, or for the next one where a member has been left out.
    #[inline]
    fn repeated_key<M: Copy>(&mut self, known: &RepeatedKeys<'a, M>, place: &mut usize) -> Option<M> {
        let rest = self.text.as_bytes().get(self.at..)?;
        for candidate in [*place, *place + 1] {
            let Key { text, has_line_break, meaning } = known.0.get(candidate)?;
            if rest.starts_with(text.as_bytes()) {
                self.at += text.len();
                self.met_line_break |= has_line_break;
                *place = candidate;
                return Some(*meaning);
            }
        }
        None
    }

    #[cold]
    fn new_key<M>(
        &mut self,
        known: &mut RepeatedKeys<'a, M>,
        place: usize,
        meaning: &impl Fn(Option<&str>) -> M,
    ) -> Result<M, JsonError>
    where
        M: Copy,
    {
        let start = self.at;
        let key: Text<'a> = self.string()?;
        self.expect(b':')?;
        let meaning = meaning(key.decode().as_deref());
        let text = self.slice(start..self.at);
        let new = Key { text, has_line_break: text.contains(['\n', '\r']), meaning };
        match known.0.get_mut(place) {
            Some(key) => *key = new,
            None if place < MAX_PLACES => known.0.push(new),
            None => {}
        }
        Ok(meaning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keys as small numbers, so that what is remembered shows.
    fn meaning(key: Option<&str>) -> Option<usize> {
        key.map(|key| key.bytes().map(usize::from).sum())
    }

    /// Each object's keys by their meaning and its values, and whether it has a line break; or where it breaks.
    type Read<'a> = Result<(Vec<(Option<usize>, super::super::Value<'a>)>, bool), JsonError>;

    fn with_memory<'a>(objects: &'a [String]) -> Vec<Read<'a>> {
        let mut known = RepeatedKeys::new();
        let read = |object: &'a String| {
            let (mut scanner, mut members) = (Scanner::new(object, 8), Vec::new());
            scanner.members(&mut known, meaning, |key, scanner| {
                members.push((key, scanner.value()?));
                Ok::<_, JsonError>(())
            })?;
            scanner.end().map(|()| (members, scanner.met_line_break()))
        };
        objects.iter().map(read).collect()
    }

    fn without(objects: &[String]) -> Vec<Read<'_>> {
        let read = |object| {
            let (mut scanner, mut members) = (Scanner::new(object, 8), Vec::new());
            scanner.object(|key, scanner| {
                members.push((meaning(key.decode().as_deref()), scanner.value()?));
                Ok::<_, JsonError>(())
            })?;
            scanner.end().map(|()| (members, scanner.met_line_break()))
        };
        objects.iter().map(|object| read(object.as_str())).collect()
    }

    #[test]
    fn a_member_that_is_left_out_or_new_is_read_like_any_other() {
        let objects = [
            r#"{"a":1,"b":2,"c":3}"#,
            r#"{"a":1,"c":3}"#,
            r#"{ "a" : 1, "b":2, "c":3}"#,
            r#"{"a":1,"b":2,"c":3,"d":4}"#,
            r#"{"ab":1,"b":2}"#,
            r#"{"\u0061":1,"a":[]}"#,
            r#"{"\ud800":1}"#,
            "{}",
            r#"{"a":1"#,
        ]
        .map(str::to_owned);
        assert_eq!(with_memory(&objects), without(&objects));
    }

    #[test]
    fn an_object_with_more_members_than_are_remembered_is_read_to_its_end() {
        let members: Vec<String> = (0..200).map(|number| format!("\"k{number}\":{number}")).collect();
        let objects = [format!("{{{}}}", members.join(",")), format!("{{{}}}", members.join(" , "))];
        assert_eq!(with_memory(&objects), without(&objects));
    }

    proptest! {
        #[test]
        fn objects_read_with_and_without_memory_are_the_same(
            objects in prop::collection::vec(r#"\{([ \n]?"(a|b|ab|\\u0061|é)"[ \r]?: ?(1|"x"|\[\]|\{"a":1\}) ?,?){0,4}\}?"#, 0..6),
        ) {
            prop_assert_eq!(with_memory(&objects), without(&objects));
        }
    }
}
