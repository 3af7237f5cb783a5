//! Reactive Streams 1.0.4: publishers, subscribers, and the demand between them.
//!
//! Four traits for code that is not ours on at least one side: a
//! [`Publisher`] sends items to a [`Subscriber`] as far as the subscriber has
//! [requested](Subscription::request) them, and a [`Processor`] is both. Within
//! tidegate, sources and inlets say the same with less ceremony. Between the two:
//!
//! | you have | and want | take |
//! |---|---|---|
//! | an iterator | a publisher | [`from_iter`], [`try_from_iter`] |
//! | a [`Source`](super::Source) | a publisher | [`from_source`], [`from_source_once`] |
//! | a publisher | a source | [`from_publisher`] |
//! | an actor | a subscriber | [`actor`] |
//! | an actor that is both | a processor | [`pipe`] and [`from_source`], as a pair |
//! | neither yet | a publisher by hand | [`Publication`] |
//!
//! The [specification](https://github.com/reactive-streams/reactive-streams-jvm/blob/v1.0.4/README.md)
//! has 43 numbered rules, written for a language in which any object may be
//! called by any thread at any time. Here the types say a good part of them:
//!
//! - signals take `&mut self`, so they come one after the other (1.3, 2.11), and
//!   no `request` can lead back into the subscriber that makes it (3.3);
//! - a terminal signal consumes the subscriber, so nothing comes after it (1.7);
//! - a subscriber is moved into the publisher, so it subscribes once (1.10);
//! - a subscription is owned and not shared, so its calls are serial (2.7, 3.1);
//! - demand is unsigned, so a negative number cannot be asked for (3.9).
//!
//! What is left is behaviour. [`Publication`] implements the publisher's share
//! of it, for publishers written by hand, and the suite in `flow::verify` (with
//! the feature `testkit`) checks both shares.

mod iter;
mod pipe;
mod publication;
mod published;
mod traits;

pub use self::iter::{Iter, TryIter, from_iter, try_from_iter};
pub use self::pipe::{FromPublisher, PipeSource, PipeSubscriber, actor, from_publisher, pipe};
pub use self::publication::{Abandoned, Publication, PublishError};
pub use self::published::{FromSource, FromSourceOnce, from_source, from_source_once};
pub use self::traits::{Halves, InvalidDemand, Processor, Publisher, Subscriber, Subscription};
