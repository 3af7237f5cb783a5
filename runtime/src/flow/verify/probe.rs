//! The subscriber that checks of publishers subscribe with: it writes down what
//! it is told, and leaves its subscription where the check can use it.

use std::fmt::{self, Debug};
use std::sync::{Arc, Weak};

use super::environment::Environment;
use super::report::{Verdict, ensure};
use crate::actor::Fault;
use crate::actor::panic::contained;
use crate::flow::reactive::{Publisher, Subscriber, Subscription};
use crate::sync::shim::Mutex;

/// What a subscriber was told.
#[derive(Clone, Debug)]
pub(super) enum Signal<T> {
    Subscribed,
    Next(T),
    Error(Fault),
    Complete,
}

/// The check's end.
pub(super) struct Probe<T> {
    shared: Arc<Shared<T>>,
    /// Counts the subscriber.
    alive: Weak<()>,
}

struct Shared<T> {
    signals: Mutex<Vec<Signal<T>>>,
    /// Not there while it is used, so that nothing is locked meanwhile.
    handle: Mutex<Option<Handle>>,
    panics: Mutex<Vec<String>>,
}

/// A subscription in the hands of a check: a call that panics is noted.
pub(super) struct Handle {
    subscription: Option<Box<dyn Subscription>>,
    panics: Vec<String>,
    /// The subscriber is to panic when it has reacted, its subscription alive.
    panic: bool,
}

impl Handle {
    pub(super) fn panic(&mut self) {
        self.panic = true;
    }

    pub(super) fn request(&mut self, n: u64) {
        self.call(&format!("request({n})"), |subscription| subscription.request(n));
    }

    pub(super) fn cancel(&mut self) {
        self.call("cancel()", |subscription| subscription.cancel());
    }

    pub(super) fn release(&mut self) {
        let subscription = self.subscription.take();
        if let Err(panic) = contained(|| drop(subscription)) {
            self.panics.push(format!("dropping the subscription panicked: {panic:#}"));
        }
    }

    /// As `cancel`, from another thread.
    pub(super) fn cancel_elsewhere(&mut self) {
        let Some(mut subscription) = self.subscription.take() else { return };
        let cancelled = std::thread::spawn(move || {
            let cancelled = contained(|| subscription.cancel());
            (subscription, cancelled)
        });
        if let Ok((subscription, cancelled)) = cancelled.join() {
            self.subscription = Some(subscription);
            self.panics.extend(cancelled.err().map(|panic| format!("cancel() on another thread panicked: {panic:#}")));
        }
    }

    fn call(&mut self, what: &str, f: impl FnOnce(&mut dyn Subscription)) {
        let Some(subscription) = &mut self.subscription else { return };
        if let Err(panic) = contained(|| f(&mut **subscription)) {
            self.panics.push(format!("{what} panicked: {panic:#}"));
        }
    }
}

/// What the subscriber does when it is told something: 0 is its subscription,
/// `k` its `k`-th item.
pub(super) type React = Box<dyn FnMut(usize, &mut Handle) + Send>;

struct Listener<T> {
    shared: Arc<Shared<T>>,
    react: React,
    items: usize,
    _alive: Arc<()>,
}

impl<T: Debug + Send + 'static> Probe<T> {
    /// Subscribes, and lets things settle.
    pub(super) fn subscribe(env: &Environment, to: &dyn Publisher<Item = T>) -> Self {
        Self::reacting(env, to, |_, _| {})
    }

    /// With a subscriber that does something by itself.
    pub(super) fn reacting(
        env: &Environment,
        to: &dyn Publisher<Item = T>,
        react: impl FnMut(usize, &mut Handle) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            signals: Mutex::new(Vec::new()),
            handle: Mutex::new(None),
            panics: Mutex::new(Vec::new()),
        });
        let alive = Arc::new(());
        let probe = Self { shared: Arc::clone(&shared), alive: Arc::downgrade(&alive) };
        let listener = Listener { shared, react: Box::new(react), items: 0, _alive: alive };
        if let Err(panic) = contained(|| to.subscribe(Box::new(listener))) {
            probe.shared.panics.lock().push(format!("subscribe panicked: {panic:#}"));
        }
        if let Err(panic) = contained(|| env.settle()) {
            probe.shared.panics.lock().push(format!("a task of the publisher panicked: {panic:#}"));
        }
        probe
    }

    /// Does something with the subscription, as the subscriber would from outside
    /// of a signal.
    pub(super) fn with(&self, f: impl FnOnce(&mut Handle)) {
        let Some(mut handle) = self.shared.handle.lock().take() else { return };
        f(&mut handle);
        self.shared.panics.lock().append(&mut handle.panics);
        self.shared.handle.lock().get_or_insert(handle);
    }

    pub(super) fn request(&self, n: u64) {
        self.with(|handle| handle.request(n));
    }

    pub(super) fn cancel(&self) {
        self.with(Handle::cancel);
    }

    /// How many signals came.
    pub(super) fn signals(&self) -> usize {
        self.shared.signals.lock().len()
    }

    pub(super) fn count(&self, wanted: impl Fn(&Signal<T>) -> bool) -> usize {
        self.shared.signals.lock().iter().filter(|signal| wanted(signal)).count()
    }

    pub(super) fn items(&self) -> usize {
        self.count(|signal| matches!(signal, Signal::Next(_)))
    }

    /// It has its subscription and `items` items: what comes next in a check would be
    /// seen. Without this, a publisher that does nothing would break no rule.
    pub(super) fn has_begun_with(&self, items: usize) -> Verdict {
        let begun = self.is_subscribed_first() && self.items() == items;
        ensure!(begun, "this cannot be seen: {items} items were requested, and there came {self}");
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.count(|signal| matches!(signal, Signal::Complete)) > 0
    }

    pub(super) fn is_over(&self) -> bool {
        self.count(|signal| matches!(signal, Signal::Complete | Signal::Error(_))) > 0
    }

    /// Whether its items are those of `other`, as far as both have come.
    pub(super) fn agrees_with(&self, other: &Self) -> bool
    where
        T: PartialEq,
    {
        let (mine, others) = (self.shared.signals.lock(), other.shared.signals.lock());
        let (mut mine, mut others) = (items_of(&mine), items_of(&others));
        loop {
            match (mine.next(), others.next()) {
                (Some(one), Some(other)) if one != other => return false,
                (Some(_), Some(_)) => {}
                _ => return true,
            }
        }
    }

    /// Whether the first signal was the subscription.
    pub(super) fn is_subscribed_first(&self) -> bool {
        matches!(self.shared.signals.lock().first(), Some(Signal::Subscribed))
    }

    /// Whether the failure that came last has a source for which `is` holds.
    pub(super) fn failed_with(&self, is: impl Fn(&Fault) -> bool) -> bool {
        matches!(self.shared.signals.lock().last(), Some(Signal::Error(fault)) if is(fault))
    }

    /// Whether the publisher has dropped the subscriber.
    pub(super) fn is_released(&self) -> bool {
        self.alive.strong_count() == 0
    }

    /// What panicked in the hands of the check or of the subscriber.
    pub(super) fn panics(&self) -> Vec<String> {
        self.shared.panics.lock().clone()
    }
}

fn items_of<T>(signals: &[Signal<T>]) -> impl Iterator<Item = &T> {
    signals.iter().filter_map(|signal| match signal {
        Signal::Next(item) => Some(item),
        _ => None,
    })
}

impl<T> Listener<T> {
    /// Writes a signal down and reacts to it.
    fn react(&mut self, at: usize, mut handle: Handle) {
        (self.react)(at, &mut handle);
        self.shared.panics.lock().append(&mut handle.panics);
        let panic = std::mem::take(&mut handle.panic);
        self.shared.handle.lock().get_or_insert(handle);
        assert!(!panic, "a subscriber that panics, as it was told to");
    }
}

impl<T: Debug + Send + 'static> Subscriber<T> for Listener<T> {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        self.shared.signals.lock().push(Signal::Subscribed);
        let is_second = self.shared.handle.lock().is_some();
        // Rule 2.5: a second one is dropped.
        if !is_second {
            self.react(0, Handle { subscription: Some(subscription), panics: Vec::new(), panic: false });
        }
    }

    fn on_next(&mut self, item: T) {
        self.shared.signals.lock().push(Signal::Next(item));
        self.items += 1;
        let handle = self.shared.handle.lock().take();
        if let Some(handle) = handle {
            self.react(self.items, handle);
        }
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        self.shared.signals.lock().push(Signal::Error(fault));
    }

    fn on_complete(self: Box<Self>) {
        self.shared.signals.lock().push(Signal::Complete);
    }
}

/// What came, for messages: `subscribed, 0, 1, complete`.
impl<T: Debug> fmt::Display for Probe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MANY: usize = 12;
        let signals = self.shared.signals.lock();
        if signals.is_empty() {
            return f.write_str("nothing");
        }
        let skipped = signals.len().saturating_sub(MANY);
        for (index, signal) in signals.iter().enumerate() {
            if (MANY / 2..MANY / 2 + skipped).contains(&index) {
                if index == MANY / 2 {
                    write!(f, ", .. {skipped} more ..")?;
                }
                continue;
            }
            f.write_str(if index == 0 { "" } else { ", " })?;
            match signal {
                Signal::Subscribed => f.write_str("on_subscribe"),
                Signal::Next(item) => write!(f, "on_next({item:?})"),
                Signal::Error(fault) => write!(f, "on_error({fault})"),
                Signal::Complete => f.write_str("on_complete"),
            }?;
        }
        for panic in &*self.shared.panics.lock() {
            write!(f, "; {panic}")?;
        }
        Ok(())
    }
}
