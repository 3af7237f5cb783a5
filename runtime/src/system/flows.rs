//! The subscriptions of a system, for those who look at it.

use std::fmt;
use std::sync::{Arc, Weak};

use super::System;
use crate::actor::ActorPath;
use crate::sync::access::Access;
use crate::sync::shim::Mutex;

/// A subscription and its numbers, all absolute: the source may send item number
/// `t`, counted from 0, while `t < limit`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct FlowInspection {
    /// What is subscribed to: a path if it is an actor.
    #[cfg_attr(feature = "serde", serde(serialize_with = "as_str"))]
    pub source: Arc<str>,
    /// Where its items go.
    pub target: ActorPath,
    /// How many items may be granted and not done with; `None`: asked for by
    /// hand.
    pub window: Option<u64>,
    /// How many were asked for; `None` for demand without end, as under a window.
    pub requested: Option<u64>,
    /// How far the source may go, as it last knew; `None` without end.
    pub limit: Option<u64>,
    /// How many items were sent.
    pub sent: u64,
    /// How many of them are done with, as the source last knew.
    pub done: u64,
    /// How many more it was not sent, since it lagged and the source does not wait
    /// for it; see [`Outlet::broadcast`](crate::flow::Outlet::broadcast).
    pub skipped: u64,
    /// How it has ended, if it has and is still held.
    pub ended: Option<String>,
}

#[cfg(feature = "serde")]
fn as_str<S: serde::Serializer>(name: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

impl FlowInspection {
    /// How many items may be sent now: the demand that has arrived at the source.
    #[must_use]
    pub fn demand(&self) -> Option<u64> {
        self.limit.map(|limit| limit.saturating_sub(self.sent))
    }
}

impl fmt::Display for FlowInspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}: {} sent, {} done", self.source, self.target, self.sent, self.done)?;
        match self.demand() {
            Some(demand) => write!(f, ", demand {demand}")?,
            None => f.write_str(", demand without end")?,
        }
        if let Some(window) = self.window {
            write!(f, " of {window}")?;
        }
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        if let Some(ended) = &self.ended {
            write!(f, "; {ended}")?;
        }
        Ok(())
    }
}

/// A subscription that can be looked at.
pub(crate) trait FlowProbe: Send + Sync {
    fn inspect(&self) -> FlowInspection;
}

/// All that are there.
#[derive(Default)]
pub(super) struct Flows(Mutex<Vec<Weak<dyn FlowProbe>>>);

impl Flows {
    pub(super) fn add(&self, flow: &Arc<dyn FlowProbe>) {
        let mut flows = self.0.lock_to(Access::Update);
        if flows.len() >= 16 && flows.len().is_power_of_two() {
            flows.retain(|flow| flow.strong_count() > 0);
        }
        flows.push(Arc::downgrade(flow));
    }

    pub(super) fn inspect(&self) -> Vec<FlowInspection> {
        let flows: Vec<_> = self.0.lock_to(Access::Read).iter().filter_map(Weak::upgrade).collect();
        flows.iter().map(|flow| flow.inspect()).collect()
    }
}

impl System {
    /// Has a subscription shown for as long as it is there.
    pub(crate) fn show_flow(&self, flow: &Arc<dyn FlowProbe>) {
        self.roots.flows.add(flow);
    }
}
