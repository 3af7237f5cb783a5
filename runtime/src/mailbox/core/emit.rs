//! What a subscription puts into a mailbox: never past a grant, whatever the
//! policy, and it wants to know where.

use super::{Core, Refusal, once};
use crate::mailbox::item::Item;

/// Why nothing was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No grant at present.
    NoRoom,
    /// Nothing is let in any more.
    Closed,
}

impl<M: Send + 'static> Core<M> {
    /// Lets in what `make` makes of `from` if there is a grant for it. No policy
    /// acts for want of one: who emits waits. `None`: it is in the buffer of an
    /// evicting policy, which has no places.
    #[inline]
    pub(crate) fn emit<T>(&self, from: T, make: impl FnOnce(T) -> M) -> Result<Option<u64>, (Refused, T)> {
        let mut make = Some(|from| self.item(make(from)));
        match self.queue.try_put_with_or(from, |from| once(&mut make)(from), |lost| self.bury_late(lost)) {
            Ok(place) => Ok(Some(place)),
            Err((refusal, from)) => self.emit_refused(refusal, from, |from| once(&mut make)(from)),
        }
    }

    /// The same with a grant that was set aside, which is spent in any case.
    pub(crate) fn emit_reserved<T>(&self, from: T, make: impl FnOnce(T) -> M) -> Result<Option<u64>, (Refused, T)> {
        let mut make = Some(|from| self.item(make(from)));
        match self.queue.put_reserved_or(from, |from| once(&mut make)(from), |lost| self.bury_late(lost)) {
            Ok(place) => Ok(Some(place)),
            Err((refusal, from)) => self.emit_refused(refusal, from, |from| once(&mut make)(from)),
        }
    }

    #[cold]
    fn emit_refused<T>(
        &self,
        refusal: Refusal,
        from: T,
        make: impl FnOnce(T) -> Item<M>,
    ) -> Result<Option<u64>, (Refused, T)> {
        match refusal {
            Refusal::Closed => Err((Refused::Closed, from)),
            Refusal::Full | Refusal::NoDemand => Err((Refused::NoRoom, from)),
            Refusal::Buffered => match self.put_buffered(from, make) {
                Ok(Ok(_)) => Ok(None),
                Ok(Err(closed)) => Err((Refused::Closed, closed.into_message())),
                // Back to slots between the two looks: the next look finds them.
                Err(back) => Err((Refused::NoRoom, back)),
            },
        }
    }
}
