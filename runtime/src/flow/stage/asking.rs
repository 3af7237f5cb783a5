//! What a stage asks of upstream, and when: pure.

use crate::flow::conversion::Conversion;

/// How a stage asks for its items; see [`System::stage`](crate::System::stage).
///
/// A **window** is prefetch: so many items are asked for ahead of what is wanted
/// downstream, so that the stage has work while the next comes. It is counted
/// strictly: an item is in the window from when it is asked for until the stage
/// is done with it, the one in the handler among them.
///
/// **None** means that nothing is asked for that is not wanted downstream: with
/// demand for 5 batches of 10, 50. For items that are costly to make, that age, or
/// whose reading has an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "prefetch does nothing until it is given to `stage`"]
pub struct Prefetch {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Window { size: u64, low: u64 },
    None { conversion: Conversion, most: u64 },
}

impl Prefetch {
    /// At most `size` items are asked for and not done with; more are asked for
    /// when half of them are.
    ///
    /// To keep a stage busy, at least the time that an item takes to come after
    /// it was asked for, divided by the time that the stage takes for one; twice
    /// that, as it is refilled at half.
    ///
    /// # Panics
    /// If `size` is 0.
    pub const fn window(size: usize) -> Self {
        assert!(size > 0, "a window is at least 1");
        Self { kind: Kind::Window { size: size as u64, low: size as u64 / 2 } }
    }

    /// How many of a window are left when it is filled up again.
    ///
    /// # Panics
    /// If this is no window, or `low` is not below its size.
    pub const fn low(mut self, low: usize) -> Self {
        match self.kind {
            Kind::Window { size, .. } if (low as u64) < size => self.kind = Kind::Window { size, low: low as u64 },
            _ => panic!("a low mark belongs to a window and is below its size"),
        }
        self
    }

    /// What is wanted downstream, and no more, by the numbers of `conversion`: no
    /// more than 64 items at a time; see [`at_most`](Self::at_most).
    pub const fn none(conversion: Conversion) -> Self {
        Self { kind: Kind::None { conversion, most: 64 } }
    }

    /// How many items are asked for and not done with at most, whatever is wanted
    /// downstream: without a window.
    ///
    /// # Panics
    /// If this is a window, or `most` is 0.
    pub const fn at_most(mut self, most: usize) -> Self {
        match self.kind {
            Kind::None { conversion, .. } if most > 0 => self.kind = Kind::None { conversion, most: most as u64 },
            _ => panic!("a window has a size, and at least 1 is asked for"),
        }
        self
    }

    /// How many items may wait for the stage.
    pub(super) const fn places(self) -> usize {
        match self.kind {
            Kind::Window { size: places, .. } | Kind::None { most: places, .. } => places as usize,
        }
    }

    /// Whether what is wanted downstream matters.
    pub(super) const fn is_derived(self) -> bool {
        matches!(self.kind, Kind::None { .. })
    }
}

/// How a stage's asking stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    prefetch: Prefetch,
    /// Asked for and not done with.
    outstanding: u64,
    /// Done with, but part of a group that is not whole.
    held: u64,
}

impl Asking {
    pub(super) const fn new(prefetch: Prefetch) -> Self {
        Self { prefetch, outstanding: 0, held: 0 }
    }

    pub(super) const fn is_derived(&self) -> bool {
        self.prefetch.is_derived()
    }

    /// How many more items to ask for now, given what is wanted downstream; counts
    /// them as asked for.
    pub(super) fn ask(&mut self, demand: u64) -> u64 {
        let up_to = match self.prefetch.kind {
            Kind::Window { size, low } if self.outstanding <= low => size,
            Kind::Window { .. } => 0,
            Kind::None { conversion, most } => conversion.needed(demand, self.held).min(most),
        };
        let more = up_to.saturating_sub(self.outstanding);
        self.outstanding += more;
        more
    }

    /// The stage is done with an item.
    pub(super) fn finish(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
        if let Kind::None { conversion, .. } = self.prefetch.kind {
            self.held = conversion.holding(self.held);
        }
    }

    /// The stage holds nothing any more: it has emitted a group that was not whole,
    /// or begun anew.
    pub(super) const fn let_go(&mut self) {
        self.held = 0;
    }

    /// An item was lost with a life of the stage.
    pub(super) const fn lose(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A stage as numbers: what it makes of its inputs, which may be less than its
    /// conversion says, and by whom it is driven.
    #[derive(Clone, Copy, Debug)]
    enum Model {
        /// Exactly so many for so many.
        Exact(u64, u64),
        /// Lets every so manieth through.
        Filter(u64),
        /// Groups of so many, by so many keys.
        Keyed(u64, u64),
    }

    impl Model {
        fn conversion(self) -> Conversion {
            match self {
                Self::Exact(inputs, outputs) => Conversion::ratio(inputs as usize, outputs as usize),
                Self::Filter(_) | Self::Keyed(..) => Conversion::one_to_one(),
            }
        }

        /// What has come out after so many inputs.
        fn made(self, inputs: u64) -> u64 {
            match self {
                Self::Exact(group, outputs) => inputs / group * outputs,
                Self::Filter(keep) => inputs / keep,
                Self::Keyed(group, keys) => {
                    (0..keys).map(|key| (inputs / keys + u64::from(inputs % keys > key)) / group).sum()
                }
            }
        }

        /// How many outputs the stage may be left with that nobody has asked for.
        fn surplus(self) -> u64 {
            match self {
                Self::Exact(_, outputs) => outputs - 1,
                Self::Filter(_) | Self::Keyed(..) => 0,
            }
        }
    }

    fn model() -> impl Strategy<Value = Model> {
        prop_oneof![
            (1_u64..6, 1_u64..6).prop_map(|(inputs, outputs)| Model::Exact(inputs, outputs)),
            (1_u64..9).prop_map(Model::Filter),
            (1_u64..5, 1_u64..5).prop_map(|(group, keys)| Model::Keyed(group, keys)),
        ]
    }

    proptest! {
        /// Against demand that comes in bits and a source that is prompt or slow: the
        /// stage never has more in its hands than a group of outputs allows, never has
        /// more asked for than its bound, and meets all demand in the end.
        #[test]
        fn without_prefetch_all_demand_is_met_and_no_more_is_made(
            model in model(), most in 1_usize..20, steps in proptest::collection::vec((0_u64..6, 0_u64..12), 1..40),
        ) {
            let mut asking = Asking::new(Prefetch::none(model.conversion()).at_most(most));
            let (mut wanted, mut asked, mut inputs) = (0_u64, 0_u64, 0_u64);
            let step = |more: u64, arrives: u64, asking: &mut Asking, wanted: &mut u64, asked: &mut u64, inputs: &mut u64| {
                *wanted += more;
                *asked += asking.ask(wanted.saturating_sub(model.made(*inputs)));
                for _ in 0..arrives.min(*asked - *inputs) {
                    *inputs += 1;
                    asking.finish();
                    *asked += asking.ask(wanted.saturating_sub(model.made(*inputs)));
                }
            };
            for (more, arrives) in steps {
                step(more, arrives, &mut asking, &mut wanted, &mut asked, &mut inputs);
                prop_assert!(asked - inputs <= most as u64, "{asking:?}");
                prop_assert!(model.made(inputs) <= wanted + model.surplus(), "{asking:?}: made too much");
            }
            for _ in 0..2_000 {
                step(0, 1, &mut asking, &mut wanted, &mut asked, &mut inputs);
            }
            prop_assert!(model.made(inputs) >= wanted, "stuck at {} of {wanted}: {asking:?}", model.made(inputs));
            prop_assert_eq!(asked, inputs, "nothing is left asked for that nobody wants");
        }

        /// A window counts what is asked for and not done with, whatever is wanted.
        #[test]
        fn a_window_is_never_exceeded_and_never_stands_still(
            size in 1_usize..20, part in 0_usize..20, demand: u64, finishes in proptest::collection::vec(0_u64..20, 1..60),
        ) {
            let low = part % size;
            let mut asking = Asking::new(Prefetch::window(size).low(low));
            let mut open = asking.ask(demand);
            prop_assert_eq!(open, size as u64);
            for finished in finishes {
                for _ in 0..finished.min(open) {
                    asking.finish();
                    open -= 1;
                }
                open += asking.ask(demand);
                prop_assert!(open <= size as u64);
                prop_assert!(open > low as u64, "L7");
            }
        }

        /// A life that ends takes the item in the handler and the group in the making
        /// with it; what that leaves unmet is asked for again.
        #[test]
        fn what_a_life_has_lost_is_asked_for_again(group in 1_usize..6, most in 1_usize..12, loses in 1_u64..30) {
            let mut asking = Asking::new(Prefetch::none(Conversion::batch(group)).at_most(most));
            let (mut open, mut collected, mut until_lost, mut inputs) = (asking.ask(1), 0, loses, 0);
            while collected < group {
                prop_assert!(open > 0, "stuck: {asking:?}");
                open -= 1;
                inputs += 1;
                if until_lost > 0 && inputs % 3 == 0 {
                    until_lost -= 1;
                    collected = 0;
                    asking.lose();
                    asking.let_go();
                } else {
                    collected += 1;
                    asking.finish();
                }
                open += asking.ask(u64::from(collected < group));
                if group >= 3 && until_lost == 0 {
                    prop_assert!(inputs <= 3 * loses + group as u64);
                }
            }
        }
    }
}
