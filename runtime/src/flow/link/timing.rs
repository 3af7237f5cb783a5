//! When to say something again. Time is what the host says it is.

use std::time::Duration;

/// How long an end waits before it repeats itself.
///
/// Waits are "not before": a host may come later than
/// [`Producer::deadline`](super::Producer::deadline), and one with many links
/// should, by a random part of the wait, so that what fell silent together does
/// not speak up together. That is also why nothing here needs randomness.
///
/// ```
/// use std::time::Duration;
/// use tidegate::flow::link::Timing;
/// // Twice the round trip, on a network where that is 20 ms.
/// let timing = Timing::default().resend(Duration::from_millis(40), Duration::from_secs(5));
/// # let _ = timing;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Timing {
    pub(super) resend: Doubling,
    pub(super) confirm: Duration,
    pub(super) idle: Doubling,
}

/// `first`, then twice as long each time, up to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Doubling {
    first: Duration,
    most: Duration,
}

impl Timing {
    /// After how long without an answer a producer sends again, first and at
    /// most; the wait doubles in between. The default is 200 ms and 10 s. Less
    /// than a round trip plus [`confirm`](Self::confirm) sends everything twice.
    pub const fn resend(mut self, first: Duration, most: Duration) -> Self {
        self.resend = Doubling { first, most };
        self
    }

    /// How long a consumer waits for more to confirm, when nothing else makes it
    /// speak. The default is 25 ms, as in QUIC (RFC 9000, `max_ack_delay`).
    pub const fn confirm(mut self, within: Duration) -> Self {
        self.confirm = within;
        self
    }

    /// After how long without news a consumer says its grant again, first and at
    /// most. The default is 2 s and 30 s, as in Pekko's reliable delivery.
    pub const fn idle(mut self, first: Duration, most: Duration) -> Self {
        self.idle = Doubling { first, most };
        self
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            resend: Doubling { first: Duration::from_millis(200), most: Duration::from_secs(10) },
            confirm: Duration::from_millis(25),
            idle: Doubling { first: Duration::from_secs(2), most: Duration::from_secs(30) },
        }
    }
}

/// A timer that goes off again and again, ever more rarely.
///
/// It keeps the present wait instead of a count of attempts, so that the states
/// of an end are finite: a wait stops growing, a count does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Repeat {
    every: Doubling,
    wait: Duration,
    at: Option<Duration>,
}

impl Repeat {
    pub(super) const fn new(every: Doubling) -> Self {
        Self { every, wait: every.first, at: None }
    }

    pub(super) const fn at(&self) -> Option<Duration> {
        self.at
    }

    /// Begins from the first wait.
    pub(super) fn restart(&mut self, now: Duration) {
        self.wait = self.every.first;
        self.at = Some(now.saturating_add(self.wait));
    }

    /// Begins, unless it has begun.
    pub(super) fn start(&mut self, now: Duration) {
        if self.at.is_none() {
            self.restart(now);
        }
    }

    pub(super) fn stop(&mut self) {
        *self = Self::new(self.every);
    }

    /// Whether it has gone off; then it is set anew.
    pub(super) fn fires(&mut self, now: Duration) -> bool {
        if self.at.is_none_or(|at| now < at) {
            return false;
        }
        self.wait = self.wait.saturating_mul(2).min(self.every.most.max(self.every.first));
        self.at = Some(now.saturating_add(self.wait));
        true
    }
}
