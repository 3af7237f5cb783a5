//! The level of pressure, with hysteresis, and who listens for its changes; and
//! who waits until the receiver has come further.
//!
//! Pressure is told by the number of free grants: it is on when no more than
//! `press` are left and off again when at least `relieve` are. What lies
//! between keeps the level as it was, so a mailbox that hovers around one mark
//! does not chatter. All of it happens under the gate's lock.

use std::task::Waker;

/// The marks, the level, and the listeners.
#[derive(Debug)]
pub(crate) struct Watch {
    press: u64,
    relieve: u64,
    pressed: bool,
    /// How often the level has changed; odd while pressed.
    edges: u64,
    listeners: usize,
    wakers: Vec<(u64, Waker)>,
    next_waiter: u64,
    pub(super) followers: Followers,
}

/// What a follower waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// That another number has been taken.
    Taken(u64),
    /// That a message would be let in.
    Room,
}

/// Those who wait for something without a place in the queue.
#[derive(Debug, Default)]
pub(super) struct Followers {
    waiting: Vec<Follower>,
    next: u64,
}

#[derive(Debug)]
struct Follower {
    key: u64,
    until: Until,
    waker: Waker,
}

impl Followers {
    /// Waits under `key`, or under a new one; returns a waker that is not needed
    /// any more.
    pub(super) fn wait(&mut self, key: &mut Option<u64>, until: Until, waker: &Waker) -> Option<Waker> {
        if let Some(place) = self.waiting.iter_mut().find(|place| Some(place.key) == *key) {
            place.until = until;
            return Some(std::mem::replace(&mut place.waker, waker.clone()));
        }
        self.next += 1;
        *key = Some(self.next);
        self.waiting.push(Follower { key: self.next, until, waker: waker.clone() });
        None
    }

    pub(super) fn forget(&mut self, key: &mut Option<u64>) -> Option<Waker> {
        let key = key.take()?;
        let place = self.waiting.iter().position(|place| place.key == key)?;
        Some(self.waiting.swap_remove(place).waker)
    }

    /// Moves the wakers of those to `wakers` for whom it has `come`.
    pub(super) fn tell(&mut self, come: impl Fn(Until) -> bool, wakers: &mut Vec<Waker>) {
        let told = self.waiting.extract_if(.., |place| come(place.until));
        wakers.extend(told.map(|place| place.waker));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

impl Watch {
    pub(crate) const fn new(press: u64, relieve: u64) -> Self {
        Self {
            press,
            relieve,
            pressed: false,
            edges: 0,
            listeners: 0,
            wakers: Vec::new(),
            next_waiter: 0,
            followers: Followers { waiting: Vec::new(), next: 0 },
        }
    }

    /// Sets the marks; the level is taken anew at the next look.
    pub(crate) fn set_marks(&mut self, press: u64, relieve: u64) {
        self.press = press;
        self.relieve = relieve.max(press.saturating_add(1));
    }

    /// Takes a new count of free grants. `true` if the level has changed, and
    /// then the wakers to call are moved to `wakers`.
    pub(crate) fn observe(&mut self, free: u64, wakers: &mut Vec<Waker>) -> bool {
        let pressed = if self.pressed { free < self.relieve } else { free <= self.press };
        if pressed == self.pressed {
            return false;
        }
        self.pressed = pressed;
        self.edges += 1;
        wakers.extend(self.wakers.drain(..).map(|(_, waker)| waker));
        true
    }

    pub(crate) fn edges(&self) -> u64 {
        self.edges
    }

    pub(crate) fn is_listened_to(&self) -> bool {
        self.listeners > 0
    }

    pub(crate) fn add_listener(&mut self) {
        self.listeners += 1;
    }

    /// `true` when that was the last.
    pub(crate) fn remove_listener(&mut self, waiter: Option<u64>) -> bool {
        self.forget(waiter);
        self.listeners -= 1;
        self.listeners == 0
    }

    /// Asks to be woken at the next edge; returns the key to forget it by.
    pub(crate) fn wait(&mut self, waiter: Option<u64>, waker: &Waker) -> u64 {
        if let Some(place) = self.wakers.iter_mut().find(|(key, _)| Some(*key) == waiter) {
            place.1.clone_from(waker);
            return place.0;
        }
        self.next_waiter += 1;
        self.wakers.push((self.next_waiter, waker.clone()));
        self.next_waiter
    }

    /// Forgets a listener's waker.
    pub(crate) fn forget(&mut self, waiter: Option<u64>) {
        if waiter.is_some() {
            self.wakers.retain(|(key, _)| Some(*key) != waiter);
        }
    }

    /// The mailbox has closed: everybody looks once more.
    pub(crate) fn release_all(&mut self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.wakers.drain(..).map(|(_, waker)| waker));
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn edges_alternate_and_the_band_between_keeps_the_level() {
        let mut watch = Watch::new(2, 5);
        let mut edges = Vec::new();
        for free in [9, 3, 2, 3, 4, 1, 5, 4, 3, 2, 0, 8] {
            if watch.observe(free, &mut Vec::new()) {
                edges.push((free, watch.edges() % 2 == 1));
            }
        }
        assert_eq!(edges, [(2, true), (5, false), (2, true), (8, false)]);
    }
}
