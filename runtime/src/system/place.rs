//! What is to run an actor.

use std::sync::Arc;

use crate::actor::Executor;

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
    /// `None`: what runs the system.
    pub(super) fn executor(self, path: &str) -> Option<Arc<dyn Executor>> {
        #[cfg(not(feature = "thread"))]
        let _ = path;
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
