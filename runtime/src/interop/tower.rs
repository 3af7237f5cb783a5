//! Actors as tower services.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower_service::Service;

use crate::actor::reserving::Reserving;
use crate::actor::{ActorRef, AnswerFuture, AskError, Reply};
use crate::mailbox::SendError;

/// An actor as a `tower::Service`: `poll_ready` sets a grant aside, and `call`
/// uses it for a question. So what stands before it in the stack (load
/// shedding, concurrency limits, balancing) sees the actor's own backpressure.
///
/// A clone has no grant of its own until it is ready. A service that is ready
/// and never called holds its grant until it is dropped: with many clones the
/// mailbox's capacity has to exceed their number.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::interop::tower::ActorService;
/// use tower_service::Service;
/// # struct Doubler; enum Msg { Double(u64, Reply<u64>) }
/// # impl Actor for Doubler { type Msg = Msg;
/// # async fn handle(&mut self, Msg::Double(n, reply): Msg, _: &mut Context<Self>) -> Result<(), Fault> {
/// # let _ = reply.send(2 * n); Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let doubler = System::new().spawn(Doubler, Push::bounded(8));
/// let mut service = ActorService::new(doubler, Msg::Double);
/// std::future::poll_fn(|cx| service.poll_ready(cx)).await.unwrap();
/// assert_eq!(service.call(21).await.unwrap(), 42);
/// # }
/// ```
#[must_use = "a service does nothing until it is called"]
pub struct ActorService<M, Q, R> {
    grant: Reserving<M>,
    question: Arc<dyn Fn(Q, Reply<R>) -> M + Send + Sync>,
}

impl<M: Send + 'static, Q, R> ActorService<M, Q, R> {
    /// A service that makes each request a message with `question`.
    pub fn new(actor: ActorRef<M>, question: impl Fn(Q, Reply<R>) -> M + Send + Sync + 'static) -> Self {
        Self { grant: Reserving::new(actor), question: Arc::new(question) }
    }
}

impl<M: Send + 'static, Q, R> Service<Q> for ActorService<M, Q, R> {
    type Response = R;
    type Error = AskError<()>;
    type Future = Answering<R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.grant.poll(cx).map_err(|error| AskError::Refused(error.of(())))
    }

    /// # Panics
    /// If it was not ready, which the contract of `Service` forbids.
    fn call(&mut self, request: Q) -> Self::Future {
        let Some(permit) = self.grant.take() else { panic!("`call` without `poll_ready`") };
        let (reply, answer) = Reply::channel();
        // Dropped with the question if the actor has gone meanwhile: the answer
        // says so.
        let refused = permit.send((self.question)(request, reply)).is_err();
        Answering { answer, refused }
    }
}

impl<M: Send + 'static, Q, R> Clone for ActorService<M, Q, R> {
    fn clone(&self) -> Self {
        Self { grant: Reserving::new(self.grant.actor().clone()), question: Arc::clone(&self.question) }
    }
}

impl<M: Send + 'static, Q, R> fmt::Debug for ActorService<M, Q, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ActorService").field(self.grant.actor()).finish()
    }
}

/// The future of an [`ActorService`]'s answer.
///
/// # Errors
/// [`AskError::Refused`] if the actor ended before the question was let in,
/// [`AskError::NoReply`] if it will not be answered.
#[derive(Debug)]
#[must_use = "this waits when it is awaited"]
pub struct Answering<R> {
    answer: AnswerFuture<R>,
    refused: bool,
}

impl<R> Future for Answering<R> {
    type Output = Result<R, AskError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.refused {
            return Poll::Ready(Err(AskError::Refused(SendError::Closed(()))));
        }
        Pin::new(&mut self.answer).poll(cx).map(|answer| answer.ok_or(AskError::NoReply))
    }
}
