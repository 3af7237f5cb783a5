//! Our actors as actix recipients.
//!
//! Behind each recipient is a small actix actor on the arbiter where it was
//! made. It waits for grants in the order of its messages, and ends with our
//! actor, which is when the recipient is no longer connected.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix::dev::{MessageResponse, OneshotSender};
use actix::fut::wrap_future;
use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient};

use crate::actor::{ActorRef, AnswerFuture, AskError, Reply};
use crate::mailbox::{Admission, DropReason, SendError};

/// A message for one of our actors, whose result says what became of it: for
/// [`teller`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tell<M>(pub M);

impl<M: 'static> Message for Tell<M> {
    type Result = Result<Admission, SendError<M>>;
}

/// Our actor as a recipient of messages without a result.
///
/// `send` resolves when the message was let in. There is nobody to hand a
/// refused one back to: it goes to the dead letters, as
/// [`Stopped`](DropReason::Stopped) if the actor has ended and as
/// [`DropNewest`](DropReason::DropNewest) if a policy refused it.
///
/// # Panics
/// If there is no arbiter on this thread.
///
/// ```
/// use tidegate::interop::actix::recipient;
/// use tidegate::prelude::*;
/// struct Tick(u64);
/// impl actix::Message for Tick { type Result = (); }
/// # struct Count(u64); impl Actor for Count { type Msg = Tick;
/// # async fn handle(&mut self, tick: Tick, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += tick.0; Ok(()) } }
/// actix::System::new().block_on(async {
///     let count = System::new().spawn(Count(0), Push::bounded(8));
///     let ticks: actix::Recipient<Tick> = recipient(&count);
///     ticks.send(Tick(1)).await.unwrap();
///     count.drain();
///     count.stopped().await;
///     assert_eq!(count.stats().handled, 1);
/// });
/// ```
pub fn recipient<M>(to: &ActorRef<M>) -> Recipient<M>
where
    M: Message<Result = ()> + Send + Unpin + 'static,
{
    Outlet { to: to.clone() }.start().recipient()
}

/// Our actor as a recipient that answers whether a message was let in, and
/// hands it back if not.
///
/// # Panics
/// If there is no arbiter on this thread.
pub fn teller<M: Send + Unpin + 'static>(to: &ActorRef<M>) -> Recipient<Tell<M>> {
    Outlet { to: to.clone() }.start().recipient()
}

/// Our actor as a recipient that answers: `question` makes a message of what is
/// asked and the reply to be sent.
///
/// Questions are let in one after the other; while one waits for its answer the
/// next may be let in.
///
/// # Panics
/// If there is no arbiter on this thread.
///
/// ```
/// use tidegate::interop::actix::asker;
/// use tidegate::prelude::*;
/// use tidegate::AskError;
/// struct Double(u64);
/// impl actix::Message for Double { type Result = Result<u64, AskError<()>>; }
/// struct Doubler;
/// impl Actor for Doubler {
///     type Msg = (u64, Reply<u64>);
///     async fn handle(&mut self, (n, reply): Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
///         let _ = reply.send(2 * n);
///         Ok(())
///     }
/// }
/// actix::System::new().block_on(async {
///     let doubler = System::new().spawn(Doubler, Push::bounded(8));
///     let double = asker(&doubler, |Double(n), reply| (n, reply));
///     assert_eq!(double.send(Double(21)).await.unwrap().unwrap(), 42);
/// });
/// ```
pub fn asker<Q, R, M>(to: &ActorRef<M>, question: impl Fn(Q, Reply<R>) -> M + Unpin + 'static) -> Recipient<Q>
where
    Q: Message<Result = Result<R, AskError<()>>> + Send + 'static,
    R: Send + 'static,
    M: Send + 'static,
{
    Questions { to: to.clone(), question, types: PhantomData }.start().recipient()
}

/// Ends the actix actor when ours has ended.
fn follow<A, M>(to: &ActorRef<M>, ctx: &mut Context<A>)
where
    A: Actor<Context = Context<A>>,
{
    ctx.spawn(wrap_future::<_, A>(to.stopped()).map(|_, _, ctx: &mut Context<A>| ctx.stop()));
}

struct Outlet<M> {
    to: ActorRef<M>,
}

impl<M: Send + Unpin + 'static> Actor for Outlet<M> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        follow(&self.to, ctx);
    }
}

impl<M: Send + Unpin + 'static> Handler<Tell<M>> for Outlet<M> {
    type Result = Admitting<<Tell<M> as Message>::Result>;

    fn handle(&mut self, Tell(message): Tell<M>, _: &mut Self::Context) -> Self::Result {
        let to = self.to.clone();
        Admitting(Box::pin(async move { to.tell(message).await }))
    }
}

impl<M> Handler<M> for Outlet<M>
where
    M: Message<Result = ()> + Send + Unpin + 'static,
{
    type Result = Admitting<()>;

    fn handle(&mut self, message: M, _: &mut Self::Context) -> Self::Result {
        let to = self.to.clone();
        Admitting(Box::pin(async move {
            if let Err(error) = to.tell(message).await {
                let reason = match &error {
                    SendError::Closed(_) => DropReason::Stopped,
                    _ => DropReason::DropNewest,
                };
                let life = to.life();
                life.world.dead.bury(reason, &life.path.0, std::iter::once(Some(error.into_message())));
            }
        }))
    }
}

/// A message on its way. The next one waits until it is let in.
struct Admitting<T>(Pin<Box<dyn Future<Output = T>>>);

impl<A, M> MessageResponse<A, M> for Admitting<M::Result>
where
    A: Actor<Context = Context<A>>,
    M: Message,
{
    fn handle(self, ctx: &mut Context<A>, tx: Option<OneshotSender<M::Result>>) {
        ctx.wait(wrap_future::<_, A>(self.0).map(move |result, _, _: &mut Context<A>| {
            // Whoever sent it may have gone.
            tx.map(|tx| tx.send(result));
        }));
    }
}

struct Questions<Q, R, M, F> {
    to: ActorRef<M>,
    question: F,
    types: PhantomData<fn(Q) -> R>,
}

impl<Q, R, M, F> Actor for Questions<Q, R, M, F>
where
    Q: 'static,
    R: 'static,
    M: Send + 'static,
    F: Fn(Q, Reply<R>) -> M + Unpin + 'static,
{
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        follow(&self.to, ctx);
    }
}

impl<Q, R, M, F> Handler<Q> for Questions<Q, R, M, F>
where
    Q: Message<Result = Result<R, AskError<()>>> + 'static,
    R: Send + 'static,
    M: Send + 'static,
    F: Fn(Q, Reply<R>) -> M + Unpin + 'static,
{
    type Result = Asked<R>;

    fn handle(&mut self, asked: Q, _: &mut Self::Context) -> Asked<R> {
        let (reply, answer) = Reply::channel();
        let (to, message) = (self.to.clone(), (self.question)(asked, reply));
        Asked {
            admitted: Box::pin(
                async move { to.tell(message).await.map_err(|error| AskError::Refused(error.map(drop))) },
            ),
            answer,
        }
    }
}

/// A question on its way.
struct Asked<R> {
    admitted: Pin<Box<dyn Future<Output = Result<Admission, AskError<()>>>>>,
    answer: AnswerFuture<R>,
}

impl<A, Q, R> MessageResponse<A, Q> for Asked<R>
where
    A: Actor<Context = Context<A>>,
    Q: Message<Result = Result<R, AskError<()>>>,
    R: 'static,
{
    fn handle(self, ctx: &mut Context<A>, tx: Option<OneshotSender<Q::Result>>) {
        let Self { admitted, answer } = self;
        let settle = move |result| {
            // Whoever asked may have gone.
            tx.map(|tx| tx.send(result));
        };
        // Nothing else until it is let in: questions keep their order.
        ctx.wait(wrap_future::<_, A>(admitted).map(move |admitted, _, ctx: &mut Context<A>| match admitted {
            Err(refused) => settle(Err(refused)),
            Ok(_) => {
                ctx.spawn(wrap_future(async move { settle(answer.await.ok_or(AskError::NoReply)) }));
            }
        }));
    }
}

impl<M> fmt::Debug for Outlet<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Outlet").field(&self.to).finish()
    }
}
