//! What is wrong with a run's output, by kind.

use std::fmt::Display;

use fraudctl::display::thousands;

/// This many discrepancies of one kind are told one by one.
const TOLD: usize = 5;

/// What was found, kinds in the order in which they were first found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Discrepancies(Vec<OfKind>);

#[derive(Debug, Clone)]
struct OfKind {
    what: String,
    /// The first of them.
    told: Vec<String>,
    more: u64,
}

impl Discrepancies {
    /// Adds what was found of one kind.
    pub(crate) fn add(&mut self, what: &str, items: impl Iterator<Item = impl Display>) {
        for item in items {
            let place = self.0.iter().position(|of| of.what == what).unwrap_or_else(|| {
                self.0.push(OfKind { what: what.to_owned(), told: Vec::new(), more: 0 });
                self.0.len() - 1
            });
            let Some(of) = self.0.get_mut(place) else { return };
            match of.told.len() < TOLD {
                true => of.told.push(item.to_string()),
                false => of.more += 1,
            }
        }
    }

    /// A line for each discrepancy that is told, and one that counts the others of its kind.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = |OfKind { what, told, more }: &OfKind| {
            let more = (*more > 0).then(|| format!("{what}: {} more", thousands(*more)));
            told.iter().map(|item| format!("{what}: {item}")).chain(more).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(lines).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_kind_the_first_five_are_told_whenever_they_were_found_and_the_others_counted() {
        let mut found = Discrepancies::default();
        assert!(found.lines().is_empty());
        found.add("missing", 1..=3);
        found.add("wrong", ["a"].into_iter());
        found.add("missing", 4..=9);
        let lines = found.lines();
        assert_eq!(lines[..5], [1, 2, 3, 4, 5].map(|number| format!("missing: {number}")));
        assert_eq!(lines[5..], ["missing: 4 more", "wrong: a"]);
    }
}
