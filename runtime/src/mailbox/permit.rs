//! Permits: grants set aside for messages that do not exist yet.

use std::fmt;

use super::core::Core;
use super::core::emit::Refused;
use super::error::SendError;
use crate::sync::access;
use crate::sync::shim::Arc;

/// The right to send one message, now or later, without waiting.
///
/// Reserve first when a message is costly to make, must not be made unless it
/// can be delivered, or must not be lost when a wait is cancelled. Dropped
/// unused, the grant goes to the next sender that waits.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use tidegate::{Push, mailbox};
/// let (tx, mut rx) = mailbox::channel(Push::bounded(1));
/// let permit = tx.reserve().await.unwrap();
/// assert!(tx.try_tell("no grant left").is_err());
/// permit.send("made when it could be delivered").unwrap();
/// assert_eq!(rx.recv().await, Some("made when it could be delivered"));
/// # }
/// ```
#[must_use = "a permit holds a grant that others wait for"]
pub struct Permit<M> {
    grant: Grant<M>,
}

enum Grant<M> {
    /// One of the mailbox's grants, set aside.
    Held(Arc<Core<M>>),
    /// An evicting policy always has room, so nothing was set aside.
    Room(Arc<Core<M>>),
    /// A grant of the mailbox behind a mapped reference.
    Mapped(Box<dyn MappedGrant<M>>),
    Spent,
}

/// A grant of a mailbox with other messages than `M`.
pub(crate) trait MappedGrant<M>: Send + Sync {
    /// Uses it up for the message that `make` makes. `false`, without a call
    /// of `make`, if the receiver has gone.
    fn send(self: Box<Self>, make: &mut dyn FnMut() -> M) -> bool;
}

impl<M> Permit<M> {
    pub(crate) fn new(core: Arc<Core<M>>, real: bool) -> Self {
        Self { grant: if real { Grant::Held(core) } else { Grant::Room(core) } }
    }

    pub(crate) fn mapped(grant: Box<dyn MappedGrant<M>>) -> Self {
        Self { grant: Grant::Mapped(grant) }
    }
}

impl<M: Send + 'static> Permit<M> {
    /// Sends `message`: it takes its place in the order now.
    ///
    /// # Errors
    /// [`SendError::Closed`], with the message, if the receiver has gone since:
    /// a permit does not keep it alive. If the policy was changed meanwhile
    /// between one that evicts and one that does not, the grant is void and the
    /// message goes in, or comes back, as one that is sent now.
    pub fn send(self, message: M) -> Result<(), SendError<M>> {
        self.send_with(message, |message| message)
    }

    /// As [`send_with`](Self::send_with), for who emits: no policy acts, and it
    /// is told where the message is.
    pub(crate) fn emit<N>(mut self, from: N, make: impl FnOnce(N) -> M) -> Result<Option<u64>, (Refused, N)> {
        match std::mem::replace(&mut self.grant, Grant::Spent) {
            Grant::Held(core) => core.emit_reserved(from, make),
            Grant::Room(core) => core.emit(from, make),
            grant => {
                self.grant = grant;
                self.send_with(from, make).map(|()| None).map_err(|error| (Refused::Closed, error.into_message()))
            }
        }
    }

    /// Sends what `make` makes of `from`, which is called once it can be sent.
    pub(crate) fn send_with<N>(mut self, from: N, make: impl FnOnce(N) -> M) -> Result<(), SendError<N>> {
        access::act();
        match std::mem::replace(&mut self.grant, Grant::Spent) {
            Grant::Held(core) => core.admit_reserved(from, make).map(|_| ()),
            Grant::Room(core) => core.admit_with(from, make).map(|_| ()),
            Grant::Mapped(grant) => {
                let mut both = Some((from, make));
                let sent = grant.send(&mut || match both.take() {
                    Some((from, make)) => make(from),
                    None => unreachable!("a message is made once"),
                });
                match both {
                    Some((from, _)) if !sent => Err(SendError::Closed(from)),
                    _ => Ok(()),
                }
            }
            Grant::Spent => Err(SendError::Closed(from)),
        }
    }
}

impl<M> Drop for Permit<M> {
    fn drop(&mut self) {
        if let Grant::Held(core) = &self.grant {
            core.queue.release_permits(1);
        }
    }
}

impl<M> fmt::Debug for Permit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// The right to send several messages, taken together.
///
/// An iterator of [`Permit`]s; those not taken go back when it is dropped.
#[must_use = "permits hold grants that others wait for"]
pub struct Permits<M> {
    core: Arc<Core<M>>,
    left: u64,
    real: bool,
}

impl<M> Permits<M> {
    pub(crate) fn new(core: Arc<Core<M>>, left: u64, real: bool) -> Self {
        Self { core, left, real }
    }
}

impl<M> Iterator for Permits<M> {
    type Item = Permit<M>;

    fn next(&mut self) -> Option<Permit<M>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(Arc::clone(&self.core), self.real))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl<M> ExactSizeIterator for Permits<M> {}

impl<M> Drop for Permits<M> {
    fn drop(&mut self) {
        if self.real && self.left > 0 {
            self.core.queue.release_permits(self.left);
        }
    }
}

impl<M> fmt::Debug for Permits<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits").field("left", &self.left).finish_non_exhaustive()
    }
}
