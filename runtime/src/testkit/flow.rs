//! Assertions on the flow of messages to one actor.

use std::fmt;

use crate::actor::{ActorPath, ActorRef};
use crate::mailbox::{DropCounts, DropReason, MailboxStats, Mode, Overflow};

/// How the flow to one actor stands, to assert something of it.
///
/// Each assertion returns the flow, for the next. One that fails says what was
/// expected, what was found, and how the whole mailbox stands. The numbers are
/// those of the moment in which [`TestKit::flow`](super::TestKit::flow) or
/// [`flow`] was called.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::testkit::TestKit;
/// # struct Job; impl Actor for Job { type Msg = u64;
/// # async fn handle(&mut self, _: u64, cx: &mut Context<Self>) -> Result<(), Fault> { cx.request(1); Ok(()) } }
/// let kit = TestKit::new();
/// let worker = kit.spawn(Job, Pull::manual());
/// kit.flow(&worker).free(0).demand(0).would_wait().nothing_dropped();
/// ```
#[derive(Clone, Debug)]
pub struct Flow {
    path: ActorPath,
    closed: bool,
    stats: MailboxStats,
}

/// How the flow to `actor` stands at this moment; nothing is run.
#[must_use = "a flow is looked at to assert something of it"]
pub fn flow<M: Send + 'static>(actor: &ActorRef<M>) -> Flow {
    Flow { path: actor.path().clone(), closed: actor.is_closed(), stats: actor.stats() }
}

impl Flow {
    /// Asked for and not taken; `None` if that is unbounded.
    fn outstanding(&self) -> Option<u64> {
        self.stats.requested.map(|requested| requested.saturating_sub(self.stats.taken))
    }

    #[track_caller]
    fn check<T: PartialEq + fmt::Debug>(self, what: &str, found: &T, expected: &T) -> Self {
        assert!(found == expected, "{}: expected {what} {expected:?}, found {found:?}\n{self}", self.path);
        self
    }

    /// So many messages would be let in now: the credit of all senders
    /// together.
    #[track_caller]
    pub fn free(self, n: usize) -> Self {
        let found = self.stats.free;
        self.check("free", &found, &n)
    }

    /// So many messages have been asked for and not been taken.
    #[track_caller]
    pub fn demand(self, n: u64) -> Self {
        let found = self.outstanding();
        self.check("demand", &found, &Some(n))
    }

    /// Nobody has to ask: demand is without end, as under push.
    #[track_caller]
    pub fn unbounded_demand(self) -> Self {
        let found = self.outstanding();
        self.check("demand", &found, &None)
    }

    /// So many messages wait to be handled.
    #[track_caller]
    pub fn len(self, n: usize) -> Self {
        let found = self.stats.len;
        self.check("len", &found, &n)
    }

    /// So many messages have been handled.
    #[track_caller]
    pub fn handled(self, n: u64) -> Self {
        let found = self.stats.handled;
        self.check("handled", &found, &n)
    }

    /// So many senders wait for a grant.
    #[track_caller]
    pub fn waiting_senders(self, n: usize) -> Self {
        let found = self.stats.waiting_senders;
        self.check("waiting senders", &found, &n)
    }

    /// So many messages may wait; `None` if any number may.
    #[track_caller]
    pub fn capacity(self, n: impl Into<Option<usize>>) -> Self {
        let found = self.stats.capacity;
        self.check("capacity", &found, &n.into())
    }

    /// Messages are delivered this way.
    #[track_caller]
    pub fn mode(self, mode: Mode) -> Self {
        let found = self.stats.mode;
        self.check("mode", &found, &mode)
    }

    /// A `tell` would wait now: there is no grant, and the policy is to wait.
    #[track_caller]
    pub fn would_wait(self) -> Self {
        let why_not = match (self.closed, self.stats.overflow == Overflow::Wait, self.stats.free) {
            (true, ..) => "the mailbox is closed".to_owned(),
            (_, false, _) => "its policy does not wait".to_owned(),
            // Who waits is served first.
            (.., 0) => return self,
            (.., n) => format!("{n} more would be let in"),
        };
        panic!("{}: expected that a tell would wait, but {why_not}\n{self}", self.path)
    }

    /// A message would be let in now, without waiting and without anything
    /// being dropped.
    #[track_caller]
    pub fn would_admit(self) -> Self {
        let why_not = match (self.closed, self.stats.free) {
            (true, _) => "the mailbox is closed",
            (_, 0) => "there is no grant",
            _ => return self,
        };
        panic!("{}: expected that a message would be let in, but {why_not}\n{self}", self.path)
    }

    /// The actor takes no more messages.
    #[track_caller]
    pub fn closed(self) -> Self {
        let found = self.closed;
        self.check("closed", &found, &true)
    }

    /// Dropped so far: these reasons with these counts, and no other.
    #[track_caller]
    pub fn dropped<const N: usize>(self, expected: [(DropReason, u64); N]) -> Self {
        assert_dropped(self.path.as_str(), &self.stats.drops, &expected, &self.to_string());
        self
    }

    /// Nothing was dropped so far.
    #[track_caller]
    pub fn nothing_dropped(self) -> Self {
        self.dropped([])
    }
}

#[track_caller]
pub(super) fn assert_dropped(whose: &str, found: &DropCounts, expected: &[(DropReason, u64)], more: &str) {
    let mut wanted: Vec<(DropReason, u64)> = expected.iter().copied().filter(|(_, n)| *n > 0).collect();
    wanted.sort_unstable();
    let mut found: Vec<(DropReason, u64)> = found.iter().collect();
    found.sort_unstable();
    assert!(found == wanted, "{whose}: expected dropped {}, found {}\n{more}", list(&wanted), list(&found));
}

fn list(counts: &[(DropReason, u64)]) -> String {
    if counts.is_empty() {
        return "nothing".to_owned();
    }
    counts.iter().map(|(reason, n)| format!("{n} {reason}")).collect::<Vec<_>>().join(", ")
}

/// `/orders: push, 3 waiting of 8, 5 free, demand unbounded, 0 senders waiting,
/// 12 handled, dropped nothing`
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MailboxStats { len, free, capacity, waiting_senders, handled, drops, mode, .. } = &self.stats;
        let mode = match mode {
            Mode::Push => "push",
            Mode::Pull => "pull",
        };
        let or_unbounded = |n: Option<u64>| n.map_or_else(|| "unbounded".to_owned(), |n| n.to_string());
        write!(
            f,
            "  {}: {mode}{}, {len} waiting of {}, {free} free, demand {}, {waiting_senders} senders waiting, {handled} \
             handled, dropped {}",
            self.path,
            if self.closed { ", closed" } else { "" },
            or_unbounded(capacity.map(|n| n as u64)),
            or_unbounded(self.outstanding()),
            list(&drops.iter().collect::<Vec<_>>()),
        )
    }
}
