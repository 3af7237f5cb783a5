//! Deduplication: at least once, and no more than once in effect.
//!
//! # Trade-offs first
//! What has been done is remembered by number, so many numbers back for each of
//! so many sources. What is older than that cannot be told from what is new, and
//! is answered with [`Novelty::Unknown`] rather than with a guess. The memory is
//! of this process: after a crash everything is new.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use super::Delivery;
use crate::actor::ActorId;
use crate::sync::access::{self, Access};
use crate::sync::shim::Mutex;

/// Remembers what has been done, by source and sequence number, so that a
/// message delivered twice is handled once. Cheap to clone; all clones share one
/// memory.
///
/// It has to outlive the actor that uses it: an acknowledgement that is lost in
/// a panic is lost with the state of the actor. So it is made beside the
/// factory, and cloned into each life.
///
/// ```
/// use tidegate::pattern::{Dedup, Novelty};
/// let dedup = Dedup::new(64);
/// let Novelty::First(claim) = dedup.claim("printer", 1) else { panic!("it is new") };
/// assert!(matches!(dedup.claim("printer", 1), Novelty::Underway));
/// claim.done();
/// assert!(matches!(dedup.claim("printer", 1), Novelty::Done));
/// // Not done after all: whoever comes next may try.
/// drop(dedup.claim("printer", 2));
/// assert!(matches!(dedup.claim("printer", 2), Novelty::First(_)));
/// // 64 numbers further on, nobody knows any more.
/// drop(dedup.claim("printer", 65));
/// assert!(matches!(dedup.claim("printer", 1), Novelty::Unknown));
/// ```
pub struct Dedup<S>(Arc<Mutex<Memory<S>>>);

struct Memory<S> {
    window: u64,
    most: usize,
    sources: HashMap<S, Window>,
    /// By when they were last heard of.
    recency: BTreeMap<u64, S>,
    clock: u64,
    duplicates: u64,
}

struct Window {
    newest: u64,
    heard: u64,
    /// `true`: done. `false`: underway, by the claim with the number.
    seen: BTreeMap<u64, Seen>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Done,
    Underway(u64),
}

/// Whether a message is new.
#[derive(Debug)]
#[must_use]
pub enum Novelty<S: Hash + Eq + Clone> {
    /// It is. Whoever holds the claim does the work.
    First(Claim<S>),
    /// It has been done: acknowledge it.
    Done,
    /// Somebody is at it, who may fail: neither do it nor acknowledge it.
    Underway,
    /// It is too old to tell, or of a source that was forgotten since.
    Unknown,
}

impl<S: Hash + Eq + Clone> Dedup<S> {
    /// Remembers the `window` latest numbers of each source, of 1024 sources at
    /// most.
    ///
    /// For a [`Courier`](super::Courier) no smaller than its window: then
    /// nothing is ever [`Unknown`](Novelty::Unknown).
    ///
    /// # Panics
    /// If `window` is 0.
    #[must_use]
    pub fn new(window: usize) -> Self {
        Self::with_sources(window, 1024)
    }

    /// As [`new`](Self::new), with so many sources. One more, and the one that
    /// was silent longest is forgotten: all of its messages are new again.
    ///
    /// # Panics
    /// If either is 0.
    #[must_use]
    pub fn with_sources(window: usize, sources: usize) -> Self {
        assert!(window > 0 && sources > 0, "to tell what is new, something has to be remembered");
        Self(Arc::new(Mutex::new(Memory {
            window: window as u64,
            most: sources,
            sources: HashMap::new(),
            recency: BTreeMap::new(),
            clock: 0,
            duplicates: 0,
        })))
    }

    /// Whether message `sequence` of `source` is new; if so, it is claimed.
    pub fn claim(&self, source: S, sequence: u64) -> Novelty<S> {
        access::act();
        let mut memory = self.0.lock();
        match memory.claim(&source, sequence) {
            Ok(number) => {
                drop(memory);
                Novelty::First(Claim { dedup: Some(self.clone()), source, sequence, number })
            }
            Err(None) => Novelty::Unknown,
            Err(Some(Seen::Done)) => Novelty::Done,
            Err(Some(Seen::Underway(_))) => Novelty::Underway,
        }
    }

    /// How many messages were found to be no news.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.0.lock_to(Access::Read).duplicates
    }

    /// How many numbers are remembered at present.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.0.lock_to(Access::Read).sources.values().map(|window| window.seen.len()).sum()
    }

    fn settle(&self, source: &S, sequence: u64, number: u64, done: bool) {
        access::act();
        let mut memory = self.0.lock();
        let Some(window) = memory.sources.get_mut(source) else { return };
        if window.seen.get(&sequence) != Some(&Seen::Underway(number)) {
            return;
        }
        if done {
            window.seen.insert(sequence, Seen::Done);
        } else {
            window.seen.remove(&sequence);
        }
    }
}

impl Dedup<ActorId> {
    /// Whether a delivery is of a message that is new.
    ///
    /// ```
    /// # use tidegate::prelude::*; use tidegate::ActorId;
    /// # use tidegate::pattern::{Dedup, Delivery, Novelty};
    /// struct Till { done: Dedup<ActorId>, cents: u64 }
    /// impl Actor for Till {
    ///     type Msg = Delivery<u64>;
    ///     async fn handle(&mut self, paid: Delivery<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
    ///         match self.done.claim_delivery(&paid) {
    ///             Novelty::First(claim) => {
    ///                 // Nothing can fail between the two.
    ///                 self.cents += *paid;
    ///                 claim.done();
    ///             }
    ///             Novelty::Done => {}
    ///             Novelty::Underway => return Ok(()), // comes again
    ///             Novelty::Unknown => { paid.reject(); return Ok(()) }
    ///         }
    ///         paid.ack();
    ///         Ok(())
    ///     }
    /// }
    /// ```
    pub fn claim_delivery<M>(&self, delivery: &Delivery<M>) -> Novelty<ActorId> {
        let id = delivery.id();
        self.claim(id.source, id.sequence)
    }
}

impl<S: Hash + Eq + Clone> Memory<S> {
    fn claim(&mut self, source: &S, sequence: u64) -> Result<u64, Option<Seen>> {
        self.clock += 1;
        let clock = self.clock;
        let window = match self.sources.get_mut(source) {
            Some(window) => {
                self.recency.remove(&std::mem::replace(&mut window.heard, clock));
                window
            }
            None => {
                if self.sources.len() >= self.most
                    && let Some((_, silent)) = self.recency.pop_first()
                {
                    self.sources.remove(&silent);
                }
                let window = Window { newest: sequence, heard: clock, seen: BTreeMap::new() };
                self.sources.entry(source.clone()).or_insert(window)
            }
        };
        self.recency.insert(clock, source.clone());
        if let Some(seen) = window.seen.get(&sequence) {
            self.duplicates += 1;
            return Err(Some(*seen));
        }
        if sequence > window.newest {
            window.newest = sequence;
        }
        // The numbers from this one on are remembered.
        let horizon = window.newest.saturating_sub(self.window - 1);
        while let Some(oldest) = window.seen.first_entry()
            && *oldest.key() < horizon
        {
            oldest.remove();
        }
        if sequence < horizon {
            return Err(None);
        }
        window.seen.insert(sequence, Seen::Underway(clock));
        Ok(clock)
    }
}

impl<S> Clone for Dedup<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Dedup<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.0.lock();
        f.debug_struct("Dedup")
            .field("sources", &memory.sources.len())
            .field("duplicates", &memory.duplicates)
            .finish_non_exhaustive()
    }
}

/// The right to do what was found to be new. Dropped, nothing has been done:
/// whoever is delivered the message next may try.
#[must_use = "dropped without `done`, the message is new again"]
pub struct Claim<S: Hash + Eq + Clone> {
    dedup: Option<Dedup<S>>,
    source: S,
    sequence: u64,
    number: u64,
}

impl<S: Hash + Eq + Clone> Claim<S> {
    /// It has been done. What the work changed and this call belong together:
    /// nothing between them should be able to fail, or to wait.
    pub fn done(mut self) {
        self.settle(true);
    }

    fn settle(&mut self, done: bool) {
        if let Some(dedup) = self.dedup.take() {
            dedup.settle(&self.source, self.sequence, self.number, done);
        }
    }
}

impl<S: Hash + Eq + Clone> Drop for Claim<S> {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl<S: Hash + Eq + Clone> fmt::Debug for Claim<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}
