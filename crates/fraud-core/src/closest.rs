//! The known name that a misspelt one most likely means.

/// The most letters of a name that are compared.
const MAX_LENGTH: usize = 64;

/// The known name closest to `name`, if one is so close that it is likely meant: a third of its letters may differ, at
/// least one. Of names equally close, the first. Letter case does not count.
pub fn closest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = letters(name)?;
    let distances = known.filter_map(|other| {
        let letters = letters(other)?;
        let distance = distance(&name, &letters);
        (distance <= (letters.len().max(name.len()) / 3).max(1)).then_some((distance, other))
    });
    // `min_by_key` gives the first of the smallest.
    distances.min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// The letters of a name in lower case; `None` for a name without any, and for one too long to be a misspelling.
fn letters(name: &str) -> Option<Vec<char>> {
    let letters: Vec<char> = name.chars().take(MAX_LENGTH + 1).flat_map(char::to_lowercase).collect();
    (1..=MAX_LENGTH).contains(&letters.len()).then_some(letters)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to make one name of the other
/// (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, letter) in a.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, other) in b.iter().enumerate() {
            let at = |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX - 1);
            let replaced = at(&above, column) + usize::from(letter != other);
            let least = replaced.min(at(&above, column + 1) + 1).min(at(&line, column) + 1);
            let is_swap = row.checked_sub(1).and_then(|row| a.get(row)) == Some(other)
                && column.checked_sub(1).and_then(|column| b.get(column)) == Some(letter);
            let swapped = column.checked_sub(1).filter(|_| is_swap).map(|left| at(&before, left) + 1);
            line.push(swapped.map_or(least, |swapped| least.min(swapped)));
        }
        before = std::mem::replace(&mut above, line);
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: [&str; 6] =
        ["amount", "customer_risk", "hour", "weekday", "history.count_1h", "history.count_24h"];

    #[test]
    fn a_misspelt_name_finds_the_one_that_is_meant() {
        for (name, meant) in [
            ("amuont", Some("amount")),
            ("Amount", Some("amount")),
            ("amounts", Some("amount")),
            ("customer-risk", Some("customer_risk")),
            ("customer_rsk", Some("customer_risk")),
            ("hours", Some("hour")),
            ("our", Some("hour")),
            ("history.count_1", Some("history.count_1h")),
            ("history.count_24", Some("history.count_24h")),
            ("velocity", None),
            ("", None),
            ("x", None),
        ] {
            assert_eq!(closest(name, KNOWN.into_iter()), meant, "{name}");
        }
        assert_eq!(closest("ac", ["ab", "ad"].into_iter()), Some("ab"));
        assert_eq!(closest(&"a".repeat(65), ["a"].into_iter()), None);
    }

    proptest! {
        #[test]
        fn a_name_is_closest_to_itself_and_no_name_panics(name in "\\PC{0,70}", others in prop::collection::vec("\\PC{0,8}", 0..5)) {
            let known = others.iter().map(String::as_str).chain([name.as_str()]);
            if let Some(found) = closest(&name, known) {
                prop_assert_eq!(letters(found), letters(&name));
            }
        }

        #[test]
        fn one_slip_is_within_a_distance_of_one(name in "[a-z]{2,12}", at in 0usize..12, slip in 0..4) {
            let letters: Vec<char> = name.chars().collect();
            let at = at % letters.len();
            let mut slipped = letters.clone();
            match slip {
                0 => { slipped.remove(at); }
                1 => slipped.insert(at, '_'),
                2 => slipped[at] = '_',
                _ => slipped.swap(at, (at + 1) % letters.len()),
            }
            let wraps = slip == 3 && at + 1 == letters.len();
            prop_assume!(!wraps);
            prop_assert!(distance(&letters, &slipped) <= 1);
            prop_assert_eq!(distance(&letters, &slipped), distance(&slipped, &letters));
        }
    }
}
