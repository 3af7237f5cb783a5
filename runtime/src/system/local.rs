//! Actors that never leave their thread: state and handlers need not be `Send`.

use std::fmt;
use std::future::{Future, ready};

use send_wrapper::SendWrapper;

use super::{Spawn, System};
use crate::actor::{Actor, Context, Executor, Fault, StopReason, Terminated};

/// An executor that polls and drops each task on one thread, always the same:
/// what a [`LocalActor`] needs.
///
/// An executor that says so and does not keep to it makes such actors panic;
/// it cannot make them unsound.
pub trait LocalExecutor: Executor {}

/// As long as one thread alone moves it.
impl LocalExecutor for super::ManualExecutor {}

/// An actor whose state and handlers are bound to a thread: an `Rc`, a handle
/// of a library that is not thread safe, a window. Everything else is as for an
/// [`Actor`], also for those who send to it: messages are `Send`.
///
/// Spawned with [`System::build_local`], by a factory that is run on the
/// thread.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use tidegate::prelude::*;
/// use tidegate::{Local, LocalActor, ThreadExecutor};
///
/// struct Window { title: Rc<RefCell<String>> }
/// enum Msg { Set(String), Get(Reply<String>) }
///
/// impl LocalActor for Window {
///     type Msg = Msg;
///     async fn handle(&mut self, msg: Msg, _: &mut Context<Local<Self>>) -> Result<(), Fault> {
///         let title = Rc::clone(&self.title);
///         match msg {
///             Msg::Set(new) => *title.borrow_mut() = new,
///             Msg::Get(reply) => { let _ = reply.send(title.borrow().clone()); }
///         }
///         Ok(())
///     }
/// }
///
/// let thread = ThreadExecutor::new("window");
/// let system = System::with_executor(thread.clone());
/// let window = system.build_local(thread, || Window { title: Rc::default() }).spawn();
/// window.blocking_tell(Msg::Set("tides".into())).unwrap();
/// assert_eq!(window.blocking_ask(Msg::Get).unwrap(), "tides");
/// ```
pub trait LocalActor: Sized + 'static {
    /// What it handles.
    type Msg: Send + 'static;

    /// As [`Actor::started`].
    ///
    /// # Errors
    /// A fault here is treated as one in a handler.
    fn started(&mut self, cx: &mut Context<Local<Self>>) -> impl Future<Output = Result<(), Fault>> {
        let _ = cx;
        ready(Ok(()))
    }

    /// As [`Actor::handle`].
    ///
    /// # Errors
    /// A fault ends this life: the actor is restarted or stopped.
    fn handle(&mut self, msg: Self::Msg, cx: &mut Context<Local<Self>>) -> impl Future<Output = Result<(), Fault>>;

    /// As [`Actor::expired`].
    fn expired(message: &Self::Msg) -> bool {
        let _ = message;
        false
    }

    /// As [`Actor::terminated`].
    ///
    /// # Errors
    /// A fault here is treated as one in a handler.
    fn terminated(
        &mut self,
        who: Terminated,
        cx: &mut Context<Local<Self>>,
    ) -> impl Future<Output = Result<(), Fault>> {
        let _ = (who, cx);
        ready(Ok(()))
    }

    /// As [`Actor::stopped`].
    fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Local<Self>>) -> impl Future<Output = ()> {
        let _ = (reason, cx);
        ready(())
    }
}

/// A [`LocalActor`] as an [`Actor`]: what its context and its spawning name.
///
/// Each access checks that it happens on the thread that made the actor.
pub struct Local<L>(SendWrapper<L>);

impl<L: LocalActor> Actor for Local<L> {
    type Msg = L::Msg;

    fn started(&mut self, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        SendWrapper::new(self.0.started(cx))
    }

    fn handle(&mut self, msg: L::Msg, cx: &mut Context<Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        SendWrapper::new(self.0.handle(msg, cx))
    }

    fn expired(message: &L::Msg) -> bool {
        L::expired(message)
    }

    fn terminated(
        &mut self,
        who: Terminated,
        cx: &mut Context<Self>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        SendWrapper::new(self.0.terminated(who, cx))
    }

    fn stopped(&mut self, reason: &StopReason, cx: &mut Context<Self>) -> impl Future<Output = ()> + Send {
        SendWrapper::new(self.0.stopped(reason, cx))
    }
}

impl<L> fmt::Debug for Local<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

impl System {
    /// Begins to spawn an actor that is bound to a thread: `make` is run on the
    /// thread of `on`, now and at each restart, and all that the actor is
    /// stays there.
    pub fn build_local<L: LocalActor>(
        &self,
        on: impl LocalExecutor,
        mut make: impl FnMut() -> L + Send + 'static,
    ) -> Spawn<'_, Local<L>> {
        self.build(move || Local(SendWrapper::new(make()))).bound_to(on)
    }
}

impl<A: Actor> Context<A> {
    /// Begins to spawn a child that is bound to a thread; see
    /// [`System::build_local`].
    pub fn build_local_child<L: LocalActor>(
        &mut self,
        on: impl LocalExecutor,
        mut make: impl FnMut() -> L + Send + 'static,
    ) -> Spawn<'_, Local<L>, A> {
        self.build_child(move || Local(SendWrapper::new(make()))).bound_to(on)
    }
}
