//! An actor before another: what it is given is delivered until it is
//! acknowledged.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::Delivery;
use super::desk::Desk;
use super::pump::Pump;
use super::quarantine::Quarantine;
use super::terms::{DeliveryStats, Terms};
use crate::actor::reference::Halt;
use crate::actor::{Actor, ActorRef, Context, Fault, StopReason};
use crate::mailbox::Mailbox;
use crate::supervision::Backoff;
use crate::sync::access;
use crate::system::{Phase, System};

/// Delivers at least once, within a process: an actor that stands before
/// another, and gives each message to it until it is acknowledged.
///
/// Producers send plain messages to [`actor_ref`](Self::actor_ref); the target
/// gets [`Delivery`]s. What is not acknowledged comes again, after a
/// [backoff](CourierBuilder::backoff): when the handler fails, panics, drops the
/// delivery or says [`nack`](Delivery::nack), when the target's mailbox drops
/// it, and, with a [limit](CourierBuilder::ack_within), when it takes too long.
/// After so many [attempts](CourierBuilder::attempts) it is put into
/// [`quarantine`](Self::quarantine).
///
/// # What it holds
/// At most [`window`](CourierBuilder::window) messages from the oldest one that
/// is unsettled to the newest: then it takes no more, its mailbox fills, and
/// producers wait.
///
/// # Order
/// First attempts are in the order of the courier's mailbox. What comes again
/// comes later than what was sent meanwhile, so only a window of 1 keeps the
/// order whatever happens, and waits for each acknowledgement.
///
/// # How it ends
/// [Drained](ActorRef::drain) it ends when all it accepted is settled. When the
/// target ends it drains too, and what nobody can take any more goes to the
/// dead letters as [`Stopped`](crate::DropReason::Stopped); see
/// [`wait_for_successor`](CourierBuilder::wait_for_successor). In a shutdown its
/// turn comes [before](CourierBuilder::phase) that of its target.
///
/// A delivery that the target's mailbox drops unhandled is counted there as a
/// dead letter, and delivered again nevertheless.
///
/// ```
/// use tidegate::pattern::{Courier, Delivery};
/// use tidegate::prelude::*;
///
/// /// Fails at first.
/// struct Flaky(u32);
/// impl Actor for Flaky {
///     type Msg = Delivery<&'static str>;
///     async fn handle(&mut self, order: Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
///         self.0 += 1;
///         if self.0 < 3 {
///             return Ok(()); // dropped: not done
///         }
///         assert_eq!((*order, order.attempt()), ("an order", 3));
///         order.ack();
///         Ok(())
///     }
/// }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let system = System::new();
/// let flaky = system.spawn(Flaky(0), Push::bounded(8));
/// let courier = Courier::to(&flaky).spawn(&system);
/// courier.actor_ref().tell("an order").await.unwrap();
/// courier.actor_ref().drain();
/// courier.actor_ref().stopped().await;
/// assert_eq!((courier.stats().acked, courier.stats().redelivered), (1, 2));
/// # }
/// ```
pub struct Courier<M> {
    desk: Arc<Desk<M>>,
    actor: ActorRef<M>,
}

impl<M: Send + 'static> Courier<M> {
    /// Begins to make a courier that delivers to `target`. For an actor that
    /// takes other messages too, `target` is [mapped](ActorRef::map):
    /// `Courier::to(&shop.map(Msg::Order))`.
    pub fn to(target: &ActorRef<Delivery<M>>) -> CourierBuilder<M> {
        let terms = Terms { sliding: true, needs_target: true, ..Terms::new(64) };
        CourierBuilder { target: target.clone(), name: None, mailbox: Mailbox::default(), phase: None, terms }
    }

    /// What producers send to.
    #[must_use]
    pub fn actor_ref(&self) -> &ActorRef<M> {
        &self.actor
    }

    /// What became of the messages so far.
    #[must_use]
    pub fn stats(&self) -> DeliveryStats {
        self.desk.stats()
    }

    /// The messages that were given up.
    #[must_use]
    pub fn quarantine(&self) -> Quarantine<M> {
        Quarantine::new(&self.desk)
    }

    /// Delivers to `target` from now on. What the one before holds it may still
    /// acknowledge. Without effect if the courier has ended.
    pub fn redirect(&self, target: &ActorRef<Delivery<M>>) {
        self.desk.replace(target);
    }
}

impl<M> Clone for Courier<M> {
    fn clone(&self) -> Self {
        Self { desk: Arc::clone(&self.desk), actor: self.actor.clone() }
    }
}

impl<M> fmt::Debug for Courier<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Courier").field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// Everything about a courier to be; see [`Courier::to`].
#[must_use = "a courier is made by `spawn`"]
pub struct CourierBuilder<M> {
    target: ActorRef<Delivery<M>>,
    name: Option<String>,
    mailbox: Mailbox<M>,
    /// `None`: just before its target.
    phase: Option<Phase>,
    terms: Terms<M>,
}

impl<M: Send + 'static> CourierBuilder<M> {
    /// A name for its path.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What producers meet: how many messages may wait, and what then. The
    /// default is [`Push::bounded(1024)`](crate::Push::bounded).
    pub fn mailbox(mut self, mailbox: impl Into<Mailbox<M>>) -> Self {
        self.mailbox = mailbox.into();
        self
    }

    /// When its turn comes in a shutdown. The default is just before its
    /// target's: what it accepted is delivered while its target is still at
    /// work. Its producers belong into an earlier phase: before a target in
    /// [`Phase::WORK`] into [`Phase::INTAKE`], before one in [`Phase::STATE`]
    /// they may be in [`Phase::WORK`].
    pub fn phase(mut self, phase: Phase) -> Self {
        self.phase = Some(phase);
        self
    }

    /// How far it delivers ahead of the oldest message that is unsettled. The
    /// default is 64; at least 1.
    pub fn window(mut self, messages: usize) -> Self {
        self.terms.window = messages.max(1);
        self
    }

    /// After how many failed attempts a message is given up. The default is 5;
    /// at least 1. Deliveries that come back unopened from an actor that has
    /// ended do not count.
    pub fn attempts(mut self, most: u32) -> Self {
        self.terms.attempts = most.max(1);
        self
    }

    /// How long it waits between the attempts. The default is 100 ms, growing to
    /// 10 s, with a fifth of jitter.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.terms.backoff = backoff;
        self
    }

    /// How many messages that were given up are kept, for somebody to look at.
    /// The default is 128; one more goes to the dead letters with its message.
    pub fn keep(mut self, quarantined: usize) -> Self {
        self.terms.keep = quarantined;
        self
    }

    /// When the target ends, waits for [another](Courier::redirect) instead of
    /// ending too. Until then producers wait.
    pub fn wait_for_successor(mut self) -> Self {
        self.terms.needs_target = false;
        self
    }

    /// Starts it.
    pub fn spawn(self, system: &System) -> Courier<M> {
        let window = self.terms.window;
        let phase = self.phase.unwrap_or_else(|| {
            let target = system.phase_of(self.target.life()).unwrap_or_default();
            Phase::new(target.order().saturating_sub(1))
        });
        let desk = Desk::new(self.terms, system);
        // All of the window may be with the target: its own mailbox bounds it further.
        desk.join(&self.target, window);
        let actor = Clerk::spawn(&desk, system, self.name, self.mailbox, phase);
        Courier { desk, actor }
    }
}

impl<M: Clone + Send + 'static> CourierBuilder<M> {
    /// How long an acknowledgement may take, from when a delivery is in the
    /// target's mailbox; see [`Delivery::extend`]. The default is for ever.
    ///
    /// A late delivery is still out there, so a copy of each message is kept to
    /// be delivered again. Whoever has the first may still acknowledge it.
    pub fn ack_within(mut self, limit: Duration) -> Self {
        self.terms.ack_within = Some(limit);
        self.keep_copies()
    }

    /// Keeps a copy of each message, so that it can be delivered again even if a
    /// receiver has [taken it apart](Delivery::into_parts) and failed.
    pub fn keep_copies(mut self) -> Self {
        self.terms.copy = Some(M::clone);
        self
    }
}

impl<M> fmt::Debug for CourierBuilder<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CourierBuilder").field("target", &self.target).finish_non_exhaustive()
    }
}

/// The actor of couriers and hubs: takes from its mailbox what there is room for.
pub(crate) struct Clerk<M: Send + 'static> {
    desk: Arc<Desk<M>>,
}

impl<M: Send + 'static> Clerk<M> {
    pub(crate) fn spawn(
        desk: &Arc<Desk<M>>,
        system: &System,
        name: Option<String>,
        mailbox: Mailbox<M>,
        phase: Phase,
    ) -> ActorRef<M> {
        let mut clerk = Some(Self { desk: Arc::clone(desk) });
        let spawn = system.build(move || match clerk.take() {
            Some(clerk) => clerk,
            None => unreachable!("it is never begun anew"),
        });
        let spawn = spawn.mailbox(mailbox).phase(phase);
        match name {
            Some(name) => spawn.named(name).spawn(),
            None => spawn.spawn(),
        }
    }
}

impl<M: Send + 'static> Actor for Clerk<M> {
    type Msg = M;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        let me = cx.me();
        self.desk.belongs_to(me.id(), cx.path());
        cx.spawn(Pump::new(Arc::clone(&self.desk), me, false));
        Ok(())
    }

    async fn handle(&mut self, message: M, cx: &mut Context<Self>) -> Result<(), Fault> {
        let desk = &self.desk;
        let stopping = poll_fn(move |task| {
            // Explored, it was taken in one step, and is sent on in another.
            if access::pass(task).is_pending() {
                return Poll::Pending;
            }
            // Told to stop it does not wait for what may never come; told to
            // drain it does, unless nobody is there to work.
            let ending = match cx.ordered() {
                Some(Halt::Stop | Halt::Kill) => return Poll::Ready(true),
                Some(Halt::Drain) => true,
                None => cx.is_closed(),
            };
            desk.poll_room(ending, task.waker()).map(|()| false)
        })
        .await;
        if stopping {
            self.desk.close();
        }
        self.desk.accept(message);
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) {
        if matches!(reason, StopReason::Drained) {
            let mut pump = pin!(Pump::new(Arc::clone(&self.desk), cx.me(), true));
            poll_fn(move |task| match cx.ordered() {
                Some(Halt::Stop) => Poll::Ready(()),
                _ => pump.as_mut().poll(task),
            })
            .await;
        }
    }
}

impl<M: Send + 'static> Drop for Clerk<M> {
    fn drop(&mut self) {
        self.desk.close();
    }
}
