//! A limit on the rate of a subscription, on the system's clock.

use std::task::{Context, Poll};
use std::time::Duration;

use super::demand::Rate;
use crate::actor::BoxTask;
use crate::actor::world::World;

/// A bucket of grants that is filled evenly. The generic cell rate algorithm
/// (ITU-T I.371): one time is kept, that at which the bucket will be full.
pub(super) struct Bucket {
    rate: Rate,
    full_at: Duration,
    sleep: Option<BoxTask>,
}

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, full_at: Duration::ZERO, sleep: None }
    }

    /// What one grant takes.
    fn interval(&self) -> Duration {
        let nanos = self.rate.per.as_nanos() / u128::from(self.rate.items);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX).max(1))
    }

    /// How many grants it holds.
    pub(super) fn level(&mut self, now: Duration) -> u64 {
        self.full_at = self.full_at.max(now);
        let missing = (self.full_at - now).as_nanos().div_ceil(self.interval().as_nanos());
        self.rate.items.saturating_sub(u64::try_from(missing).unwrap_or(u64::MAX))
    }

    /// Takes one out, after [`level`](Self::level) has found one.
    pub(super) fn take(&mut self) {
        self.full_at += self.interval();
    }

    /// Waits until it holds one.
    pub(super) fn poll(&mut self, world: &World, cx: &mut Context<'_>) -> Poll<()> {
        let now = world.executor.now();
        if self.level(now) > 0 {
            self.sleep = None;
            return Poll::Ready(());
        }
        let room = self.interval().saturating_mul(u32::try_from(self.rate.items - 1).unwrap_or(u32::MAX));
        let wait = self.full_at.saturating_sub(now).saturating_sub(room);
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
}
