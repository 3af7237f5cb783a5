//! Who gets a message.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::actor::ActorRef;
use crate::system::Group;

/// How a [`Router`](super::Router) chooses.
///
/// | routing | a message goes to | take it for |
/// |---|---|---|
/// | [`round_robin`](Self::round_robin) | each in turn | messages of about the same weight |
/// | [`least_loaded`](Self::least_loaded) | whoever has least before it | messages, or members, of different weight |
/// | [`random`](Self::random) | anybody | many routers to the same members, which shall not march in step |
/// | [`consistent_hash`](Self::consistent_hash) | whoever its key belongs to | members that keep something of each key: a cache, an order, a session |
/// | [`broadcast`](Self::broadcast) | everybody | news |
pub struct Routing<M> {
    pub(super) kind: Kind<M>,
}

pub(super) enum Kind<M> {
    RoundRobin,
    LeastLoaded,
    Random,
    ConsistentHash(Arc<dyn Fn(&M) -> u64 + Send + Sync>),
    Broadcast(fn(&M) -> M),
}

impl<M> Routing<M> {
    /// Each in turn. Where nobody has to wait for it, a member that is full is
    /// passed over.
    #[must_use]
    pub const fn round_robin() -> Self {
        Self { kind: Kind::RoundRobin }
    }

    /// Whoever has least to do: the shortest queue, the message in the handler
    /// counted; each in turn where several have as little. What a member does
    /// is looked at without stopping it, so of two messages at once both may
    /// go to the same.
    #[must_use]
    pub const fn least_loaded() -> Self {
        Self { kind: Kind::LeastLoaded }
    }

    /// Anybody, by the executor's randomness.
    #[must_use]
    pub const fn random() -> Self {
        Self { kind: Kind::Random }
    }

    /// The member that the message's key belongs to. Messages of one key go to
    /// one member for as long as it is there, and no other takes them in its
    /// place, not even if it is full. When a member comes or goes, only the
    /// keys that it gets or leaves move: about one in as many as there are
    /// members.
    ///
    /// ```
    /// use tidegate::pattern::Routing;
    /// struct Visit { user: u64, page: String }
    /// let by_user = Routing::consistent_hash(|visit: &Visit| visit.user);
    /// # let _ = (by_user, |v: Visit| v.page);
    /// ```
    #[must_use]
    pub fn consistent_hash<K: Hash>(key: impl Fn(&M) -> K + Send + Sync + 'static) -> Self {
        let hashed = move |message: &M| {
            // Keyed the same in every router and every run.
            let mut hasher = DefaultHasher::new();
            key(message).hash(&mut hasher);
            hasher.finish()
        };
        Self { kind: Kind::ConsistentHash(Arc::new(hashed)) }
    }

    /// Everybody: each member gets a copy.
    #[must_use]
    pub const fn broadcast() -> Self
    where
        M: Clone,
    {
        Self { kind: Kind::Broadcast(M::clone) }
    }
}

impl<M> Clone for Routing<M> {
    fn clone(&self) -> Self {
        Self {
            kind: match &self.kind {
                Kind::RoundRobin => Kind::RoundRobin,
                Kind::LeastLoaded => Kind::LeastLoaded,
                Kind::Random => Kind::Random,
                Kind::ConsistentHash(key) => Kind::ConsistentHash(Arc::clone(key)),
                Kind::Broadcast(copy) => Kind::Broadcast(*copy),
            },
        }
    }
}

impl<M> fmt::Debug for Routing<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.kind {
            Kind::RoundRobin => "RoundRobin",
            Kind::LeastLoaded => "LeastLoaded",
            Kind::Random => "Random",
            Kind::ConsistentHash(_) => "ConsistentHash(..)",
            Kind::Broadcast(_) => "Broadcast",
        })
    }
}

/// Whom a [`Router`](super::Router) chooses from: a group, as it is at each
/// message, or a list that stays.
pub struct Members<M>(pub(super) Source<M>);

pub(super) enum Source<M> {
    Group(Group<M>),
    List(Arc<[ActorRef<M>]>),
}

impl<M: Send + 'static> Members<M> {
    pub(super) fn now(&self) -> Arc<[ActorRef<M>]> {
        match &self.0 {
            Source::Group(group) => group.members(),
            Source::List(list) => Arc::clone(list),
        }
    }
}

impl<M> From<Group<M>> for Members<M> {
    fn from(group: Group<M>) -> Self {
        Self(Source::Group(group))
    }
}

impl<M> From<&Group<M>> for Members<M> {
    fn from(group: &Group<M>) -> Self {
        Self(Source::Group(group.clone()))
    }
}

impl<M> From<Vec<ActorRef<M>>> for Members<M> {
    fn from(list: Vec<ActorRef<M>>) -> Self {
        Self(Source::List(list.into()))
    }
}

impl<M, const N: usize> From<[ActorRef<M>; N]> for Members<M> {
    fn from(list: [ActorRef<M>; N]) -> Self {
        Self(Source::List(list.into()))
    }
}

impl<M: Send + 'static> fmt::Debug for Members<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Group(group) => group.fmt(f),
            Source::List(list) => list.fmt(f),
        }
    }
}
