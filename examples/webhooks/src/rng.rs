//! Random numbers that follow from a seed.
//!
//! Two kinds. A [`Rng`] is a stream, for what happens in one order. A [`draw`]
//! depends on nothing but its arguments, for what happens to a delivery: whether
//! its notice is lost must not depend on which of the others came first.

/// SplitMix64 (Steele, Lea and Flood, 2014). Not for secrets.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The stream that follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// An index below `n`.
    ///
    /// # Panics
    /// If `n` is 0: there is none.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "no index is below 0");
        (((n as u128) * u128::from(self.next_u64())) >> 64) as usize
    }
}

/// A number from \[0, 1) for the thing `number` in the matter `what`.
#[must_use]
pub fn draw(seed: u64, what: u64, number: u64) -> f64 {
    let bits = mix(mix(mix(seed) ^ what) ^ number);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finalizer of SplitMix64: each bit of the input changes half of the output.
#[must_use]
pub fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Rng, draw};

    #[test]
    fn a_seed_gives_its_stream_and_no_other() {
        let stream = |seed| {
            let mut rng = Rng::new(seed);
            [rng.next_u64(), rng.next_u64(), rng.below(10) as u64]
        };
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
    }

    #[test]
    fn draws_are_even_and_independent_of_their_order() {
        let low = (0..10_000).filter(|n| draw(7, 1, *n) < 0.05).count();
        assert!((400..600).contains(&low), "{low}");
        let both = (0..10_000).filter(|n| draw(7, 1, *n) < 0.05 && draw(7, 2, *n) < 0.05).count();
        assert!(both < 60, "matters are independent: {both}");
        assert!((0..1000).all(|n| draw(7, 1, n) == draw(7, 1, n)));
    }

    #[test]
    fn indices_are_below() {
        let mut rng = Rng::new(3);
        assert!((0..1000).all(|_| rng.below(3) < 3));
    }
}
