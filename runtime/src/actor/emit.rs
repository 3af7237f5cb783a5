//! What subscriptions do with an actor: put items in without any policy acting,
//! see how far it has come, and wait until it has come further.

use std::task::{Poll, Waker};

use super::reference::{ActorRef, To};
use crate::mailbox::core::emit::Refused;
use crate::sync::watch::{Following, Until};

impl<M: Send + 'static> ActorRef<M> {
    /// Lets in what `make` makes of `from` if there is a grant; says where in the
    /// order it is, if it has a place there.
    #[inline]
    pub(crate) fn emit<T>(&self, from: T, make: impl FnOnce(T) -> M) -> Result<Option<u64>, (Refused, T)> {
        match &self.to {
            To::Mailbox(sender) => sender.core().emit(from, make),
            To::Route(route) => {
                let mut both = Some((from, make));
                let emitted = route.emit(&mut || match both.take() {
                    Some((from, make)) => make(from),
                    None => unreachable!("a message is made once"),
                });
                match (emitted, both) {
                    (Ok(place), _) => Ok(place),
                    (Err(refused), Some((from, _))) => Err((refused, from)),
                    (Err(_), None) => unreachable!("only a success makes the message"),
                }
            }
        }
    }

    /// How many grants there are, for who emits: as `free`, without the other
    /// numbers.
    pub(crate) fn free_grants(&self) -> u64 {
        match &self.to {
            To::Mailbox(sender) => sender.free() as u64,
            To::Route(route) => route.stats().free as u64,
        }
    }

    /// How many messages have been taken from its mailbox, as published.
    pub(crate) fn taken(&self) -> u64 {
        match &self.to {
            To::Mailbox(sender) => sender.core().queue.taken(),
            To::Route(route) => route.taken(),
        }
    }

    /// Waits for what `until` says, or until the mailbox is closed.
    pub(crate) fn follow(&self, until: Until, key: &mut Option<Following>, waker: &Waker) -> Poll<()> {
        match &self.to {
            To::Mailbox(sender) => sender.core().queue.follow(until, key, waker),
            To::Route(route) => route.follow(until, key, waker),
        }
    }

    /// Waits no longer.
    pub(crate) fn unfollow(&self, key: &mut Option<Following>) {
        match &self.to {
            To::Mailbox(sender) => sender.core().queue.unfollow(key),
            To::Route(route) => route.unfollow(key),
        }
    }
}
