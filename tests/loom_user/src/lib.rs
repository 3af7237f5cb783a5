//! A structure of a user's own that is shared between threads, on std or, in a
//! build for models, on loom.

#[cfg(tidegate_loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};
#[cfg(not(tidegate_loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

use tidegate::mailbox::Sender;

/// Hands out so many tickets, and tells a mailbox of each.
#[derive(Debug)]
pub struct Tickets {
    left: AtomicUsize,
    sold: Sender<usize>,
}

impl Tickets {
    /// So many, whose numbers are told to `sold`.
    #[must_use]
    pub fn new(tickets: usize, sold: Sender<usize>) -> Self {
        Self { left: AtomicUsize::new(tickets), sold }
    }

    /// The number of a ticket, unless all are sold; it is told before this
    /// returns.
    pub async fn sell(&self) -> Option<usize> {
        let number = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let number = number.ok()?;
        self.sold.tell(number).await.ok()?;
        Some(number)
    }

    /// As [`sell`](Self::sell), with a race: who looks and then takes can be
    /// overtaken in between.
    pub async fn sell_carelessly(&self) -> Option<usize> {
        let number = self.left.load(Ordering::Relaxed);
        self.left.store(number.checked_sub(1)?, Ordering::Relaxed);
        self.sold.tell(number).await.ok()?;
        Some(number)
    }
}
