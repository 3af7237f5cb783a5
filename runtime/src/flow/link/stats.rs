//! What the ends count.

use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// What a [`Producer`](super::Producer) has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProducerStats {
    /// Item frames that were sent, repetitions included.
    pub item_frames: u64,
    /// Item frames that repeated an earlier one.
    pub resent: u64,
    /// Grants that were heard, in whatever order.
    pub grants: u64,
    /// Frames of another link, or without a meaning in the present state.
    pub strays: u64,
    /// Grants that cannot be: they confirm what was never sent, or grant less
    /// than they confirm. Ignored.
    pub violations: u64,
}

/// What a [`Consumer`](super::Consumer) has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerStats {
    /// Items that arrived for the first time.
    pub items: u64,
    /// Items that had arrived before.
    pub duplicates: u64,
    /// Items that overtook an earlier one.
    pub early: u64,
    /// Items that had arrived, and were thrown away by a cancel or a violation.
    pub discarded: u64,
    /// Items that arrived after a cancel, and were thrown away.
    pub late: u64,
    /// Grants that were sent, repetitions included.
    pub grants: u64,
    /// Frames of another link, or without a meaning in the present state.
    pub strays: u64,
    /// Items without credit, and ends that contradict what was sent before.
    pub violations: u64,
}

/// What is counted beside the state: two ends that differ in nothing else are in
/// the same state, which is what a model checker has to be told in order to end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Aside<S>(pub(super) S);

impl<S> PartialEq for Aside<S> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<S> Eq for Aside<S> {}

impl<S> Hash for Aside<S> {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl<S> Deref for Aside<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S> DerefMut for Aside<S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0
    }
}
