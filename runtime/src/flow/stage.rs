//! Stages: the steps in the middle of a pipeline, which take items and make
//! others of them, and the last step, which only takes.
//!
//! A stage is an actor that is both ends. It asks upstream, by its [`Prefetch`],
//! for as much as it may hold or as is wanted downstream, and emits no more than
//! its subscribers have asked for. Nothing lies between two stages but the mailbox
//! of the second.
//!
//! For one source read by one task, the adapters of `futures` do as well and cost
//! less: `StreamExt::map` and its like poll one item at a time, and are sources
//! themselves. A stage is for work that is to go on at the same time as that of its
//! neighbours, that has state, that may fail and begin anew, or that several
//! subscribe to.

mod asking;
mod output;
mod runner;
mod running;
mod simple;
mod spawn;

use std::future::{Future, ready};
use std::time::Duration;

pub use self::asking::Prefetch;
pub use self::output::Output;
pub use self::running::Running;
pub use self::simple::{Batch, Expand, FilterMap, ForEach, Map, batch, expand, filter_map, for_each, map};
pub use self::spawn::{SpawnConsumer, SpawnStage};
use crate::actor::Fault;

/// A step of a pipeline: takes items and emits others.
///
/// State is plain fields. What a handler emits it emits through `out`, where it
/// waits for demand; what it does not emit at once it keeps in its fields and
/// emits with a later item, or in [`finish`](Self::finish).
///
/// It is spawned by [`System::stage`](crate::System::stage), and tested without
/// any system:
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::flow::stage::{Output, Stage};
/// /// What each number adds to the one before.
/// #[derive(Default)]
/// struct Steps { last: Option<i64> }
///
/// impl Stage for Steps {
///     type In = i64;
///     type Out = i64;
///     async fn handle(&mut self, n: i64, out: &mut Output<i64>) -> Result<(), Fault> {
///         if let Some(last) = self.last.replace(n) {
///             out.send(n - last).await?;
///         }
///         Ok(())
///     }
/// }
///
/// # tidegate::block_on(async {
/// let (mut steps, mut out) = (Steps::default(), Output::collecting());
/// for n in [3, 10, 4] {
///     steps.handle(n, &mut out).await.unwrap();
/// }
/// assert_eq!(out.collected(), [7, -6]);
/// # });
/// ```
///
/// # Failure
/// A fault or panic in a handler ends a life of the stage, as for any actor: with
/// a [`Restart`](crate::Restart) another begins, and without, the fault is what its
/// subscribers hear, after the items that were sent.
///
/// A restart does not end the subscriptions. **Kept** are the items that wait, the
/// subscription upstream and everybody's downstream. **Lost** are the item in the
/// handler, with what it would have become beyond what was emitted, and the fields
/// of the stage, with the items that they hold. What was asked for and lost so is
/// asked for again, so demand downstream is met in the end.
pub trait Stage: Sized + Send + 'static {
    /// What it takes.
    type In: Send + 'static;
    /// What it emits.
    type Out: Send + 'static;

    /// Handles an item. One at a time; the next waits.
    ///
    /// # Errors
    /// A fault ends this life of the stage. The error of `out`, which says that
    /// nothing is wanted any more, may be passed on by `?`: that is no failure.
    fn handle(&mut self, item: Self::In, out: &mut Output<Self::Out>)
    -> impl Future<Output = Result<(), Fault>> + Send;

    /// Upstream has completed and all its items have been handled: emits what is
    /// held. Afterwards the stage completes.
    ///
    /// # Errors
    /// A fault ends this life; with a restart, what it held is lost and the next
    /// is told to finish in turn.
    fn finish(&mut self, out: &mut Output<Self::Out>) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = out;
        ready(Ok(()))
    }

    /// Upstream has failed, and all items that came before have been handled. What
    /// this returns is how the stage ends: the fault that its subscribers hear, or
    /// `Ok` to complete in spite of it. Emits what is held, if that is still of use.
    ///
    /// The default [finishes](Self::finish) and passes the fault on. Reactive
    /// Streams rule 4.2.
    ///
    /// # Errors
    /// What to fail with.
    fn failed(&mut self, fault: Fault, out: &mut Output<Self::Out>) -> impl Future<Output = Result<(), Fault>> + Send {
        async move {
            self.finish(out).await?;
            Err(fault)
        }
    }

    /// For how long it keeps what it holds: looked at after each item. When it has
    /// been `Some` for that long, counted from the first time, [`lapsed`](Self::lapsed)
    /// is called. The default is `None`: for ever.
    fn patience(&self) -> Option<Duration> {
        None
    }

    /// Its [`patience`](Self::patience) has run out: emits what is held.
    ///
    /// # Errors
    /// As `handle`.
    fn lapsed(&mut self, out: &mut Output<Self::Out>) -> impl Future<Output = Result<(), Fault>> + Send {
        let _ = out;
        ready(Ok(()))
    }
}

/// The last step of a pipeline: takes items and emits none. Spawned by
/// [`System::consume`](crate::System::consume).
///
/// Against an actor that subscribes: its window counts the item in the handler,
/// and it ends when its source does.
pub trait Consumer: Sized + Send + 'static {
    /// What it takes.
    type In: Send + 'static;

    /// Handles an item. One at a time; the next waits.
    ///
    /// # Errors
    /// A fault ends this life of the consumer.
    fn handle(&mut self, item: Self::In) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Upstream has completed and all its items have been handled.
    ///
    /// # Errors
    /// As `handle`.
    fn finish(&mut self) -> impl Future<Output = Result<(), Fault>> + Send {
        ready(Ok(()))
    }

    /// Upstream has failed, and all items that came before have been handled. The
    /// default finishes, and passes the fault on to who waits for the
    /// [end](Running::ended).
    ///
    /// # Errors
    /// What it has failed with.
    fn failed(&mut self, fault: Fault) -> impl Future<Output = Result<(), Fault>> + Send {
        async move {
            self.finish().await?;
            Err(fault)
        }
    }
}
