//! Iterators as publishers.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::publication::Publication;
use super::traits::{Publisher, Subscriber};
use crate::actor::panic::contained;
use crate::actor::{Executor, Fault};
use crate::system::System;

/// How many items are sent before others on the executor have their turn.
const BUDGET: u64 = 64;

/// A publisher of `items`, all of them to each subscriber, from the beginning.
///
/// Each subscriber has an iteration of its own, which runs as a task of
/// `system`'s executor and goes as far as is requested, and no further: nothing
/// is taken from the iterator that was not asked for. So it completes with the
/// last item if the iterator knows that this was the last (its `size_hint` says
/// so, as those of ranges and vectors do), and else when one more is requested.
///
/// An iterator that panics fails its subscriber (1.4).
///
/// ```
/// use tidegate::flow::reactive::{Publisher, from_iter};
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
/// let numbers = from_iter(&System::with_executor(executor.clone()), 1..=100);
/// # let (to, total) = std::sync::mpsc::channel();
/// # let sum = Sum(0, to);
/// numbers.subscribe(Box::new(sum)); // one that adds up what comes
/// executor.run_until_idle();
/// assert_eq!(total.try_recv(), Ok(5050));
/// ```
pub fn from_iter<I>(system: &System, items: I) -> Iter<I>
where
    I: IntoIterator<Item: Send + 'static, IntoIter: Send> + Clone + Send + Sync + 'static,
{
    Iter { items, executor: Arc::clone(&system.world().executor) }
}

/// As [`from_iter`], of items of which one may be a failure: the first ends the
/// subscription.
///
/// ```
/// use tidegate::flow::reactive::{Publisher, try_from_iter};
/// # use tidegate::flow::reactive::{Subscriber, Subscription};
/// use tidegate::{Fault, ManualExecutor, System};
/// # struct Last(std::sync::mpsc::Sender<String>);
/// # impl Subscriber<u64> for Last {
/// #     fn on_subscribe(&mut self, mut s: Box<dyn Subscription>) { s.request(9); std::mem::forget(s) }
/// #     fn on_next(&mut self, _: u64) {}
/// #     fn on_error(self: Box<Self>, fault: Fault) { self.0.send(fault.to_string()).unwrap() }
/// #     fn on_complete(self: Box<Self>) {}
/// # }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let lines = try_from_iter(&system, [Ok(1), Ok(2), Err(Fault::msg("torn page"))]);
/// # let (to, heard) = std::sync::mpsc::channel();
/// # let subscriber = Last(to);
/// lines.subscribe(Box::new(subscriber));
/// executor.run_until_idle();
/// assert_eq!(heard.try_recv().unwrap(), "torn page");
/// ```
pub fn try_from_iter<I, T>(system: &System, items: I) -> TryIter<I>
where
    I: IntoIterator<Item = Result<T, Fault>, IntoIter: Send> + Clone + Send + Sync + 'static,
    T: Send + 'static,
{
    TryIter { items, executor: Arc::clone(&system.world().executor) }
}

/// The publisher of [`from_iter`].
#[derive(Clone)]
#[must_use = "a publisher does nothing until it is subscribed to"]
pub struct Iter<I> {
    items: I,
    executor: Arc<dyn Executor>,
}

/// The publisher of [`try_from_iter`].
#[derive(Clone)]
#[must_use = "a publisher does nothing until it is subscribed to"]
pub struct TryIter<I> {
    items: I,
    executor: Arc<dyn Executor>,
}

impl<I> Publisher for Iter<I>
where
    I: IntoIterator<Item: Send + 'static, IntoIter: Send> + Clone + Send + Sync + 'static,
{
    type Item = I::Item;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<I::Item>>) {
        start(&*self.executor, subscriber, &self.items, Ok);
    }
}

impl<I, T> Publisher for TryIter<I>
where
    I: IntoIterator<Item = Result<T, Fault>, IntoIter: Send> + Clone + Send + Sync + 'static,
    T: Send + 'static,
{
    type Item = T;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<T>>) {
        start(&*self.executor, subscriber, &self.items, |item| item);
    }
}

fn start<I, T>(
    executor: &dyn Executor,
    subscriber: Box<dyn Subscriber<T>>,
    items: &I,
    of: impl Fn(I::Item) -> Result<T, Fault> + Send + 'static,
) where
    I: IntoIterator<Item: Send, IntoIter: Send> + Clone + 'static,
    T: Send + 'static,
{
    let to = Publication::open(subscriber);
    match contained(|| items.clone().into_iter()) {
        Ok(items) => executor.spawn("publisher", Box::pin(publish(to, items, of))),
        Err(panic) => to.fail(Fault::msg(format!("an iterator panicked: {panic}"))),
    }
}

async fn publish<T: 'static, I: Iterator>(
    mut to: Publication<T>,
    mut items: I,
    of: impl Fn(I::Item) -> Result<T, Fault>,
) {
    let mut left = BUDGET;
    loop {
        // What is known to be empty ends without demand, and is not asked.
        if items.size_hint().1 == Some(0) {
            return to.complete();
        }
        if to.ready().await.is_err() {
            return;
        }
        let sent = match contained(|| items.next().map(&of)) {
            Ok(Some(Ok(item))) => to.try_send(item),
            Ok(None) => return to.complete(),
            Ok(Some(Err(fault))) => return to.fail(fault),
            Err(panic) => return to.fail(Fault::msg(format!("an iterator panicked: {panic}"))),
        };
        // Cancelled since it was ready, by another thread.
        if sent.is_err() {
            return;
        }
        left -= 1;
        if left == 0 {
            left = BUDGET;
            let mut yielded = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut yielded, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
    }
}

impl<I: fmt::Debug> fmt::Debug for Iter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Iter").field(&self.items).finish()
    }
}

impl<I: fmt::Debug> fmt::Debug for TryIter<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryIter").field(&self.items).finish()
    }
}
