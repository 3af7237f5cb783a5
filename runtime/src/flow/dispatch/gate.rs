//! To all: the slowest of those that are waited for sets the pace.

use crate::flow::ledger::UNBOUNDED;
use crate::pattern::Lag;

/// How many items may be sent to all `seats`, each with its policy and its
/// demand: what the slowest that [waits](Lag::Wait) has, and any number if none
/// does. `None` if nobody is there.
pub(in crate::flow) fn gate(seats: impl Iterator<Item = (Lag, u64)>) -> Option<u64> {
    let mut least = None;
    for (lag, demand) in seats {
        let demand = if lag == Lag::Wait { demand } else { UNBOUNDED };
        least = Some(least.map_or(demand, |least: u64| least.min(demand)));
    }
    least
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn f4_the_least_demand_of_those_that_are_waited_for_is_the_gate() {
        let gate = |seats: &[(Lag, u64)]| gate(seats.iter().copied());
        assert_eq!(gate(&[]), None);
        assert_eq!(gate(&[(Lag::Wait, 3), (Lag::Wait, 2), (Lag::Wait, 9)]), Some(2));
        assert_eq!(gate(&[(Lag::Wait, 3), (Lag::Skip, 0), (Lag::Disconnect, 0)]), Some(3));
        assert_eq!(gate(&[(Lag::Skip, 0), (Lag::Disconnect, 1)]), Some(UNBOUNDED));
        assert_eq!(gate(&[(Lag::Wait, 0), (Lag::Skip, 7)]), Some(0));
    }
}
