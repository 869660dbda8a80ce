//! Which alerts go next: customers side by side, so that one with many alerts keeps no other waiting, and each customer's in
//! order.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Alerts that are still to go, each named by its place among all of them.
#[derive(Debug)]
pub struct Lanes {
    /// Each customer's places in order, and each alert without a customer by itself; by the first place. A customer whose
    /// alerts are under way is not among them.
    ready: BTreeMap<usize, VecDeque<usize>>,
}

/// Alerts that go together.
#[derive(Debug, Default)]
pub struct Chunk {
    lanes: Vec<Lane>,
}

/// A customer's alerts: those of the chunk, and those that come after it.
#[derive(Debug)]
struct Lane {
    places: Vec<usize>,
    rest: VecDeque<usize>,
}

/// Whether an alert goes with those that were taken before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Fits,
    /// The chunk is full: it stays for another.
    Full,
    /// It does not go any more, and nor does any later one of its customer.
    Dropped,
}

impl Lanes {
    /// The lanes of alerts: their places, and their customers if they have one.
    pub fn new<'a>(alerts: impl IntoIterator<Item = (usize, Option<&'a str>)>) -> Self {
        let mut firsts: HashMap<&str, usize> = HashMap::new();
        let mut ready: BTreeMap<usize, VecDeque<usize>> = BTreeMap::new();
        for (place, customer) in alerts {
            let first = customer.map_or(place, |customer| *firsts.entry(customer).or_insert(place));
            ready.entry(first).or_default().push_back(place);
        }
        Lanes { ready }
    }

    /// Takes out the next chunk, as many as `fit` says, in the order in which it is asked; `None` if there is none.
    pub fn next(&mut self, mut fit: impl FnMut(usize) -> Fit) -> Option<Chunk> {
        let mut chunk = Chunk::default();
        let mut is_full = false;
        while !is_full && let Some((first, mut rest)) = self.ready.pop_first() {
            let mut places = Vec::new();
            while let Some(&place) = rest.front() {
                match fit(place) {
                    Fit::Fits => places.extend(rest.pop_front()),
                    Fit::Full => {
                        is_full = true;
                        break;
                    }
                    Fit::Dropped => rest.clear(),
                }
            }
            if !places.is_empty() {
                chunk.lanes.push(Lane { places, rest });
            } else if is_full {
                self.ready.insert(first, rest);
            }
        }
        (!chunk.lanes.is_empty()).then_some(chunk)
    }

    /// A chunk has gone: of each customer of whose alerts none `must_wait`, the next are ready.
    pub fn settled(&mut self, chunk: Chunk, must_wait: impl Fn(usize) -> bool) {
        for Lane { places, rest } in chunk.lanes {
            if let (Some(&first), false) = (rest.front(), places.into_iter().any(&must_wait)) {
                self.ready.insert(first, rest);
            }
        }
    }

    /// Of each customer that could go on now, the first alert.
    pub fn ready(&self) -> impl Iterator<Item = usize> {
        self.ready.keys().copied()
    }
}

impl Chunk {
    /// The alerts' places, in order.
    pub fn places(&self) -> impl ExactSizeIterator<Item = usize> {
        let mut places: Vec<usize> = self.lanes.iter().flat_map(|lane| &lane.places).copied().collect();
        places.sort_unstable();
        places.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    /// Chunks of this many of the alerts before `stop`.
    fn up_to(most: usize, stop: usize) -> impl FnMut(usize) -> Fit {
        let mut taken = 0;
        move |place| {
            if place >= stop {
                return Fit::Dropped;
            }
            taken += 1;
            if taken > most { Fit::Full } else { Fit::Fits }
        }
    }

    fn places(chunk: &Chunk) -> Vec<usize> {
        chunk.places().collect()
    }

    #[test]
    fn a_customer_with_many_alerts_has_one_chunk_under_way_and_the_others_the_next() {
        let customers = std::iter::repeat_n(Some("A"), 1_000).chain([Some("B"), None, Some("C"), None]);
        let mut lanes = Lanes::new(customers.enumerate());
        let first = lanes.next(up_to(50, 2_000)).unwrap();
        assert_eq!(places(&first), (0..50).collect::<Vec<_>>());
        assert_eq!(places(&lanes.next(up_to(50, 2_000)).unwrap()), [1_000, 1_001, 1_002, 1_003]);
        assert!(lanes.next(up_to(50, 2_000)).is_none());
        lanes.settled(first, |_| false);
        assert_eq!(places(&lanes.next(up_to(50, 2_000)).unwrap()), (50..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_customer_whose_alert_must_wait_does_not_go_on_and_the_others_do() {
        let customers = [Some("A"), Some("A"), Some("B"), Some("A"), Some("B"), None];
        let mut lanes = Lanes::new(customers.into_iter().enumerate());
        let chunk = lanes.next(up_to(3, 9)).unwrap();
        assert_eq!(places(&chunk), [0, 1, 3]);
        let other = lanes.next(up_to(1, 9)).unwrap();
        lanes.settled(chunk, |place| place == 3);
        lanes.settled(other, |_| false);
        assert_eq!(lanes.ready().collect::<Vec<_>>(), [4, 5]);
    }

    proptest! {
        #[test]
        fn every_alert_goes_once_in_its_customers_order_and_no_customer_twice_at_a_time(
            customers in prop::collection::vec(prop::option::of("[A-D]"), 0..200),
            stop in 0..250usize,
            most in 1..20usize,
            under_way in 1..5usize,
        ) {
            let mut lanes = Lanes::new(customers.iter().map(Option::as_deref).enumerate());
            let (mut order, mut chunks) = (Vec::new(), VecDeque::new());
            loop {
                while chunks.len() < under_way && let Some(chunk) = lanes.next(up_to(most, stop)) {
                    chunks.push_back(chunk);
                }
                let of_chunk = |chunk: &Chunk| -> HashSet<&str> {
                    chunk.places().filter_map(|place| customers[place].as_deref()).collect()
                };
                let busy: Vec<&str> = chunks.iter().flat_map(of_chunk).collect();
                prop_assert_eq!(busy.iter().collect::<HashSet<_>>().len(), busy.len());
                let Some(chunk) = chunks.pop_front() else { break };
                prop_assert!(chunk.places().len() <= most);
                order.extend(chunk.places());
                lanes.settled(chunk, |_| false);
            }
            for customer in ["A", "B", "C", "D"] {
                let mut of_customer = order.iter().filter(|&&place| customers[place].as_deref() == Some(customer));
                prop_assert!(of_customer.by_ref().is_sorted());
            }
            order.sort_unstable();
            prop_assert_eq!(order, (0..customers.len().min(stop)).collect::<Vec<_>>());
        }
    }
}
