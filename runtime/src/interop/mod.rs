//! Floor 7: bridges to other crates, each behind a feature of its name.
//!
//! | feature | what |
//! |---|---|
//! | `futures` | a stream fed into an actor as far as it grants, a [`Receiver`](crate::mailbox::Receiver) as a `Stream`, an [`ActorRef`](crate::ActorRef) as a `Sink` |
//! | `tower` | an actor as a `tower::Service` whose `poll_ready` sets a grant aside |

#[cfg(feature = "futures")]
pub mod futures;
mod reserving;
#[cfg(feature = "tower")]
pub mod tower;
