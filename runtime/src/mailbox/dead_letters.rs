//! Dead letters: the one place where every message that no handler will see
//! is counted, by reason, and can be looked at.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::sync::access::{Access, Object};
use crate::sync::counter::{Counter, Flag};
use crate::sync::shim::Mutex;

/// Why no handler will see a message that was accepted, or that a policy
/// disposed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DropReason {
    /// No grant, and the policy drops the newest.
    DropNewest,
    /// Displaced by a newer message at capacity.
    DropOldest,
    /// Displaced because only the latest is kept.
    Latest,
    /// No grant, and the policy diverts.
    Diverted,
    /// Still queued when the actor stopped.
    Stopped,
    /// In the handler when it panicked, was killed, or was abandoned. A handler
    /// that returns a fault has handled its message.
    Interrupted,
    /// Expired before its turn came: nobody waited for
    /// the answer any more, or its deadline had passed.
    Expired,
    /// Failed as often as it was to be tried, and was put aside.
    Quarantined,
    /// Skipped for a subscriber that did not keep up.
    Lagged,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::DropNewest,
        Self::DropOldest,
        Self::Latest,
        Self::Diverted,
        Self::Stopped,
        Self::Interrupted,
        Self::Expired,
        Self::Quarantined,
        Self::Lagged,
    ];

    /// The reason's name in reports and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DropNewest => "drop-newest",
            Self::DropOldest => "drop-oldest",
            Self::Latest => "latest",
            Self::Diverted => "diverted",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
            Self::Expired => "expired",
            Self::Quarantined => "quarantined",
            Self::Lagged => "lagged",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many messages were dropped for each reason. Prints as `2 stopped, 1
/// lagged`, or as `nothing`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct DropCounts([u64; DropReason::ALL.len()]);

impl DropCounts {
    /// The count of one reason.
    #[must_use]
    pub fn of(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// The count of all reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        DropReason::ALL.into_iter().map(|reason| (reason, self.of(reason))).filter(|(_, n)| *n > 0)
    }

    pub(crate) fn add(&mut self, reason: DropReason, n: u64) {
        self.0[reason as usize] += n;
    }
}

impl fmt::Display for DropCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (reason, n) in self.iter() {
            write!(f, "{between}{n} {reason}")?;
            between = ", ";
        }
        if between.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

impl fmt::Debug for DropCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DropCounts({self})")
    }
}

/// The reasons that occurred, by name.
#[cfg(feature = "serde")]
impl serde::Serialize for DropCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(reason, n)| (reason.name(), n)))
    }
}

/// A message that no handler will see.
#[non_exhaustive]
pub struct DeadLetter {
    /// Why not.
    pub reason: DropReason,
    /// The type of the message.
    pub message_type: &'static str,
    /// The mailbox it was sent to: the actor's path, or the channel's name.
    pub mailbox: Arc<str>,
    /// The actor that was running when the message was dropped, if one was: a
    /// policy acts while the sender sends, so this is the sender; for
    /// [`DropReason::Stopped`] it is nobody.
    pub sender: Option<Arc<str>>,
    /// The message. `None` if it was lost with the handler that held it.
    pub message: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetter")
            .field("reason", &self.reason)
            .field("message_type", &self.message_type)
            .field("mailbox", &self.mailbox)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

type Listener = Arc<dyn Fn(&DeadLetter) + Send + Sync>;

struct Inner {
    counts: [Counter; DropReason::ALL.len()],
    heard: Flag,
    /// The counts, which add up in any order.
    seen: Object,
    listeners: Mutex<Vec<(u64, Listener)>>,
    next: Counter,
}

/// The sink of dead letters of a system, or of a channel on its own.
///
/// Cheap to clone; all clones are the same sink.
///
/// ```
/// use tidegate::{DropReason, Overflow, Push, mailbox};
/// let (tx, _rx) = mailbox::channel::<u32>(Push::bounded(1).overflow(Overflow::DropNewest));
/// tx.try_tell(1).unwrap();
/// tx.try_tell(2).unwrap();
/// assert_eq!(tx.dead_letters().counts().of(DropReason::DropNewest), 1);
/// ```
#[derive(Clone)]
pub struct DeadLetters(Arc<Inner>);

impl DeadLetters {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            counts: std::array::from_fn(|_| Counter::untouched()),
            heard: Flag::new(),
            seen: Object::new("dead letters"),
            listeners: Mutex::new(Vec::new()),
            next: Counter::new(),
        }))
    }

    /// How many messages have been dropped, by reason.
    #[must_use]
    pub fn counts(&self) -> DropCounts {
        self.0.seen.touch(Access::Read);
        DropCounts(std::array::from_fn(|i| self.0.counts[i].get()))
    }

    /// Calls `listener` for each dead letter from now on, until what this
    /// returns is dropped.
    ///
    /// It is called where the message is dropped, which may be in a sender's
    /// `tell` or in the actor's task: it should be quick. It may send. If it
    /// panics, that goes no further.
    #[must_use = "dropping this ends the subscription"]
    pub fn subscribe(&self, listener: impl Fn(&DeadLetter) + Send + Sync + 'static) -> DeadLetterSubscription {
        let mut listeners = self.0.listeners.lock();
        let key = self.0.next.next();
        listeners.push((key, Arc::new(listener)));
        self.0.heard.raise();
        DeadLetterSubscription { sink: self.clone(), key }
    }

    /// Counts `messages`, and shows them to the listeners if there are any.
    pub(crate) fn bury<M: Send + 'static>(
        &self,
        reason: DropReason,
        mailbox: &Arc<str>,
        messages: impl ExactSizeIterator<Item = Option<M>>,
    ) {
        let n = messages.len() as u64;
        if n == 0 {
            return;
        }
        self.0.seen.touch(Access::Update);
        self.0.counts[reason as usize].add(n);
        if !self.0.heard.is_raised() {
            messages.for_each(drop);
            return;
        }
        let listeners: Vec<Listener> =
            self.0.listeners.lock().iter().map(|(_, listener)| Arc::clone(listener)).collect();
        let sender = super::current();
        for message in messages {
            let letter = DeadLetter {
                reason,
                message_type: std::any::type_name::<M>(),
                mailbox: Arc::clone(mailbox),
                sender: sender.clone(),
                message: message.map(|message| Box::new(message) as _),
            };
            for listener in &listeners {
                // Foreign code, in the middle of a send or of an end.
                drop(catch_unwind(AssertUnwindSafe(|| listener(&letter))));
            }
        }
    }
}

impl fmt::Debug for DeadLetters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeadLetters").field(&self.counts()).finish()
    }
}

/// Keeps a listener subscribed; dropping it ends that.
#[derive(Debug)]
pub struct DeadLetterSubscription {
    sink: DeadLetters,
    key: u64,
}

impl Drop for DeadLetterSubscription {
    fn drop(&mut self) {
        let mut listeners = self.sink.0.listeners.lock();
        let at = listeners.iter().position(|(key, _)| *key == self.key);
        // Dropped when the lock is free: it is foreign code.
        let listener = at.map(|at| listeners.remove(at));
        if listeners.is_empty() {
            self.sink.0.heard.lower();
        }
        drop(listeners);
        drop(listener);
    }
}

/// Buries everything in `messages`.
pub(crate) fn each<M>(messages: Vec<M>) -> impl ExactSizeIterator<Item = Option<M>> {
    messages.into_iter().map(Some)
}
