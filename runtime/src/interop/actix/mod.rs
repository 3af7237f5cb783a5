//! actix: our actors on its arbiters, and bridges both ways.
//!
//! - [`ActixExecutor`] runs our actors on an arbiter, among them those that are
//!   [not `Send`](crate::LocalActor).
//! - [`Front`] puts a mailbox of ours, push or pull, in front of an actix actor.
//! - [`recipient`], [`teller`] and [`asker`] make an actix `Recipient` of an
//!   [`ActorRef`](crate::ActorRef).
//!
//! What passes a bridge is let in by our mailbox's terms. actix's own mailbox
//! bounds little: each `send` in flight has a place in it that is set aside.

mod executor;
mod front;
mod recipient;

pub use self::executor::ActixExecutor;
pub use self::front::{Front, Request};
pub use self::recipient::{Tell, asker, recipient, teller};
