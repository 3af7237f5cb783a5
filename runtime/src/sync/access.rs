//! What a step of an explored program touches, and where it may be cut.
//!
//! With the feature `explore` a thread may have a *recorder*: while one task of
//! an explored program is polled on it, every shared thing that the task
//! touches is noted here, with how: [`explore`](crate::explore) decides by it
//! which orders of two steps have to be tried. A shared thing has an
//! [`Object`]: every [`Mutex`](super::shim::Mutex) and every structure of this
//! floor. Without the feature an `Object` has no size, and all of this no code.
//!
//! The rule: *whatever one task leaves for another lies behind an object, and is
//! touched when it is read and when it is changed.* A thing that is not touched
//! must be nobody else's, or not matter to anybody, and says so where it is.
//!
//! Numbers of objects must not depend on the order in which tasks run, or what
//! was learnt of one order would be wrong in another. So each is made of the
//! task that made it and of how many that task had made before.

use std::task::{Context, Poll};

/// How a step touches an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(not(feature = "explore"), allow(dead_code))]
pub(crate) enum Access {
    /// Two reads may change places.
    Read,
    /// A change that may change places with others of its kind, and not with a
    /// read: an addition, an entry under a key of its own.
    Update,
    /// May change places with nothing.
    Write,
}

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
mod absent;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod actors;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod described;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod living;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod recorder;

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
pub(crate) use absent::*;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub(crate) use actors::*;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub(crate) use described::*;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub(crate) use living::*;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub(crate) use recorder::*;

/// Ready in a step that has not acted yet: another such step is begun if need be.
/// As [`pass`], before what may turn out to be nothing, or acts itself.
#[inline(always)]
pub(crate) fn fresh(cx: &mut Context<'_>) -> Poll<()> {
    if is_exploring() && has_acted() {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

/// Polls for what can be polled for again. In a step that has acted it is left there
/// for the next, which is begun only if it is there.
#[inline(always)]
pub(crate) fn afresh<T>(cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    let acted = has_acted();
    let polled = poll(cx);
    if polled.is_ready() && is_exploring() && acted {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    polled
}
