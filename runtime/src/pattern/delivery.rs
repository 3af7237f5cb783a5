//! At least once, within a process: a message is kept until somebody says that
//! it is done, and delivered again until then.
//!
//! | file | what it is |
//! |---|---|
//! | this one | [`Delivery`] and [`Receipt`]: what a receiver holds and answers with |
//! | [`ledger`] | what is known of every message, as a state machine without a clock |
//! | [`terms`] | how messages are delivered, and how it went |
//! | [`keys`] | which messages wait for others, and whom they belong to |
//! | [`targets`] | who may be sent to, and how many more |
//! | [`desk`] | the ledger as it is shared |
//! | [`pump`] | the task that sends, sends again, and keeps the deadlines |
//! | [`courier`] | an actor before one other actor |
//! | [`quarantine`] | what could not be handled |
//!
//! [`Workers`](super::Workers) is made of the same parts.

pub(super) mod courier;
pub(super) mod desk;
pub(super) mod keys;
pub(super) mod ledger;
pub(super) mod pump;
pub(super) mod quarantine;
pub(super) mod targets;
pub(super) mod terms;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::actor::ActorId;
use crate::sync::counter::Flag;

/// Which message, the same in each of its deliveries: what
/// [`Dedup`](super::Dedup) goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct DeliveryId {
    /// The courier or hub that delivers it.
    pub source: ActorId,
    /// The how manieth message of that source, from 0.
    pub sequence: u64,
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.source, self.sequence)
    }
}

/// One delivery of one message: it says which, and wants to be told what came
/// of it.
///
/// [`ack`](Self::ack) when the work is done. Dropped without that, it is
/// delivered again, after a while: by a handler that fails, panics, is killed or
/// interrupted, or by a mailbox that ends or drops it. So a handler looks at the
/// message where it is, and lets `?` do the rest:
///
/// ```
/// # use tidegate::prelude::*; use tidegate::pattern::Delivery;
/// # struct Order; struct Billing;
/// # impl Billing { async fn charge(&mut self, _: &Order) -> Result<(), Fault> { Ok(()) } }
/// impl Actor for Billing {
///     type Msg = Delivery<Order>;
///     async fn handle(&mut self, order: Delivery<Order>, _: &mut Context<Self>) -> Result<(), Fault> {
///         self.charge(&order).await?;
///         order.ack();
///         Ok(())
///     }
/// }
/// ```
///
/// The message goes back to its source when a delivery is dropped, so it need
/// not be `Clone`; with deadlines for acknowledgement the source keeps a copy,
/// and then it must be. A reference to it can be held across an `await` only if
/// the message is `Sync`, as always.
#[must_use = "dropped without `ack`, the message is delivered again"]
pub struct Delivery<M> {
    message: Option<M>,
    slip: Option<Slip>,
    custody: Arc<dyn Custody<M>>,
    opened: Flag,
}

/// What says which sending of which message to whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slip {
    pub(super) id: DeliveryId,
    pub(super) attempt: u32,
    pub(super) ticket: u64,
    pub(super) target: u64,
}

/// How a delivery comes back unacknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Return {
    /// To be tried again, after the backoff.
    Nack,
    /// To be tried again, after so long.
    Later(Duration),
    /// Of no use to try again.
    Reject,
}

/// Where acknowledgements go.
pub(super) trait Settle: Send + Sync {
    /// `true`: the first for this message.
    fn ack(&self, slip: Slip) -> bool;
    fn give_back(&self, slip: Slip, how: Return);
    fn extend(&self, slip: Slip) -> bool;
}

/// Where messages go back to.
pub(super) trait Custody<M>: Settle {
    fn take_back(&self, slip: Slip, message: Option<M>, how: Return, opened: bool);
}

impl<M> Delivery<M> {
    pub(super) fn new(message: M, slip: Slip, custody: Arc<dyn Custody<M>>) -> Self {
        Self { message: Some(message), slip: Some(slip), custody, opened: Flag::new() }
    }

    fn slip(&self) -> Slip {
        match self.slip {
            Some(slip) => slip,
            None => unreachable!("a delivery that was settled is gone"),
        }
    }

    /// Which message this is.
    #[must_use]
    pub fn id(&self) -> DeliveryId {
        self.slip().id
    }

    /// The how manieth try, from 1. More than 1 means that it *may* have been
    /// handled before: the acknowledgement can be what was lost.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.slip().attempt
    }

    /// Rises with every delivery of one source: what Kleppmann calls a fencing
    /// token ("How to do distributed locking", 2016).
    ///
    /// A store that remembers the highest it has seen of each key, and refuses
    /// writes with a lower one, is safe from a worker that was late and works on
    /// without knowing it.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.slip().ticket
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &M {
        if !self.opened.is_raised() {
            self.opened.raise();
        }
        match &self.message {
            Some(message) => message,
            None => unreachable!("a delivery without its message is gone"),
        }
    }

    /// The work is done: it is not delivered again. `false` if it was
    /// acknowledged before, in another attempt, or has been given up.
    #[allow(clippy::must_use_candidate)]
    pub fn ack(mut self) -> bool {
        self.slip.take().is_some_and(|slip| self.custody.ack(slip))
    }

    /// The work could not be done: to be delivered again, after the backoff.
    /// The same as dropping it.
    pub fn nack(mut self) {
        self.back(Return::Nack);
    }

    /// As [`nack`](Self::nack), with a delay of your own instead of the backoff:
    /// for work that depends on something whose time is known, a rate limit for
    /// instance. It counts as an attempt.
    pub fn nack_after(mut self, delay: Duration) {
        self.back(Return::Later(delay));
    }

    /// The work can never be done: to the quarantine, without further attempts.
    pub fn reject(mut self) {
        self.back(Return::Reject);
    }

    /// Begins the time in which it is to be acknowledged anew: for work that
    /// takes long, now and then. `false` if it was too late, and the message has
    /// been delivered again, or there is no such time.
    #[allow(clippy::must_use_candidate)]
    pub fn extend(&self) -> bool {
        self.custody.extend(self.slip())
    }

    fn back(&mut self, how: Return) {
        if let Some(slip) = self.slip.take() {
            self.custody.take_back(slip, self.message.take(), how, self.opened.is_raised());
        }
    }
}

impl<M: 'static> Delivery<M> {
    /// The message, and what acknowledges it: for work that goes on after the
    /// handler has returned, or that uses the message up.
    ///
    /// If the receipt is dropped then and the source keeps no copy, the message
    /// cannot be delivered again: it is counted as
    /// [`Interrupted`](crate::DropReason::Interrupted).
    pub fn into_parts(mut self) -> (M, Receipt) {
        match (self.message.take(), self.slip.take()) {
            (Some(message), Some(slip)) => {
                let desk: Arc<dyn Settle> = Arc::clone(&self.custody) as _;
                (message, Receipt { slip: Some(slip), desk })
            }
            _ => unreachable!("a delivery that was settled is gone"),
        }
    }
}

impl<M> Deref for Delivery<M> {
    type Target = M;

    fn deref(&self) -> &M {
        self.message()
    }
}

impl<M> Drop for Delivery<M> {
    fn drop(&mut self) {
        self.back(Return::Nack);
    }
}

impl<M> fmt::Debug for Delivery<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.slip {
            Some(slip) => write!(f, "Delivery({}, attempt {})", slip.id, slip.attempt),
            None => f.write_str("Delivery(settled)"),
        }
    }
}

/// The right to acknowledge one delivery, apart from its message.
#[must_use = "dropped without `ack`, the message is delivered again"]
pub struct Receipt {
    slip: Option<Slip>,
    desk: Arc<dyn Settle>,
}

impl Receipt {
    /// As [`Delivery::ack`].
    #[allow(clippy::must_use_candidate)]
    pub fn ack(mut self) -> bool {
        self.slip.take().is_some_and(|slip| self.desk.ack(slip))
    }

    /// As [`Delivery::nack`].
    pub fn nack(mut self) {
        self.back(Return::Nack);
    }

    /// As [`Delivery::nack_after`].
    pub fn nack_after(mut self, delay: Duration) {
        self.back(Return::Later(delay));
    }

    /// As [`Delivery::reject`].
    pub fn reject(mut self) {
        self.back(Return::Reject);
    }

    /// As [`Delivery::extend`].
    #[allow(clippy::must_use_candidate)]
    pub fn extend(&self) -> bool {
        self.slip.is_some_and(|slip| self.desk.extend(slip))
    }

    fn back(&mut self, how: Return) {
        if let Some(slip) = self.slip.take() {
            self.desk.give_back(slip, how);
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.back(Return::Nack);
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("id", &self.slip.map(|slip| slip.id)).finish_non_exhaustive()
    }
}
