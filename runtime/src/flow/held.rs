//! Items that count as in flight until they are let go.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::line::Line;

/// An item that counts as in flight until this is dropped: acknowledgement, for
/// work that outlives the handler that began it.
///
/// Made by an inlet that [holds](super::Inlet::holding). Dropped in any way,
/// with a message that dies unhandled among them, it makes room for the next.
pub struct Held<T> {
    item: T,
    hold: Hold,
}

struct Hold(Arc<Line>);

impl<T> Held<T> {
    pub(super) fn new(item: T, line: Arc<Line>) -> Self {
        Self { item, hold: Hold(line) }
    }

    /// The item; it is in flight no more.
    #[must_use]
    pub fn into_inner(self) -> T {
        let Self { item, hold } = self;
        drop(hold);
        item
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T: fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.item).finish()
    }
}
