//! State that others may watch: names, and the members of groups.
//!
//! Who subscribes is first told what is there and then every change, each in
//! the order in which it was made: snapshot and subscription are one step
//! under the lock. Listeners are called when the lock is free, by one caller
//! at a time, so a listener may itself change what it watches: that news
//! comes after the present one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::actor::panic::contained;
use crate::sync::access::{self, Access};
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

pub(super) struct Board<S, E> {
    inner: Mutex<Inner<S, E>>,
}

struct Inner<S, E> {
    state: S,
    ears: Vec<Arc<Ear<E>>>,
    next: u64,
    /// What has happened, and who was listening then.
    news: VecDeque<(E, Vec<Arc<Ear<E>>>)>,
    /// Somebody is telling the news.
    telling: bool,
}

struct Ear<E> {
    key: u64,
    closed: Flag,
    listener: Box<dyn Fn(&E) + Send + Sync>,
}

impl<S, E> Board<S, E> {
    pub(super) fn new(state: S) -> Self {
        let inner = Inner { state, ears: Vec::new(), next: 0, news: VecDeque::new(), telling: false };
        Self { inner: Mutex::new(inner) }
    }

    pub(super) fn read<R>(&self, look: impl FnOnce(&S) -> R) -> R {
        // Explored, what is done about it is done in another step.
        access::act();
        look(&self.inner.lock_to(Access::Read).state)
    }

    /// Changes the state; what `change` adds to its list is told to all who
    /// listen. It runs under the lock: what it takes out of the state, it
    /// returns, so that foreign code is dropped elsewhere.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut S, &mut Vec<E>) -> R) -> R {
        access::act();
        let mut events = Vec::new();
        let result = {
            let mut inner = self.inner.lock();
            let result = change(&mut inner.state, &mut events);
            if !inner.ears.is_empty() {
                for event in events.drain(..) {
                    let ears = inner.ears.clone();
                    inner.news.push_back((event, ears));
                }
            }
            result
        };
        self.tell();
        result
    }

    /// Calls `listener` with what `snapshot` says of the present state, and
    /// with all that happens from now on.
    fn listen(&self, listener: Box<dyn Fn(&E) + Send + Sync>, snapshot: impl FnOnce(&S) -> Vec<E>) -> u64 {
        let key = {
            let mut inner = self.inner.lock();
            inner.next += 1;
            let ear = Arc::new(Ear { key: inner.next, closed: Flag::new(), listener });
            for event in snapshot(&inner.state) {
                inner.news.push_back((event, vec![Arc::clone(&ear)]));
            }
            inner.ears.push(ear);
            inner.next
        };
        self.tell();
        key
    }

    /// Tells all news, unless somebody does so already, who will tell these
    /// too.
    fn tell(&self) {
        {
            let mut inner = self.inner.lock();
            if inner.news.is_empty() || std::mem::replace(&mut inner.telling, true) {
                return;
            }
        }
        let mut telling = Telling { board: self, done: false };
        while let Some((event, ears)) = telling.next() {
            for ear in ears.iter().filter(|ear| !ear.closed.is_raised()) {
                // Whoever makes the change, or ends, has no part in it.
                drop(contained(|| (ear.listener)(&event)));
            }
        }
    }
}

/// Whoever has this tells the news. If what is in it panics as it is dropped,
/// the next change goes on with what is left.
struct Telling<'a, S, E> {
    board: &'a Board<S, E>,
    done: bool,
}

impl<S, E> Telling<'_, S, E> {
    fn next(&mut self) -> Option<(E, Vec<Arc<Ear<E>>>)> {
        let mut inner = self.board.inner.lock();
        let news = inner.news.pop_front();
        // Under the lock that found nothing left: what is added from now on is
        // told by whoever adds it.
        self.done = news.is_none();
        inner.telling = !self.done;
        news
    }
}

impl<S, E> Drop for Telling<'_, S, E> {
    fn drop(&mut self) {
        if !self.done {
            self.board.inner.lock().telling = false;
        }
    }
}

/// A board, whatever is on it.
trait Watched: Send + Sync {
    fn forget(&self, key: u64);
}

impl<S: Send, E: Send> Watched for Board<S, E> {
    fn forget(&self, key: u64) {
        let ear = {
            let mut inner = self.inner.lock();
            let at = inner.ears.iter().position(|ear| ear.key == key);
            at.map(|at| inner.ears.remove(at))
        };
        if let Some(ear) = ear {
            ear.closed.raise();
        }
    }
}

/// Keeps a listener to changes subscribed; dropping it ends that.
///
/// News that is being told at that moment, on another thread, may still come.
#[must_use = "dropping this ends the subscription"]
pub struct ChangeSubscription {
    board: Arc<dyn Watched>,
    key: u64,
}

impl ChangeSubscription {
    pub(super) fn new<S: Send + 'static, E: Send + 'static>(
        board: &Arc<Board<S, E>>,
        listener: impl Fn(&E) + Send + Sync + 'static,
        snapshot: impl FnOnce(&S) -> Vec<E>,
    ) -> Self {
        let key = board.listen(Box::new(listener), snapshot);
        Self { board: Arc::clone(board) as Arc<dyn Watched>, key }
    }
}

impl Drop for ChangeSubscription {
    fn drop(&mut self) {
        self.board.forget(self.key);
    }
}

impl fmt::Debug for ChangeSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeSubscription").finish_non_exhaustive()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    type Numbers = Board<Vec<u32>, u32>;

    fn add(board: &Numbers, n: u32) {
        board.change(|all, events| {
            all.push(n);
            events.push(n);
        });
    }

    fn listen(board: &Arc<Numbers>) -> (ChangeSubscription, Arc<Mutex<Vec<u32>>>) {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&heard);
        (ChangeSubscription::new(board, move |n| note.lock().push(*n), Clone::clone), heard)
    }

    #[test]
    fn what_was_there_is_told_once_and_before_what_comes() {
        let board = Arc::new(Board::new(Vec::new()));
        add(&board, 1);
        let (_subscription, heard) = listen(&board);
        add(&board, 2);
        assert_eq!(*heard.lock(), [1, 2]);
    }

    #[test]
    fn nothing_is_told_after_the_subscription() {
        let board = Arc::new(Board::new(Vec::new()));
        let (subscription, heard) = listen(&board);
        add(&board, 1);
        drop(subscription);
        add(&board, 2);
        assert_eq!(*heard.lock(), [1]);
    }

    #[test]
    fn a_change_by_a_listener_is_told_after_the_one_that_it_hears() {
        let board = Arc::new(Board::new(Vec::new()));
        let inner = Arc::clone(&board);
        let changing = ChangeSubscription::new(
            &board,
            move |n| {
                if *n < 3 {
                    add(&inner, n + 1);
                }
            },
            Clone::clone,
        );
        let (_subscription, heard) = listen(&board);
        add(&board, 1);
        assert_eq!(*heard.lock(), [1, 2, 3]);
        drop(changing);
    }

    #[test]
    fn a_listener_that_panics_keeps_no_news_from_the_others() {
        let board = Arc::new(Board::new(Vec::new()));
        let panicking = ChangeSubscription::new(&board, |n: &u32| assert_ne!(*n, 1, "one too many"), Clone::clone);
        let (_subscription, heard) = listen(&board);
        add(&board, 1);
        assert_eq!(*heard.lock(), [1]);
        add(&board, 2);
        assert_eq!(*heard.lock(), [1, 2]);
        drop(panicking);
    }
}
