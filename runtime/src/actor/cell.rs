//! One life of an actor, as a state machine without a runtime.
//!
//! [`Cell::live`] is a future that any executor may poll. In one poll it
//! handles messages until there are none, a handler waits, or the budget is
//! used up. Signals come first, before every message and while a handler
//! waits. Whenever the poll ends, what was taken has been published, so an
//! actor that waits or sleeps holds no sender back.

use std::future::Future;
use std::pin::pin;
#[cfg(feature = "metrics")]
use std::time::Duration;

mod aside;
mod attend;
mod observing;
mod pauses;

use self::attend::{attend, attend_message};
use super::bonds::News;
use super::context::Context;
use super::fault::Fault;
use super::lifecycle::StopReason;
use super::reference::Halt;
use super::{Actor, Doing};
use crate::mailbox::DropReason;
use crate::mailbox::core::{Core, Ending, Signal};
use crate::mailbox::receiver::{Next, Receiver, Urgent};
use crate::sync::{access, shim};

/// How many messages an actor handles in one poll before it lets others run.
pub(crate) const BUDGET: usize = 512;

/// An actor that has handled so many messages in a poll looks once more before
/// it sleeps.
const BUSY: u32 = 32;

/// How a life ended.
#[derive(Debug)]
pub(crate) enum Exit {
    /// For good.
    Stop(StopReason),
    /// It has stopped itself: the supervisor may begin another.
    Own,
    /// Cut off: its siblings begin anew, and it does with them.
    Renewed,
    /// By a fault: the supervisor decides.
    Fault(Fault),
}

/// What there was to do when no message lay ready in its slot.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A message from elsewhere has been dealt with.
    Taken,
    Empty,
    Closed,
}

/// What stays when an actor is restarted: its mailbox and its place.
pub(crate) struct Cell<A: Actor> {
    pub(crate) rx: Receiver<A::Msg>,
    pub(crate) cx: Context<A>,
    budget: u32,
    /// A message is in the handler.
    handling: bool,
    /// The poll that goes on has just begun.
    fresh: bool,
    draining: bool,
    /// What was put aside has come back at the end of a drain.
    emptied: bool,
    enlisted: bool,
    /// When the present message began, if it is timed, and how many more are
    /// not.
    #[cfg(feature = "metrics")]
    timed: Option<Duration>,
    #[cfg(feature = "metrics")]
    unlooked: u32,
}

impl<A: Actor> Cell<A> {
    pub(crate) fn new(rx: Receiver<A::Msg>, cx: Context<A>, budget: usize) -> Self {
        Self {
            rx,
            cx,
            budget: u32::try_from(budget).unwrap_or(u32::MAX).max(1),
            handling: false,
            fresh: true,
            draining: false,
            emptied: false,
            enlisted: false,
            #[cfg(feature = "metrics")]
            timed: None,
            #[cfg(feature = "metrics")]
            unlooked: 0,
        }
    }

    fn core(&self) -> &shim::Arc<Core<A::Msg>> {
        self.rx.core()
    }

    /// Accounts for a message that was in the handler when a life was cut off.
    pub(crate) fn account_for_interrupted(&mut self) {
        // What it has put aside is safe there.
        let stashed = self.cx.has_just_stashed();
        if std::mem::take(&mut self.handling) && !stashed {
            self.core().bury_lost(DropReason::Interrupted);
        }
    }

    /// Begins a life: runs the `started` hook. `None`: it is to go on.
    pub(crate) async fn open(&mut self, actor: &mut A) -> Option<Exit> {
        self.cx.life().note(Doing::Starting);
        // What an earlier life has put aside comes first in this one.
        self.cx.unstash_all();
        let hook = pin!(actor.started(&mut self.cx));
        match attend(hook, &mut self.rx).await {
            Ok(result) => result.err().map(Exit::Fault),
            Err(urgent) => Some(urgent.into()),
        }
    }

    /// Goes on until the end.
    ///
    /// A block that captures, and not an `async fn`, which would keep each
    /// argument twice. No message is held across an await in it but the one in
    /// the handler: each would have a place of its own in every actor.
    #[allow(clippy::manual_async_fn)]
    pub(crate) fn live<'a>(&'a mut self, actor: &'a mut A) -> impl Future<Output = Exit> + Send + use<'a, A> {
        async move {
            self.cx.life().note(Doing::Working);
            if access::is_exploring() {
                // The hook was a step: whether a message is there or not.
                self.let_others_run().await;
            }
            let mut left = self.budget;
            loop {
                let look = access::look();
                if self.cx.attention {
                    if let Some(exit) = self.see_to_myself() {
                        return exit;
                    }
                    if self.may_unstash() {
                        if let Some(exit) = Box::pin(self.handle_unstashed(actor)).await {
                            return exit;
                        }
                        left -= 1;
                        if left == 0 {
                            left = self.budget;
                            self.let_others_run().await;
                        }
                        continue;
                    }
                }
                if self.core().lane.is_pending() {
                    // Boxed: signals are rare, and every actor would keep the room.
                    if let Some(exit) = Box::pin(self.obey(actor)).await {
                        return exit;
                    }
                    // Timers and news count like messages: they cannot keep the
                    // thread from others.
                    left -= 1;
                    if left == 0 {
                        left = self.budget;
                        self.let_others_run().await;
                    }
                    continue;
                }
                if std::mem::take(&mut self.fresh) {
                    self.rx.note_poll();
                    #[cfg(feature = "metrics")]
                    if self.rx.is_looking() {
                        self.unlooked = 0;
                    }
                }
                if let Some(expired) = self.rx.look_ready(A::expired) {
                    if expired {
                        let message = self.rx.take_ready();
                        self.let_expire(message);
                    } else {
                        // As `handle`; but the message goes from its slot to the
                        // handler and is kept nowhere in between.
                        self.begin_message();
                        let handled = {
                            let handler = pin!(actor.handle(self.rx.take_ready(), &mut self.cx));
                            attend_message(handler, &mut self.rx).await
                        };
                        if let Some(exit) = self.end_message(handled) {
                            return exit;
                        }
                    }
                    left -= 1;
                    if left == 0 {
                        left = self.budget;
                        self.let_others_run().await;
                    }
                    continue;
                }
                // Found here only if it came in this very moment, or lies in the next
                // ring: boxed, as every actor would keep the room.
                let mut found = None;
                let turn = if self.rx.is_plain() {
                    match self.rx.try_next() {
                        Next::Message(message) => {
                            found = Some(Box::new(message));
                            Turn::Taken
                        }
                        Next::Empty => Turn::Empty,
                        Next::Closed => Turn::Closed,
                    }
                } else {
                    match Box::pin(self.take_slowly(actor)).await {
                        Ok(turn) => turn,
                        Err(exit) => return exit,
                    }
                };
                match turn {
                    Turn::Taken => {
                        if let Some(message) = found
                            && let Some(exit) = Box::pin(self.handle_found(actor, *message)).await
                        {
                            return exit;
                        }
                        left -= 1;
                        if left == 0 {
                            left = self.budget;
                            self.let_others_run().await;
                        }
                    }
                    Turn::Empty if self.budget - left >= BUSY => {
                        // More is likely to come: looking again after others have
                        // run is cheaper than being put to sleep and woken.
                        left = self.budget;
                        self.let_others_run().await;
                    }
                    Turn::Empty => {
                        self.settle_down(look).await;
                        left = self.budget;
                    }
                    // Closed by whoever has sent a signal just before: that first.
                    Turn::Closed if self.core().lane.is_pending() => {}
                    Turn::Closed => {
                        if !std::mem::replace(&mut self.emptied, true) && self.cx.unstash_all() > 0 {
                            continue;
                        }
                        return Exit::Stop(match self.core().ending() {
                            Some(Ending::Overflowed) => StopReason::Overflowed,
                            _ => StopReason::Drained,
                        });
                    }
                }
            }
        }
    }

    /// What the actor wants of itself.
    #[cold]
    fn see_to_myself(&mut self) -> Option<Exit> {
        // The handler has returned: what it put aside it has handled.
        self.cx.has_just_stashed();
        self.cx.attention = self.cx.has_unstashed();
        match self.cx.stopping.take()? {
            Halt::Stop => Some(Exit::Own),
            halt => self.halt(halt),
        }
    }

    /// Handles a message.
    async fn handle(&mut self, actor: &mut A, message: A::Msg) -> Option<Exit> {
        self.begin_message();
        let handled = {
            let handler = pin!(actor.handle(message, &mut self.cx));
            attend_message(handler, &mut self.rx).await
        };
        self.end_message(handled)
    }

    #[inline(always)]
    fn begin_message(&mut self) {
        access::act();
        self.handling = true;
        if self.rx.is_adaptive() {
            self.rx.begin(self.cx.now());
        }
        #[cfg(feature = "metrics")]
        match self.unlooked.checked_sub(1) {
            Some(left) => self.unlooked = left,
            None => self.begin_sample(),
        }
    }

    #[inline(always)]
    fn end_message(&mut self, handled: Result<Result<(), Fault>, Urgent>) -> Option<Exit> {
        match handled {
            Ok(result) => {
                self.handling = false;
                if self.rx.is_adaptive() {
                    self.observe(1);
                }
                #[cfg(feature = "metrics")]
                if self.timed.is_some() {
                    self.end_sample();
                }
                result.err().map(Exit::Fault)
            }
            Err(urgent) => Some(urgent.into()),
        }
    }

    #[cold]
    fn observe(&mut self, handled: u64) {
        let now = self.cx.now();
        self.rx.observe(now, handled);
    }

    /// Deals with one signal.
    #[cold]
    async fn obey(&mut self, actor: &mut A) -> Option<Exit> {
        let lane = &self.core().lane;
        // An order to end does not wait for the timers and news before it.
        let end = lane.next_order(|signal| matches!(signal, Signal::Kill | Signal::Stop | Signal::Renew));
        match end.or_else(|| lane.next())? {
            Signal::Kill => Some(Urgent::Kill.into()),
            Signal::Renew => Some(Urgent::Renew.into()),
            Signal::Stop => self.halt(Halt::Stop),
            Signal::Drain => self.halt(Halt::Drain),
            Signal::Reconfigure(mailbox) => {
                self.rx.reconfigure(*mailbox);
                None
            }
            Signal::Retire => {
                self.rx.retire();
                self.enlisted = false;
                None
            }
            Signal::Timer(message, timer) => {
                let message = self.core().take_tick(message, timer)?;
                self.core().count_handled(1);
                self.handle_late(actor, message).await
            }
            Signal::Notice(news) => {
                let news = match self.cx.learn(news.downcast_ref::<News>()?) {
                    Ok(news) => news?,
                    Err(fault) => return Some(Exit::Fault(fault)),
                };
                self.cx.life().note(Doing::Aside);
                let attended = attend(pin!(actor.terminated(news, &mut self.cx)), &mut self.rx).await;
                self.cx.life().note(Doing::Working);
                match attended {
                    Ok(result) => result.err().map(Exit::Fault),
                    Err(urgent) => Some(urgent.into()),
                }
            }
        }
    }

    fn halt(&mut self, halt: Halt) -> Option<Exit> {
        match halt {
            Halt::Kill => Some(Exit::Stop(StopReason::Killed)),
            Halt::Stop => Some(Exit::Stop(StopReason::Stopped)),
            Halt::Drain => {
                if !std::mem::replace(&mut self.draining, true) {
                    self.core().close(Ending::Closed);
                    // What was never asked for could never be drained.
                    self.rx.request(u64::MAX);
                }
                None
            }
        }
    }

    /// Whether an order to stop is there. Takes it.
    pub(crate) fn is_told_to_stop(&self) -> bool {
        self.core().lane.next_order(|signal| matches!(signal, Signal::Stop)).is_some()
    }

    /// Whether an order to drain is there. Obeys it as far as that is possible
    /// between two lives: no more messages are taken.
    pub(crate) fn is_told_to_drain(&mut self) -> bool {
        let told = self.core().lane.next_order(|signal| matches!(signal, Signal::Drain)).is_some();
        if told {
            self.halt(Halt::Drain);
        }
        told
    }

    /// Whether it is to handle what was accepted, and then to end.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining
    }

    /// Whether there is nothing to come: another life would have no work.
    pub(crate) fn is_closed(&self) -> bool {
        self.draining || self.core().ending().is_some()
    }

    /// The last hook. `false`: killed while it waited.
    pub(crate) async fn take_leave(&mut self, actor: &mut A, reason: &StopReason) -> bool {
        let mut hook = pin!(actor.stopped(reason, &mut self.cx));
        loop {
            match attend(hook.as_mut(), &mut self.rx).await {
                Ok(()) => return true,
                Err(Urgent::Kill) => return false,
                // It ends already, which is all that its siblings wait for.
                Err(Urgent::Renew) => {}
            }
        }
    }
}

impl<A: Actor> Drop for Cell<A> {
    /// The handler has been dropped by now: its message is lost if the actor
    /// was abandoned in the middle of it.
    fn drop(&mut self) {
        self.account_for_interrupted();
        self.cx.cut_tasks();
        self.cx.bury_stash();
    }
}

impl From<Urgent> for Exit {
    fn from(urgent: Urgent) -> Self {
        match urgent {
            Urgent::Kill => Self::Stop(StopReason::Killed),
            Urgent::Renew => Self::Renewed,
        }
    }
}
