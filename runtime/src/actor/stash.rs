//! Messages that an actor cannot handle yet, put aside until it can.
//!
//! A message that is put aside stays accepted: it is handled later, or counted
//! among the dead letters. What is taken back out is handled next, in the order
//! in which it was put aside, ahead of the mailbox. Since it was asked for when
//! it came, it needs no new demand.
//!
//! The stash belongs to the mailbox and not to a life of the actor: after a
//! restart the new life begins with what the old one had put aside.

use std::collections::VecDeque;
use std::fmt;

use super::Actor;
use super::context::Context;

/// What an actor has put aside.
pub(super) struct Stash<M> {
    /// Put aside, oldest first.
    aside: VecDeque<M>,
    /// Taken out again, and handled next.
    back: VecDeque<M>,
    /// How many of those in front came back since a message was last handed on.
    latest: usize,
    /// The handler that runs has put a message aside.
    fresh: bool,
}

impl<M> Default for Stash<M> {
    fn default() -> Self {
        Self { aside: VecDeque::new(), back: VecDeque::new(), latest: 0, fresh: false }
    }
}

impl<M> Stash<M> {
    fn len(&self) -> usize {
        self.aside.len() + self.back.len()
    }

    /// The oldest message comes back; `false` if there is none.
    fn release(&mut self) -> bool {
        let Some(message) = self.aside.pop_front() else { return false };
        // Behind what came back just before, and ahead of what had come back
        // earlier: that is the order in which they were accepted.
        self.back.insert(self.latest, message);
        self.latest += 1;
        true
    }

    fn release_all(&mut self) -> usize {
        let n = self.aside.len();
        if self.latest == 0 {
            // The usual case, without moving messages one by one.
            self.aside.append(&mut self.back);
            std::mem::swap(&mut self.aside, &mut self.back);
            self.latest = n;
        } else {
            while self.release() {}
        }
        n
    }
}

impl<A: Actor> Context<A> {
    /// Puts a message aside that cannot be handled yet. It comes back with
    /// [`unstash`](Self::unstash) or [`unstash_all`](Self::unstash_all).
    ///
    /// There is room for as many as the mailbox holds, those that come back and
    /// are not handled yet included; without end if the mailbox has no bound.
    /// Room in the stash is not taken from the mailbox: what an actor waits for
    /// can still reach it.
    ///
    /// A restart keeps the stash, and hands all of it to the new life, first of
    /// all and in its order. When a drain has come to the end of the mailbox
    /// the stash comes back by itself, once. What is still aside at the end of
    /// the actor goes to the dead letters.
    ///
    /// # Errors
    /// [`StashFull`], with the message.
    /// # Examples
    /// ```
    /// use tidegate::prelude::*;
    ///
    /// enum Msg { Open(Vec<u64>), Add(u64) }
    /// /// Cannot add before it has been opened.
    /// #[derive(Default)]
    /// struct Ledger { entries: Option<Vec<u64>> }
    ///
    /// impl Actor for Ledger {
    ///     type Msg = Msg;
    ///     async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         match (&mut self.entries, msg) {
    ///             (Some(entries), Msg::Add(n)) => entries.push(n),
    ///             (None, early @ Msg::Add(_)) => cx.stash(early)?,
    ///             (_, Msg::Open(entries)) => {
    ///                 self.entries = Some(entries);
    ///                 cx.unstash_all();
    ///             }
    ///         }
    ///         Ok(())
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let ledger = System::new().spawn(Ledger::default(), Push::bounded(64));
    /// ledger.tell(Msg::Add(2)).await.unwrap();
    /// ledger.tell(Msg::Open(vec![1])).await.unwrap();
    /// ledger.drain();
    /// ledger.stopped().await;
    /// assert_eq!(ledger.stats().handled, 2);
    /// # }
    /// ```
    pub fn stash(&mut self, message: A::Msg) -> Result<(), StashFull<A::Msg>> {
        let most = self.core().capacity();
        let stash = self.stash.get_or_insert_default();
        if most.is_some_and(|most| stash.len() >= most) {
            return Err(StashFull(message));
        }
        stash.aside.push_back(message);
        stash.fresh = true;
        self.attention = true;
        self.core().note_stashed();
        Ok(())
    }

    /// Takes the oldest message back out of the stash: it is handled next,
    /// ahead of the mailbox. `false` if there is none.
    pub fn unstash(&mut self) -> bool {
        let Some(stash) = &mut self.stash else { return false };
        self.attention = true;
        stash.release()
    }

    /// Takes all messages back out of the stash: they are handled next, in
    /// their order, ahead of the mailbox. Returns how many there are.
    pub fn unstash_all(&mut self) -> usize {
        let Some(stash) = &mut self.stash else { return 0 };
        self.attention = true;
        stash.release_all()
    }

    /// How many messages are put aside, without those that come back already.
    #[must_use]
    pub fn stashed(&self) -> usize {
        self.stash.as_ref().map_or(0, |stash| stash.aside.len())
    }

    /// The next message that came back.
    pub(crate) fn next_unstashed(&mut self) -> Option<A::Msg> {
        let stash = self.stash.as_mut()?;
        let message = stash.back.pop_front()?;
        stash.latest = 0;
        if stash.len() == 0 {
            self.stash = None;
        }
        self.core().note_unstashed();
        Some(message)
    }

    /// Whether messages have come back that are not handled yet.
    pub(crate) fn has_unstashed(&self) -> bool {
        self.stash.as_ref().is_some_and(|stash| !stash.back.is_empty())
    }

    /// Whether the handler that ran last has put a message aside; asked once.
    pub(crate) fn has_just_stashed(&mut self) -> bool {
        self.stash.as_mut().is_some_and(|stash| std::mem::take(&mut stash.fresh))
    }

    /// The actor has ended: what is still aside is dead.
    pub(crate) fn bury_stash(&mut self) {
        let Some(stash) = self.stash.take() else { return };
        let Stash { mut aside, mut back, .. } = *stash;
        aside.append(&mut back);
        self.core().bury_stashed(aside.into());
    }
}

/// A message that was to be put aside, and found no room.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StashFull<M>(pub M);

impl<M> StashFull<M> {
    /// The message.
    pub fn into_inner(self) -> M {
        self.0
    }
}

impl<M> fmt::Debug for StashFull<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StashFull(..)")
    }
}

impl<M> fmt::Display for StashFull<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("as many messages are put aside as the mailbox holds")
    }
}

impl<M> std::error::Error for StashFull<M> {}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn stash(aside: &[u32], back: &[u32]) -> Stash<u32> {
        Stash { aside: aside.to_vec().into(), back: back.to_vec().into(), latest: 0, fresh: false }
    }

    #[test]
    fn what_comes_back_keeps_the_order_in_which_it_was_accepted() {
        let mut all = stash(&[1, 2], &[3, 4]);
        assert_eq!(all.release_all(), 2);
        assert_eq!(all.back, [1, 2, 3, 4]);

        let mut one_by_one = stash(&[1, 2], &[3]);
        assert!(one_by_one.release() && one_by_one.release() && !one_by_one.release());
        assert_eq!(one_by_one.back, [1, 2, 3]);

        let mut mixed = stash(&[1, 2, 3], &[4]);
        assert!(mixed.release());
        assert_eq!(mixed.release_all(), 2);
        assert_eq!(mixed.back, [1, 2, 3, 4]);
    }
}
