//! Jobs of one key: one at a time, in their order, and with the worker that had
//! the last one if it is free.
//!
//! Of a key only its oldest job can begin, and only when none of them is out.
//! So the order holds whatever becomes of a job: one that comes back is still
//! the oldest. A key is known by its hash: two whose hashes are equal wait for
//! each other without need, and nothing worse.
//!
//! Who had the last job is a preference and not a claim. A worker that is free
//! takes its own keys first; one without work takes what is oldest, whosever it
//! was (work stealing with affinity; compare delay scheduling, Zaharia et al.
//! 2010, which would let it wait). No job is passed over for ever: see
//! [`PATIENCE`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many younger jobs may overtake the oldest one that could begin, so that
/// their keys stay where they are.
pub(super) const PATIENCE: u32 = 16;

/// How the keys of [`Workers`](crate::pattern::Workers) stand; see
/// [`keyed`](crate::pattern::WorkersBuilder::keyed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStats {
    /// Keys of which there are jobs that are not settled.
    pub active: usize,
    /// Keys without jobs whose last worker is remembered.
    pub remembered: usize,
    /// Jobs that wait for an earlier one of their key.
    pub behind: usize,
    /// Jobs that went to another worker than the one before of their key.
    pub moved: u64,
}

pub(super) struct Keys {
    known: HashMap<u64, Key>,
    /// Jobs that can begin, by the worker that had the last one of their key.
    homed: BTreeSet<(u64, u64)>,
    /// Keys without jobs, the one that had none for longest first.
    idle: BTreeMap<u64, u64>,
    /// How many of them are remembered.
    remember: usize,
    stamp: u64,
    /// The oldest job that could begin, and how many have overtaken it.
    passed: (u64, u32),
    behind: usize,
    moved: u64,
}

struct Key {
    /// Its youngest job; `None` if there is none, and since when.
    last: Result<u64, u64>,
    /// Who had the last one.
    home: Option<u64>,
}

impl Keys {
    pub(super) fn new(remember: usize) -> Self {
        Self {
            known: HashMap::new(),
            homed: BTreeSet::new(),
            idle: BTreeMap::new(),
            remember,
            stamp: 0,
            passed: (0, 0),
            behind: 0,
            moved: 0,
        }
    }

    pub(super) fn stats(&self) -> KeyStats {
        KeyStats {
            active: self.known.len() - self.idle.len(),
            remembered: self.idle.len(),
            behind: self.behind,
            moved: self.moved,
        }
    }

    /// A job comes. Returns the one that it is behind.
    pub(super) fn enter(&mut self, key: u64, sequence: u64) -> Option<u64> {
        let known = self.known.entry(key).or_insert(Key { last: Ok(sequence), home: None });
        match std::mem::replace(&mut known.last, Ok(sequence)) {
            Ok(last) if last == sequence => None,
            Ok(last) => {
                self.behind += 1;
                Some(last)
            }
            Err(since) => {
                self.idle.remove(&since);
                None
            }
        }
    }

    /// The oldest job of a key is settled. `next`: there is one behind it.
    pub(super) fn leave(&mut self, key: u64, next: bool) {
        if next {
            self.behind -= 1;
            return;
        }
        let Some(known) = self.known.get_mut(&key) else { return };
        if self.remember == 0 || known.home.is_none() {
            self.known.remove(&key);
            return;
        }
        self.stamp += 1;
        known.last = Err(self.stamp);
        self.idle.insert(self.stamp, key);
        if self.idle.len() > self.remember
            && let Some((_, longest)) = self.idle.pop_first()
        {
            self.known.remove(&longest);
        }
    }

    /// Who had the last job of this key. It may have left since.
    pub(super) fn home(&self, key: u64) -> Option<u64> {
        self.known.get(&key).and_then(|known| known.home)
    }

    /// A job has failed where the key was: a worker that fails everything would
    /// have it again at once, since it is free.
    pub(super) fn leave_home(&mut self, key: u64) {
        if let Some(known) = self.known.get_mut(&key) {
            known.home = None;
        }
    }

    /// The oldest job of its key can begin.
    pub(super) fn ready(&mut self, key: u64, sequence: u64) {
        if let Some(home) = self.home(key) {
            self.homed.insert((home, sequence));
        }
    }

    /// It was acknowledged before it began again.
    pub(super) fn unready(&mut self, key: u64, sequence: u64) {
        if let Some(home) = self.home(key) {
            self.homed.remove(&(home, sequence));
        }
    }

    /// Which job `target` should have, where `oldest` is the oldest that can
    /// begin: that one, or one of its own keys.
    pub(super) fn choose(&mut self, target: u64, oldest: u64) -> u64 {
        match self.homed.range((target, 0)..=(target, u64::MAX)).next() {
            Some(&(_, own)) if own != oldest => {
                if self.passed.0 != oldest {
                    self.passed = (oldest, 0);
                }
                self.passed.1 += 1;
                if self.passed.1 > PATIENCE { oldest } else { own }
            }
            _ => oldest,
        }
    }

    /// A job goes to `target`, where its key is from now on.
    pub(super) fn took(&mut self, key: u64, sequence: u64, target: u64) {
        let Some(known) = self.known.get_mut(&key) else { return };
        if let Some(home) = known.home.replace(target) {
            self.homed.remove(&(home, sequence));
            self.moved += u64::from(home != target);
        }
    }

    /// Nothing begins any more.
    pub(super) fn clear(&mut self) {
        let (remember, moved) = (self.remember, self.moved);
        *self = Self { moved, ..Self::new(remember) };
    }
}
