//! The level of pressure, with hysteresis, and who listens for its changes; and
//! who waits until the receiver has come further.
//!
//! Pressure is told by the number of free grants: it is on when no more than
//! `press` are left and off again when at least `relieve` are. What lies
//! between keeps the level as it was, so a mailbox that hovers around one mark
//! does not chatter. All of it happens under the gate's lock.

use std::collections::BTreeMap;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Until {
    /// That so many have been taken in all.
    Taken(u64),
    /// That a message would be let in.
    Room,
}

/// Those who wait for something without a place in the queue, in the order in
/// which it comes: who is not meant costs nothing, however many there are.
#[derive(Debug, Default)]
pub(super) struct Followers {
    waiting: BTreeMap<Following, Waker>,
    next: u64,
}

/// Where a follower stands among the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Following {
    until: Until,
    key: u64,
}

impl Followers {
    /// Waits where it is, or at a new place; returns a waker that is not needed any
    /// more.
    pub(super) fn wait(&mut self, place: &mut Option<Following>, until: Until, waker: &Waker) -> Option<Waker> {
        let moved = place.filter(|place| place.until != until).and_then(|place| self.waiting.remove(&place));
        let key = place.map_or(self.next, |place| place.key);
        self.next += u64::from(place.is_none());
        let following = Following { until, key };
        *place = Some(following);
        self.waiting.insert(following, waker.clone()).or(moved)
    }

    pub(super) fn forget(&mut self, place: &mut Option<Following>) -> Option<Waker> {
        self.waiting.remove(&place.take()?)
    }

    /// Moves the wakers of those to `wakers` for whom it has `come`.
    pub(super) fn tell(&mut self, come: impl Fn(Until) -> bool, wakers: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry().filter(|first| come(first.key().until)) {
            wakers.push(first.remove());
        }
        // Room is the last in the order, and there for all or for none.
        let room = Following { until: Until::Room, key: 0 };
        if self.waiting.last_key_value().is_some_and(|(last, _)| *last >= room) && come(Until::Room) {
            wakers.extend(self.waiting.split_off(&room).into_values());
        }
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
            followers: Followers { waiting: BTreeMap::new(), next: 0 },
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
    #[test]
    fn followers_are_told_in_the_order_of_what_they_wait_for() {
        let mut followers = Followers::default();
        let waker = Waker::noop();
        let mut places = [None; 5];
        let untils = [Until::Taken(7), Until::Room, Until::Taken(3), Until::Taken(7), Until::Room];
        for (place, until) in places.iter_mut().zip(untils) {
            assert!(followers.wait(place, until, waker).is_none());
        }
        let told = |followers: &mut Followers, taken, room| {
            let mut wakers = Vec::new();
            let come = |until| match until {
                Until::Taken(at) => taken >= at,
                Until::Room => room,
            };
            followers.tell(come, &mut wakers);
            wakers.len()
        };
        assert_eq!(told(&mut followers, 2, false), 0);
        assert_eq!(told(&mut followers, 3, false), 1);
        // One wants less, another nothing any more.
        assert!(followers.wait(&mut places[0], Until::Taken(4), waker).is_some());
        assert!(followers.forget(&mut places[4]).is_some() && places[4].is_none());
        assert_eq!(told(&mut followers, 4, true), 2);
        assert!(followers.forget(&mut places[1]).is_none(), "was told");
        assert!(followers.wait(&mut places[2], Until::Taken(7), waker).is_none());
        assert_eq!(told(&mut followers, 9, false), 2);
        assert!(followers.is_empty());
    }
}
