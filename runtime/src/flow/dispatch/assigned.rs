//! Partitions and who has them.

use std::collections::VecDeque;

/// Which seat has which partition. A partition stays with its seat until the
/// seat leaves; a seat has one, or stands by until one is free.
#[derive(Debug)]
pub(in crate::flow) struct Assigned {
    owners: Vec<Option<usize>>,
    /// In the order in which they came, with the one that they wish for.
    standing_by: VecDeque<(usize, Option<usize>)>,
}

impl Assigned {
    pub(in crate::flow) fn new(partitions: usize) -> Self {
        assert!(partitions > 0, "there is at least one partition");
        Self { owners: vec![None; partitions], standing_by: VecDeque::new() }
    }

    pub(in crate::flow) fn partitions(&self) -> usize {
        self.owners.len()
    }

    /// A seat is taken: it gets the partition that it wishes for, the first free
    /// one if it wishes for none, or stands by. `false`: there is no such
    /// partition.
    pub(in crate::flow) fn arrive(&mut self, seat: usize, wish: Option<usize>) -> bool {
        if wish.is_some_and(|wish| wish >= self.owners.len()) {
            return false;
        }
        let found = wish.or_else(|| self.owners.iter().position(Option::is_none));
        match found {
            Some(partition) if self.owners[partition].is_none() => self.owners[partition] = Some(seat),
            _ => self.standing_by.push_back((seat, wish)),
        }
        true
    }

    /// A seat is left: the first that stands by for its partition gets it.
    pub(in crate::flow) fn leave(&mut self, seat: usize) {
        self.standing_by.retain(|&(other, _)| other != seat);
        let Some(partition) = self.owners.iter().position(|&owner| owner == Some(seat)) else { return };
        let next = self.standing_by.iter().position(|(_, wish)| wish.is_none_or(|wish| wish == partition));
        self.owners[partition] = next.and_then(|next| self.standing_by.remove(next)).map(|(seat, _)| seat);
    }

    pub(in crate::flow) fn owner(&self, partition: usize) -> Option<usize> {
        self.owners.get(partition).copied().flatten()
    }

    pub(in crate::flow) fn owners(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        self.owners.iter().copied()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::Assigned;

    #[test]
    fn who_comes_too_late_stands_by() {
        let mut assigned = Assigned::new(2);
        assert!(assigned.arrive(0, Some(1)) && assigned.arrive(1, None) && assigned.arrive(2, Some(1)));
        assert!(assigned.arrive(3, None) && !assigned.arrive(4, Some(2)));
        assert_eq!(assigned.owners().collect::<Vec<_>>(), [Some(1), Some(0)]);
        assigned.leave(1);
        assert_eq!(assigned.owner(0), Some(3), "2 wishes for the other");
        assigned.leave(0);
        assert_eq!(assigned.owner(1), Some(2));
        assigned.leave(2);
        assert_eq!(assigned.owner(1), None);
    }

    proptest! {
        /// Against a map and a list, and the rules: nobody has two, nobody who
        /// could have one has none, and none moves while its owner is there.
        #[test]
        fn a_partition_moves_only_when_its_owner_leaves(
            steps in prop::collection::vec((any::<bool>(), 0_usize..8, prop::option::of(0_usize..4)), 1..80),
        ) {
            let mut assigned = Assigned::new(4);
            let mut there: BTreeMap<usize, Option<usize>> = BTreeMap::new();
            for (arrives, seat, wish) in steps {
                let before: Vec<_> = assigned.owners().collect();
                if arrives && !there.contains_key(&seat) {
                    prop_assert!(assigned.arrive(seat, wish));
                    there.insert(seat, wish);
                } else if !arrives {
                    assigned.leave(seat);
                    there.remove(&seat);
                }
                let owners: Vec<_> = assigned.owners().collect();
                for (partition, owner) in owners.iter().enumerate() {
                    let was = before[partition].filter(|was| there.contains_key(was));
                    prop_assert!(was.is_none() || was == *owner, "{:?} -> {:?}", before, owners);
                    let Some(owner) = owner else { continue };
                    prop_assert_eq!(owners.iter().filter(|other| **other == Some(*owner)).count(), 1);
                    prop_assert!(there[owner].is_none_or(|wish| wish == partition));
                }
                for (seat, wish) in &there {
                    let free = |partition: usize| owners[partition].is_none();
                    let could = wish.map_or_else(|| (0..4).any(free), free);
                    prop_assert!(owners.contains(&Some(*seat)) || !could, "{} of {:?}", seat, owners);
                }
            }
        }
    }
}
