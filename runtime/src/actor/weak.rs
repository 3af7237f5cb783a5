//! References that give a strong one only while the actor is there.

use std::fmt;
use std::sync::Arc;

use super::lifecycle::{ActorId, ActorPath, Life};
use super::mapped::Route;
use super::reference::{ActorRef, To};
use crate::mailbox::WeakSender;

/// A reference that gives a strong one only while the actor is there.
///
/// No reference keeps an actor alive, so this is for caches and observers
/// that want to notice, when they look, that it has ended.
pub struct WeakActorRef<M> {
    pub(super) to: WeakTo<M>,
    pub(super) life: Arc<Life>,
}

pub(super) enum WeakTo<M> {
    Mailbox(WeakSender<M>),
    /// Strong, since it keeps no actor alive, and nobody else may hold it.
    Route(Arc<dyn Route<M>>),
}

impl<M> WeakActorRef<M> {
    /// A reference, unless the actor has ended.
    #[must_use]
    pub fn upgrade(&self) -> Option<ActorRef<M>> {
        let to = match &self.to {
            WeakTo::Mailbox(sender) => To::Mailbox(sender.upgrade()?),
            WeakTo::Route(route) => To::Route((!route.is_closed()).then(|| Arc::clone(route))?),
        };
        Some(ActorRef { to, life: Arc::clone(&self.life) })
    }

    /// The actor's number.
    #[must_use]
    pub fn id(&self) -> ActorId {
        self.life.id
    }

    /// Where the actor is, or was.
    #[must_use]
    pub fn path(&self) -> &ActorPath {
        &self.life.path
    }
}

impl<M> Clone for WeakActorRef<M> {
    fn clone(&self) -> Self {
        Self {
            to: match &self.to {
                WeakTo::Mailbox(sender) => WeakTo::Mailbox(sender.clone()),
                WeakTo::Route(route) => WeakTo::Route(Arc::clone(route)),
            },
            life: Arc::clone(&self.life),
        }
    }
}

impl<M> fmt::Debug for WeakActorRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakActorRef({}{})", self.life.path, self.life.id)
    }
}
