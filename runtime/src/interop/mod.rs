//! Floor 7: bridges to other crates, each behind a feature of its name.
//!
//! | feature | what |
//! |---|---|
//! | `actix` | our actors on its arbiters, our mailboxes in front of its actors, our actors as its recipients |
//! | `futures` | an [`ActorRef`](crate::ActorRef) as a `Sink` |
//! | `tower` | an actor as a `tower::Service` whose `poll_ready` sets a grant aside |

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "futures")]
pub mod futures;
#[cfg(feature = "tower")]
pub mod tower;
