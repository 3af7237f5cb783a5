//! Where a subscription's items go, and as what.

use std::fmt;
use std::sync::Arc;

use super::end::End;
use super::held::Held;
use super::target::{MakeEnd, Open, to_actor};
use crate::actor::ActorRef;

/// Where the items of a subscription go: an actor, and what becomes of an item
/// on the way into its mailbox.
///
/// A reference to an actor whose messages can be made of items is one already:
/// `system.subscribe(source, &actor, ..)`. Otherwise, or to hear of the end:
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, End, Inlet, source};
/// enum Msg { Page(String), Done(End) }
/// struct Index { pages: usize, done: bool }
/// impl Actor for Index {
///     type Msg = Msg;
///     async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
///         match msg {
///             Msg::Page(_) => self.pages += 1,
///             Msg::Done(end) => { self.done = end.is_completed(); cx.stop() }
///         }
///         Ok(())
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let index = system.spawn(Index { pages: 0, done: false }, Push::bounded(8));
/// let inlet = Inlet::new(&index, Msg::Page).on_end(Msg::Done);
/// let pages = source::iter(["a", "b"].map(String::from));
/// system.subscribe(pages, inlet, Demand::window(4)).detach();
/// index.stopped().await;
/// assert_eq!(index.stats().taken, 2);
/// # }
/// ```
#[must_use = "an inlet does nothing until it is given to `subscribe`"]
pub struct Inlet<T, M> {
    pub(super) actor: ActorRef<M>,
    pub(super) open: Open<T, M>,
    /// What counts as done with is what was let go, not what was taken.
    pub(super) holds: bool,
    pub(super) on_end: Option<MakeEnd<M>>,
    pub(super) at_once: bool,
}

impl<T: Send + 'static, M: Send + 'static> Inlet<T, M> {
    /// Items go to `actor` as what `make` makes of them.
    pub fn new(actor: &ActorRef<M>, make: impl Fn(T) -> M + Send + 'static) -> Self {
        Self {
            actor: actor.clone(),
            open: to_actor(move |item, _| make(item)),
            holds: false,
            on_end: None,
            at_once: false,
        }
    }

    /// Items go to `actor` as what `make` makes of them, and count as in flight
    /// until they are dropped: see [`Held`] and
    /// [`Demand::max_in_flight`](super::Demand::max_in_flight).
    pub fn holding(actor: &ActorRef<M>, make: impl Fn(Held<T>) -> M + Send + 'static) -> Self {
        let open = to_actor(move |item, line| make(Held::new(item, Arc::clone(line))));
        Self { actor: actor.clone(), open, holds: true, on_end: None, at_once: false }
    }

    /// The actor is told of the end, with what `make` makes of it: after the last
    /// item has come to its handler, past the bound of the mailbox, and without
    /// any demand. Not if it cancels, or ends itself.
    pub fn on_end(mut self, make: impl Fn(End) -> M + Send + 'static) -> Self {
        self.on_end = Some(Box::new(make));
        self
    }

    /// The end is told at once and overtakes the items that wait in the mailbox.
    pub const fn end_at_once(mut self) -> Self {
        self.at_once = true;
        self
    }
}

impl<T: Send + 'static, M: From<T> + Send + 'static> From<&ActorRef<M>> for Inlet<T, M> {
    fn from(actor: &ActorRef<M>) -> Self {
        Self::new(actor, M::from)
    }
}

impl<T, M> fmt::Debug for Inlet<T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inlet").field("actor", &self.actor).field("at_once", &self.at_once).finish_non_exhaustive()
    }
}

/// A name for what has none.
pub(super) fn type_name<T>() -> Arc<str> {
    // Without the paths: `Iter<Range<u64>>`.
    let full = std::any::type_name::<T>();
    let mut short = String::new();
    let mut word = String::new();
    for c in full.chars() {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else if c == ':' {
            word.clear();
        } else {
            short.push_str(&std::mem::take(&mut word));
            short.push(c);
        }
    }
    short.push_str(&word);
    short.into()
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    #[test]
    fn names_of_types_come_without_paths() {
        let name = super::type_name::<std::vec::IntoIter<Option<std::string::String>>>();
        assert_eq!(&*name, "IntoIter<Option<String>>");
    }
}
