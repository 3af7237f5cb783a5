//! When a failed actor is begun anew, how often, and after how long.

use std::collections::VecDeque;
use std::time::Duration;

use super::Backoff;

/// When an actor is begun anew, how often, and after how long.
///
/// Unless said otherwise: at most 5 times within 10 seconds, at once each
/// time, and one failure more is the parent's business.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Backoff, OnLimit, Restart};
/// let restart = Restart::on_failure()
///     .limit(3, Duration::from_secs(60))
///     .backoff(Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10)))
///     .on_limit(OnLimit::Stop);
/// assert_ne!(restart, Restart::never());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "given to `Spawn::restart`"]
pub struct Restart {
    when: When,
    most: u32,
    within: Duration,
    backoff: Option<Backoff>,
    on_limit: OnLimit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    OnFailure,
    Always,
}

/// What becomes of an actor that fails more often than it may be restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnLimit {
    /// It stops, and its parent fails, with a fault that is an
    /// [`Escalated`](crate::Escalated): the parent's own [`Restart`] decides
    /// what follows. An actor without a parent just stops.
    #[default]
    Escalate,
    /// It stops. Those who watch it are told, as always.
    Stop,
}

impl Restart {
    /// Never: the first failure stops the actor, and is not its parent's
    /// business. The default.
    pub const fn never() -> Self {
        Self::when(When::Never)
    }

    /// After a fault or a panic, in a handler, a hook or the factory.
    pub const fn on_failure() -> Self {
        Self::when(When::OnFailure)
    }

    /// After a failure, and also after the actor has stopped itself with
    /// [`Context::stop`](crate::Context::stop). What others order, a stop, a
    /// kill, a drain or a shutdown, is final; and so is a drain of its own,
    /// which closes the mailbox.
    pub const fn always() -> Self {
        Self::when(When::Always)
    }

    const fn when(when: When) -> Self {
        Self { when, most: 5, within: Duration::from_secs(10), backoff: None, on_limit: OnLimit::Escalate }
    }

    /// At most `most` restarts within any span of `within`. One more is over
    /// the limit. `u32::MAX` is no limit.
    pub const fn limit(mut self, most: u32, within: Duration) -> Self {
        self.most = most;
        self.within = within;
        self
    }

    /// Waits before each restart. Meanwhile the mailbox stays open under its
    /// own terms.
    pub const fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// What becomes of the actor at its limit.
    pub const fn on_limit(mut self, on_limit: OnLimit) -> Self {
        self.on_limit = on_limit;
        self
    }

    /// Whether a life that ended so is to be followed by another.
    pub(super) fn wants(&self, failed: bool) -> bool {
        match self.when {
            When::Never => false,
            When::OnFailure => failed,
            When::Always => true,
        }
    }

    pub(super) fn escalates(&self) -> bool {
        self.when != When::Never && self.on_limit == OnLimit::Escalate
    }
}

impl Default for Restart {
    fn default() -> Self {
        Self::never()
    }
}

/// Restarts of late, to hold them to a limit. Siblings share one: what is over
/// for one of them counts for another that looks further back.
#[derive(Debug, Default)]
pub(super) struct Recent {
    /// When they were, oldest first.
    at: VecDeque<Duration>,
    /// The widest of the limits: nobody asks for more.
    most: u32,
    within: Duration,
}

impl Recent {
    /// Looks back as far as `restart` needs from here on.
    pub(super) fn remember_for(&mut self, restart: &Restart) {
        if restart.when != When::Never && restart.most < u32::MAX {
            self.most = self.most.max(restart.most);
            self.within = self.within.max(restart.within);
        }
    }

    /// Whether there may be another restart at `now`; counts it if so.
    pub(super) fn allow(&mut self, restart: &Restart, now: Duration) -> bool {
        self.remember_for(restart);
        while self.at.front().is_some_and(|at| now.saturating_sub(*at) > self.within) {
            self.at.pop_front();
        }
        let over = self.at.partition_point(|at| now.saturating_sub(*at) > restart.within);
        if restart.most < u32::MAX && self.at.len() - over >= restart.most as usize {
            return false;
        }
        self.at.push_back(now);
        if self.at.len() > self.most as usize {
            self.at.pop_front();
        }
        true
    }
}

/// One actor's restarts: its terms, and what it has used up of them.
#[derive(Debug)]
pub(super) struct Restarts {
    pub(super) terms: Restart,
    pub(super) recent: Recent,
    /// How many there have been since it was last quiet.
    streak: u32,
}

impl Restarts {
    pub(super) fn new(terms: Restart) -> Self {
        Self { terms, recent: Recent::default(), streak: 0 }
    }

    /// How long to wait before the next life, after one that lasted `lived`.
    pub(super) fn delay(&mut self, lived: Duration, random: impl FnOnce() -> u64) -> Duration {
        let Some(backoff) = &self.terms.backoff else { return Duration::ZERO };
        if lived >= backoff.quiet() {
            self.streak = 0;
        }
        let delay = backoff.delay(self.streak, random);
        self.streak = self.streak.saturating_add(1);
        delay
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn restarts_are_held_to_their_limit() {
        let (terms, mut recent) = (Restart::on_failure().limit(2, seconds(10)), Recent::default());
        assert!(recent.allow(&terms, seconds(0)));
        assert!(recent.allow(&terms, seconds(5)));
        assert!(!recent.allow(&terms, seconds(9)));
        assert!(recent.allow(&terms, seconds(11)), "the first is out of the span");
        assert!(!recent.allow(&terms, seconds(12)));
    }

    #[test]
    fn each_is_held_to_its_own_limit_by_the_restarts_of_all() {
        let (few, many) = (Restart::on_failure().limit(2, seconds(60)), Restart::on_failure().limit(3, seconds(1)));
        let mut recent = Recent::default();
        recent.remember_for(&few);
        assert!(recent.allow(&many, seconds(0)) && recent.allow(&many, seconds(5)));
        assert!(!recent.allow(&few, seconds(10)), "two within a minute");
        assert!([20, 20, 20].iter().all(|at| recent.allow(&many, seconds(*at))), "those before are over for it");
        assert!(!recent.allow(&many, seconds(21)));
        assert!(recent.allow(&few, seconds(81)));
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let mut recent = Recent::default();
        let endless = Restart::on_failure().limit(u32::MAX, Duration::MAX);
        assert!((0..1000).all(|at| recent.allow(&endless, seconds(at))));
        assert_eq!(recent.at.len(), 0);
        let five = Restart::on_failure().limit(5, Duration::MAX);
        assert_eq!((0..1000).filter(|at| recent.allow(&five, seconds(*at))).count(), 5);
        assert!((0..1000).all(|at| recent.allow(&endless, seconds(at))) && !recent.allow(&five, seconds(0)));
        assert_eq!(recent.at.len(), 5);
    }

    #[test]
    fn each_kind_wants_what_it_says() {
        let wants = |restart: Restart| (restart.wants(true), restart.wants(false), restart.escalates());
        assert_eq!(wants(Restart::never()), (false, false, false));
        assert_eq!(wants(Restart::on_failure()), (true, false, true));
        assert_eq!(wants(Restart::always()), (true, true, true));
        assert_eq!(wants(Restart::always().on_limit(OnLimit::Stop)), (true, true, false));
    }

    #[test]
    fn waits_grow_until_a_life_was_quiet_for_long_enough() {
        let backoff = Backoff::exponential(seconds(1), seconds(8));
        let mut restarts = Restarts::new(Restart::on_failure().backoff(backoff));
        let lived = [0, 0, 7, 0, 0, 8, 0];
        let waits = lived.map(|lived| restarts.delay(seconds(lived), || 0).as_secs());
        assert_eq!(waits, [1, 2, 4, 8, 8, 1, 2]);
    }
}
