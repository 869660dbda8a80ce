//! Patterns of file names, as a shell expands them.

use std::path::PathBuf;

/// A path whose parts are patterns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    is_absolute: bool,
    parts: Vec<Part>,
}

/// A name's pattern: `*` stands for any characters, `?` for one, `[a-z]` for one of these, `[!a-z]` for one of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    AnyOne,
    Any,
    OneOf { ranges: Vec<(char, char)>, is_negated: bool },
}

impl Pattern {
    /// The pattern that a path is; `None` if nothing in it stands for anything but itself.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let parts = path.split('/').filter(|part| !part.is_empty()).map(Part::parse);
        let pattern = Pattern { is_absolute: path.starts_with('/'), parts: parts.collect() };
        let is_pattern = pattern.parts.iter().any(|part| part.literal().is_none());
        is_pattern.then_some(pattern)
    }

    /// Where it begins.
    pub(super) fn root(&self) -> PathBuf {
        PathBuf::from(if self.is_absolute { "/" } else { "" })
    }

    /// The names of folders, and of the file at the end.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl Part {
    fn parse(text: &str) -> Self {
        let mut tokens = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let after = rest.get(first.len_utf8()..).unwrap_or_default();
            let (token, after) = match first {
                '*' => (Token::Any, after),
                '?' => (Token::AnyOne, after),
                // A bracket without an end is a bracket.
                '[' => one_of(after).unwrap_or((Token::Literal('['), after)),
                other => (Token::Literal(other), after),
            };
            tokens.push(token);
            rest = after;
        }
        Part(tokens)
    }

    /// The name, if it stands for itself alone.
    pub(super) fn literal(&self) -> Option<String> {
        let literal =
            |token: &Token| if let Token::Literal(character) = token { Some(*character) } else { None };
        self.0.iter().map(literal).collect()
    }

    /// Whether it is `**`, which stands for folders of any depth, none included.
    pub(super) fn is_any_depth(&self) -> bool {
        self.0 == [Token::Any, Token::Any]
    }

    /// Whether it names hidden files or those that begin with `_` by their first character.
    pub(super) fn names_markers(&self) -> bool {
        matches!(self.0.first(), Some(Token::Literal('.' | '_')))
    }

    /// Whether a name matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        // Behind the last `*`, where to go on with one character more in it.
        let (mut token, mut at, mut again) = (0, 0, None);
        loop {
            match (self.0.get(token), name.get(at)) {
                (Some(Token::Any), _) => {
                    again = Some((token, at));
                    token += 1;
                }
                (Some(one), Some(character)) if one.stands_for(*character) => {
                    token += 1;
                    at += 1;
                }
                (None, None) => return true,
                _ => match again {
                    Some((star, from)) if from < name.len() => {
                        again = Some((star, from + 1));
                        token = star + 1;
                        at = from + 1;
                    }
                    _ => return false,
                },
            }
        }
    }
}

impl Token {
    fn stands_for(&self, character: char) -> bool {
        match self {
            Token::Literal(literal) => *literal == character,
            Token::AnyOne | Token::Any => true,
            Token::OneOf { ranges, is_negated } => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)) != *is_negated
            }
        }
    }
}

/// The set behind a bracket, and what is after it; `None` if it does not end.
fn one_of(text: &str) -> Option<(Token, &str)> {
    let (is_negated, set) = match text.strip_prefix(['!', '^']) {
        Some(set) => (true, set),
        None => (false, text),
    };
    // A bracket that comes first is one of the set.
    let first = set.chars().next()?;
    let end = first.len_utf8() + set.get(first.len_utf8()..)?.find(']')?;
    let (inside, after) = (set.get(..end)?, set.get(end + 1..)?);
    let characters: Vec<char> = inside.chars().collect();
    let mut ranges = Vec::new();
    let mut rest = characters.as_slice();
    while let [from, after @ ..] = rest {
        rest = match after {
            ['-', to, after @ ..] => {
                ranges.push((*from, *to));
                after
            }
            _ => {
                ranges.push((*from, *from));
                after
            }
        };
    }
    Some((Token::OneOf { ranges, is_negated }, after))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_stands_for_what_a_shell_takes_it_for() {
        for (pattern, matching, other) in [
            ("*.parquet", &["a.parquet", ".parquet"][..], &["a.parquet.crc", "parquet"][..]),
            ("a*b*c", &["abc", "aXbYbc"], &["ab", "abcd"]),
            ("?", &["a", "\u{e4}"], &["", "ab"]),
            ("dt=2026-0[1-3]", &["dt=2026-01", "dt=2026-03"], &["dt=2026-04", "dt=2026-0"]),
            ("[!a-c]x", &["dx"], &["ax", "x"]),
            ("[]]", &["]"], &["[", ""]),
            ("[-a]", &["-", "a"], &["b"]),
            ("a[b", &["a[b"], &["ab"]),
            ("", &[""], &["a"]),
        ] {
            let part = Part::parse(pattern);
            assert!(matching.iter().all(|name| part.matches(name)), "{pattern}");
            assert!(!other.iter().any(|name| part.matches(name)), "{pattern}");
        }
        assert_eq!(Pattern::parse("lake/a.parquet"), None);
        assert!(Pattern::parse("lake/[/a").is_none_or(|pattern| pattern.parts().len() == 3));
    }

    /// Whether a name matches, tried every way.
    fn matches_by_trying(tokens: &[Token], name: &[char]) -> bool {
        match tokens {
            [] => name.is_empty(),
            [Token::Any, rest @ ..] => (0..=name.len()).any(|from| matches_by_trying(rest, &name[from..])),
            [one, rest @ ..] => name
                .first()
                .is_some_and(|first| one.stands_for(*first) && matches_by_trying(rest, &name[1..])),
        }
    }

    proptest! {
        #[test]
        fn a_match_is_found_whatever_the_stars(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
            let part = Part::parse(&pattern);
            let characters: Vec<char> = name.chars().collect();
            prop_assert_eq!(part.matches(&name), matches_by_trying(&part.0, &characters));
        }

        #[test]
        fn no_pattern_is_too_odd(pattern in "[\\[\\]!^a\u{e4}*?/-]{0,12}", name in "[\\[\\]!^a\u{e4}-]{0,6}") {
            if let Some(pattern) = Pattern::parse(&pattern) {
                let _ = pattern.parts().iter().filter(|part| part.matches(&name)).count();
            }
        }
    }
}
