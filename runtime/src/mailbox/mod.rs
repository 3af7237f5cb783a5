//! Floor 2: mailboxes.
//!
//! # Trade-offs first
//! A mailbox here is bounded unless it says otherwise, has one receiver, and
//! keeps the order of each sender. Between senders no order is promised. A
//! waiting sender costs a lock on the way to sleep and one on the way back;
//! one that finds a grant costs two atomic operations and no lock, whatever
//! the mode. The evicting policies take a short lock for each message.
//!
//! # One number
//! Every accepted message has a sequence number, and a sender may claim
//! sequence `t` only while `t < min(requested, taken + capacity)`. Push is
//! demand without end, pull is demand that the receiver moves, adaptive
//! changes between the two. See [`Push`], [`Pull`], [`Adaptive`], and
//! [`Overflow`] for what a sender meets without a grant.
//!
//! A mailbox can be used without an actor: [`channel`].

pub(crate) mod account;
mod adaptive;
mod buffer;
mod config;
pub(crate) mod core;
mod dead_letters;
mod error;
mod histogram;
pub(crate) mod item;
pub(crate) mod leash;
#[cfg(feature = "metrics")]
pub(crate) mod meter;
#[cfg(all(test, tidegate_loom))]
mod model;
mod modes;
#[cfg(feature = "metrics")]
pub(crate) mod observed;
pub(crate) mod permit;
mod pressure;
pub(crate) mod receiver;
mod sender;
#[cfg(feature = "serde")]
mod settings;
mod stats;
mod telling;

use std::any::Any;
use std::cell::RefCell;
use std::sync::Arc as StdArc;

pub use self::config::{Mailbox, Mode, Overflow, Watermarks};
pub use self::core::{ModeSwitch, SwitchReason};
pub use self::dead_letters::{DeadLetter, DeadLetterSubscription, DeadLetters, DropCounts, DropReason};
pub use self::error::{
    Admission, Closed, Cycle, Deadlock, ReserveError, ReserveManyError, SendError, TellWithinError, TryReserveError,
};
pub use self::histogram::{Bucket, Histogram, Timing};
pub use self::modes::{Adaptive, Pull, Push, Strategy, Thresholds};
pub use self::permit::{Permit, Permits};
pub use self::pressure::{Level, Pressure};
pub use self::receiver::{Receiver, TryRecvError};
pub use self::sender::{Reserve, ReserveMany, Sender, Tell, WeakSender};
#[cfg(feature = "serde")]
pub use self::settings::{ConfigError, MailboxConfig};
pub use self::stats::MailboxStats;
#[cfg(feature = "serde")]
pub(crate) use self::stats::{maybe_seconds, seconds};

use crate::sync::shim::Arc;

/// A mailbox on its own: both ends of it, without an actor.
///
/// An adaptive mailbox needs an actor to observe the load; on its own it
/// pushes.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use tidegate::{Pull, SendError, mailbox};
/// let (tx, mut rx) = mailbox::channel(Pull::manual());
/// assert!(matches!(tx.try_tell(1), Err(SendError::NoDemand(1))));
/// rx.request(2);
/// tx.tell(1).await.unwrap();
/// tx.tell(2).await.unwrap();
/// assert!(tx.try_tell(3).is_err());
/// assert_eq!((rx.recv().await, rx.recv().await), (Some(1), Some(2)));
/// # }
/// ```
pub fn channel<M: Send + 'static>(mailbox: impl Into<Mailbox<M>>) -> (Sender<M>, Receiver<M>) {
    open(&mailbox.into(), DeadLetters::new(), "channel".into())
}

pub(crate) fn open<M: Send + 'static>(
    mailbox: &Mailbox<M>,
    dead: DeadLetters,
    name: StdArc<str>,
) -> (Sender<M>, Receiver<M>) {
    let core = Arc::new(Core::new(mailbox, dead, name));
    let receiver = Receiver::new(Arc::clone(&core), mailbox);
    let Some(receiver) = receiver else { unreachable!("a new queue has its consumer") };
    (Sender::new(core), receiver)
}

use self::core::Core;

/// Somebody who is polled on a thread: an actor, to the floors above.
pub(crate) trait Running: Any + Send + Sync {
    /// What its mailbox is called.
    fn name(&self) -> &StdArc<str>;
}

thread_local! {
    /// The actor that is being polled on this thread.
    static CURRENT: RefCell<Option<StdArc<dyn Running>>> = const { RefCell::new(None) };
}

/// The actor that is being polled on this thread, if any.
pub(crate) fn running() -> Option<StdArc<dyn Running>> {
    CURRENT.with(|current| current.borrow().clone())
}

/// Its name.
pub(crate) fn current() -> Option<StdArc<str>> {
    CURRENT.with(|current| current.borrow().as_ref().map(|running| StdArc::clone(running.name())))
}

/// Makes `running` the actor being polled on this thread, until the one that
/// was there before is put back in the same way.
pub(crate) fn set_current(running: Option<StdArc<dyn Running>>) -> Option<StdArc<dyn Running>> {
    CURRENT.with(|current| current.replace(running))
}
