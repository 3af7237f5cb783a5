//! Distributions of times.

use std::fmt;
use std::time::Duration;

#[cfg(feature = "metrics")]
use crate::sync::counter::Counter;

/// The first bucket holds what takes up to 128 ns, each further one twice as
/// much, and the last everything above a minute.
#[cfg(feature = "metrics")]
const FIRST: u32 = 7;
#[cfg(feature = "metrics")]
const BUCKETS: usize = 30;

/// How a number of times is distributed: how many lay between one power of two
/// of nanoseconds and the next.
///
/// The times are samples. What is counted is how many were taken, which is not
/// how many messages there were.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Histogram {
    /// How many times were taken.
    pub count: u64,
    /// All of them together.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::seconds"))]
    pub sum: Duration,
    /// The longest.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::seconds"))]
    pub max: Duration,
    /// The buckets that hold any, shortest first.
    pub buckets: Vec<Bucket>,
}

/// A part of a [`Histogram`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Bucket {
    /// No time in it is longer than this, nor half as long or shorter, but for
    /// the first bucket, which begins at zero.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::seconds"))]
    pub up_to: Duration,
    /// How many times are in it.
    pub count: u64,
}

impl Histogram {
    /// A time that the share `q` of all, between 0 and 1, do not exceed: the
    /// upper end of its bucket, so at most twice too long. `None` if there are
    /// no times.
    ///
    /// # Panics
    /// If `q` is not between 0 and 1.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        assert!((0.0..=1.0).contains(&q), "a share is between 0 and 1");
        let rank = (q * self.count as f64).ceil() as u64;
        let mut seen = 0;
        let found = self.buckets.iter().find(|bucket| {
            seen += bucket.count;
            seen >= rank
        });
        found.map(|bucket| bucket.up_to.min(self.max))
    }

    /// The mean; `None` if there are no times.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        (self.count > 0).then(|| Duration::from_secs_f64(self.sum.as_secs_f64() / self.count as f64))
    }
}

impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.quantile(0.5), self.quantile(0.99)) {
            (Some(half), Some(most)) => {
                write!(f, "half within {half:?}, 99 % within {most:?}, at most {:?}", self.max)
            }
            _ => f.write_str("no samples"),
        }
    }
}

/// How long messages wait in a mailbox, and how long handlers take.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Timing {
    /// From when a message is let in to when its handler begins.
    pub queue_wait: Histogram,
    /// From when a handler begins to when it is done, with what it waits for.
    pub handling: Histogram,
}

/// A histogram that is being filled, by one task.
#[cfg(feature = "metrics")]
pub(crate) struct Filling {
    nanos: Counter,
    max: Counter,
    buckets: [Counter; BUCKETS],
}

#[cfg(feature = "metrics")]
impl Filling {
    pub(crate) fn new() -> Self {
        Self { nanos: Counter::new(), max: Counter::new(), buckets: std::array::from_fn(|_| Counter::new()) }
    }

    pub(crate) fn record(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.add_alone(nanos);
        self.max.max_alone(nanos);
        self.buckets[bucket_of(nanos)].add_alone(1);
    }

    pub(crate) fn read(&self) -> Histogram {
        let max = Duration::from_nanos(self.max.get());
        let counts = self.buckets.iter().map(Counter::get).enumerate().filter(|(_, count)| *count > 0);
        let up_to = |at: usize| if at + 1 < BUCKETS { Duration::from_nanos(1 << (FIRST as usize + at)) } else { max };
        let buckets: Vec<Bucket> = counts.map(|(at, count)| Bucket { up_to: up_to(at), count }).collect();
        let count = buckets.iter().map(|bucket| bucket.count).sum();
        Histogram { count, sum: Duration::from_nanos(self.nanos.get()), max, buckets }
    }
}

/// The bucket of a time: it ends at 2 to the power of `FIRST` plus its number.
#[cfg(feature = "metrics")]
fn bucket_of(nanos: u64) -> usize {
    let bits = 64 - nanos.saturating_sub(1).leading_zeros();
    (bits.saturating_sub(FIRST) as usize).min(BUCKETS - 1)
}

#[cfg(all(test, feature = "metrics", not(tidegate_loom)))]
mod tests {
    use super::*;

    fn of(nanos: &[u64]) -> Histogram {
        let filling = Filling::new();
        nanos.iter().for_each(|n| filling.record(Duration::from_nanos(*n)));
        filling.read()
    }

    #[test]
    fn each_bucket_ends_where_it_says() {
        for (nanos, up_to) in [(0, 128), (128, 128), (129, 256), (256, 256), (257, 512), (1 << 20, 1 << 20)] {
            let histogram = of(&[nanos]);
            assert_eq!(histogram.buckets, [Bucket { up_to: Duration::from_nanos(up_to), count: 1 }], "{nanos}");
        }
        let hour = 3_600_000_000_000;
        assert_eq!(of(&[hour]).quantile(1.0), Some(Duration::from_nanos(hour)), "the last has no end of its own");
    }

    #[test]
    fn quantiles_are_at_most_twice_too_long() {
        let times: Vec<u64> = (1..=1000).map(|n| n * 1000).collect();
        let histogram = of(&times);
        for q in [0.01, 0.5, 0.9, 0.99, 1.0] {
            let exact = Duration::from_nanos((q * 1_000_000.0) as u64);
            let told = histogram.quantile(q).unwrap();
            assert!(exact <= told && told <= exact * 2, "{q}: {told:?} for {exact:?}");
        }
        assert_eq!((histogram.count, histogram.mean()), (1000, Some(Duration::from_nanos(500_500))));
    }

    #[test]
    fn nothing_has_no_quantiles() {
        assert_eq!((of(&[]).quantile(0.5), of(&[]).mean()), (None, None));
        assert_eq!(of(&[]).to_string(), "no samples");
    }
}
