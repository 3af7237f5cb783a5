//! What ties an actor to others: watches, links, and a parent to be told.
//!
//! A watch belongs to one life of the watcher and ends with it; a link belongs
//! to two actors and ends with the first of them. News of a bond that has been
//! cut meanwhile are not delivered, even if they are in the lane already.

use std::any::Any;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::context::Context;
use super::lifecycle::{ActorId, Life, Terminated};
use super::reference::{ActorRef, To};
use super::{Actor, Fault};
use crate::mailbox::core::Signal;
use crate::sync::shim;

/// What reaches an actor through its lane from those it is tied to.
#[derive(Debug)]
pub(crate) enum News {
    /// A watched actor has ended; with the number of the watch.
    Terminated(u64, Terminated),
    /// A linked actor has ended.
    Unlinked(Terminated),
    /// A child has given up; with the parent's life that had it.
    GivenUp(u64, Terminated),
}

/// Why an actor failed whose child had failed once too often: the source of
/// its [`Fault`].
///
/// See [`OnLimit::Escalate`](crate::OnLimit::Escalate).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Escalated {
    /// The child, and why it ended.
    pub child: Terminated,
}

impl fmt::Display for Escalated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed too often: {:#}", self.child.path, self.child.reason)
    }
}

impl Error for Escalated {}

/// Why an actor failed that was [linked](Context::link) to one that failed:
/// the source of its [`Fault`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkFailed {
    /// The other actor, and why it ended.
    pub other: Terminated,
}

impl fmt::Display for LinkFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "linked to {}, which {:#}", self.other.path, self.other.reason)
    }
}

impl Error for LinkFailed {}

/// The watches of one life.
#[derive(Debug, Default)]
pub(super) struct Watches {
    next: u64,
    /// Each with its key at the watched.
    open: BTreeMap<u64, (Arc<Life>, u64)>,
}

impl Drop for Watches {
    fn drop(&mut self) {
        for (life, key) in self.open.values() {
            life.unwatch(*key);
        }
    }
}

impl<A: Actor> Context<A> {
    /// Watches another actor: when it ends, or if it has ended already, this
    /// actor's [`terminated`](Actor::terminated) hook is called, ahead of
    /// every queued message. Once for each call of `watch`.
    ///
    /// A restart of the other actor is not its end. A watch ends with the life
    /// that began it: after a restart of this actor its `started` hook watches
    /// whom it needs.
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// use tidegate::ManualExecutor;
    /// # struct Idle; impl Actor for Idle { type Msg = ();
    /// # async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) } }
    /// struct Watcher(ActorRef<()>);
    /// impl Actor for Watcher {
    ///     type Msg = ();
    ///     async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         cx.watch(&self.0);
    ///         Ok(())
    ///     }
    ///     async fn terminated(&mut self, who: Terminated, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         assert!(matches!(who.reason, StopReason::Killed));
    ///         cx.stop();
    ///         Ok(())
    ///     }
    ///     # async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> { Ok(()) }
    /// }
    /// let executor = ManualExecutor::new();
    /// let system = System::with_executor(executor.clone());
    /// let watched = system.spawn(Idle, Push::bounded(1));
    /// let watcher = system.spawn(Watcher(watched.clone()), Push::bounded(1));
    /// executor.run_until_idle();
    /// watched.kill();
    /// executor.run_until_idle();
    /// assert!(watcher.stop_reason().is_some());
    /// ```
    pub fn watch<M>(&mut self, other: &ActorRef<M>) {
        let core = shim::Arc::clone(self.core());
        let watches = self.watches();
        watches.next += 1;
        let serial = watches.next;
        // Noted before the other is told: it may end, and say so, at once.
        watches.open.insert(serial, (Arc::clone(other.life()), 0));
        let key = other.life().watch(Box::new(move |news| {
            // A watcher that has gone itself need not know.
            drop(core.signal(Signal::Notice(Arc::new(News::Terminated(serial, news.clone())))));
        }));
        if let (Some(key), Some(entry)) = (key, self.watches().open.get_mut(&serial)) {
            entry.1 = key;
        }
    }

    /// Watches another actor no more. Its [`terminated`](Actor::terminated)
    /// hook is not called any more for it, not even if the other has ended
    /// already.
    pub fn unwatch<M>(&mut self, other: &ActorRef<M>) {
        self.watches().open.retain(|_, (life, key)| {
            let kept = life.id != other.id();
            if !kept {
                life.unwatch(*key);
            }
            kept
        });
    }

    /// Links this actor and another, both ways: when one of them ends by a
    /// failure, the other fails, with a fault whose source is a
    /// [`LinkFailed`]; its own [`Restart`](crate::Restart) decides what
    /// follows. Another end of one only unlinks them.
    ///
    /// An actor that is restarted has not ended: a link is between two actors,
    /// and not between two of their lives. To link twice is to link once.
    ///
    /// ```
    /// use tidegate::prelude::*;
    /// use tidegate::ManualExecutor;
    /// enum Msg { Link(ActorRef<Msg>), Fail }
    /// struct Half;
    /// impl Actor for Half {
    ///     type Msg = Msg;
    ///     async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
    ///         match msg {
    ///             Msg::Link(other) => cx.link(&other),
    ///             Msg::Fail => return Err(Fault::msg("no luck")),
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// let executor = ManualExecutor::new();
    /// let system = System::with_executor(executor.clone());
    /// let (one, other) = (system.spawn(Half, Push::bounded(1)), system.spawn(Half, Push::bounded(1)));
    /// one.try_tell(Msg::Link(other.clone())).unwrap();
    /// executor.run_until_idle();
    /// other.try_tell(Msg::Fail).unwrap();
    /// executor.run_until_idle();
    /// assert!(one.stop_reason().is_some_and(|reason| reason.is_failure()));
    /// ```
    pub fn link<M: Send + 'static>(&mut self, other: &ActorRef<M>) {
        let (mine, theirs) = (self.life(), other.life());
        if mine.id == theirs.id {
            return;
        }
        let peer = other.clone();
        let told = mine.link(theirs.id, Box::new(move |news| peer.notify(Arc::new(News::Unlinked(news.clone())))));
        if !told {
            return;
        }
        let core = shim::Arc::clone(self.core());
        theirs.link(
            mine.id,
            Box::new(move |news| drop(core.signal(Signal::Notice(Arc::new(News::Unlinked(news.clone())))))),
        );
    }

    /// Undoes a [`link`](Self::link), whoever of the two made it. A failure of
    /// the other that has not reached this actor yet does not any more.
    pub fn unlink<M>(&mut self, other: &ActorRef<M>) {
        self.life().unlink(other.id());
        other.life().unlink(self.life().id);
    }

    /// What follows from `news`: a death to tell, or a fault.
    pub(crate) fn learn(&mut self, news: &News) -> Result<Option<Terminated>, Fault> {
        match news {
            News::Terminated(serial, news) => Ok(self.watches().open.remove(serial).map(|_| news.clone())),
            News::Unlinked(news) if self.life().unlink(news.id) && news.reason.is_failure() => {
                Err(LinkFailed { other: news.clone() }.into())
            }
            News::GivenUp(life, child) if *life == self.lives_before() => {
                Err(Escalated { child: child.clone() }.into())
            }
            News::Unlinked(_) | News::GivenUp(..) => Ok(None),
        }
    }
}

impl<M: Send + 'static> ActorRef<M> {
    /// News for the actor, past its mailbox.
    pub(crate) fn notify(&self, news: Arc<dyn Any + Send + Sync>) {
        match &self.to {
            // Nobody there means nobody to tell.
            To::Mailbox(sender) => drop(sender.core().signal(Signal::Notice(news))),
            To::Route(route) => route.notify(news),
        }
    }

    /// Ends the actor's life, as a kill does; another follows. For references
    /// that parents hold, which are not mapped.
    pub(crate) fn renew(&self) {
        self.signal(&|| Signal::Renew, &|_| {});
    }
}

/// The children of one life of a parent, as the floor above keeps them.
pub(crate) trait Siblings: Any + Send + Sync {
    /// They end, with their parent: none waits for another any more.
    fn disband(&self);
    /// The same for the children of another life.
    fn fresh(&self) -> Arc<dyn Siblings>;
}

/// How a child reaches the parent that it fails with.
pub(crate) struct Upward(Box<dyn Fn(Terminated) + Send + Sync>);

impl Upward {
    /// To the present life of the actor of `cx`.
    pub(crate) fn to<P: Actor>(cx: &Context<P>) -> Self {
        let (core, life) = (shim::Arc::clone(cx.core()), cx.lives_before());
        Self(Box::new(move |child| {
            // A parent that has gone has nothing to lose.
            drop(core.signal(Signal::Notice(Arc::new(News::GivenUp(life, child)))));
        }))
    }

    pub(crate) fn give_up(&self, child: Terminated) {
        (self.0)(child);
    }
}

impl fmt::Debug for Upward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upward").finish_non_exhaustive()
    }
}

/// The links of an actor, by the other's number.
pub(super) type Links = BTreeMap<ActorId, super::lifecycle::Watcher>;

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::{ManualExecutor, Push, Restart, System};

    enum Do {
        Watch(ActorRef<Do>),
        Link(ActorRef<Do>),
        Fail,
    }

    struct Idle;

    impl Actor for Idle {
        type Msg = Do;
        async fn handle(&mut self, what: Do, cx: &mut Context<Self>) -> Result<(), Fault> {
            match what {
                Do::Watch(other) => cx.watch(&other),
                Do::Link(other) => cx.link(&other),
                Do::Fail => return Err(Fault::msg("bad")),
            }
            Ok(())
        }
    }

    /// An actor that lives long keeps nothing of those that watched it or were
    /// linked to it.
    #[test]
    fn whoever_has_ended_or_begun_anew_is_forgotten_by_those_it_was_tied_to() {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let tell = |actor: &ActorRef<Do>, what| assert!(actor.try_tell(what).is_ok());
        let old = system.spawn(Idle, Push::bounded(8));
        for end in 0..4 {
            for bond in [Do::Watch, Do::Link] {
                let other = system.build(|| Idle).restart(Restart::on_failure()).spawn();
                tell(&other, bond(old.clone()));
                tell(&old, bond(other.clone()));
                executor.run_until_idle();
                assert_ne!(old.life().bonds(), 0);
                match end {
                    0 => other.stop(),
                    1 => other.kill(),
                    2 => other.drain(),
                    _ => {
                        tell(&other, Do::Fail);
                        executor.run_until_idle();
                        other.stop();
                    }
                }
                executor.run_until_idle();
                assert_eq!(old.life().bonds(), 0, "end {end}");
            }
        }
        let other = system.build(|| Idle).restart(Restart::on_failure()).spawn();
        tell(&other, Do::Watch(old.clone()));
        tell(&other, Do::Fail);
        executor.run_until_idle();
        assert_eq!(old.life().bonds(), 0, "a watch ends with the life that began it");
    }
}
