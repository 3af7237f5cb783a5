//! How long to wait before trying again.

use std::hash::{Hash, Hasher};
use std::time::Duration;

/// Waits that grow from one attempt to the next.
///
/// `first`, then each time twice as long, up to `most`. Once things have been
/// quiet for as long as `most` it begins from the start.
///
/// ```
/// use std::time::Duration;
/// use tidegate::Backoff;
/// let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1)).factor(3.0);
/// let waits = [0, 1, 2, 3].map(|attempt| backoff.delay(attempt, || 0).as_millis());
/// assert_eq!(waits, [100, 300, 900, 1000]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Backoff {
    first: Duration,
    most: Duration,
    factor: f64,
    jitter: f64,
    quiet: Option<Duration>,
}

// The factor and the jitter are numbers, and the jitter is no negative zero: the
// setters see to it.
impl Eq for Backoff {}

impl Hash for Backoff {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.first, self.most, self.factor.to_bits(), self.jitter.to_bits(), self.quiet).hash(state);
    }
}

impl Backoff {
    /// `first`, then 2, 4, 8.. times as long, and never longer than `most`.
    pub const fn exponential(first: Duration, most: Duration) -> Self {
        Self { first, most, factor: 2.0, jitter: 0.0, quiet: None }
    }

    /// How many times longer each wait is than the one before. Below 1, and
    /// what is not a number, counts as 1: always `first`.
    pub const fn factor(mut self, factor: f64) -> Self {
        self.factor = if factor >= 1.0 { factor } else { 1.0 };
        self
    }

    /// Shortens each wait by a random part of it, at most this one: 0 for
    /// exact waits (the default), 1 for anything down to none. What failed
    /// together then does not come back together.
    pub const fn jitter(mut self, jitter: f64) -> Self {
        // Also what is not a number comes to 0.
        self.jitter = if jitter > 1.0 {
            1.0
        } else if jitter > 0.0 {
            jitter
        } else {
            0.0
        };
        self
    }

    /// After how long without a failure the waits begin from the start. The
    /// default is the longest wait.
    pub const fn reset_after(mut self, quiet: Duration) -> Self {
        self.quiet = Some(quiet);
        self
    }

    /// The wait before a further attempt, after `failed` attempts before it
    /// have failed in a row; 0 gives the first wait. `random` is asked only if
    /// there is jitter: the executor's, for waits that a test can repeat.
    #[must_use]
    pub fn delay(&self, failed: u32, random: impl FnOnce() -> u64) -> Duration {
        let exponent = i32::try_from(failed).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.factor.powi(exponent);
        // Nothing times infinity is no number, and nothing.
        let delay = if self.first.is_zero() {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(seconds).map_or(self.most, |delay| delay.min(self.most))
        };
        if self.jitter == 0.0 {
            return delay;
        }
        // 53 bits: as many as a fraction has.
        let part = (random() >> 11) as f64 / (1_u64 << 53) as f64;
        Duration::try_from_secs_f64(delay.as_secs_f64() * (1.0 - self.jitter * part)).unwrap_or(delay)
    }

    /// After how long without a failure the waits begin from the start.
    #[must_use]
    pub fn quiet(&self) -> Duration {
        self.quiet.unwrap_or(self.most)
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn no_wait_is_longer_than_the_longest_however_many_failures() {
        let backoff = Backoff::exponential(ms(10), ms(700));
        for (failed, wait) in [(0, 10), (1, 20), (6, 640), (7, 700), (1000, 700), (u32::MAX, 700)] {
            assert_eq!(backoff.delay(failed, || 0), ms(wait), "{failed}");
        }
        assert_eq!(Backoff::exponential(Duration::ZERO, ms(7)).delay(u32::MAX, || 0), Duration::ZERO);
        assert_eq!(Backoff::exponential(ms(9), ms(7)).delay(0, || 0), ms(7));
    }

    #[test]
    fn jitter_takes_off_no_more_than_it_says_and_factors_below_one_count_as_one() {
        let backoff = Backoff::exponential(ms(100), ms(100)).jitter(0.25);
        assert_eq!(backoff.delay(3, || 0), ms(100));
        assert_eq!(backoff.delay(3, || 1 << 63), Duration::from_micros(87_500));
        let least = backoff.delay(3, || u64::MAX);
        assert!(least >= ms(75) && least < ms(76), "{least:?}");
        let endless = Backoff::exponential(Duration::MAX, Duration::MAX).jitter(0.5);
        assert_eq!(endless.delay(1, || 0), Duration::MAX, "as a fraction it is more than there is");
        assert_eq!(Backoff::exponential(ms(5), ms(9)).jitter(f64::NAN), Backoff::exponential(ms(5), ms(9)));
        assert_eq!(Backoff::exponential(ms(5), ms(9)).factor(0.5).delay(4, || 0), ms(5));
        assert_eq!(Backoff::exponential(ms(5), ms(9)).factor(f64::NAN).delay(4, || 0), ms(5));
        assert_eq!(Backoff::exponential(ms(5), ms(9)).factor(f64::INFINITY).delay(1, || 0), ms(9));
    }
}
