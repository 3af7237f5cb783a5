//! Subscribers whose items go where a source's do: to actors.
//!
//! A pipe has a subscriber at one end and a source at the other. What the source
//! is asked for, the subscriber requests, and nothing beyond it; what comes goes
//! through at once, unless others have filled the mailbox behind it meanwhile.
//! An item that nobody has requested goes nowhere (1.1, S12): its publisher is
//! wrong about everything that follows, so it is cancelled, and the source has
//! failed.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::traits::{Publisher, Subscriber, Subscription};
use crate::actor::Fault;
use crate::actor::panic::contained;
use crate::flow::{Demand, EmitError, Emitter, End, Inlet, Source, Spawner};
use crate::sync::access;
use crate::sync::shim::Mutex;
use crate::system::System;

/// Joins a subscriber and a source: what the one is told the other sends.
///
/// With it, a subscription of an actor is made before there is a publisher, as
/// for a [`Processor`](super::Processor); where there is one,
/// [`from_publisher`] is shorter.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::ManualExecutor;
/// use tidegate::flow::reactive::{self, Publisher};
/// use tidegate::flow::Demand;
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let sum = system.spawn(Sum(0), Push::bounded(8));
///
/// let (subscriber, source) = reactive::pipe();
/// system.subscribe(source, &sum, Demand::window(4)).detach();
/// reactive::from_iter(&system, 0..100_u64).subscribe(Box::new(subscriber));
/// executor.run_until_idle();
/// assert_eq!(sum.stats().handled, 100);
/// ```
pub fn pipe<T: Send + 'static>() -> (PipeSubscriber<T>, PipeSource<T>) {
    let shared = Arc::new(Shared(Mutex::new(State::new())));
    (PipeSubscriber(Arc::clone(&shared)), PipeSource(shared))
}

/// A publisher as a source: subscribed to when the source is.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::ManualExecutor;
/// use tidegate::flow::{Demand, reactive};
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let sum = system.spawn(Sum(0), Push::bounded(8));
/// let numbers = reactive::from_iter(&system, 0..100_u64);
/// system.subscribe(reactive::from_publisher(numbers), &sum, Demand::window(4)).detach();
/// executor.run_until_idle();
/// assert_eq!(sum.stats().handled, 100);
/// ```
pub const fn from_publisher<P: Publisher>(publisher: P) -> FromPublisher<P> {
    FromPublisher { publisher }
}

/// An actor as a subscriber: items go through `inlet`, asked for as `demand`
/// says. Beside it, the subscription of the actor, which is cancelled by being
/// dropped as all are.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::ManualExecutor;
/// use tidegate::flow::Demand;
/// use tidegate::flow::reactive::{self, Publisher};
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// let executor = ManualExecutor::new();
/// let system = System::with_executor(executor.clone());
/// let sum = system.spawn(Sum(0), Push::bounded(8));
/// let (subscriber, subscription) = reactive::actor(&system, &sum, Demand::window(4));
/// reactive::from_iter(&system, 0..100_u64).subscribe(Box::new(subscriber));
/// executor.run_until_idle();
/// assert!(subscription.end().unwrap().is_completed());
/// ```
#[must_use = "dropping the subscription cancels it"]
pub fn actor<T: Send + 'static, M: Send + 'static>(
    system: &System,
    inlet: impl Into<Inlet<T, M>>,
    demand: Demand,
) -> (PipeSubscriber<T>, crate::flow::Subscription) {
    let (subscriber, source) = pipe();
    (subscriber, system.subscribe(source, inlet, demand))
}

/// The end of a [`pipe`] that subscribes to a publisher.
#[must_use = "a subscriber that is dropped fails its pipe"]
pub struct PipeSubscriber<T: Send + 'static>(Arc<Shared<T>>);

/// The end of a [`pipe`] that is subscribed to.
#[must_use = "a source does nothing until it is subscribed to"]
pub struct PipeSource<T: Send + 'static>(Arc<Shared<T>>);

/// The source of [`from_publisher`].
#[derive(Clone, Debug)]
#[must_use = "a source does nothing until it is subscribed to"]
pub struct FromPublisher<P> {
    publisher: P,
}

struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    /// Not there while it is used, so that nothing is locked meanwhile.
    subscription: Option<Box<dyn Subscription>>,
    is_subscribed: bool,
    /// Arrived, and not sent on.
    items: VecDeque<T>,
    /// Requested, and not arrived.
    due: u64,
    end: Option<End>,
    /// The source is gone: nothing is wanted.
    closed: bool,
    waker: Option<Waker>,
}

impl<T> State<T> {
    const fn new() -> Self {
        Self {
            subscription: None,
            is_subscribed: false,
            items: VecDeque::new(),
            due: 0,
            end: None,
            closed: false,
            waker: None,
        }
    }
}

enum Next<T> {
    Item(T),
    End(End),
    Nothing,
}

/// What is dropped, or woken, once the lock is free.
type Later = (Option<Box<dyn Subscription>>, Option<Waker>);

impl<T> Shared<T> {
    fn change(&self, change: impl FnOnce(&mut State<T>) -> Option<Box<dyn Subscription>>) {
        let (subscription, waker): Later = {
            let mut state = self.0.lock();
            (change(&mut state), state.waker.take())
        };
        // Dropping it cancels, which is the publisher's code and may panic.
        drop(contained(|| drop(subscription)));
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// No more comes.
    fn end(&self, end: End) {
        self.change(|state| {
            state.end.get_or_insert(end);
            state.subscription.take()
        });
    }

    /// No more is wanted.
    fn close(&self) {
        let mut items = VecDeque::new();
        self.change(|state| {
            state.closed = true;
            std::mem::swap(&mut items, &mut state.items);
            state.subscription.take()
        });
        drop(contained(|| drop(items)));
    }

    /// What there is to send on. With nothing, the task is woken by the next signal.
    fn next(&self, cx: &Context<'_>) -> Next<T> {
        let mut state = self.0.lock();
        if let Some(item) = state.items.pop_front() {
            return Next::Item(item);
        }
        if let Some(end) = &state.end {
            return Next::End(end.clone());
        }
        let old = state.waker.replace(cx.waker().clone());
        drop(state);
        // Foreign code: dropped when the lock is free.
        drop(old);
        Next::Nothing
    }

    /// Requests what may be sent beyond what is under way.
    fn ask(&self, allowed: u64) {
        let (subscription, more) = {
            let mut state = self.0.lock();
            let under_way = state.due.saturating_add(state.items.len() as u64);
            let more = allowed.saturating_sub(under_way);
            if more == 0 || state.end.is_some() {
                return;
            }
            let Some(subscription) = state.subscription.take() else { return };
            state.due = state.due.saturating_add(more);
            (subscription, more)
        };
        let mut subscription = subscription;
        // A publisher may send in `request`, and end there.
        let requested = contained(|| subscription.request(more));
        let mut state = self.0.lock();
        if state.end.is_none() && !state.closed {
            state.subscription = Some(subscription);
        } else {
            drop(state);
            drop(contained(|| drop(subscription)));
        }
        if let Err(panic) = requested {
            self.end(End::Failed(Fault::msg(format!("the publisher panicked in request: {panic}"))));
        }
    }
}

impl<T: Send + 'static> Subscriber<T> for PipeSubscriber<T> {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        self.0.change(|state| {
            if state.is_subscribed || state.closed {
                // Rules 2.5 and 2.6: it is dropped.
                return Some(subscription);
            }
            state.is_subscribed = true;
            state.subscription = Some(subscription);
            None
        });
    }

    fn on_next(&mut self, item: T) {
        let mut unwanted = None;
        self.0.change(|state| {
            if state.closed || state.end.is_some() {
                // Rule 2.8: it may come, and goes nowhere.
                unwanted = Some(item);
                return None;
            }
            if state.due == 0 {
                unwanted = Some(item);
                state.end = Some(End::Failed(Fault::msg("the publisher sent more than was requested")));
                return state.subscription.take();
            }
            if state.due != u64::MAX {
                state.due -= 1;
            }
            state.items.push_back(item);
            None
        });
        drop(unwanted);
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        self.0.end(End::Failed(fault));
    }

    fn on_complete(self: Box<Self>) {
        self.0.end(End::Completed);
    }
}

impl<T: Send + 'static> Drop for PipeSubscriber<T> {
    fn drop(&mut self) {
        self.0.end(End::Failed(Fault::msg("the publisher went away without an end")));
    }
}

impl<T: Send + 'static> Source for PipeSource<T> {
    type Item = T;

    fn connect(self, emitter: Emitter<T>, spawner: &Spawner) {
        let mut passing = Passing { from: self, emitter: Some(emitter) };
        spawner.spawn(poll_fn(move |cx| passing.poll(cx)));
    }
}

impl<T: Send + 'static> Drop for PipeSource<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<P: Publisher> Source for FromPublisher<P> {
    type Item = P::Item;

    fn connect(self, emitter: Emitter<P::Item>, spawner: &Spawner) {
        let (subscriber, source) = pipe();
        source.connect(emitter, spawner);
        self.publisher.subscribe(Box::new(subscriber));
    }
}

/// From a publisher to an emitter.
struct Passing<T: Send + 'static> {
    from: PipeSource<T>,
    /// `None` when it is over.
    emitter: Option<Emitter<T>>,
}

impl<T: Send + 'static> Passing<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(emitter) = &mut self.emitter {
            if access::fresh(cx).is_pending() {
                return Poll::Pending;
            }
            match self.from.0.next(cx) {
                Next::Item(item) => match emitter.try_send(item) {
                    Ok(()) => {}
                    // Others have filled the mailbox since there was room.
                    Err(EmitError::NoDemand(item)) => {
                        self.from.0.0.lock().items.push_front(item);
                        match emitter.poll_ready(cx) {
                            Poll::Ready(Ok(_)) => {}
                            Poll::Ready(Err(_)) => break,
                            Poll::Pending => return Poll::Pending,
                        }
                    }
                    Err(_) => break,
                },
                Next::End(end) => {
                    match (self.emitter.take(), end) {
                        (Some(emitter), End::Failed(fault)) => emitter.fail(fault),
                        (Some(emitter), _) => emitter.complete(),
                        (None, _) => {}
                    }
                    break;
                }
                Next::Nothing => match emitter.poll_ready(cx) {
                    Poll::Ready(Ok(allowed)) => {
                        // Not kept from others while there is nothing to send.
                        emitter.release();
                        self.from.0.ask(allowed.get());
                        // A publisher may have sent in `request`, and woken this.
                        return Poll::Pending;
                    }
                    Poll::Ready(Err(_)) => break,
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        self.from.0.close();
        self.emitter = None;
        Poll::Ready(())
    }
}

impl<T: Send + 'static> fmt::Debug for PipeSubscriber<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeSubscriber").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> fmt::Debug for PipeSource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipeSource").finish_non_exhaustive()
    }
}
