//! The highest demand first.

/// Who was served last: among equals the next one's turn has come.
#[derive(Debug, Default)]
pub(in crate::flow) struct Highest {
    last: usize,
}

impl Highest {
    /// Who has most, among `seats` seats.
    pub(in crate::flow) fn pick(&mut self, seats: usize, demand: impl Fn(usize) -> u64) -> Option<usize> {
        let mut best = None;
        for step in 1..=seats {
            let seat = (self.last + step) % seats;
            let has = demand(seat);
            if has > best.map_or(0, |(_, most)| most) {
                best = Some((seat, has));
            }
        }
        let (seat, _) = best?;
        self.last = seat;
        Some(seat)
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::Highest;

    #[test]
    fn equals_take_turns() {
        let mut highest = Highest::default();
        let picked: Vec<_> = (0..6).filter_map(|_| highest.pick(3, |_| 7)).collect();
        assert_eq!(picked, [1, 2, 0, 1, 2, 0]);
        assert_eq!(highest.pick(3, |_| 0), None);
        assert_eq!(highest.pick(0, |_| 1), None);
    }

    proptest! {
        #[test]
        fn whoever_is_picked_has_as_much_as_anybody(rounds in prop::collection::vec(prop::collection::vec(0_u64..5, 1..9), 1..40)) {
            let mut highest = Highest::default();
            for demands in rounds {
                let picked = highest.pick(demands.len(), |seat| demands[seat]);
                let most = demands.iter().copied().max().filter(|&most| most > 0);
                prop_assert_eq!(picked.map(|seat| demands[seat]), most);
            }
        }

        #[test]
        fn served_one_by_one_the_demands_are_levelled(mut demands in prop::collection::vec(0_u64..40, 1..9)) {
            let mut highest = Highest::default();
            let mut served = vec![0_u64; demands.len()];
            let mut before = u64::MAX;
            while let Some(seat) = highest.pick(demands.len(), |seat| demands[seat]) {
                prop_assert!(demands[seat] <= before, "from the highest down");
                before = demands[seat];
                demands[seat] -= 1;
                served[seat] += 1;
            }
            prop_assert!(demands.iter().all(|&demand| demand == 0), "and to the end: {:?}", served);
        }
    }
}
