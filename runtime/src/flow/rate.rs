//! A limit on the rate of a subscription, on the system's clock.

use std::task::{Context, Poll};
use std::time::Duration;

use super::demand::Rate;
use crate::actor::BoxTask;
use crate::actor::world::World;

/// A bucket of grants that is filled evenly. The generic cell rate algorithm
/// (ITU-T I.371): one time is kept, that at which the bucket will be full.
///
/// Times are in nanoseconds times the items of the rate. So a grant takes exactly
/// the nanoseconds of `per`, and no rate is rounded.
pub(super) struct Bucket {
    rate: Rate,
    full_at: u128,
    sleep: Option<BoxTask>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, full_at: 0, sleep: None }
    }

    /// How many grants it holds.
    pub(super) fn level(&mut self, now: Duration) -> u64 {
        let now = now.as_nanos().saturating_mul(self.rate.items.into());
        self.full_at = self.full_at.max(now);
        let missing = (self.full_at - now).div_ceil(self.rate.per.as_nanos());
        self.rate.items.saturating_sub(u64::try_from(missing).unwrap_or(u64::MAX))
    }

    /// Takes one out, after [`level`](Self::level) has found one.
    pub(super) fn take(&mut self) {
        self.full_at = self.full_at.saturating_add(self.rate.per.as_nanos());
    }

    /// When it will hold one.
    fn next_at(&self) -> Duration {
        let others = self.rate.per.as_nanos().saturating_mul((self.rate.items - 1).into());
        let nanos = self.full_at.saturating_sub(others).div_ceil(self.rate.items.into());
        let second = Duration::from_secs(1).as_nanos();
        // The remainder is less than a second.
        Duration::new(u64::try_from(nanos / second).unwrap_or(u64::MAX), (nanos % second) as u32)
    }

    /// Waits until it holds one.
    pub(super) fn poll(&mut self, world: &World, cx: &mut Context<'_>) -> Poll<()> {
        let now = world.executor.now();
        if self.level(now) > 0 {
            self.sleep = None;
            return Poll::Ready(());
        }
        let wait = self.next_at().saturating_sub(now);
        let sleep = self.sleep.get_or_insert_with(|| world.executor.sleep(wait));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.sleep = None;
        // Looked at again: a clock may be coarser than a sleep.
        cx.waker().wake_by_ref();
        if self.level(world.executor.now()) > 0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_full_bucket_gives_all_at_once_and_then_one_by_one() {
        let mut bucket = Bucket::new(Rate { items: 4, per: Duration::from_millis(100) });
        let ms = Duration::from_millis;
        for left in [4, 3, 2, 1] {
            assert_eq!(bucket.level(ms(1000)), left);
            bucket.take();
        }
        assert_eq!(bucket.level(ms(1000)), 0);
        assert_eq!(bucket.level(ms(1024)), 0);
        assert_eq!(bucket.level(ms(1025)), 1);
        assert_eq!(bucket.level(ms(1099)), 3);
        assert_eq!(bucket.level(ms(9000)), 4, "no fuller than full");
    }
    /// How many it gives away in `span` to who takes all there is, and how many
    /// of them at once.
    fn given(rate: Rate, span: Duration, step: Duration) -> (u64, u64) {
        let mut bucket = Bucket::new(rate);
        let (mut now, mut given, mut first) = (Duration::ZERO, 0, 0);
        while now <= span {
            while bucket.level(now) > 0 {
                bucket.take();
                given += 1;
            }
            first = if now.is_zero() { given } else { first };
            assert!(bucket.level(bucket.next_at()) > 0, "woken too early");
            now += step;
        }
        (given, first)
    }

    #[test]
    fn no_rate_is_rounded() {
        let ns = Duration::from_nanos;
        // Neither is a whole number of nanoseconds for each.
        assert_eq!(given(Rate { items: 7, per: ns(10) }, ns(1000), ns(1)), (707, 7));
        assert_eq!(given(Rate { items: 3, per: ns(1000) }, ns(3_000_000), ns(250)), (9003, 3));
        assert_eq!(given(Rate { items: 5, per: ns(1) }, ns(100), ns(1)), (505, 5));
        let day = Duration::from_secs(86_400);
        assert_eq!(given(Rate { items: 1, per: day }, day * 9, day / 4), (10, 1));
    }

    #[test]
    fn the_longest_times_and_the_largest_numbers_are_rates() {
        for (items, per) in [(1, Duration::MAX), (u64::MAX, Duration::MAX), (u64::MAX, Duration::from_nanos(1))] {
            let mut bucket = Bucket::new(Rate { items, per });
            assert_eq!(bucket.level(Duration::ZERO), items);
            bucket.take();
            assert_eq!(bucket.level(Duration::from_secs(1)), if per == Duration::MAX { items - 1 } else { items });
            assert!(bucket.next_at() <= Duration::MAX);
        }
    }
}
