//! What a breaker is set to.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::window::{Trip, part};
use super::{BreakerState, CircuitBreaker};
use crate::supervision::Backoff;
use crate::system::System;

type Listener = Arc<dyn Fn(BreakerState) + Send + Sync>;

/// Everything about a breaker to be; see [`CircuitBreaker::builder`].
#[derive(Clone)]
#[must_use = "a breaker is made by `build`"]
pub struct BreakerBuilder {
    pub(super) trip: Trip,
    pub(super) cool_down: Backoff,
    pub(super) probes: u32,
    pub(super) timeout: Option<Duration>,
    pub(super) listener: Option<Listener>,
}

impl BreakerBuilder {
    /// Opens after so many failures in a row. The default is 5; at least 1.
    pub fn after_failures(mut self, failures: u32) -> Self {
        self.trip = Trip::InARow(failures.max(1));
        self
    }

    /// Opens when there are so many failures within a span of about `within`,
    /// whatever succeeds between them.
    ///
    /// # Panics
    /// If `within` is shorter than 10 ns: it is kept as ten parts.
    pub fn after_failures_within(mut self, failures: u32, within: Duration) -> Self {
        self.trip = Trip::Count { failures: failures.max(1), part: part(within) };
        self
    }

    /// Opens when this share of the calls within a span of about `within` fail,
    /// if there were at least `calls` of them: of two calls, one is half.
    ///
    /// # Panics
    /// If `rate` is not above 0 and at most 1, or `within` is shorter than 10 ns.
    pub fn at_failure_rate(mut self, rate: f64, calls: u32, within: Duration) -> Self {
        assert!(rate > 0.0 && rate <= 1.0, "a rate of failure is above 0 and at most 1");
        self.trip = Trip::Rate { rate, calls: calls.max(1), part: part(within) };
        self
    }

    /// How long it stays open: longer each time that it opens again, and from
    /// the start once it was closed for [`Backoff::quiet`]. The default is one
    /// second, growing to a minute, with a fifth of jitter.
    pub fn cool_down(mut self, cool_down: Backoff) -> Self {
        self.cool_down = cool_down;
        self
    }

    /// How many calls are let through at a time while it is half-open, and have
    /// to succeed for it to close. The default is 1; at least 1.
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes.max(1);
        self
    }

    /// How long a call may take: one that takes longer is ended, and has failed.
    /// Without it, what hangs is never a failure. The default is none.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Calls `listener` with each new state, where the change happens: in a call.
    pub fn on_change(mut self, listener: impl Fn(BreakerState) + Send + Sync + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Makes the breaker, on the clock of `system`.
    #[must_use]
    pub fn build(self, system: &System) -> CircuitBreaker {
        CircuitBreaker::with(self, system)
    }
}

impl Default for BreakerBuilder {
    fn default() -> Self {
        let cool_down = Backoff::exponential(Duration::from_secs(1), Duration::from_secs(60)).jitter(0.2);
        Self { trip: Trip::InARow(5), cool_down, probes: 1, timeout: None, listener: None }
    }
}

impl fmt::Debug for BreakerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerBuilder")
            .field("trip", &self.trip)
            .field("cool_down", &self.cool_down)
            .field("probes", &self.probes)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
