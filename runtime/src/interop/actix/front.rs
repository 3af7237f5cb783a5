//! A mailbox of ours in front of an actix actor.

use std::fmt;

use actix::{Message, Recipient};

use crate::actor::{Actor, Context, Fault, Reply};

/// Stands in front of an actix actor, so that a mailbox of ours, push or pull,
/// bounded as it says, decides what reaches it. Spawn it as any actor.
///
/// It hands one message on at a time and waits until the actix actor has
/// answered, so what queues, queues here, where it is bounded, counted and
/// seen. Order is kept.
///
/// When the actix actor has ended, the next message fails it: it stops, or is
/// begun anew if its factory makes another actix actor. That message counts as
/// handled; those behind it are dead letters.
///
/// ```
/// use actix::Actor as _;
/// use tidegate::interop::actix::{Front, Request};
/// use tidegate::prelude::*;
///
/// struct Doubler;
/// impl actix::Actor for Doubler { type Context = actix::Context<Self>; }
/// struct Double(u64);
/// impl actix::Message for Double { type Result = u64; }
/// impl actix::Handler<Double> for Doubler {
///     type Result = u64;
///     fn handle(&mut self, Double(n): Double, _: &mut Self::Context) -> u64 { 2 * n }
/// }
///
/// actix::System::new().block_on(async {
///     let doubler = Doubler.start();
///     let front = System::new().spawn(Front::new(doubler), Pull::window(4));
///     assert_eq!(front.ask(|reply| Request::Ask(Double(21), reply)).await.unwrap(), 42);
/// });
/// ```
pub struct Front<M>
where
    M: Message + Send,
    M::Result: Send,
{
    to: Recipient<M>,
}

/// What a [`Front`] takes: a message for the actix actor, and who is to have its
/// answer.
///
/// A reference that takes the messages alone is
/// `front.map(Request::Tell)`.
pub enum Request<M: Message> {
    /// Nobody wants the answer.
    Tell(M),
    /// The answer goes there.
    Ask(M, Reply<M::Result>),
}

impl<M> Front<M>
where
    M: Message + Send,
    M::Result: Send,
{
    /// In front of an actix actor, given by its address or as a recipient.
    pub fn new(to: impl Into<Recipient<M>>) -> Self {
        Self { to: to.into() }
    }
}

impl<M> Actor for Front<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    type Msg = Request<M>;

    async fn handle(&mut self, request: Request<M>, _cx: &mut Context<Self>) -> Result<(), Fault> {
        let (message, reply) = match request {
            Request::Tell(message) => (message, None),
            Request::Ask(_, reply) if reply.is_unwanted() => return Ok(()),
            Request::Ask(message, reply) => (message, Some(reply)),
        };
        match (self.to.send(message).await, reply) {
            (Ok(answer), Some(reply)) => {
                // Nobody there any more wants none.
                let _ = reply.send(answer);
                Ok(())
            }
            (Ok(_), None) => Ok(()),
            // It chose not to answer; whoever asked hears that from the reply.
            (Err(_), _) if self.to.connected() => Ok(()),
            (Err(_), _) => Err(Fault::msg("the actix actor has ended")),
        }
    }
}

impl<M> fmt::Debug for Front<M>
where
    M: Message + Send,
    M::Result: Send,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("connected", &self.to.connected()).finish_non_exhaustive()
    }
}

impl<M: Message> fmt::Debug for Request<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tell(_) => "Tell(..)",
            Self::Ask(..) => "Ask(..)",
        })
    }
}
