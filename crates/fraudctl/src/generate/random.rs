//! Draws from distributions.

/// A generator of numbers that its seed decides.
#[derive(Debug, Clone)]
pub(super) struct Random(fastrand::Rng);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Random(fastrand::Rng::with_seed(seed))
    }

    /// A generator that a seed and a number decide.
    pub(super) fn of_pair(seed: u64, number: u64) -> Self {
        let mixed = fastrand::Rng::with_seed(seed).u64(..) ^ fastrand::Rng::with_seed(number).u64(..);
        Random::new(mixed)
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

    /// A log-normal variate with this median. `sigma` is the deviation of its logarithm.
    pub(super) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// How many of many rare things happen, if `mean` do on average: a Poisson variate, by Knuth's method, for small means.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        let limit = exp(-mean);
        let (mut count, mut product) = (0, self.0.f64());
        while product > limit {
            count += 1;
            product *= self.0.f64();
        }
        count
    }
}

/// `e` to the `x`, for `x` between -4 and 4 to a fraction of a per cent, by multiplications alone: the same on every machine.
fn exp(x: f64) -> f64 {
    let mut power = 1.0 + x / 4096.0;
    for _ in 0..12 {
        power *= power;
    }
    power
}
