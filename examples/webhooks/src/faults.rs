//! What goes wrong at the source: errors, slow answers, and a limit of requests
//! that answers 429 for a while.
//!
//! Whether the k-th request for a delivery fails follows from the seed, the
//! delivery and k. So a run with the same seed meets the same failures, in
//! whichever order its workers come.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::rng::{draw, mix};

/// How often what goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Faults {
    /// The part of all requests that is answered with 500.
    pub errors: f64,
    /// The part that is answered late.
    pub slow: f64,
    /// How late.
    pub delay: Duration,
    /// After so many requests there are no more answers for a while; `None` for
    /// no limit.
    pub quota: Option<NonZeroU64>,
    /// For how long. Whole seconds, since that is what `Retry-After` can say.
    pub pause: Duration,
}

impl Faults {
    /// A source that never fails.
    pub const NONE: Self =
        Self { errors: 0.0, slow: 0.0, delay: Duration::ZERO, quota: None, pause: Duration::from_secs(1) };
}

/// What is to become of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is answered, after this time.
    Answer(Duration),
    /// 500.
    Error,
    /// 429: ask no sooner than in this time.
    Limited(Duration),
}

/// Faults as they come.
#[derive(Debug)]
pub(crate) struct Misfortune {
    faults: Faults,
    seed: u64,
    so_far: Mutex<SoFar>,
}

#[derive(Debug, Default)]
struct SoFar {
    /// Requests since the last pause.
    used: u64,
    until: Option<Instant>,
    /// Of each thing that was asked for, how often.
    asked: HashMap<u64, u64>,
}

/// Matters of chance.
const ERROR: u64 = 1;
const SLOW: u64 = 2;

impl Misfortune {
    pub(crate) fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, seed, so_far: Mutex::default() }
    }

    /// What is to become of a request for `thing`, which comes at `now`.
    pub(crate) fn fate(&self, thing: u64, now: Instant) -> Fate {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = so_far.until {
            if now < until {
                return Fate::Limited(until - now);
            }
            so_far.until = None;
        }
        so_far.used += 1;
        if self.faults.quota.is_some_and(|quota| so_far.used > quota.get()) {
            so_far.used = 0;
            so_far.until = Some(now + self.faults.pause);
            return Fate::Limited(self.faults.pause);
        }
        let times = so_far.asked.entry(thing).or_default();
        *times += 1;
        let request = mix(thing).wrapping_add(*times);
        drop(so_far);
        if draw(self.seed, ERROR, request) < self.faults.errors {
            Fate::Error
        } else if draw(self.seed, SLOW, request) < self.faults.slow {
            Fate::Answer(self.faults.delay)
        } else {
            Fate::Answer(Duration::ZERO)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fate, Faults, Misfortune};
    use std::num::NonZeroU64;
    use std::time::{Duration, Instant};

    #[test]
    fn the_same_requests_meet_the_same_fate_in_any_order() {
        let faults = Faults { errors: 0.3, slow: 0.3, delay: Duration::from_millis(5), ..Faults::NONE };
        let fates = |things: &[u64]| {
            let misfortune = Misfortune::new(faults.clone(), 9);
            let now = Instant::now();
            let mut fates: Vec<_> = things.iter().map(|thing| (*thing, misfortune.fate(*thing, now))).collect();
            // Stable: the fates of one thing stay in their order.
            fates.sort_by_key(|(thing, _)| *thing);
            fates
        };
        let things: Vec<u64> = (0..50).chain(0..50).collect();
        let reversed: Vec<u64> = things.iter().rev().copied().collect();
        let fates_of_all = fates(&things);
        assert_eq!(fates_of_all, fates(&reversed));
        let errors = fates_of_all.iter().filter(|(_, fate)| *fate == Fate::Error).count();
        assert!((15..50).contains(&errors), "{errors} of 100");
    }

    #[test]
    fn a_thing_that_always_fails_is_not_among_them() {
        let misfortune = Misfortune::new(Faults { errors: 0.3, ..Faults::NONE }, 4);
        let now = Instant::now();
        let stuck = (0..1000).filter(|thing| (0..12).all(|_| misfortune.fate(*thing, now) == Fate::Error)).count();
        assert_eq!(stuck, 0);
    }

    #[test]
    fn past_the_quota_nobody_is_answered_until_the_time_is_up() {
        let pause = Duration::from_secs(2);
        let misfortune = Misfortune::new(Faults { quota: NonZeroU64::new(2), pause, ..Faults::NONE }, 1);
        let begin = Instant::now();
        let at = |seconds| misfortune.fate(0, begin + Duration::from_secs(seconds));
        let fine = Fate::Answer(Duration::ZERO);
        assert_eq!([at(0), at(0), at(0), at(1)], [fine, fine, Fate::Limited(pause), Fate::Limited(pause / 2)]);
        assert_eq!([at(2), at(2), at(2)], [fine, fine, Fate::Limited(pause)]);
    }
}
