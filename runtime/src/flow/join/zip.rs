//! Pairs.

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

/// The items of two sources in pairs, each first with first. `window` is how many
/// items are read ahead of each: the faster waits for the slower.
///
/// Completes when either has and what it had is paired, and cancels the other.
///
/// ```
/// # use tidegate::prelude::*;
/// use tidegate::flow::{Demand, join, source};
/// # use futures_util::TryStreamExt;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let system = System::new();
/// let numbered = join::zip(source::iter(1..), source::iter(["a", "b"]), 1);
/// let all: Vec<(u64, &str)> = system.items(numbered, Demand::window(1)).try_collect().await.map_err(|e| e.to_string())?;
/// assert_eq!(all, [(1, "a"), (2, "b")]);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// If `window` is 0.
pub const fn zip<A: Source, B: Source>(first: A, second: B, window: usize) -> Zip<A, B> {
    Zip { first, second, demand: Demand::window(window) }
}

/// Two sources in pairs; see [`zip`].
#[must_use = "a source does nothing until it is subscribed to"]
pub struct Zip<A, B> {
    first: A,
    second: B,
    demand: Demand,
}

impl<A: Source, B: Source> Source for Zip<A, B> {
    type Item = (A::Item, B::Item);

    fn connect(self, emitter: Emitter<Self::Item>, spawner: &Spawner) {
        let system = System::of(spawner.world());
        let first = Half::new(system.items(self.first, self.demand));
        let second = Half::new(system.items(self.second, self.demand));
        fallible(Zipped { first, second }).connect(emitter, spawner);
    }

    fn name(&self) -> Arc<str> {
        format!("zip of {} and {}", self.first.name(), self.second.name()).into()
    }
}

impl<A, B> fmt::Debug for Zip<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zip").field("demand", &self.demand).finish_non_exhaustive()
    }
}

struct Zipped<A: Send + 'static, B: Send + 'static> {
    first: Half<A>,
    second: Half<B>,
}

/// One side, with the item that waits for its other half.
struct Half<T: Send + 'static> {
    items: Items<T>,
    item: Option<T>,
}

impl<T: Send + 'static> Half<T> {
    const fn new(items: Items<T>) -> Self {
        Self { items, item: None }
    }

    /// `Ready(None)`: there is an item.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), Fault>>> {
        if self.item.is_some() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.items).poll_next(cx).map(|item| match item {
            Some(Ok(item)) => {
                self.item = Some(item);
                None
            }
            Some(Err(fault)) => Some(Err(fault)),
            None => Some(Ok(())),
        })
    }
}

impl<A: Send + 'static, B: Send + 'static> Unpin for Zipped<A, B> {}

impl<A: Send + 'static, B: Send + 'static> Stream for Zipped<A, B> {
    type Item = Result<(A, B), Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Both are asked: each may be the one that has ended.
        let (first, second) = (self.first.poll(cx), self.second.poll(cx));
        let mut completed = false;
        for half in [&first, &second] {
            match half {
                Poll::Ready(Some(Err(fault))) => return Poll::Ready(Some(Err(fault.clone()))),
                Poll::Ready(Some(Ok(()))) => completed = true,
                Poll::Ready(None) | Poll::Pending => {}
            }
        }
        if completed {
            return Poll::Ready(None);
        }
        match (first, second) {
            (Poll::Ready(None), Poll::Ready(None)) => {
                Poll::Ready(self.first.item.take().zip(self.second.item.take()).map(Ok))
            }
            _ => Poll::Pending,
        }
    }
}
