//! What is to run an actor.

use std::sync::Arc;

use crate::actor::Executor;
use crate::actor::cell::BUDGET;
use crate::sync::access;

pub(super) enum Place {
    /// What runs its system.
    Usual,
    /// Another.
    Executor(Arc<dyn Executor>),
    /// The only one that may.
    #[cfg(any(feature = "thread", feature = "actix"))]
    Bound(Arc<dyn Executor>),
    /// A thread of its own, named after it.
    #[cfg(feature = "thread")]
    Thread,
}

impl Place {
    /// How many messages an actor may handle at a time there.
    pub(super) fn budget(&self) -> usize {
        match self {
            // What it does takes long: the way through the queue is little, and
            // senders wait for what it took.
            #[cfg(feature = "thread")]
            Self::Thread => 1,
            _ => BUDGET,
        }
    }

    /// `None`: what runs the system.
    pub(super) fn executor(self, path: &str) -> Option<Arc<dyn Executor>> {
        #[cfg(not(feature = "thread"))]
        let _ = path;
        // Explored, a program runs on one executor, which is all of them.
        if access::is_exploring() {
            return None;
        }
        match self {
            Self::Usual => None,
            Self::Executor(executor) => Some(executor),
            #[cfg(any(feature = "thread", feature = "actix"))]
            Self::Bound(executor) => Some(executor),
            #[cfg(feature = "thread")]
            Self::Thread => Some(Arc::new(super::ThreadExecutor::new(path))),
        }
    }
}
