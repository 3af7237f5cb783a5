//! How a scenario is explored, and what several of them use.
//!
//! What a handler leaves for the body lies in a [`Log`] of its own: only one
//! actor writes there, and the body reads when that actor has ended. The
//! strategies cannot see it, and need not: the order of its entries is that in
//! which its actor was polled.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Report, Sim, Strategy};
use tidegate::prelude::*;
use tidegate::{DropReason, MailboxStats};

/// As many schedules as a scenario gets whose orders are too many.
pub(crate) const SCHEDULES: u64 = 20_000;

const SEED: u64 = 2026;

/// They are to be looked at, however busy the machine is.
const TIME: Duration = Duration::from_secs(900);

pub(crate) const MS: Duration = Duration::from_millis(1);

/// What came out of the runs of a scenario, and how often.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<BTreeMap<String, u64>>>);

impl Seen {
    pub(crate) fn saw(&self, what: impl Into<String>) {
        *self.0.lock().unwrap().entry(what.into()).or_default() += 1;
    }

    /// The same, if it was so.
    pub(crate) fn saw_if(&self, was: bool, what: &str) {
        if was {
            self.saw(what);
        }
    }
}

/// Explores `body` in every order there is, and expects each of `possible` to
/// have been [seen](Seen::saw).
#[track_caller]
pub(crate) fn explored<F, Fut>(possible: &[&str], body: F)
where
    F: Fn(Sim, Seen) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    exhausted(Strategy::Exhaustive, possible, body);
}

/// The same by one of all orders that differ in what matters.
#[track_caller]
pub(crate) fn reduced<F, Fut>(possible: &[&str], body: F)
where
    F: Fn(Sim, Seen) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    exhausted(Strategy::Reduced, possible, body);
}

#[track_caller]
fn exhausted<F, Fut>(strategy: Strategy, possible: &[&str], body: F)
where
    F: Fn(Sim, Seen) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let seen = Seen::default();
    let report = Explorer::new(strategy).time(TIME).run(|sim| body(sim, seen.clone()));
    assert!(report.finding.is_none(), "{report}");
    assert_eq!(report.coverage, Coverage::Exhausted, "{report}");
    check(&report, &seen, possible);
}

/// The same where there are too many orders, in [`SCHEDULES`] of them.
#[track_caller]
pub(crate) fn sampled<F, Fut>(possible: &[&str], body: F)
where
    F: Fn(Sim, Seen) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    sampled_by(Explorer::new, possible, body);
}

/// The same, with settings of its own.
#[track_caller]
pub(crate) fn sampled_by<F, Fut>(explorer: impl Fn(Strategy) -> Explorer, possible: &[&str], body: F)
where
    F: Fn(Sim, Seen) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let seen = Seen::default();
    let random = Strategy::Random { schedules: SCHEDULES, seed: SEED };
    let report = explorer(random).time(TIME).run(|sim| body(sim, seen.clone()));
    assert!(report.finding.is_none(), "{report}");
    assert_eq!((report.coverage, report.schedules, report.too_long), (Coverage::Sampled, SCHEDULES, 0), "{report}");
    check(&report, &seen, possible);
}

#[track_caller]
fn check(report: &Report, seen: &Seen, possible: &[&str]) {
    let seen = seen.0.lock().unwrap();
    println!("{report}\n{seen:?}");
    for what in possible {
        assert!(seen.contains_key(*what), "no run had {what:?}: {seen:?}");
    }
}

/// What one actor has to say.
#[derive(Debug)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T: Clone> Log<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, entry: T) {
        self.0.lock().unwrap().push(entry);
    }

    pub(crate) fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A message: whose, and which of theirs.
pub(crate) type Item = (usize, usize);

pub(crate) enum Msg {
    /// Written down.
    Item(Item),
    /// Written down after a pause, in which others come to their turn.
    Slow(Item),
    /// Written down so much later.
    Takes(Duration, Item),
    /// Written down, and a fault.
    Fail(Item),
    /// A panic.
    Panic,
    /// Answered with how much was written down so far.
    Count(Reply<usize>),
    /// The same, so much later.
    After(Duration, Reply<usize>),
}

/// Writes down what it gets.
pub(crate) struct Scribe {
    pub(crate) log: Log<Item>,
}

impl Scribe {
    pub(crate) fn new(log: &Log<Item>) -> Self {
        Self { log: log.clone() }
    }
}

impl Actor for Scribe {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Msg::Item(item) => self.log.push(item),
            Msg::Slow(item) => {
                pause().await;
                self.log.push(item);
            }
            Msg::Takes(time, item) => {
                cx.sleep(time).await;
                self.log.push(item);
            }
            Msg::Fail(item) => {
                self.log.push(item);
                return Err(Fault::msg("told to"));
            }
            Msg::Panic => panic!("told to"),
            Msg::Count(reply) => {
                let _ = reply.send(self.log.len());
            }
            Msg::After(delay, reply) => {
                cx.sleep(delay).await;
                let _ = reply.send(self.log.len());
            }
        }
        Ok(())
    }
}

/// Lets others run.
pub(crate) async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Every sender's items are there in the order in which they were sent, none of
/// them twice.
#[track_caller]
pub(crate) fn assert_in_order(items: &[Item]) {
    let mut last = BTreeMap::new();
    for (from, n) in items {
        let before = last.insert(*from, *n);
        assert!(before < Some(*n), "{from} sent {n} after {before:?}: {items:?}");
    }
}

/// `accepted` messages are handled, or dropped for a reason, or wait.
#[track_caller]
pub(crate) fn assert_accounted(stats: &MailboxStats, accepted: usize) {
    let known = stats.handled + stats.drops.total() + (stats.len + stats.stashed) as u64;
    assert_eq!(known, accepted as u64, "{stats:?}");
}

/// How many were dropped since the actor had ended.
pub(crate) fn left(stats: &MailboxStats) -> u64 {
    stats.drops.of(DropReason::Stopped)
}
