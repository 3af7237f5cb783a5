//! When there have been too many failures.

use std::time::Duration;

/// How many parts a span is kept as: how exact it is, and all the memory it takes.
const PARTS: usize = 10;

#[derive(Clone, Copy, Debug)]
pub(super) enum Trip {
    InARow(u32),
    Count { failures: u32, part: Duration },
    Rate { rate: f64, calls: u32, part: Duration },
}

/// A tenth of `within`.
pub(super) fn part(within: Duration) -> Duration {
    let part = within / PARTS as u32;
    assert!(!part.is_zero(), "a span of failures is longer than nothing");
    part
}

/// What happened of late.
#[derive(Debug)]
pub(super) struct Window {
    trip: Trip,
    in_a_row: u32,
    /// Each with the number of its span of time: an old number is an empty part.
    parts: [(u128, u64, u64); PARTS],
}

impl Window {
    pub(super) fn new(trip: Trip) -> Self {
        Self { trip, in_a_row: 0, parts: [(0, 0, 0); PARTS] }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.trip);
    }

    pub(super) fn succeeded(&mut self, now: Duration) {
        self.in_a_row = 0;
        if let Some((_, succeeded, _)) = self.part(now) {
            *succeeded += 1;
        }
    }

    /// `true`: one too many.
    pub(super) fn failed(&mut self, now: Duration) -> bool {
        self.in_a_row = self.in_a_row.saturating_add(1);
        if let Some((_, _, failed)) = self.part(now) {
            *failed += 1;
        }
        match self.trip {
            Trip::InARow(most) => self.in_a_row >= most,
            Trip::Count { failures, part } => self.sums(now, part).1 >= u64::from(failures),
            Trip::Rate { rate, calls, part } => {
                let (succeeded, failed) = self.sums(now, part);
                let all = succeeded + failed;
                all >= u64::from(calls) && failed as f64 >= rate * all as f64
            }
        }
    }

    /// The part that `now` is in, emptied if it was another's.
    fn part(&mut self, now: Duration) -> Option<&mut (u128, u64, u64)> {
        let (Trip::Count { part, .. } | Trip::Rate { part, .. }) = self.trip else { return None };
        let number = now.as_nanos() / part.as_nanos();
        let entry = &mut self.parts[(number % PARTS as u128) as usize];
        if entry.0 != number {
            *entry = (number, 0, 0);
        }
        Some(entry)
    }

    fn sums(&self, now: Duration, part: Duration) -> (u64, u64) {
        let number = now.as_nanos() / part.as_nanos();
        let recent = self.parts.iter().filter(|(at, ..)| at + PARTS as u128 > number);
        recent.fold((0, 0), |(succeeded, failed), part| (succeeded + part.1, failed + part.2))
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn failures_in_a_row_are_forgotten_with_a_success() {
        let mut window = Window::new(Trip::InARow(3));
        assert!(!window.failed(ms(0)));
        assert!(!window.failed(ms(0)));
        window.succeeded(ms(0));
        assert!(!window.failed(ms(0)));
        assert!(!window.failed(ms(0)));
        assert!(window.failed(ms(0)));
    }

    #[test]
    fn failures_within_a_span_are_forgotten_after_it() {
        let mut window = Window::new(Trip::Count { failures: 3, part: part(ms(100)) });
        assert!(!window.failed(ms(0)));
        window.succeeded(ms(10));
        assert!(!window.failed(ms(20)));
        assert!(!window.failed(ms(105)), "the first is out of the span");
        assert!(window.failed(ms(110)));
        window.clear();
        assert!(!window.failed(ms(110)));
    }

    #[test]
    fn a_rate_needs_enough_calls() {
        let mut window = Window::new(Trip::Rate { rate: 0.5, calls: 4, part: part(ms(100)) });
        assert!(!window.failed(ms(0)));
        assert!(!window.failed(ms(0)));
        window.succeeded(ms(0));
        assert!(window.failed(ms(1)));
        window.clear();
        (0..7).for_each(|_| window.succeeded(ms(0)));
        assert!((0..6).all(|_| !window.failed(ms(0))), "6 of 13");
        assert!(window.failed(ms(0)), "7 of 14");
    }
}
