//! Whichever input has an item.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::actor::Fault;
use crate::flow::demand::Demand;
use crate::flow::emitter::Emitter;
use crate::flow::items::Items;
use crate::flow::source::{Source, Spawner, fallible};
use crate::system::System;

/// The items of several sources, of whichever has one; with [`and`](Merge::and)
/// for each. Fair: of those that have one, the one that has waited longest for its
/// turn. Items of one source keep their order. `window` is how many items are read
/// ahead of each.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, join, source};
/// # use futures_util::TryStreamExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let system = System::new();
/// let both = join::merge(2).and(source::iter([1, 3, 5])).and(futures_util::stream::iter([2, 4, 6]));
/// let mut all: Vec<u64> = system.items(both, Demand::window(2)).try_collect().await.map_err(|e| e.to_string())?;
/// all.sort();
/// assert_eq!(all, [1, 2, 3, 4, 5, 6]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If `window` is 0.
pub const fn merge<T: Send + 'static>(window: usize) -> Merge<T> {
    Merge::new(window, Turn::InTurn(0))
}

/// As [`merge`], but of several inputs that have an item the first in the order of
/// [`and`](Merge::and) has the turn: for control before data, and fresh before
/// stale.
///
/// Nothing keeps an input that always has items from starving those after it: this
/// is what priority means. Where that must not be, give the first a
/// [rate](crate::flow::Demand::rate), or merge fairly.
///
/// # Panics
/// If `window` is 0.
pub const fn merge_by_priority<T: Send + 'static>(window: usize) -> Merge<T> {
    Merge::new(window, Turn::InOrder)
}

type Open<T> = Box<dyn FnOnce(&System, Demand) -> Items<T> + Send>;

/// Several sources as one; see [`merge`] and [`merge_by_priority`].
#[must_use = "a source does nothing until it is subscribed to"]
pub struct Merge<T: Send + 'static> {
    inputs: Vec<(Open<T>, Demand)>,
    demand: Demand,
    turn: Turn,
}

#[derive(Clone, Copy, Debug)]
enum Turn {
    /// The input that is asked first next time.
    InTurn(usize),
    InOrder,
}

impl<T: Send + 'static> Merge<T> {
    const fn new(window: usize, turn: Turn) -> Self {
        Self { inputs: Vec::new(), demand: Demand::window(window), turn }
    }

    /// Adds an input.
    pub fn and<S: Source<Item = T>>(self, source: S) -> Self {
        let demand = self.demand;
        self.and_with(source, demand)
    }

    /// Adds an input with a window, or a rate, of its own. Demand by hand is none:
    /// nobody is there to ask.
    pub fn and_with<S: Source<Item = T>>(mut self, source: S, demand: Demand) -> Self {
        self.inputs.push((Box::new(move |system, demand| system.items(source, demand)), demand));
        self
    }
}

impl<T: Send + 'static> Source for Merge<T> {
    type Item = T;

    fn connect(self, emitter: Emitter<T>, spawner: &Spawner) {
        let system = System::of(spawner.world());
        let inputs = self.inputs.into_iter().map(|(open, demand)| open(&system, demand)).collect();
        fallible(Merged { inputs, turn: self.turn }).connect(emitter, spawner);
    }

    fn name(&self) -> Arc<str> {
        format!("merge of {}", self.inputs.len()).into()
    }
}

impl<T: Send + 'static> fmt::Debug for Merge<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").field("inputs", &self.inputs.len()).field("turn", &self.turn).finish_non_exhaustive()
    }
}

/// Polled only for an item that may be sent.
struct Merged<T: Send + 'static> {
    inputs: Vec<Items<T>>,
    turn: Turn,
}

impl<T: Send + 'static> Stream for Merged<T> {
    type Item = Result<T, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { inputs, turn } = &mut *self;
        let mut at = match turn {
            Turn::InTurn(next) => *next,
            Turn::InOrder => 0,
        };
        let mut pending = 0;
        while pending < inputs.len() {
            if at >= inputs.len() {
                at = 0;
            }
            match Pin::new(&mut inputs[at]).poll_next(cx) {
                Poll::Ready(Some(item)) => {
                    if let Turn::InTurn(next) = turn {
                        *next = at + 1;
                    }
                    return Poll::Ready(Some(item));
                }
                // Those after it move up, and the next is at the same place.
                Poll::Ready(None) => drop(inputs.remove(at)),
                Poll::Pending => {
                    pending += 1;
                    at += 1;
                }
            }
        }
        if inputs.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}
