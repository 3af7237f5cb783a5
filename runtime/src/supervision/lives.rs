//! Where an actor's lives come from, and whether there is to be another.

use std::time::Duration;

use super::group::Membership;
use super::restart::{Restart, Restarts};
use crate::actor::bonds::Upward;
use crate::actor::panic::contained;
use crate::actor::{Fault, Panic, Reply, Terminated};

/// Where an actor's lives come from.
pub(crate) struct Lives<A> {
    /// The present life, or the first, if it was given as a value.
    pub(super) actor: Option<A>,
    /// `None` for an actor that lives once and that nobody is tied to.
    ties: Option<Box<Ties<A>>>,
}

type Factory<A> = Box<dyn FnMut() -> Result<A, Fault> + Send>;

/// What only actors with a factory have, or with siblings.
struct Ties<A> {
    factory: Option<Factory<A>>,
    restarts: Restarts,
    /// The parent to be told at the limit.
    upward: Option<Upward>,
    /// It has come to that.
    gives_up: bool,
    group: Option<Membership>,
    /// Who waits for the first life to have started.
    opening: Option<Reply<()>>,
    /// When the present life began.
    since: Duration,
}

impl<A> Default for Ties<A> {
    fn default() -> Self {
        Self {
            factory: None,
            restarts: Restarts::new(Restart::never()),
            upward: None,
            gives_up: false,
            group: None,
            opening: None,
            since: Duration::ZERO,
        }
    }
}

impl<A> Lives<A> {
    pub(crate) fn once(actor: A) -> Self {
        Self { actor: Some(actor), ties: None }
    }

    pub(crate) fn from(mut factory: impl FnMut() -> A + Send + 'static) -> Self {
        Self::try_from(move || Ok(factory()))
    }

    pub(crate) fn try_from(factory: impl FnMut() -> Result<A, Fault> + Send + 'static) -> Self {
        let ties = Ties { factory: Some(Box::new(factory)), ..Ties::default() };
        Self { actor: None, ties: Some(Box::new(ties)) }
    }

    /// Without effect for an actor that was given as a value.
    pub(crate) fn limit(&mut self, terms: Restart) {
        if let Some(ties) = &mut self.ties {
            ties.restarts = Restarts::new(terms);
        }
    }

    /// Tells who waits that the first life has started, or, by dropping
    /// `opening`, that it has not.
    pub(crate) fn announce(&mut self, opening: Reply<()>) {
        self.ties.get_or_insert_default().opening = Some(opening);
    }

    /// Has the actor, at its limit, take its parent along.
    pub(crate) fn answer_to(&mut self, parent: impl FnOnce() -> Upward) {
        if let Some(ties) = &mut self.ties
            && ties.restarts.terms.escalates()
        {
            ties.upward = Some(parent());
        }
    }

    /// Has the actor be restarted with its siblings.
    pub(crate) fn join(&mut self, group: Membership) {
        let ties = self.ties.get_or_insert_default();
        group.remember_for(&ties.restarts.terms);
        ties.group = Some(group);
    }

    /// Ends the life before, and begins one. `Ok(None)`: there is none to
    /// begin.
    pub(super) fn begin(&mut self, now: Duration) -> Result<Result<Option<&mut A>, Fault>, Panic> {
        let Some(ties) = &mut self.ties else { return Ok(Ok(self.actor.as_mut())) };
        ties.since = now;
        if let Some(factory) = &mut ties.factory {
            let before = self.actor.take();
            drop(contained(|| drop(before)));
            match contained(factory)? {
                Ok(actor) => self.actor = Some(actor),
                Err(fault) => return Ok(Err(fault)),
            }
        }
        Ok(Ok(self.actor.as_mut()))
    }

    /// The `started` hook has run.
    pub(super) fn started(&mut self) {
        let Some(ties) = &mut self.ties else { return };
        if let Some(opening) = ties.opening.take() {
            // Nobody may wait any more.
            let _ = opening.send(());
        }
        if let Some(group) = &ties.group {
            group.up();
        }
    }

    /// Drops the actor. That is user code, and its panic changes nothing.
    pub(crate) fn end(&mut self) {
        let actor = self.actor.take();
        drop(contained(|| drop(actor)));
    }

    /// Has ended for good: siblings do not wait for it.
    pub(crate) fn leave(&mut self) {
        if let Some(ties) = &mut self.ties {
            ties.group = None;
        }
    }

    /// Takes the parent along if it has come to that.
    pub(crate) fn give_up(&self, news: impl FnOnce() -> Terminated) {
        if let Some(ties) = &self.ties
            && ties.gives_up
            && let Some(upward) = &ties.upward
        {
            upward.give_up(news());
        }
    }

    pub(super) fn group(&self) -> Option<&Membership> {
        self.ties.as_ref()?.group.as_ref()
    }

    /// Whether a life that nothing is wrong with can be followed by another.
    pub(super) fn renews(&self) -> bool {
        self.ties.as_ref().is_some_and(|ties| ties.factory.is_some() && ties.restarts.terms.wants(true))
    }

    /// How long to wait for the life that follows the one that has ended now;
    /// counts it. `None`: no other follows.
    pub(super) fn next_after(&mut self, failed: bool, now: Duration, random: impl FnOnce() -> u64) -> Option<Duration> {
        let ties = self.ties.as_mut().filter(|ties| ties.factory.is_some())?;
        let terms = ties.restarts.terms;
        // A start that somebody waits for fails when it fails.
        if ties.opening.is_some() || !terms.wants(failed) {
            return None;
        }
        let allowed = match &ties.group {
            Some(group) => group.allow(&terms, now),
            None => ties.restarts.recent.allow(&terms, now),
        };
        if !allowed {
            ties.gives_up = true;
            return None;
        }
        Some(ties.restarts.delay(now.saturating_sub(ties.since), random))
    }

    #[cfg(feature = "tracing")]
    pub(super) fn gives_up(&self) -> bool {
        self.ties.as_ref().is_some_and(|ties| ties.gives_up)
    }
}
