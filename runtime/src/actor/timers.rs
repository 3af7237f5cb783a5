//! Timers: messages that an actor sends to itself later.
//!
//! A tick comes over the control lane, past the mailbox's bound and policy:
//! data cannot hold a timer up, nor make it be dropped. Of each timer one tick
//! at most is there. A timer that is cancelled or replaced takes its tick with
//! it, also if that has reached the lane already. One that ends with its life
//! leaves it to the dead letters: no life is handed what another has set.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use super::Actor;
use super::context::Context;
use crate::mailbox::core::Signal;
use crate::mailbox::leash::{Cut, Leashed};
use crate::sync::shim;

/// What a repeated timer does about ticks that it could not deliver in time,
/// since the actor had not handled the last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missed {
    /// Leaves them out, and keeps to the beat: ticks come at multiples of the
    /// period.
    #[default]
    Skip,
    /// Leaves them out, and begins the next period when the actor takes the
    /// tick: at least a period lies between two of them.
    Delay,
    /// Makes up for them, one right after the other, until none is owed: as
    /// many ticks come as periods have passed.
    Burst,
}

/// The timers that an actor has named.
pub(super) type Named = BTreeMap<Cow<'static, str>, Arc<Cut>>;

impl<A: Actor> Context<A> {
    /// Sends `message` to this actor after `delay`, past its mailbox's bound
    /// and policy: data cannot hold a timer up, nor make it be dropped.
    /// Cancelled when the actor ends or is restarted.
    pub fn send_after(&mut self, delay: Duration, message: A::Msg) -> TimerHandle {
        let cut = self.leash();
        self.set_after(delay, message, Arc::clone(&cut));
        TimerHandle { cut }
    }

    /// Sends a message that `message` makes to this actor every `period`, past
    /// its mailbox's bound and policy. A tick that comes before the last one
    /// was handled is left out: they never pile up. Cancelled when the actor
    /// ends or is restarted.
    ///
    /// For other ways with missed ticks see [`Timers::every`].
    ///
    /// # Panics
    /// If `period` is zero.
    pub fn send_every(&mut self, period: Duration, message: impl Fn() -> A::Msg + Send + 'static) -> TimerHandle {
        assert!(!period.is_zero(), "a period is longer than nothing");
        let cut = self.leash();
        self.set_every(period, Missed::Skip, message, Arc::clone(&cut));
        TimerHandle { cut }
    }

    /// The timers of this actor that have names, to set, replace and cancel
    /// them.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::prelude::*;
    /// use tidegate::ManualExecutor;
    ///
    /// /// Saves once nothing has been typed for a second.
    /// #[derive(Default)]
    /// struct Editor { text: String, saved: Vec<String> }
    ///
    /// #[actor]
    /// impl Editor {
    ///     #[message] fn typed(&mut self, text: String, cx: &mut Context<Self>) {
    ///         self.text += &text;
    ///         // In place of the one before, if that is still to come.
    ///         cx.timers().after("save", Duration::from_secs(1), EditorMsg::Save {});
    ///     }
    ///     #[message] fn save(&mut self) { self.saved.push(self.text.clone()) }
    ///     #[message] fn saved(&self) -> Vec<String> { self.saved.clone() }
    /// }
    ///
    /// let executor = ManualExecutor::new();
    /// let editor = System::with_executor(executor.clone()).spawn(Editor::default(), Push::bounded(8));
    /// for word in ["a ", "stitch ", "in time"] {
    ///     editor.try_typed(word.into()).unwrap();
    ///     executor.advance(Duration::from_millis(900));
    /// }
    /// executor.advance(Duration::from_secs(60));
    /// assert_eq!(executor.block_on(editor.saved()).unwrap(), ["a stitch in time"]);
    /// ```
    pub fn timers(&mut self) -> Timers<'_, A> {
        Timers { cx: self }
    }

    fn set_after(&mut self, delay: Duration, message: A::Msg, cut: Arc<Cut>) {
        let core = shim::Arc::clone(self.core());
        let sleep = self.sleep(delay);
        let tick = Arc::clone(&cut);
        self.run(cut, async move {
            sleep.await;
            // Nobody there needs no timer.
            drop(core.signal(Signal::Timer(message, Some(tick))));
        });
    }

    fn set_every(
        &mut self,
        period: Duration,
        missed: Missed,
        message: impl Fn() -> A::Msg + Send + 'static,
        cut: Arc<Cut>,
    ) {
        let core = shim::Arc::clone(self.core());
        let world = Arc::clone(self.world());
        let tick = Arc::clone(&cut);
        self.run(cut, async move {
            let mut due = world.executor.now().saturating_add(period);
            loop {
                let left = due.saturating_sub(world.executor.now());
                if !left.is_zero() {
                    world.executor.sleep(left).await;
                }
                if missed == Missed::Burst {
                    // What is owed comes as soon as there is nothing before it.
                    poll_fn(|_| tick.poll_taken()).await;
                }
                if tick.begin_tick() && core.signal(Signal::Timer(message(), Some(Arc::clone(&tick)))).is_err() {
                    return;
                }
                due = match missed {
                    Missed::Burst => due.saturating_add(period),
                    Missed::Skip => next_beat(due, period, world.executor.now()),
                    Missed::Delay => {
                        poll_fn(|_| tick.poll_taken()).await;
                        world.executor.now().saturating_add(period)
                    }
                };
            }
        });
    }

    fn run(&self, cut: Arc<Cut>, task: impl Future<Output = ()> + Send + 'static) {
        self.executor().spawn(self.path().as_str(), Box::pin(Leashed::new(task, cut)));
    }
}

/// The first moment after `now` that lies whole periods after `due`.
fn next_beat(due: Duration, period: Duration, now: Duration) -> Duration {
    let late = now.saturating_sub(due).as_nanos() / period.as_nanos();
    let periods = u32::try_from(late).unwrap_or(u32::MAX - 1) + 1;
    due.saturating_add(period.saturating_mul(periods))
}

/// An actor's timers by name; see [`Context::timers`].
///
/// A name stands for one timer: setting it again replaces the one before, and
/// whatever that one had sent and the actor has not taken is not delivered any
/// more. All of them end when the actor does, or is restarted; a message that is
/// due by then goes to the dead letters.
pub struct Timers<'a, A: Actor> {
    cx: &'a mut Context<A>,
}

impl<A: Actor> Timers<'_, A> {
    /// Sends `message` to the actor after `delay`.
    pub fn after(&mut self, name: impl Into<Cow<'static, str>>, delay: Duration, message: A::Msg) {
        let cut = self.replace(name.into());
        self.cx.set_after(delay, message, cut);
    }

    /// Sends a message that `message` makes to the actor every `period`, the
    /// first when one has passed. What becomes of ticks that the actor is too
    /// busy for, `missed` says.
    ///
    /// # Panics
    /// If `period` is zero.
    pub fn every(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        period: Duration,
        missed: Missed,
        message: impl Fn() -> A::Msg + Send + 'static,
    ) {
        assert!(!period.is_zero(), "a period is longer than nothing");
        let cut = self.replace(name.into());
        self.cx.set_every(period, missed, message, cut);
    }

    /// Cancels a timer. `false` if there is none of that name, or it was due
    /// once and its message has been taken.
    pub fn cancel(&mut self, name: &str) -> bool {
        let cut = self.cx.named().and_then(|named| named.remove(name));
        cut.is_some_and(|cut| {
            let was_set = !cut.is_cut();
            cut.cancel();
            was_set
        })
    }

    /// Cancels all timers that have a name.
    pub fn cancel_all(&mut self) {
        if let Some(named) = self.cx.named() {
            for cut in std::mem::take(named).into_values() {
                cut.cancel();
            }
        }
    }

    /// Whether a timer of that name is to bring a message.
    #[must_use]
    pub fn is_set(&mut self, name: &str) -> bool {
        self.cx.named().and_then(|named| named.get(name)).is_some_and(|cut| !cut.is_cut())
    }

    fn replace(&mut self, name: Cow<'static, str>) -> Arc<Cut> {
        let named = self.cx.named_or_new();
        // Not for a name that is there: as many replacements as one likes leave
        // the number as it is.
        if named.len() >= 16 && named.len().is_power_of_two() && !named.contains_key(&name) {
            named.retain(|_, cut| !cut.is_cut());
        }
        let cut = Cut::new();
        if let Some(old) = named.insert(name, Arc::clone(&cut)) {
            old.cancel();
        }
        cut
    }
}

impl<A: Actor> fmt::Debug for Timers<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers").field("actor", self.cx.path()).finish_non_exhaustive()
    }
}

/// Stops a timer. Dropping it does not: the timer goes on.
#[derive(Debug)]
pub struct TimerHandle {
    cut: Arc<Cut>,
}

impl TimerHandle {
    /// Stops the timer. A tick that the actor has not taken yet does not come
    /// any more.
    pub fn cancel(self) {
        self.cut.cancel();
    }

    /// Whether it is to bring a message still.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.cut.is_cut()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn beats_lie_whole_periods_apart_and_in_the_future() {
        let ms = Duration::from_millis;
        for (now, next) in [(10, 20), (11, 20), (19, 20), (20, 30), (25, 30), (101, 110)] {
            assert_eq!(next_beat(ms(10), ms(10), ms(now)), ms(next), "{now}");
        }
        assert_eq!(next_beat(ms(10), ms(10), ms(9)), ms(20), "at the beat itself, or just before");
        assert!(next_beat(Duration::ZERO, Duration::from_nanos(1), Duration::MAX) > Duration::ZERO);
    }
}
