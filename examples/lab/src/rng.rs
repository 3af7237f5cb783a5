//! A seeded source of random numbers.
//!
//! SplitMix64, written out: the same seed has to give the same arrivals and
//! service times on every machine and in every version, and a random number
//! crate does not promise that.

/// SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// Starts the stream number `stream` of `seed`.
    ///
    /// Arrivals, services and keys draw from streams of their own, so that
    /// another distribution of service times leaves the arrivals as they were.
    pub(crate) fn stream(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        rng.next();
        rng
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Draws from (0, 1]: never zero, so that its logarithm is finite.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Draws from the exponential distribution with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -self.unit().ln() * mean
    }

    /// Draws from the Pareto distribution with this mean and this tail index.
    ///
    /// `alpha` is above 1, or there would be no mean.
    pub(crate) fn pareto(&mut self, mean: f64, alpha: f64) -> f64 {
        let least = mean * (alpha - 1.0) / alpha;
        least / self.unit().powf(1.0 / alpha)
    }

    /// Draws an index below `n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(n) * (self.next() >> 32)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn same_seed_gives_the_same_stream_and_another_stream_differs() {
        let draw = |stream| {
            let mut rng = Rng::stream(7, stream);
            [rng.next(), rng.next(), rng.next()]
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn means_are_as_asked() {
        let mut rng = Rng::stream(1, 1);
        let n = 200_000;
        let mean = (0..n).map(|_| rng.exponential(5.0)).sum::<f64>() / f64::from(n);
        assert!((mean - 5.0).abs() < 0.1, "{mean}");
        let mean = (0..n).map(|_| rng.pareto(5.0, 3.0)).sum::<f64>() / f64::from(n);
        assert!((mean - 5.0).abs() < 0.2, "{mean}");
        assert!((0..1000).all(|_| rng.below(3) < 3));
    }
}
