//! Consistent hashing: which member a key belongs to.
//!
//! Each member has many points on a ring of 2^64 places, and a key belongs to
//! the member whose point comes next. When a member goes, its keys go to those
//! whose points come after its own, and no other key moves; one that comes
//! takes its share from all the others alike.

use crate::actor::ActorId;

/// Points of a member: the shares of members differ by a tenth or so.
const POINTS: u64 = 128;

/// SplitMix64's last step: spreads neighbouring numbers over all 64 bits.
fn spread(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[derive(Debug)]
pub(super) struct Ring {
    /// In order: where on the ring, and whose, as an index.
    points: Vec<(u64, u32)>,
}

impl Ring {
    pub(super) fn new(members: impl Iterator<Item = ActorId>) -> Self {
        let mut points: Vec<_> = members
            .zip(0_u32..)
            .flat_map(|(id, at)| {
                (0..POINTS).map(move |n| (spread(spread(id.0).wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))), at))
            })
            .collect();
        points.sort_unstable();
        Self { points }
    }

    /// The members in the order in which the key would go to them: a member
    /// may come up more than once.
    pub(super) fn owners(&self, key: u64) -> impl Iterator<Item = usize> + '_ {
        let from = self.points.partition_point(|(point, _)| *point < spread(key));
        let (before, after) = self.points.split_at(from);
        after.iter().chain(before).map(|(_, at)| *at as usize)
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    const KEYS: u64 = 20_000;

    fn ring(ids: impl IntoIterator<Item = u64>) -> (Ring, Vec<u64>) {
        let ids: Vec<u64> = ids.into_iter().collect();
        (Ring::new(ids.iter().map(|id| ActorId(*id))), ids)
    }

    fn owner((ring, ids): &(Ring, Vec<u64>), key: u64) -> u64 {
        ids[ring.owners(key).next().expect("somebody owns each key")]
    }

    #[test]
    fn only_the_keys_of_a_member_that_goes_move() {
        let (before, after) = (ring(1..=10), ring((1..=10).filter(|id| *id != 4)));
        let moved = (0..KEYS).filter(|key| owner(&before, *key) != owner(&after, *key));
        let (mut n, mut wrong) = (0, 0);
        for key in moved {
            n += 1;
            wrong += usize::from(owner(&before, key) != 4);
        }
        assert_eq!(wrong, 0, "a key moved that was not the leaver's");
        assert!((KEYS / 20..KEYS / 6).contains(&n), "{n} of {KEYS} keys moved");
    }

    #[test]
    fn a_member_that_comes_takes_keys_only_for_itself() {
        let (before, after) = (ring(1..=10), ring(1..=11));
        let moved = (0..KEYS).filter(|key| owner(&before, *key) != owner(&after, *key));
        assert!(moved.into_iter().all(|key| owner(&after, key) == 11));
    }

    #[test]
    fn every_member_has_about_the_same_share() {
        let ring = ring(1..=8);
        let mut shares = [0_u64; 9];
        (0..KEYS).for_each(|key| shares[owner(&ring, key) as usize] += 1);
        let fair = KEYS / 8;
        assert!(shares[1..].iter().all(|share| (fair / 2..fair * 2).contains(share)), "{shares:?}");
    }

    #[test]
    fn the_next_owner_is_the_one_who_has_the_key_without_the_first() {
        let whole = ring(1..=6);
        for key in 0..1000 {
            let first = owner(&whole, key);
            let next = whole.0.owners(key).map(|at| whole.1[at]).find(|id| *id != first);
            assert_eq!(next, Some(owner(&ring((1..=6).filter(|id| *id != first)), key)));
        }
    }

    #[test]
    fn no_members_own_nothing() {
        assert_eq!(ring([]).0.owners(7).next(), None);
    }
}
