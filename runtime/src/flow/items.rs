//! A subscription as a stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::demand::Demand;
use super::end::End;
use super::inlet::Inlet;
use super::line::Listener;
use super::source::{Source, Spawner};
use super::subscription::Subscription;
use crate::actor::{Fault, Life, StopReason};
use crate::mailbox::Receiver;
use crate::sync::access;
use crate::system::System;

/// The items of a subscription, for code that is no actor: a `Stream` of
/// results that ends with the source. See [`System::items`].
///
/// Dropped, it cancels.
#[must_use = "dropping the items cancels their subscription"]
pub struct Items<T: Send + 'static> {
    receiver: Receiver<T>,
    subscription: Subscription,
    listener: Listener,
    ended: bool,
    /// After the others: whoever waits for its end finds them gone.
    _leaves: Leaves,
}

struct Leaves(Arc<Life>);

impl Drop for Leaves {
    fn drop(&mut self) {
        self.0.end(StopReason::Stopped);
    }
}

impl System {
    /// Pulls `source` as a stream, as far ahead as `demand` says: one item, if
    /// it is [unbounded](Demand::unbounded), and by the stream's
    /// [`subscription`](Items::subscription) if it is by hand. The reader owns it:
    /// a shutdown, which ends actors, ends it with its source at most.
    ///
    /// ```
    /// # use tidegate::prelude::*;
    /// use futures_util::TryStreamExt;
    /// use tidegate::flow::{Demand, source};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let system = System::new();
    /// let items = system.items(source::iter(1..=4), Demand::window(2));
    /// let all: Vec<u64> = items.try_collect().await.map_err(|fault| fault.to_string())?;
    /// assert_eq!(all, [1, 2, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn items<S: Source>(&self, source: S, demand: Demand) -> Items<S::Item> {
        let name = source.name();
        let (actor, receiver) = self.by_hand(&format!("items of {name}"), &demand.mailbox());
        let leaves = Leaves(Arc::clone(actor.life()));
        let (subscription, emitter) = self.connect(name, Inlet::new(&actor, |item| item), demand);
        source.connect(emitter, &Spawner::new(self));
        let listener = subscription.listener();
        Items { receiver, subscription, listener, ended: false, _leaves: leaves }
    }
}

impl<T: Send + 'static> Items<T> {
    /// The subscription, to ask for more and to see how it stands.
    pub const fn subscription(&self) -> &Subscription {
        &self.subscription
    }
}

// Items are moved out of it and never pinned in it.
impl<T: Send + 'static> Unpin for Items<T> {}

impl<T: Send + 'static> Stream for Items<T> {
    type Item = Result<T, Fault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let (look, acted) = (access::look(), access::has_acted());
        if let Poll::Ready(Some(item)) = self.receiver.poll_recv(cx) {
            return Poll::Ready(Some(Ok(item)));
        }
        // The end is told when all items sent have been taken.
        let Poll::Ready(end) = self.listener.poll_ended(cx) else {
            // With either there, a step that has acted would have ended.
            if acted {
                look.as_one().waits_even_so();
            } else {
                look.as_one().waits();
            }
            return Poll::Pending;
        };
        // The end is heard in a step of its own, before which no item was kept back.
        if acted {
            return access::fresh(cx).map(|()| None);
        }
        // One may have come before it was cancelled meanwhile.
        if let Poll::Ready(Some(item)) = self.receiver.poll_recv(cx) {
            return Poll::Ready(Some(Ok(item)));
        }
        self.ended = true;
        Poll::Ready(match end {
            End::Failed(fault) => Some(Err(fault)),
            End::Completed | End::Cancelled => None,
        })
    }
}

impl<T: Send + 'static> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Items").field("subscription", &self.subscription).finish_non_exhaustive()
    }
}
