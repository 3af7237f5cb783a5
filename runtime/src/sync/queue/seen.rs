//! What explored programs see of a queue, in three parts, so that a message that
//! comes in and another that is taken out may change places.

use super::super::access::{Access, Object};

/// - A claim changes the tail. It has seen the head as well, if it is refused, or
///   let in where it might not have been, had less been taken or asked for.
/// - Taking and asking change the head.
/// - What changes both at once, as whoever serves senders that wait does, changes
///   everything.
///
/// Who falls asleep touches nothing, and neither does the one who wakes it: they
/// may come in either order, and the sleeper will find the same.
pub(super) struct Seen {
    pub(super) tail: Object,
    pub(super) head: Object,
    /// Those who wait to be let in.
    pub(super) waiting: Object,
}

impl Seen {
    pub(super) fn new() -> Self {
        let (tail, head) = (Object::new("mailbox"), Object::new("mailbox"));
        let waiting = Object::new("waiting senders");
        #[cfg(all(test, feature = "explore", not(tidegate_loom)))]
        super::super::audit::parts(&[tail.id(), head.id(), waiting.id()]);
        Self { tail, head, waiting }
    }

    pub(super) fn name(&self, name: &str) {
        self.tail.name(|| name.to_owned());
        self.head.name(|| name.to_owned());
        self.waiting.name(|| format!("those who wait for room in {name}"));
    }

    /// Both ends are looked at.
    #[inline(always)]
    pub(super) fn read(&self) {
        self.touch(Access::Read);
    }

    #[inline(always)]
    pub(super) fn touch(&self, access: Access) {
        self.tail.touch(access);
        self.head.touch(access);
    }

    #[inline(always)]
    pub(super) fn change(&self) {
        self.touch(Access::Write);
        self.waiting.touch(Access::Write);
    }
}
