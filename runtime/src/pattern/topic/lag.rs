//! What a subscriber has missed, and how it hears of it.

use std::fmt;
use std::sync::Arc;

use crate::actor::ActorRef;
use crate::sync::access::Access;
use crate::sync::shim::Mutex;

/// What a [`Topic`](super::Topic) does when a subscriber's mailbox lets a
/// message not in. The mailbox's own policy comes first: under one that drops
/// or merges by itself, a subscriber never lags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lag {
    /// It misses the message, which is counted and goes to the dead letters.
    #[default]
    Skip,
    /// A publisher that [may wait](super::Topic::publish_waiting) waits for
    /// it. From one that does not, it misses the message.
    Wait,
    /// It misses the message, and gets no more.
    Disconnect,
}

/// The count of one subscription, and the one notice that may be under way.
#[derive(Default)]
pub(super) struct Missed(Mutex<State>);

#[derive(Default)]
struct State {
    skipped: u64,
    /// As many of them as the subscriber has been told of.
    told: u64,
    disconnected: bool,
    /// A notice is on its way, and will tell what has happened by then.
    pending: bool,
    listener: Option<ActorRef<Lagged>>,
}

impl Missed {
    pub(super) fn skipped(&self) -> u64 {
        self.0.lock_to(Access::Read).skipped
    }

    pub(super) fn add(self: &Arc<Self>, disconnected: bool) {
        {
            let mut state = self.0.lock();
            state.skipped += 1;
            state.disconnected |= disconnected;
        }
        self.tell();
    }

    pub(super) fn tell_to(self: &Arc<Self>, listener: &ActorRef<Lagged>) {
        let old = self.0.lock().listener.replace(listener.clone());
        drop(old);
        self.tell();
    }

    /// Sends a notice, if there is something to tell and none is under way.
    fn tell(self: &Arc<Self>) {
        let listener = {
            let mut state = self.0.lock();
            if state.pending || state.told == state.skipped {
                return;
            }
            let Some(listener) = state.listener.clone() else { return };
            state.pending = true;
            listener
        };
        // One that cannot be sent is dropped, and is under way no longer.
        let _ = listener.post(Lagged { missed: Arc::clone(self), taken: false });
    }
}

/// The notice that a subscriber has missed messages.
///
/// It comes past the mailbox's bound, ahead of what is queued. There is never
/// more than one of a subscription under way: it counts what was missed until
/// it is looked at.
pub struct Lagged {
    missed: Arc<Missed>,
    taken: bool,
}

impl Lagged {
    /// How many messages have been missed since the last notice was looked at.
    #[must_use]
    pub fn take(mut self) -> u64 {
        self.taken = true;
        let mut state = self.missed.0.lock();
        state.pending = false;
        let skipped = state.skipped - state.told;
        state.told = state.skipped;
        skipped
    }

    /// Whether that was the end of the subscription: it was one that
    /// [disconnects](Lag::Disconnect).
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.missed.0.lock_to(Access::Read).disconnected
    }
}

impl Drop for Lagged {
    /// Nobody has looked at it: the next has more to tell.
    fn drop(&mut self) {
        if !self.taken {
            self.missed.0.lock().pending = false;
        }
    }
}

impl fmt::Debug for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lagged").field("disconnected", &self.is_disconnected()).finish_non_exhaustive()
    }
}
