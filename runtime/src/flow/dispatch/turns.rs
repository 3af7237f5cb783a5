//! By demand: in turn among those who have some.

use std::collections::VecDeque;

/// The seats that have demand, in the order in which their turn comes.
///
/// F3: one that has demand waits for no more than one item of each of the
/// others.
#[derive(Debug, Default)]
pub(in crate::flow) struct Turns {
    /// May hold seats that have none any more; each at most once.
    queue: VecDeque<usize>,
    queued: Vec<bool>,
}

impl Turns {
    /// A seat has demand.
    pub(in crate::flow) fn supplied(&mut self, seat: usize) {
        if self.queued.len() <= seat {
            self.queued.resize(seat + 1, false);
        }
        if !std::mem::replace(&mut self.queued[seat], true) {
            self.queue.push_back(seat);
        }
    }

    /// Whose turn it is. It stays so until [`served`](Self::served).
    #[inline]
    pub(in crate::flow) fn pick(&mut self, demand: impl Fn(usize) -> u64) -> Option<usize> {
        loop {
            let seat = *self.queue.front()?;
            if demand(seat) > 0 {
                return Some(seat);
            }
            self.queue.pop_front();
            self.queued[seat] = false;
        }
    }

    /// The one whose turn it was has got an item, and has so much demand left.
    #[inline]
    pub(in crate::flow) fn served(&mut self, left: u64) {
        if left > 0 && self.queue.len() == 1 {
            return;
        }
        let Some(seat) = self.queue.pop_front() else { return };
        if left > 0 {
            self.queue.push_back(seat);
        } else {
            self.queued[seat] = false;
        }
    }
}
