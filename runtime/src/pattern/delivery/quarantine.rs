//! What could not be handled.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::DeliveryId;
use super::desk::Desk;

/// A message that was given up.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined<M> {
    /// Which it was.
    pub id: DeliveryId,
    /// How many attempts were made.
    pub attempts: u32,
    /// It was [rejected](super::Delivery::reject), and not merely tried too often.
    pub rejected: bool,
    /// The message.
    pub message: M,
}

impl<M> fmt::Debug for Quarantined<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantined")
            .field("id", &self.id)
            .field("attempts", &self.attempts)
            .field("rejected", &self.rejected)
            .finish_non_exhaustive()
    }
}

/// The messages that a courier or hub has given up, the oldest first.
///
/// Each was counted as [`Quarantined`](crate::DropReason::Quarantined) when it
/// came here; the dead letter carries the message itself only if there was no
/// room left here. What lies here lies here until it is taken out, also when the
/// source has ended.
pub struct Quarantine<M> {
    desk: Arc<Desk<M>>,
}

impl<M: Send + 'static> Quarantine<M> {
    pub(crate) fn new(desk: &Arc<Desk<M>>) -> Self {
        Self { desk: Arc::clone(desk) }
    }

    /// How many messages lie here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.desk.read(|ledger| ledger.kept.len())
    }

    /// Whether none do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all of them out.
    #[must_use = "they are nowhere else"]
    pub fn take(&self) -> Vec<Quarantined<M>> {
        self.desk.with(|ledger, _| std::mem::take(&mut ledger.kept)).into()
    }

    /// Has all of them delivered once more, with as many attempts as at first.
    /// Returns how many.
    ///
    /// They are accepted anew, whatever the window, and so have new numbers: a
    /// message that *was* handled, and whose acknowledgements were all lost, is
    /// no duplicate any more. From a source that has ended none are taken.
    #[allow(clippy::must_use_candidate)]
    pub fn redeliver(&self) -> usize {
        let kept = self.desk.with(|ledger, _| match ledger.closed {
            true => VecDeque::new(),
            false => std::mem::take(&mut ledger.kept),
        });
        let n = kept.len();
        kept.into_iter().for_each(|quarantined| self.desk.accept(quarantined.message));
        n
    }
}

impl<M> Clone for Quarantine<M> {
    fn clone(&self) -> Self {
        Self { desk: Arc::clone(&self.desk) }
    }
}

impl<M> fmt::Debug for Quarantine<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quarantine").finish_non_exhaustive()
    }
}
