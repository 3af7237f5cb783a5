//! What can be subscribed to.

use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroU64;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::emitter::Emitter;
use super::inlet::type_name;
use super::subscription::Subscription;
use crate::actor::Fault;
use crate::actor::panic::contained;
use crate::actor::world::World;
use crate::sync::access;
use crate::system::System;

/// Something that can be pulled: it produces items, as far as it is asked.
///
/// Every `Stream` is one. An iterator becomes one by [`iter`], an async function
/// of demand by [`produce`], a stream of results by [`fallible`], and whatever
/// else by [`from_fn`]. To implement it, begin to send to the emitter, in a
/// task, and keep to what it asks for; it does not let anything else through.
pub trait Source: Send + Sized + 'static {
    /// What it produces.
    type Item: Send + 'static;

    /// Begins to produce for one subscriber. Returns soon: work is done in a
    /// task of the `spawner`.
    fn connect(self, emitter: Emitter<Self::Item>, spawner: &Spawner);

    /// What it is called in an inspection. The default is the name of its type.
    fn name(&self) -> Arc<str> {
        type_name::<Self>()
    }
}

/// Runs the tasks of sources, on the executor of their system.
pub struct Spawner {
    world: Arc<World>,
}

impl Spawner {
    pub(super) fn new(system: &System) -> Self {
        Self { world: Arc::clone(system.world()) }
    }

    /// Where there is a clock.
    pub(super) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Runs a task. A panic ends it, and goes no further.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut task = Some(Box::pin(task));
        let apart = poll_fn(move |cx| {
            let polled = contained(|| task.as_mut().map_or(Poll::Ready(()), |task| task.as_mut().poll(cx)));
            if matches!(polled, Ok(Poll::Pending)) {
                return Poll::Pending;
            }
            // What it leaves is foreign code as well.
            drop(contained(|| task = None));
            Poll::Ready(())
        });
        self.world.executor.spawn("tidegate-source", Box::pin(apart));
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").finish_non_exhaustive()
    }
}

/// Every stream is a source: polled when an item is wanted, and dropped when
/// none is any more. One that panics has failed.
impl<S> Source for S
where
    S: Stream + Send + 'static,
    S::Item: Send + 'static,
{
    type Item = S::Item;

    fn connect(self, emitter: Emitter<S::Item>, spawner: &Spawner) {
        spawner.spawn(pump(self, emitter, Ok));
    }
}

/// A stream of results as a source: the first error is its failure.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, End, source};
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let sum = system.spawn(Sum(0), Push::bounded(8));
/// let lines = futures_util::stream::iter(["1", "2", "three"].map(str::parse::<u64>));
/// let end = system.subscribe(source::fallible(lines), &sum, Demand::window(4)).ended().await;
/// assert_eq!(end.to_string(), "failed: invalid digit found in string");
/// assert_eq!(sum.stats().taken, 2);
/// # }
/// ```
pub fn fallible<S, T, E>(stream: S) -> Fallible<S>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<Fault> + Send + 'static,
{
    Fallible { stream }
}

/// See [`fallible`].
#[derive(Debug)]
#[must_use = "a source does nothing until it is subscribed to"]
pub struct Fallible<S> {
    stream: S,
}

impl<S, T, E> Source for Fallible<S>
where
    S: Stream<Item = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<Fault> + Send + 'static,
{
    type Item = T;

    fn connect(self, emitter: Emitter<T>, spawner: &Spawner) {
        spawner.spawn(pump(self.stream, emitter, |item| item.map_err(Into::into)));
    }
}

/// How many items a stream sends before others run.
const TURN: u32 = 256;

/// Sends what a stream yields, polling it only for an item that may be sent.
async fn pump<S: Stream, T: Send + 'static>(
    stream: S,
    mut emitter: Emitter<T>,
    read: impl Fn(S::Item) -> Result<T, Fault>,
) {
    let mut stream = pin!(stream);
    let mut turn = TURN;
    while let Ok(wanted) = emitter.ready().await {
        for _ in 0..wanted.get() {
            // Neither a stream that always has something nor a mailbox that always
            // has room ever waits.
            turn -= 1;
            if turn == 0 {
                turn = TURN;
                let_others_run().await;
            }
            let next = poll_fn(|cx| {
                if access::fresh(cx).is_pending() {
                    return Poll::Pending;
                }
                if emitter.is_cancelled() {
                    return Poll::Ready(Ok(None));
                }
                match contained(|| stream.as_mut().poll_next(cx).map(|item| item.map(&read))) {
                    Ok(Poll::Ready(item)) => Poll::Ready(Ok(item)),
                    // Only who waits asks to be woken when it need not; and it keeps no
                    // place from others.
                    Ok(Poll::Pending) => {
                        emitter.release();
                        emitter.poll_cancelled(cx).map(|()| Ok(None))
                    }
                    Err(panic) => Poll::Ready(Err(panic)),
                }
            })
            .await;
            let item = match next {
                Ok(Some(Ok(item))) => item,
                Ok(Some(Err(fault))) => return emitter.fail(fault),
                // Also when it is cancelled, and then nobody hears it.
                Ok(None) => return emitter.complete(),
                Err(panic) => return emitter.fail(Fault::msg(format!("the source panicked: {panic}"))),
            };
            if emitter.send(item).await.is_err() {
                return;
            }
        }
    }
}

/// The items of an iterator. Each comes when it is asked for; an iterator that
/// takes long for one blocks a thread of the executor meanwhile.
pub fn iter<I>(items: I) -> Iter<I::IntoIter>
where
    I: IntoIterator,
    I::IntoIter: Send + 'static,
    I::Item: Send + 'static,
{
    Iter { items: items.into_iter() }
}

/// See [`iter`].
#[derive(Debug)]
#[must_use = "a source does nothing until it is subscribed to"]
pub struct Iter<I> {
    items: I,
}

impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.items.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

/// What an async function of demand produces: it is called with how many items
/// are wanted, returns that many or fewer, and is called again for the rest:
/// demand that it does not meet is not lost. `None` is the end.
///
/// It is to wait until it has at least one item; if it returns none, it is
/// called again after other tasks have run. More than was asked for is a failure
/// of the source: there is no place for it.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, source};
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let sum = system.spawn(Sum(0), Push::bounded(8));
/// let mut page = 0;
/// // A service that gives at most 3 a call, whatever is asked for.
/// let pages = source::produce(move |n| {
///     page += 1;
///     let items: Vec<u64> = (0..n.get().min(3)).collect();
///     async move { Ok((page <= 4).then_some(items)) }
/// });
/// let end = system.subscribe(pages, &sum, Demand::window(8)).ended().await;
/// assert!(end.is_completed());
/// # assert!(sum.stats().taken >= 4);
/// # }
/// ```
pub fn produce<F, Fut, T>(produce: F) -> Produce<F>
where
    F: FnMut(NonZeroU64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Option<Vec<T>>, Fault>> + Send + 'static,
    T: Send + 'static,
{
    Produce { produce }
}

/// See [`produce`].
#[must_use = "a source does nothing until it is subscribed to"]
pub struct Produce<F> {
    produce: F,
}

impl<F, Fut, T> Source for Produce<F>
where
    F: FnMut(NonZeroU64) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Option<Vec<T>>, Fault>> + Send + 'static,
    T: Send + 'static,
{
    type Item = T;

    fn connect(self, emitter: Emitter<T>, spawner: &Spawner) {
        let mut produce = self.produce;
        let source = from_fn(move |mut emitter| async move {
            while let Ok(wanted) = emitter.ready().await {
                // It may take its time, and others send meanwhile.
                emitter.release();
                let items = match produce(wanted).await {
                    Ok(Some(items)) => items,
                    Ok(None) => return emitter.complete(),
                    Err(fault) => return emitter.fail(fault),
                };
                if items.len() as u64 > wanted.get() {
                    let much = format!("the source was asked for {wanted} items and produced {}", items.len());
                    return emitter.fail(Fault::msg(much));
                }
                if items.is_empty() {
                    let_others_run().await;
                }
                for item in items {
                    if emitter.send(item).await.is_err() {
                        return;
                    }
                }
            }
        });
        source.connect(emitter, spawner);
    }

    fn name(&self) -> Arc<str> {
        type_name::<F>()
    }
}

impl<F> fmt::Debug for Produce<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Produce").finish_non_exhaustive()
    }
}

async fn let_others_run() {
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

/// A source by hand: an async function that gets the [`Emitter`]. It is dropped
/// when the subscription is cancelled, wherever it waits; one that panics, or
/// returns without an end, has failed.
pub fn from_fn<F, Fut, T>(run: F) -> FromFn<F, T>
where
    F: FnOnce(Emitter<T>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
    T: Send + 'static,
{
    FromFn { run, items: std::marker::PhantomData }
}

/// See [`from_fn`].
#[must_use = "a source does nothing until it is subscribed to"]
pub struct FromFn<F, T> {
    run: F,
    items: std::marker::PhantomData<fn() -> T>,
}

impl<F, Fut, T> Source for FromFn<F, T>
where
    F: FnOnce(Emitter<T>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
    T: Send + 'static,
{
    type Item = T;

    fn connect(self, emitter: Emitter<T>, spawner: &Spawner) {
        let Some(line) = emitter.line() else { return };
        let run = self.run;
        spawner.spawn(async move {
            let mut running = pin!(run(emitter));
            poll_fn(|cx| {
                let polled = running.as_mut().poll(cx);
                line.look(Some(cx.waker()));
                if line.is_cancelled() { Poll::Ready(()) } else { polled }
            })
            .await;
        });
    }

    fn name(&self) -> Arc<str> {
        type_name::<F>()
    }
}

impl<F, T> fmt::Debug for FromFn<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}

const _: fn() = || {
    fn is_send<T: Send>() {}
    is_send::<Subscription>();
    is_send::<Emitter<u8>>();
};
