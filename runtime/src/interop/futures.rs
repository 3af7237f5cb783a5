//! Actors as sinks. Streams into actors need no bridge: each is a
//! [`Source`](crate::flow::Source).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_sink::Sink;

use crate::actor::ActorRef;
use crate::actor::reserving::Reserving;
use crate::mailbox::SendError;

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
