//! Putting entries in order, as far as memory reaches.

use fraud_core::history::Place;

use super::records::Numbered;

/// What an entry takes in memory beside its bytes.
const ENTRY_BYTES: usize = size_of::<(Place, Numbered)>();

/// Entries that are not in order. When they take too much memory the earlier half of them is let go.
#[derive(Debug)]
pub(super) struct Sorter {
    kept: Vec<(Place, Numbered)>,
    bytes: usize,
    limit: usize,
    /// The last place that was let go.
    gone: Option<Place>,
}

/// An entry belongs before one that was let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLate;

impl Sorter {
    /// Keeps this many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Sorter { kept: Vec::new(), bytes: 0, limit, gone: None }
    }

    /// Keeps an entry.
    pub(super) fn keep(&mut self, place: Place, entry: Numbered) -> Result<(), TooLate> {
        if self.gone.is_some_and(|gone| place < gone) {
            return Err(TooLate);
        }
        self.bytes += entry.entry.bytes.len() + ENTRY_BYTES;
        self.kept.push((place, entry));
        Ok(())
    }

    /// The earlier half, in order, if memory is full.
    pub(super) fn too_many(&mut self) -> Vec<Numbered> {
        if self.bytes <= self.limit {
            return Vec::new();
        }
        self.kept.sort_by_key(|(place, _)| *place);
        let later = self.kept.split_off(self.kept.len().div_ceil(2));
        self.let_go(later)
    }

    /// All, in order.
    pub(super) fn rest(&mut self) -> Vec<Numbered> {
        self.kept.sort_by_key(|(place, _)| *place);
        self.let_go(Vec::new())
    }

    fn let_go(&mut self, later: Vec<(Place, Numbered)>) -> Vec<Numbered> {
        let earlier = std::mem::replace(&mut self.kept, later);
        self.gone = earlier.last().map(|(place, _)| *place).or(self.gone);
        self.bytes = self.kept.iter().map(|(_, entry)| entry.entry.bytes.len() + ENTRY_BYTES).sum();
        earlier.into_iter().map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use fraud_core::history::SequenceNumber;
    use proptest::prelude::*;

    use super::*;
    use crate::input::{Entry, SourceLocation};

    fn entry(number: u64) -> Numbered {
        let entry = Entry {
            location: SourceLocation::default(),
            bytes: b"{}".to_vec().into(),
            fault: None,
            is_open: false,
        };
        Numbered { number, entry }
    }

    proptest! {
        #[test]
        fn what_is_let_go_is_in_order_and_nothing_is_lost(
            arrivals in prop::collection::vec(0..50_i64, 0..80),
            limit in 0..60_usize,
        ) {
            let mut sorter = Sorter::new(limit * (ENTRY_BYTES + 2));
            let (mut gone, mut late) = (Vec::new(), 0);
            for (number, arrival) in (0..).zip(&arrivals) {
                let place =
                    Place { arrival: *arrival, sequence_number: SequenceNumber::FIRST, sub_sequence_number: number };
                match sorter.keep(place, entry(number)) {
                    Ok(()) => gone.extend(sorter.too_many()),
                    Err(TooLate) => late += 1,
                }
            }
            gone.extend(sorter.rest());
            let places: Vec<_> = gone.iter().map(|of| (arrivals[of.number as usize], of.number)).collect();
            prop_assert!(places.is_sorted());
            prop_assert_eq!(places.len() + late, arrivals.len());
            if limit >= arrivals.len() {
                prop_assert_eq!(late, 0);
            }
        }
    }
}
