//! Sources as publishers.
//!
//! The source and the subscriber meet in a task that belongs to neither. So what
//! a subscriber is owed does not depend on what the source does: it may hold on to
//! a cancelled emitter for as long as it likes, the subscriber is let go at once
//! (3.13), and a subscriber that panics (2.13) unwinds through no source.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::publication::Publication;
use super::traits::{Publisher, Subscriber};
use crate::actor::Fault;
use crate::actor::panic::contained;
use crate::flow::{Demand, Items, Source};
use crate::sync::shim::Mutex;
use crate::system::System;

/// The most items that are on their way from the source to one subscriber. A
/// demand beyond that is asked for as they arrive.
const WINDOW: u64 = 64;

/// A publisher of what `make` makes: a source of its own for each subscriber.
///
/// The source is asked for no more than the subscriber has requested, and for at
/// most 64 items at a time; those are the items that wait in between.
///
/// ```
/// use tidegate::flow::{reactive, source};
/// use tidegate::flow::reactive::Publisher;
/// # use tidegate::flow::reactive::{Subscriber, Subscription};
/// use tidegate::{Fault, ManualExecutor, System};
/// # struct Sum(u64, std::sync::mpsc::Sender<u64>);
/// # impl Subscriber<u64> for Sum {
/// #     fn on_subscribe(&mut self, mut s: Box<dyn Subscription>) { s.request(u64::MAX); std::mem::forget(s) }
/// #     fn on_next(&mut self, n: u64) { self.0 += n }
/// #     fn on_error(self: Box<Self>, _: Fault) {}
/// #     fn on_complete(self: Box<Self>) { self.1.send(self.0).unwrap() }
/// # }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let numbers = reactive::from_source(&system, || source::iter(1..=100));
/// # let (to, total) = std::sync::mpsc::channel();
/// # let sum = Sum(0, to);
/// numbers.subscribe(Box::new(sum)); // one that adds up what comes
/// executor.run_until_idle();
/// assert_eq!(total.try_recv(), Ok(5050));
/// ```
pub fn from_source<S: Source, F: Fn() -> S + Send + Sync + 'static>(system: &System, make: F) -> FromSource<F> {
    FromSource { system: system.clone(), make }
}

/// A publisher of one source, for whoever subscribes first. Others are refused:
/// they get [`on_error`](Subscriber::on_error) behind their subscription (1.9).
///
/// ```
/// use tidegate::flow::{reactive, source};
/// use tidegate::{ManualExecutor, System};
/// let system = System::with_executor(ManualExecutor::new());
/// let publisher = reactive::from_source_once(&system, source::iter(vec!["it", "cannot", "be", "cloned"]));
/// # let _: &dyn reactive::Publisher<Item = &'static str> = &publisher;
/// ```
pub fn from_source_once<S: Source>(system: &System, source: S) -> FromSourceOnce<S> {
    FromSourceOnce { system: system.clone(), source: Mutex::new(Some(source)) }
}

/// The publisher of [`from_source`].
#[derive(Clone)]
#[must_use = "a publisher does nothing until it is subscribed to"]
pub struct FromSource<F> {
    system: System,
    make: F,
}

/// The publisher of [`from_source_once`].
#[must_use = "a publisher does nothing until it is subscribed to"]
pub struct FromSourceOnce<S> {
    system: System,
    source: Mutex<Option<S>>,
}

impl<S: Source, F: Fn() -> S + Send + Sync + 'static> Publisher for FromSource<F> {
    type Item = S::Item;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<S::Item>>) {
        let to = Publication::open(subscriber);
        match contained(&self.make) {
            Ok(source) => start(&self.system, source, to),
            Err(panic) => to.fail(Fault::msg(format!("there is no source: {panic}"))),
        }
    }
}

impl<S: Source> Publisher for FromSourceOnce<S> {
    type Item = S::Item;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<S::Item>>) {
        let to = Publication::open(subscriber);
        let source = self.source.lock().take();
        match source {
            Some(source) => start(&self.system, source, to),
            None => to.fail(Fault::msg("the source has a subscriber already")),
        }
    }
}

fn start<S: Source>(system: &System, source: S, to: Publication<S::Item>) {
    // A source that panics where it is connected drops its emitter, and has failed.
    match contained(|| system.items(source, Demand::manual())) {
        Ok(items) => {
            let mut passing = Passing { items, to: Some(to), asked: 0, budget: WINDOW };
            let task = poll_fn(move |cx| passing.poll(cx));
            system.world().executor.spawn("publisher", Box::pin(task));
        }
        Err(panic) => to.fail(Fault::msg(format!("the source panicked: {panic}"))),
    }
}

/// From a source to a subscriber.
struct Passing<T: Send + 'static> {
    items: Items<T>,
    /// `None` when it is over.
    to: Option<Publication<T>>,
    /// Of the source, and not here yet: never more than is requested.
    asked: u64,
    /// Until others have their turn.
    budget: u64,
}

impl<T: Send + 'static> Passing<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(to) = &mut self.to {
            // Woken by each request as well as by a cancel.
            if to.poll_cancelled(cx).is_ready() {
                break;
            }
            if self.budget == 0 {
                self.budget = WINDOW;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let demand = to.demand();
            let more = demand.min(WINDOW).saturating_sub(self.asked);
            if more >= WINDOW / 2 || demand < WINDOW {
                self.asked += more;
                self.items.subscription().request(more);
            }
            // Also without demand: the end needs none.
            match Pin::new(&mut self.items).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(item))) => {
                    self.asked = self.asked.saturating_sub(1);
                    self.budget -= 1;
                    // Whose subscriber has cancelled is seen to above.
                    let _ = to.try_send(item);
                }
                Poll::Ready(Some(Err(fault))) => self.to.take().into_iter().for_each(|to| to.fail(fault.clone())),
                Poll::Ready(None) => self.to.take().into_iter().for_each(Publication::complete),
            }
        }
        Poll::Ready(())
    }
}

impl<F> fmt::Debug for FromSource<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromSource").finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for FromSourceOnce<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromSourceOnce").field("is_served", &self.source.lock().is_none()).finish_non_exhaustive()
    }
}
