//! How messages are delivered, and how it went.

use std::sync::Arc;
use std::time::Duration;

use crate::supervision::Backoff;

/// How messages are delivered.
pub(crate) struct Terms<M> {
    /// How many messages may be unsettled.
    pub(crate) window: usize,
    /// The window is one of sequence numbers: what is old holds up what is new.
    pub(crate) sliding: bool,
    /// Nothing is accepted before somebody can take it.
    pub(crate) on_demand: bool,
    /// Without a target there is nothing to wait for.
    pub(crate) needs_target: bool,
    pub(crate) attempts: u32,
    pub(crate) ack_within: Option<Duration>,
    pub(crate) backoff: Backoff,
    pub(crate) keep: usize,
    /// How a copy is made, if one is kept.
    pub(crate) copy: Option<fn(&M) -> M>,
    /// The hash of a message's key, if the order of each key is kept.
    pub(crate) key: Option<Arc<KeyOf<M>>>,
    /// Of how many keys without messages it is remembered who had the last.
    pub(crate) remember: usize,
}

impl<M> Terms<M> {
    pub(crate) fn new(window: usize) -> Self {
        Self {
            window,
            sliding: false,
            on_demand: false,
            needs_target: false,
            attempts: 5,
            ack_within: None,
            backoff: Backoff::exponential(Duration::from_millis(100), Duration::from_secs(10)).jitter(0.2),
            keep: 128,
            copy: None,
            key: None,
            remember: 0,
        }
    }
}

pub(crate) type KeyOf<M> = dyn Fn(&M) -> u64 + Send + Sync;

/// What became of the messages of a [`Courier`](crate::pattern::Courier) or of
/// [`Workers`](crate::pattern::Workers).
///
/// `accepted == acked + quarantined + lost + unsettled`, at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryStats {
    /// Messages taken on; one that is redelivered from quarantine counts again.
    pub accepted: u64,
    /// Messages acknowledged.
    pub acked: u64,
    /// Messages given up after their last attempt, or rejected.
    pub quarantined: u64,
    /// Messages that went to the dead letters for another reason: the end of
    /// the source, or a receipt dropped without its message.
    pub lost: u64,
    /// Messages that are neither of these yet.
    pub unsettled: usize,
    /// Of those, how many somebody holds.
    pub out: usize,
    /// Deliveries after the first of their message.
    pub redelivered: u64,
    /// Deliveries that were not acknowledged in time.
    pub late: u64,
}
