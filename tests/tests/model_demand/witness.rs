//! What has happened somewhere in the course of a check: proof that a model is
//! not green because nothing ever happens in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Something that happens in a step and leaves no trace in the state after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saw {
    ItemLost,
    GrantLost,
    EndLost,
    Duplicate,
    Overtaken,
    StaleGrant,
    EndOvertook,
    ToPullInFlight,
    ToPushInFlight,
    SwitchWithItemsBuffered,
    LeftoverDemand,
    CancelInFlight,
    ItemAfterCancel,
    TerminalWithoutDemand,
    /// There was an item to be sent, and no credit for it.
    HeldBack,
    /// All was asked for, and no more was granted than there is room for.
    Unbounded,
    Violation,
}

/// Beside the states, so that what was seen does not multiply them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witnesses(Arc<AtomicU32>);

impl Witnesses {
    pub(crate) fn saw(&self, what: Saw) {
        self.0.fetch_or(1 << what as u32, Relaxed);
    }

    pub(crate) fn has_seen(&self, what: Saw) -> bool {
        self.0.load(Relaxed) >> what as u32 & 1 == 1
    }
}
