//! What may befall messages and actors of an explored program.
//!
//! An explorer that plays faults puts a [`Judge`] here, on its thread. It is
//! asked about every message that is sent by a reference, and every life is
//! looked up before it is polled. Without the feature `explore` nobody is
//! asked.

pub(crate) use imp::*;

#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod imp {
    use std::any::{Any, TypeId};
    use std::cell::RefCell;
    use std::future::poll_fn;
    use std::rc::Rc;
    use std::sync::Arc;

    use crate::actor::ActorRef;
    use crate::actor::mapped::poll_tell;
    use crate::actor::reference::To;
    use crate::mailbox::current;
    use crate::sync::access::{self, Access, ObjectId};

    /// What becomes of a message.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fate {
        Delivered,
        /// Its sender believes that it was delivered.
        Lost,
        /// It arrives after what is sent later, or whenever.
        Late,
        /// Two arrive: one now, one whenever.
        Twice,
    }

    /// Decides.
    pub(crate) trait Judge {
        /// Of a message to the actor at `to`, of this type.
        fn judge(&self, to: &str, message: TypeId) -> Fate;
        /// A copy of a message that is to arrive twice.
        fn copy(&self, message: &dyn Any) -> Option<Box<dyn Any + Send>>;
        /// Who runs, if an answer to them may be lost.
        fn asker(&self) -> Option<Box<str>>;
        /// Whether the answer to `asker` that is given now is lost.
        fn loses_answer(&self, asker: &str) -> bool;
        /// A partition begins, or is healed.
        fn change_partition(&self, nth: usize, begins: bool);
    }

    /// An actor that may be struck, and what tells of it.
    struct Doomed {
        path: Arc<str>,
        object: ObjectId,
        now: bool,
    }

    #[derive(Default)]
    struct Fates {
        judge: Option<Rc<dyn Judge>>,
        doomed: Vec<Doomed>,
        /// What was lost stays until the end: nobody is told that it has gone.
        lost: Vec<Box<dyn Any + Send>>,
    }

    thread_local! {
        static FATES: RefCell<Fates> = RefCell::default();
    }

    /// From now on `judge` is asked.
    pub(crate) fn put_judge(judge: Rc<dyn Judge>) {
        let before = FATES.with_borrow_mut(|fates| fates.judge.replace(judge));
        drop(before);
    }

    /// The actor at this path may be struck.
    pub(crate) fn doom(path: &str) {
        let doomed = Doomed { path: path.into(), object: access::new_id(), now: false };
        FATES.with_borrow_mut(|fates| fates.doomed.push(doomed));
    }

    /// The actor at this path panics when it is polled next.
    pub(crate) fn strike(path: &str) {
        FATES.with_borrow_mut(|fates| {
            if let Some(doomed) = fates.doomed.iter_mut().find(|doomed| &*doomed.path == path && !doomed.now) {
                access::touch(doomed.object, Access::Write);
                doomed.now = true;
            }
        });
    }

    /// For the actor that is about to be polled.
    ///
    /// # Panics
    /// If it was struck.
    pub(crate) fn meet() {
        if !access::is_exploring() {
            return;
        }
        let struck = FATES.with_borrow_mut(|fates| {
            if fates.doomed.is_empty() {
                return false;
            }
            let Some(me) = current() else { return false };
            fates.doomed.iter_mut().filter(|doomed| doomed.path == me).any(|doomed| {
                access::touch(doomed.object, Access::Read);
                std::mem::take(&mut doomed.now)
            })
        });
        assert!(!struck, "a fault that was asked for");
    }

    /// The task of a fault tells the judge, who is not `Send`.
    pub(crate) fn change_partition(nth: usize, begins: bool) {
        let judge = FATES.with_borrow(|fates| fates.judge.clone());
        if let Some(judge) = judge {
            judge.change_partition(nth, begins);
        }
    }

    /// Forgets all of it.
    pub(crate) fn forget() {
        let fates = FATES.take();
        drop(fates);
    }

    /// The message, if it is to be delivered now.
    pub(crate) fn send<M: Send + 'static>(actor: &ActorRef<M>, message: M) -> Option<M> {
        let judge = FATES.with_borrow(|fates| fates.judge.clone());
        let Some(judge) = judge else { return Some(message) };
        match judge.judge(actor.path().as_str(), TypeId::of::<M>()) {
            Fate::Delivered => Some(message),
            Fate::Lost => {
                FATES.with_borrow_mut(|fates| fates.lost.push(Box::new(message)));
                None
            }
            Fate::Late => {
                deliver(actor, message);
                None
            }
            Fate::Twice => {
                if let Some(copy) = judge.copy(&message).and_then(|copy| copy.downcast().ok()) {
                    deliver(actor, *copy);
                }
                Some(message)
            }
        }
    }

    /// Who asks, where it matters: with faults that lose answers.
    pub(crate) struct Asker(Option<Box<str>>);

    /// No fault loses the answer.
    pub(crate) fn nobody() -> Asker {
        Asker(None)
    }

    /// Who runs.
    pub(crate) fn asker() -> Asker {
        if !access::is_exploring() {
            return nobody();
        }
        let judge = FATES.with_borrow(|fates| fates.judge.clone());
        Asker(judge.and_then(|judge| judge.asker()))
    }

    /// Whether the answer to `asker` that is given now is lost.
    pub(crate) fn loses_answer(asker: &Asker) -> bool {
        let Some(asker) = &asker.0 else { return false };
        let judge = FATES.with_borrow(|fates| fates.judge.clone());
        judge.is_some_and(|judge| judge.loses_answer(asker))
    }

    /// Delivers a message whenever it happens to.
    fn deliver<M: Send + 'static>(actor: &ActorRef<M>, message: M) {
        let to = actor.clone();
        let delivery = async move {
            match &to.to {
                To::Mailbox(sender) => drop(sender.tell(message).await),
                To::Route(route) => {
                    let (mut message, mut waiting) = (Some(message), None);
                    drop(poll_fn(|cx| poll_tell(&mut message, route, &mut waiting, cx)).await);
                }
            }
        };
        actor.life().world.executor.spawn(&format!("late to {}", actor.path()), Box::pin(delivery));
    }
}

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
mod imp {
    use crate::actor::ActorRef;

    #[inline(always)]
    pub(crate) fn meet() {}

    /// Nobody: no answer is lost in this build.
    pub(crate) struct Asker;

    #[inline(always)]
    pub(crate) fn nobody() -> Asker {
        Asker
    }

    #[inline(always)]
    pub(crate) fn asker() -> Asker {
        Asker
    }

    #[inline(always)]
    pub(crate) fn loses_answer(_asker: &Asker) -> bool {
        false
    }

    #[inline(always)]
    pub(crate) fn send<M: Send + 'static>(_actor: &ActorRef<M>, message: M) -> Option<M> {
        Some(message)
    }
}
