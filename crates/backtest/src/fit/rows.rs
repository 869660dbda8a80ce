//! What factors saw of transactions of the past, kept for the fit.

use std::ops::Range;

use fraud_core::policy::Seen;

use crate::hashing::Map;
use crate::measures::{Judged, Truth};

/// What a factor saw, in eight bytes: a number stands for itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Observed(f64);

impl Observed {
    const UNMET: Observed = Observed(f64::NEG_INFINITY);
    const MET: Observed = Observed(f64::INFINITY);

    /// What was seen; inputs' numbers are finite.
    pub(super) fn seen(self) -> Seen {
        match self.0 {
            value if value.is_nan() => Seen::Missing,
            f64::NEG_INFINITY => Seen::Unmet,
            f64::INFINITY => Seen::Met,
            value => Seen::Number(value),
        }
    }
}

impl From<Seen> for Observed {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Unmet => Observed::UNMET,
            Seen::Met => Observed::MET,
            Seen::Missing => Observed(f64::NAN),
            Seen::Number(value) => Observed(value),
        }
    }
}

/// What factors saw of transactions, and what these were. Memory: eight bytes for each factor and transaction, and some twenty for each
/// transaction.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    columns: Vec<Vec<Observed>>,
    times: Vec<i64>,
    amounts: Vec<i64>,
    truths: Vec<Truth>,
    customers: Vec<u32>,
    names: Vec<Box<str>>,
    by_name: Map<Box<str>, u32>,
}

impl Rows {
    /// Of this many factors.
    pub fn new(factors: usize) -> Self {
        Rows { columns: vec![Vec::new(); factors], ..Rows::default() }
    }

    /// Adds a transaction with what each factor saw of it. One that is not judged is left out.
    pub fn add(&mut self, judged: &Judged<'_>, seen: impl Iterator<Item = Seen>) {
        if judged.truth == Truth::Immature {
            return;
        }
        for (column, seen) in self.columns.iter_mut().zip(seen) {
            column.push(seen.into());
        }
        self.times.push(judged.time);
        self.amounts.push(judged.amount);
        self.truths.push(judged.truth);
        let customer = match self.by_name.get(judged.customer) {
            Some(known) => *known,
            None => {
                let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                self.by_name.insert(judged.customer.into(), number);
                self.names.push(judged.customer.into());
                number
            }
        };
        self.customers.push(customer);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The bytes that they take, but for the customers' names.
    pub fn bytes(&self) -> usize {
        self.len()
            * (self.columns.len() * size_of::<Observed>() + 2 * size_of::<i64>() + size_of::<u32>() + 1)
    }

    /// The times of the first and the last, in seconds since the epoch. The last is the latest.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((*self.times.iter().min()?, *self.times.iter().max()?))
    }

    /// The rows of a span of seconds.
    pub fn within(&self, span: Range<i64>) -> Vec<usize> {
        self.chosen(|time| span.contains(&time))
    }

    /// The rows before a second.
    pub(super) fn before(&self, second: i64) -> Vec<usize> {
        self.chosen(|time| time < second)
    }

    fn chosen(&self, is_chosen: impl Fn(i64) -> bool) -> Vec<usize> {
        let times = self.times.iter().enumerate();
        times.filter(|(_, time)| is_chosen(**time)).map(|(row, _)| row).collect()
    }

    /// A row as a policy with this score would be judged by it.
    pub fn judged(&self, row: usize, score: f64) -> Option<Judged<'_>> {
        let customer = self.customers.get(row).and_then(|number| self.names.get(*number as usize));
        Some(Judged {
            time: *self.times.get(row)?,
            score,
            is_alert: false,
            truth: *self.truths.get(row)?,
            amount: *self.amounts.get(row)?,
            customer: customer.map(|name| &**name).unwrap_or_default(),
            segment: None,
            factors: fraud_core::scoring::FactorSet::default(),
        })
    }

    pub(super) fn is_fraud(&self, row: usize) -> bool {
        self.truths.get(row) == Some(&Truth::Fraud)
    }

    pub(super) fn observed(&self, factor: usize, row: usize) -> Observed {
        let column = self.columns.get(factor);
        column.and_then(|column| column.get(row)).copied().unwrap_or(Observed::UNMET)
    }

    /// The numbers that a factor saw in these rows: of frauds, and of all.
    pub(super) fn values(&self, factor: usize, rows: &[usize]) -> (Vec<f64>, Vec<f64>) {
        let (mut of_frauds, mut of_all) = (Vec::new(), Vec::new());
        for row in rows {
            if let Seen::Number(value) = self.observed(factor, *row).seen() {
                of_all.push(value);
                if self.is_fraud(*row) {
                    of_frauds.push(value);
                }
            }
        }
        (of_frauds, of_all)
    }
}
