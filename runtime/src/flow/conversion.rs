//! How many items a stage needs from upstream for what is wanted downstream:
//! pure arithmetic.

use super::ledger::UNBOUNDED;

/// What a stage makes of its items, as far as numbers go: of each group of so
/// many inputs, so many outputs.
///
/// | the stage | is |
/// |---|---|
/// | maps, filters, deduplicates: at most one output for each input | [`one_to_one`](Self::one_to_one) |
/// | collects by key, and emits a group when it is full | [`one_to_one`](Self::one_to_one) |
/// | collects `n` into one | [`batch(n)`](Self::batch) |
/// | makes up to `n` of one | [`expand(n)`](Self::expand) |
///
/// It says what is *possible*, not what is certain: an input that comes to
/// nothing is asked for again, so a filter never starves whoever is downstream.
/// What must not happen is that the numbers promise more inputs for an output
/// than it can take: then the stage would wait for demand with outputs in its
/// hands.
///
/// Whole groups are asked for. Of a stage that makes 2 of each 3, for one output:
/// 3, since the first 2 may come to nothing without the third.
///
/// ```
/// use tidegate::flow::{Conversion, UNBOUNDED};
/// assert_eq!(Conversion::one_to_one().needed(5, 0), 5);
/// assert_eq!(Conversion::batch(4).needed(2, 3), 5, "3 of the 8 are there already");
/// assert_eq!(Conversion::expand(4).needed(5, 0), 2);
/// assert_eq!(Conversion::ratio(3, 2).needed(1, 0), 3);
/// assert_eq!(Conversion::batch(4).needed(UNBOUNDED, 3), UNBOUNDED);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conversion {
    inputs: u64,
    outputs: u64,
}

impl Conversion {
    /// An input comes to one output, or to none.
    #[must_use]
    pub const fn one_to_one() -> Self {
        Self { inputs: 1, outputs: 1 }
    }

    /// `n` inputs come to one output.
    ///
    /// # Panics
    /// If `n` is 0.
    #[must_use]
    pub const fn batch(n: usize) -> Self {
        Self::ratio(n, 1)
    }

    /// An input comes to `n` outputs, or fewer.
    ///
    /// # Panics
    /// If `n` is 0.
    #[must_use]
    pub const fn expand(n: usize) -> Self {
        Self::ratio(1, n)
    }

    /// `inputs` come to `outputs`, or fewer. Of a group that is not whole nothing
    /// need come.
    ///
    /// # Panics
    /// If either is 0.
    #[must_use]
    pub const fn ratio(inputs: usize, outputs: usize) -> Self {
        assert!(inputs > 0 && outputs > 0, "a stage makes something of something");
        Self { inputs: inputs as u64, outputs: outputs as u64 }
    }

    /// How many inputs `demand` outputs need, beyond the `held` ones that the
    /// stage has taken in and made nothing of yet. Saturating; demand without end
    /// needs inputs without end.
    ///
    /// The least that can do: as many groups as `demand` takes, rounded up.
    #[must_use]
    pub const fn needed(self, demand: u64, held: u64) -> u64 {
        let needed = demand.div_ceil(self.outputs).saturating_mul(self.inputs);
        if demand == UNBOUNDED || needed == UNBOUNDED {
            return UNBOUNDED;
        }
        needed.saturating_sub(held)
    }

    /// How many inputs a stage holds after one more that has come to nothing or to
    /// the last of its group. A whole group is never held: one that has come to
    /// nothing has been left out.
    #[must_use]
    pub(super) const fn holding(self, held: u64) -> u64 {
        (held + 1) % self.inputs
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What an exact stage has made of so many inputs.
    fn made(conversion: Conversion, inputs: u64) -> u64 {
        inputs / conversion.inputs * conversion.outputs
    }

    proptest! {
        #[test]
        fn what_is_needed_is_enough_and_one_less_is_not(
            inputs in 1_usize..9, outputs in 1_usize..9, demand in 1_u64..200, part in 0_u64..8,
        ) {
            let conversion = Conversion::ratio(inputs, outputs);
            let held = part % inputs as u64;
            let needed = conversion.needed(demand, held);
            prop_assert!(made(conversion, held + needed) >= demand);
            prop_assert!(needed > 0, "L3: somebody wants something, so something is asked for");
            prop_assert!(made(conversion, held + needed - 1) < demand);
        }

        #[test]
        fn more_demand_never_needs_less_and_nothing_overflows(
            inputs in 1_usize..9, outputs in 1_usize..9, demand: u64, more: u64, held in 0_u64..9,
        ) {
            let conversion = Conversion::ratio(inputs, outputs);
            let larger = demand.saturating_add(more);
            prop_assert!(conversion.needed(larger, held) >= conversion.needed(demand, held));
        }
    }

    #[test]
    fn no_demand_needs_nothing_and_demand_without_end_never_ends() {
        for (inputs, outputs) in [(1, 1), (7, 1), (1, 7), (5, 3)] {
            let conversion = Conversion::ratio(inputs, outputs);
            assert_eq!(conversion.needed(0, 0), 0);
            assert_eq!(conversion.needed(UNBOUNDED, 3), UNBOUNDED);
            assert_eq!(conversion.holding(inputs as u64 - 1), 0, "a whole group is never held");
        }
        assert_eq!(Conversion::batch(3).needed(UNBOUNDED / 2, 1), UNBOUNDED, "saturated");
    }
}
