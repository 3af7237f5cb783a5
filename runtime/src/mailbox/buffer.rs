//! The buffer of the evicting policies: a queue that can be reached into.
//!
//! Drop oldest, latest and conflate change messages that are queued already,
//! which slots do not allow. Here a sender is never held back: at capacity the
//! policy makes room in the same step, under one lock.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use super::config::Evict;
use super::error::Admission;
use super::item::Item;

/// Finds and merges messages of one key. Stateless: what is queued where is in
/// the [`Keys`] that it makes.
pub(crate) trait Conflater<M>: Send + Sync {
    /// An empty index for one buffer.
    fn keys(&self) -> Box<dyn Keys<M>>;
    /// Merges `new` into `queued`.
    fn merge(&self, queued: &mut M, new: M);
}

/// Which queued message, by its number in order of arrival, has which key.
pub(crate) trait Keys<M>: Send {
    fn find(&self, message: &M) -> Option<u64>;
    fn insert(&mut self, message: &M, number: u64);
    fn remove(&mut self, message: &M, number: u64);
}

pub(crate) struct Conflate<F, G> {
    key: std::sync::Arc<F>,
    merge: G,
}

impl<F, G> Conflate<F, G> {
    pub(crate) fn new(key: F, merge: G) -> Self {
        Self { key: std::sync::Arc::new(key), merge }
    }
}

struct Index<M, K, F> {
    key: std::sync::Arc<F>,
    newest: HashMap<K, u64>,
    _message: PhantomData<fn(&M)>,
}

impl<M, K, F, G> Conflater<M> for Conflate<F, G>
where
    M: 'static,
    K: Hash + Eq + Send + 'static,
    F: Fn(&M) -> K + Send + Sync + 'static,
    G: Fn(&mut M, M) + Send + Sync + 'static,
{
    fn keys(&self) -> Box<dyn Keys<M>> {
        Box::new(Index { key: std::sync::Arc::clone(&self.key), newest: HashMap::new(), _message: PhantomData })
    }

    fn merge(&self, queued: &mut M, new: M) {
        (self.merge)(queued, new);
    }
}

impl<M, K, F> Keys<M> for Index<M, K, F>
where
    K: Hash + Eq + Send + 'static,
    F: Fn(&M) -> K + Send + Sync + 'static,
{
    fn find(&self, message: &M) -> Option<u64> {
        self.newest.get(&(self.key)(message)).copied()
    }

    fn insert(&mut self, message: &M, number: u64) {
        self.newest.insert((self.key)(message), number);
    }

    fn remove(&mut self, message: &M, number: u64) {
        let key = (self.key)(message);
        if self.newest.get(&key) == Some(&number) {
            self.newest.remove(&key);
        }
    }
}

/// The queued messages of an evicting policy.
pub(crate) struct Buffer<M> {
    messages: VecDeque<Item<M>>,
    /// The number of the message at the front.
    first: u64,
    evict: Evict<M>,
    keys: Option<Box<dyn Keys<M>>>,
    capacity: usize,
    /// The receiver found nothing and sleeps: the next to put wakes it.
    pub(crate) receiver_sleeps: bool,
    /// Nothing goes in any more.
    pub(crate) closed: bool,
}

impl<M> Buffer<M> {
    pub(crate) fn new(evict: Evict<M>, capacity: u64) -> Self {
        let mut buffer = Self {
            messages: VecDeque::new(),
            first: 0,
            evict: Evict::Oldest,
            keys: None,
            capacity: 0,
            receiver_sleeps: true,
            closed: false,
        };
        buffer.set(evict, capacity);
        buffer
    }

    /// Other terms from now on. What is queued stays, even above a smaller
    /// capacity, until it is taken or displaced.
    pub(crate) fn set(&mut self, evict: Evict<M>, capacity: u64) {
        self.capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        self.keys = if let Evict::Conflate(with) = &evict {
            let mut keys = with.keys();
            for (number, item) in (self.first..).zip(&self.messages) {
                keys.insert(&item.message, number);
            }
            Some(keys)
        } else {
            None
        };
        self.evict = evict;
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn free(&self) -> usize {
        self.capacity.saturating_sub(self.messages.len())
    }

    /// Puts a message in. What it displaces goes to `evicted`.
    pub(crate) fn put(&mut self, item: Item<M>, evicted: &mut Vec<M>) -> Admission {
        let mut admission = Admission::Queued;
        if self.messages.len() >= self.capacity {
            match &self.evict {
                Evict::Oldest => admission = self.evict_oldest(evicted),
                Evict::All => {
                    self.first += self.messages.len() as u64;
                    evicted.extend(self.messages.drain(..).map(Item::into_message));
                    admission = Admission::Displaced;
                }
                Evict::Conflate(with) => {
                    let with = std::sync::Arc::clone(with);
                    let twin = self.keys.as_ref().and_then(|keys| keys.find(&item.message));
                    if let Some(queued) = twin
                        .and_then(|number| usize::try_from(number.checked_sub(self.first)?).ok())
                        .and_then(|at| self.messages.get_mut(at))
                    {
                        item.account.close();
                        with.merge(&mut queued.message, item.message);
                        queued.trace = item.trace;
                        return Admission::Conflated;
                    }
                    admission = self.evict_oldest(evicted);
                }
            }
        }
        if let Some(keys) = &mut self.keys {
            keys.insert(&item.message, self.first + self.messages.len() as u64);
        }
        self.messages.push_back(item);
        admission
    }

    /// Displaces from the front until there is room for one.
    fn evict_oldest(&mut self, evicted: &mut Vec<M>) -> Admission {
        while self.messages.len() >= self.capacity {
            match self.take() {
                Some(oldest) => evicted.push(oldest.into_message()),
                None => break,
            }
        }
        Admission::Displaced
    }

    /// Takes the message that has waited longest.
    pub(crate) fn take(&mut self) -> Option<Item<M>> {
        let item = self.messages.pop_front()?;
        if let Some(keys) = &mut self.keys {
            keys.remove(&item.message, self.first);
        }
        self.first += 1;
        if self.messages.is_empty() && self.messages.capacity() > 64 {
            // An idle mailbox keeps little.
            self.messages = VecDeque::new();
        }
        Some(item)
    }

    /// Takes everything.
    pub(crate) fn take_all(&mut self) -> VecDeque<Item<M>> {
        self.first += self.messages.len() as u64;
        if let Evict::Conflate(with) = &self.evict {
            self.keys = Some(with.keys());
        }
        std::mem::take(&mut self.messages)
    }
}

impl<M> fmt::Debug for Buffer<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer")
            .field("len", &self.messages.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
