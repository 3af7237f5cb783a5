//! The highest number told, and who is to be woken.
//!
//! A notice is kept as one number for all who listen, and as a waker for each of
//! those who are armed. Ringing takes the wakers out, so however often it rings,
//! a listener is woken once until it arms again, and one that is busy costs the
//! next notice nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::sync::access::Access;
use crate::sync::shim::Mutex;

/// A channel for notices: any number of [`Notifier`]s say how far the store has
/// come, and any number of [`Notices`] hear it.
///
/// ```
/// use tidegate::flow::news::notices;
/// let (notifier, heard) = notices();
/// notifier.notify(3);
/// notifier.notify(7);
/// notifier.notify(5); // late: nothing new
/// assert_eq!(heard.up_to(), 7);
/// ```
#[must_use]
pub fn notices() -> (Notifier, Notices) {
    let bell = Arc::new(Bell::default());
    (bell.notifier(), Notices::new(bell))
}

/// Tells those who follow a store that there is news. Cheap to clone; all clones
/// tell the same followers.
#[derive(Clone)]
pub struct Notifier {
    bell: Arc<Bell>,
}

impl Notifier {
    /// Says that everything below `up_to` is stored: the number of the last
    /// item, plus one.
    ///
    /// May be called from anywhere, in any order and as often as one likes, and
    /// never waits: a handler of webhooks, a timer, whoever writes to the store.
    /// Only the highest number counts, so too few and too many calls are alike.
    /// Call it once the item can be fetched; if it cannot yet, the follower
    /// tries again.
    pub fn notify(&self, up_to: u64) {
        self.bell.ring(|told| {
            let news = up_to > told.up_to;
            told.up_to = told.up_to.max(up_to);
            news
        });
    }

    /// Says that there may be news: for a source of notices that knows no
    /// numbers. Each follower looks once, however often this is called before.
    pub fn nudge(&self) {
        self.bell.ring(|told| {
            told.nudges = told.nudges.wrapping_add(1);
            true
        });
    }

    /// Says that everything below `up_to` is stored and nothing else will be:
    /// followers complete when they have come to it. The first call counts.
    pub fn close(&self, up_to: u64) {
        self.bell.ring(|told| {
            let first = told.end.is_none();
            told.end.get_or_insert(up_to);
            first
        });
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bell.show(f, "Notifier")
    }
}

/// The notices that one follower hears. A clone is for another follower.
pub struct Notices {
    bell: Arc<Bell>,
    /// By which the bell knows this listener, once it has waited.
    key: Option<u64>,
    /// What it has been told already.
    heard: Told,
}

impl Notices {
    pub(super) fn new(bell: Arc<Bell>) -> Self {
        Self { bell, key: None, heard: Told::default() }
    }

    /// The highest number told so far.
    #[must_use]
    pub fn up_to(&self) -> u64 {
        self.bell.state.lock_to(Access::Read).told.up_to
    }

    /// Asks to be woken by the next notice, and looks at what has been told
    /// after that, so that nothing slips through between the two.
    pub(super) fn arm(&mut self, waker: &Waker) -> Heard {
        let mut state = self.bell.state.lock();
        let old = state.enlist(&mut self.key, waker);
        let heard = self.heard.replace(state.told);
        drop(state);
        drop(old);
        heard
    }

    /// Waits for what has not been heard yet.
    pub(super) fn poll_news(&mut self, waker: &Waker) -> Poll<Heard> {
        let mut state = self.bell.state.lock();
        if state.told != self.heard {
            return Poll::Ready(self.heard.replace(state.told));
        }
        let old = state.enlist(&mut self.key, waker);
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Clone for Notices {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.bell))
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let mut state = self.bell.state.lock();
            let waker = state.armed.remove(&key);
            drop(state);
            drop(waker);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bell.show(f, "Notices")
    }
}

/// What notices have said so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Told {
    up_to: u64,
    nudges: u64,
    end: Option<u64>,
}

impl Told {
    /// Takes note of `now`, and says what is new.
    fn replace(&mut self, now: Self) -> Heard {
        let nudged = self.nudges != now.nudges;
        *self = now;
        Heard { up_to: now.up_to, nudged, end: now.end }
    }
}

/// What a listener hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) up_to: u64,
    /// There may be news, of which no number is known.
    pub(super) nudged: bool,
    pub(super) end: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Bell {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    told: Told,
    /// Who is to be woken by the next notice.
    armed: BTreeMap<u64, Waker>,
    keys: u64,
}

impl State {
    /// Returns a waker to be dropped without the lock.
    fn enlist(&mut self, key: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            self.keys += 1;
            self.keys
        });
        if self.armed.get(&key).is_some_and(|old| old.will_wake(waker)) {
            return None;
        }
        self.armed.insert(key, waker.clone())
    }
}

impl Bell {
    pub(super) fn notifier(self: &Arc<Self>) -> Notifier {
        Notifier { bell: Arc::clone(self) }
    }

    /// Changes what is told; `true` if that is news.
    fn ring(&self, tell: impl FnOnce(&mut Told) -> bool) {
        let mut state = self.state.lock();
        if !tell(&mut state.told) {
            return;
        }
        let armed = std::mem::take(&mut state.armed);
        drop(state);
        armed.into_values().for_each(Waker::wake);
    }

    fn show(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct(name)
            .field("up_to", &state.told.up_to)
            .field("closed", &state.told.end.is_some())
            .field("armed", &state.armed.len())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicU64);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Wakes {
        fn new() -> (Arc<Self>, Waker) {
            let wakes = Arc::new(Self::default());
            (Arc::clone(&wakes), Waker::from(wakes))
        }

        fn get(&self) -> u64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn of_a_million_notices_one_is_pending_for_each_who_is_armed() {
        let (notifier, mut armed) = notices();
        let mut busy = armed.clone();
        let (woken, waker) = Wakes::new();
        let (woken_too, other) = Wakes::new();
        assert_eq!(armed.arm(&waker).up_to, 0);
        assert!(busy.poll_news(&other).is_pending());
        for up_to in 1..=1_000_000 {
            notifier.notify(up_to);
        }
        assert_eq!((woken.get(), woken_too.get()), (1, 1));
        assert_eq!(armed.arm(&waker).up_to, 1_000_000, "arming looks again");
        notifier.notify(7);
        assert!(armed.poll_news(&waker).is_pending(), "an old number is no news");
        notifier.nudge();
        assert_eq!((woken.get(), woken_too.get()), (2, 1), "who does not arm again is not woken again");
        assert_eq!(armed.poll_news(&waker), Poll::Ready(Heard { up_to: 1_000_000, nudged: true, end: None }));
        notifier.close(3);
        notifier.close(4);
        assert_eq!(armed.poll_news(&waker), Poll::Ready(Heard { up_to: 1_000_000, nudged: false, end: Some(3) }));
        assert!(armed.poll_news(&waker).is_pending(), "heard once");
        assert_eq!(busy.arm(&other), Heard { up_to: 1_000_000, nudged: true, end: Some(3) });
    }

    #[test]
    fn one_who_has_gone_leaves_no_waker_behind() {
        let (notifier, mut gone) = notices();
        let (woken, waker) = Wakes::new();
        let _ = gone.arm(&waker);
        drop(waker);
        assert_eq!(Arc::strong_count(&woken), 2);
        drop(gone);
        assert_eq!(Arc::strong_count(&woken), 1);
        notifier.notify(1);
        assert_eq!(woken.get(), 0);
    }
}
