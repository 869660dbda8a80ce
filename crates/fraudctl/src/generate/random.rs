//! Draws from distributions.

/// A generator of numbers that its seed decides.
#[derive(Debug, Clone)]
pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(fastrand::Rng::with_seed(seed))
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    pub(super) fn below(&mut self, end: u32) -> u32 {
        self.0.u32(0..end.max(1))
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.f64()
    }

    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.0.usize(0..items.len().max(1)))
    }

    /// A standard normal variate, near enough: the sum of twelve uniform ones less six. Sums of the same numbers are the
    /// same on every machine, which logarithms need not be.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.0.f64()).sum::<f64>() - 6.0
    }
}
