//! For plain threads: sending, asking and waiting without a runtime.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park};

use crate::actor::{ActorRef, AskError, Reply};
use crate::mailbox::{Admission, SendError};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a future on the calling thread, which sleeps meanwhile: for
/// threads that have no runtime, as a plain `main`.
///
/// On a thread of an asynchronous runtime it keeps every other task of that
/// thread from running, and waits for ever if it waits for one of them.
///
/// ```
/// assert_eq!(tidegate::block_on(async { 6 * 7 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut cx) {
            return done;
        }
        // Returns at once if the waker was called since the last time, and now
        // and then for no reason.
        park();
    }
}

impl<M: Send + 'static> ActorRef<M> {
    /// [`tell`](Self::tell) from a plain thread: blocks it while it waits for a
    /// grant. See [`block_on`] for where not to. Not in a handler either, also on
    /// a thread of its own: an actor that blocks sees no kill, and is never part
    /// of a deadlock that is found. There, await `tell`.
    ///
    /// # Errors
    /// As [`tell`](Self::tell).
    pub fn blocking_tell(&self, message: M) -> Result<Admission, SendError<M>> {
        block_on(self.tell(message))
    }

    /// [`ask`](Self::ask) from a plain thread: blocks it until the answer. For
    /// where not to, see [`blocking_tell`](Self::blocking_tell).
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn blocking_ask<R>(&self, question: impl FnOnce(Reply<R>) -> M) -> Result<R, AskError<M>> {
        block_on(self.ask(question))
    }
}
