//! Metrics by the `metrics` facade: what is counted under which name.
//!
//! The book's chapter on observing has the same names in a table; a test
//! compares the two.

use std::sync::{Arc, OnceLock};

use metrics::{Counter, Gauge, Histogram, SharedString, Unit, counter, gauge, histogram};

use super::config::Mode;
use super::core::{ModeSwitch, SwitchReason};
use super::dead_letters::DropReason;

const ACTORS: &str = "tidegate_actors";
const ENDS: &str = "tidegate_actor_ends_total";
const RESTARTS: &str = "tidegate_actor_restarts_total";
const POLLS: &str = "tidegate_actor_polls_total";
const HANDLED: &str = "tidegate_messages_handled_total";
const DROPPED: &str = "tidegate_messages_dropped_total";
const SWITCHES: &str = "tidegate_mode_switches_total";
const LONG_WAITS: &str = "tidegate_long_waits_total";
const DEADLOCKS: &str = "tidegate_deadlocks_total";
const QUEUE_WAIT: &str = "tidegate_queue_wait_seconds";
const HANDLING: &str = "tidegate_handler_seconds";
const QUEUED: &str = "tidegate_mailbox_messages";
const WAITING: &str = "tidegate_mailbox_waiting_senders";

/// Tells the recorder what each name stands for.
pub(crate) fn describe() {
    let count = Some(Unit::Count);
    for (name, what) in [
        (ENDS, "Actors that have ended"),
        (RESTARTS, "Failed actors that were begun anew"),
        (POLLS, "Times that an actor's task ran"),
        (HANDLED, "Messages handed to a handler"),
        (DROPPED, "Messages that no handler will see"),
        (SWITCHES, "Changes of delivery mode"),
        (LONG_WAITS, "Waits for an actor that were told of as too long"),
        (DEADLOCKS, "Deadlocks that were broken"),
    ] {
        metrics::with_recorder(|recorder| recorder.describe_counter(name.into(), count, what.into()));
    }
    for (name, what) in [
        (ACTORS, "Actors that live"),
        (QUEUED, "Messages that wait in mailboxes"),
        (WAITING, "Senders that wait for room"),
    ] {
        metrics::with_recorder(|recorder| recorder.describe_gauge(name.into(), count, what.into()));
    }
    for (name, what) in [
        (QUEUE_WAIT, "From when a message is let in to when its handler begins, sampled"),
        (HANDLING, "From when a handler begins to when it is done, sampled"),
    ] {
        metrics::with_recorder(|recorder| recorder.describe_histogram(name.into(), Some(Unit::Seconds), what.into()));
    }
}

/// A deadlock was broken.
pub(crate) fn count_deadlock() {
    counter!(DEADLOCKS).increment(1);
}

/// The metrics of all actors that share a label.
pub(crate) struct Meter {
    actor: Arc<str>,
    pub(crate) actors: Gauge,
    pub(crate) queued: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) handled: Counter,
    pub(crate) polls: Counter,
    pub(crate) restarts: Counter,
    pub(crate) queue_wait: Histogram,
    pub(crate) handling: Histogram,
    /// By reason, each from when it first occurs.
    dropped: [OnceLock<Counter>; DropReason::ALL.len()],
}

impl Meter {
    pub(crate) fn new(actor: Arc<str>) -> Self {
        let label = || SharedString::from(Arc::clone(&actor));
        Self {
            actors: gauge!(ACTORS, "actor" => label()),
            queued: gauge!(QUEUED, "actor" => label()),
            waiting: gauge!(WAITING, "actor" => label()),
            handled: counter!(HANDLED, "actor" => label()),
            polls: counter!(POLLS, "actor" => label()),
            restarts: counter!(RESTARTS, "actor" => label()),
            queue_wait: histogram!(QUEUE_WAIT, "actor" => label()),
            handling: histogram!(HANDLING, "actor" => label()),
            dropped: std::array::from_fn(|_| OnceLock::new()),
            actor,
        }
    }

    /// What the actor at `path` is called in labels: its path, with a `*` for
    /// each part that is only a number, so that there are not more labels than
    /// names.
    pub(crate) fn label(path: &str) -> String {
        let numbered = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let parts: Vec<&str> = path.split('/').map(|part| if numbered(part) { "*" } else { part }).collect();
        parts.join("/")
    }

    fn actor(&self) -> SharedString {
        SharedString::from(Arc::clone(&self.actor))
    }

    pub(crate) fn dropped(&self, reason: DropReason, n: u64) {
        let counter = self.dropped[reason as usize]
            .get_or_init(|| counter!(DROPPED, "actor" => self.actor(), "reason" => reason.name()));
        counter.increment(n);
    }

    pub(crate) fn switched(&self, switch: &ModeSwitch) {
        let to = match switch.to {
            Mode::Push => "push",
            Mode::Pull => "pull",
        };
        let reason = match switch.reason {
            SwitchReason::Reconfigured => "reconfigured",
            SwitchReason::Exhausted => "exhausted",
            SwitchReason::Slower => "slower",
            SwitchReason::Relieved => "relieved",
        };
        counter!(SWITCHES, "actor" => self.actor(), "to" => to, "reason" => reason).increment(1);
    }

    pub(crate) fn waited_long(&self) {
        counter!(LONG_WAITS, "actor" => self.actor()).increment(1);
    }

    pub(crate) fn ended(&self, reason: &'static str) {
        self.actors.decrement(1.0);
        counter!(ENDS, "actor" => self.actor(), "reason" => reason).increment(1);
    }
}

impl Drop for Meter {
    /// The last actor of this label has gone, and what it had measured with it.
    fn drop(&mut self) {
        self.queued.set(0.0);
        self.waiting.set(0.0);
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::Meter;

    #[test]
    fn numbers_in_paths_share_a_label() {
        for (path, label) in
            [("/orders", "/orders"), ("/17", "/*"), ("/orders/4/w2", "/orders/*/w2"), ("/a/1/2", "/a/*/*")]
        {
            assert_eq!(Meter::label(path), label);
        }
    }
}
