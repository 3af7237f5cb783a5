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

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::Turns;

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Ask(usize, u64),
        Leave(usize),
        Serve,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0_usize..6, 1_u64..5).prop_map(|(seat, n)| Step::Ask(seat, n)),
            (0_usize..6).prop_map(Step::Leave),
            Just(Step::Serve),
            Just(Step::Serve),
            Just(Step::Serve),
        ];
        prop::collection::vec(step, 1..200)
    }

    proptest! {
        /// Against the demands themselves and a note of who was passed over.
        #[test]
        fn f3_no_seat_with_demand_is_passed_over_twice_for_the_same_other(steps in steps()) {
            let mut turns = Turns::default();
            let mut demand = [0_u64; 6];
            // How often each has been served since the other was, while that had
            // demand all the time.
            let mut passed = [[0_u32; 6]; 6];
            for step in steps {
                match step {
                    Step::Ask(seat, n) => {
                        if demand[seat] == 0 {
                            passed[seat] = [0; 6];
                        }
                        demand[seat] += n;
                        turns.supplied(seat);
                    }
                    Step::Leave(seat) => demand[seat] = 0,
                    Step::Serve => {
                        let picked = turns.pick(|seat| demand[seat]);
                        prop_assert_eq!(picked.is_some(), demand.iter().any(|&demand| demand > 0));
                        let Some(seat) = picked else { continue };
                        prop_assert!(demand[seat] > 0, "S1");
                        demand[seat] -= 1;
                        turns.served(demand[seat]);
                        passed[seat] = [0; 6];
                        for other in (0..6).filter(|&other| other != seat && demand[other] > 0) {
                            passed[other][seat] += 1;
                            prop_assert!(passed[other][seat] <= 1, "{} passed {} twice", seat, other);
                        }
                    }
                }
            }
        }

        #[test]
        fn the_queue_holds_no_seat_twice(steps in steps()) {
            let mut turns = Turns::default();
            let mut demand = [0_u64; 6];
            for step in steps {
                match step {
                    Step::Ask(seat, n) => {
                        demand[seat] += n;
                        turns.supplied(seat);
                    }
                    Step::Leave(seat) => demand[seat] = 0,
                    Step::Serve => {
                        if let Some(seat) = turns.pick(|seat| demand[seat]) {
                            demand[seat] -= 1;
                            turns.served(demand[seat]);
                        }
                    }
                }
                let mut queued: Vec<_> = turns.queue.iter().copied().collect();
                queued.sort_unstable();
                queued.dedup();
                prop_assert_eq!(queued.len(), turns.queue.len());
            }
        }
    }
}
