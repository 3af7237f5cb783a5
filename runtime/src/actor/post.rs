//! What the floors above send besides messages: past the bound, or straight to
//! the dead letters.

use std::sync::Arc;

use super::reference::{ActorRef, To};
use crate::mailbox::DropReason;
use crate::mailbox::core::{Core, Signal};
use crate::mailbox::leash::Cut;

/// Sends past the mailbox's bound and policy, ahead of what is queued. `false`:
/// the actor has ended.
pub(super) fn post_to<M>(core: &Core<M>, message: M) -> bool {
    core.signal(Signal::Timer(message, None)).is_ok()
}

impl<M: Send + 'static> ActorRef<M> {
    /// Sends past the mailbox's bound and policy, ahead of what is queued: for
    /// news of which there is never more than a bounded amount at a time.
    /// `false`: the actor has ended.
    pub(crate) fn post(&self, message: M) -> bool {
        match &self.to {
            To::Mailbox(sender) => post_to(sender.core(), message),
            To::Route(route) => {
                let mut message = Some(message);
                route.post(&mut || match message.take() {
                    Some(message) => message,
                    None => unreachable!("a message is made once"),
                })
            }
        }
    }

    /// As [`post`](Self::post), for one notice at a time that may be withdrawn: it
    /// does not come once `cut` is cancelled, and is no dead letter then.
    pub(crate) fn post_notice(&self, message: M, cut: &Arc<Cut>) -> bool {
        match &self.to {
            To::Mailbox(sender) => {
                cut.begin_tick();
                sender.core().signal(Signal::Timer(message, Some(Arc::clone(cut)))).is_ok()
            }
            To::Route(_) => self.post(message),
        }
    }

    /// Sends a message that this actor was not to have to the dead letters,
    /// and counts it among the drops of its mailbox.
    pub(crate) fn bury(&self, reason: DropReason, message: M) {
        match &self.to {
            To::Mailbox(sender) => sender.core().bury(reason, vec![message]),
            To::Route(route) => {
                route.count_drop(reason);
                self.life.world.dead.bury(reason, &self.life.path.0, std::iter::once(Some(message)));
            }
        }
    }

    /// As `len`, without the other numbers.
    pub(crate) fn queued(&self) -> usize {
        match &self.to {
            To::Mailbox(sender) => sender.len(),
            To::Route(route) => route.stats().len,
        }
    }

    pub(super) fn count_drop(&self, reason: DropReason) {
        match &self.to {
            To::Mailbox(sender) => sender.core().count_drops(reason, 1),
            To::Route(route) => route.count_drop(reason),
        }
    }
}
