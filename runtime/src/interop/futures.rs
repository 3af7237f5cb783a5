//! Streams into actors and out of mailboxes, and actors as sinks.
//!
//! None of them has a buffer of its own: a stream is polled only when its item
//! can be delivered, so the mailbox is the only place where messages wait.

use std::fmt;
use std::future::Future;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use crate::actor::ActorRef;
use crate::actor::reserving::Reserving;
use crate::mailbox::{DropReason, Receiver, ReserveError, SendError};

/// Sends the items of `stream` to `actor` until it ends, and tells how many.
///
/// A grant is set aside first and the stream is polled then, so a stream is
/// never ahead of the actor: under pull it yields what was asked for and no
/// more. To feed an actor from its own hook, and no longer than its life, hand
/// this to [`Context::spawn`](crate::Context::spawn); a stream of other items is
/// fed through [`ActorRef::map`].
///
/// # Errors
/// [`ReserveError`] if the actor has ended or ends meanwhile, also while the stream
/// has nothing to give. Nothing is lost with it: an item is taken from the stream
/// when it can be sent. One whose actor ends in that very moment is a dead letter.
/// # Cancel safety
/// Cancel safe if the stream is.
/// # Examples
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::interop::futures::feed;
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sum = System::new().spawn(Sum(0), Pull::window(4));
/// let numbers = futures_util::stream::iter(1..=100);
/// assert_eq!(feed(numbers, &sum).await, Ok(100));
/// # }
/// ```
pub async fn feed<M: Send + 'static>(stream: impl Stream<Item = M>, actor: &ActorRef<M>) -> Result<u64, ReserveError> {
    let mut stream = pin!(stream);
    let mut ended = actor.stopped();
    let mut fed = 0;
    loop {
        let permit = match actor.try_reserve() {
            Ok(permit) => permit,
            Err(_) => actor.reserve().await?,
        };
        let next = poll_fn(|cx| match Pin::new(&mut ended).poll(cx) {
            Poll::Ready(_) => Poll::Ready(Err(ReserveError::Closed)),
            Poll::Pending => stream.as_mut().poll_next(cx).map(Ok),
        });
        let Some(item) = next.await? else { return Ok(fed) };
        let mut sent = permit.send(item);
        // The actor has ended, or its policy is another and the grant void.
        while let Err(error) = sent {
            match actor.reserve().await {
                Ok(permit) => sent = permit.send(error.into_message()),
                Err(ended) => {
                    actor.bury(DropReason::Stopped, error.into_message());
                    return Err(ended);
                }
            }
        }
        fed += 1;
    }
}

/// The messages of a mailbox, in order, until it is closed and drained. Under
/// pull, as far as they were [requested](Receiver::request).
impl<M: Send + 'static> Stream for Receiver<M> {
    type Item = M;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<M>> {
        self.poll_recv(cx)
    }
}

// Messages are moved out of it and never pinned in it.
impl<M: Send + 'static> Unpin for Receiver<M> {}

/// An actor as a `Sink`: ready when a grant is set aside for the next item.
///
/// Nothing is buffered here, so flushing is immediate; an item that was started
/// is in the mailbox. Closing the sink gives back a grant that was not used and
/// leaves the actor alone.
///
/// ```
/// # use tidegate::prelude::*;
/// use futures_util::{SinkExt, StreamExt, stream};
/// use tidegate::interop::futures::ActorSink;
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sum = System::new().spawn(Sum(0), Push::bounded(2));
/// let sink = ActorSink::new(sum.clone());
/// stream::iter(1..=10).map(Ok).forward(sink).await.unwrap();
/// sum.drain();
/// sum.stopped().await;
/// assert_eq!(sum.stats().handled, 10);
/// # }
/// ```
#[must_use = "a sink does nothing until something is sent"]
pub struct ActorSink<M> {
    grant: Reserving<M>,
}

impl<M: Send + 'static> ActorSink<M> {
    /// A sink into `actor`.
    pub fn new(actor: ActorRef<M>) -> Self {
        Self { grant: Reserving::new(actor) }
    }

    /// The actor behind it.
    #[must_use]
    pub fn actor(&self) -> &ActorRef<M> {
        self.grant.actor()
    }
}

impl<M> Unpin for ActorSink<M> {}

impl<M: Send + 'static> Sink<M> for ActorSink<M> {
    type Error = SendError<Option<M>>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.grant.poll(cx).map_err(|error| error.of(None))
    }

    /// # Panics
    /// If it was not ready, which the contract of `Sink` forbids.
    fn start_send(mut self: Pin<&mut Self>, item: M) -> Result<(), Self::Error> {
        let Some(permit) = self.grant.take() else { panic!("`start_send` without `poll_ready`") };
        permit.send(item).map_err(|error| error.map(Some))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.grant.release();
        Poll::Ready(Ok(()))
    }
}

impl<M: Send + 'static> fmt::Debug for ActorSink<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActorSink").field(self.actor()).finish()
    }
}
