//! The checks of a subscriber, and what they have to know of it.

mod rules;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::environment::Environment;
use super::line::Line;
use super::report::{Case, Outcome, Suite, Verdict, run};
use crate::flow::reactive::Subscriber;

/// A subscriber under test, and what can be done with it beside signalling.
///
/// A subscriber alone is a black box: what is seen of it is what it calls on its
/// subscription. What it is told here are its inner works, as far as it has any:
/// then the checks that need them are not skipped.
#[must_use]
pub struct Subject<T> {
    pub(super) subscriber: Option<Box<dyn Subscriber<T>>>,
    pub(super) request: Option<Box<dyn FnMut(u64)>>,
    pub(super) cancel: Option<Box<dyn FnMut()>>,
    pub(super) seen: Option<Box<dyn Fn() -> Seen>>,
    pub(super) is_asynchronous: bool,
    _kept: Option<Box<dyn Any>>,
}

/// What has arrived behind a subscriber, where it is made use of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How many items.
    pub items: u64,
    /// The end, by completion.
    pub completed: bool,
    /// The end, by a failure.
    pub failed: bool,
}

impl<T: 'static> Subject<T> {
    /// A black box.
    pub fn new(subscriber: impl Subscriber<T>) -> Self {
        Self {
            subscriber: Some(Box::new(subscriber)),
            request: None,
            cancel: None,
            seen: None,
            is_asynchronous: false,
            _kept: None,
        }
    }

    /// How to have it request `n` items, if it does not do so by itself.
    pub fn requests(mut self, request: impl FnMut(u64) + 'static) -> Self {
        self.request = Some(Box::new(request));
        self
    }

    /// How to have it want no more: it is to cancel then.
    pub fn cancels(mut self, cancel: impl FnMut() + 'static) -> Self {
        self.cancel = Some(Box::new(cancel));
        self
    }

    /// What has arrived so far. With this, checks notice what is lost.
    pub fn seen(mut self, seen: impl Fn() -> Seen + 'static) -> Self {
        self.seen = Some(Box::new(seen));
        self
    }

    /// It handles items elsewhere and not in `on_next`, which 2.2 asks of those
    /// with slow work to do.
    pub fn asynchronous(mut self) -> Self {
        self.is_asynchronous = true;
        self
    }

    /// Keeps `what` for as long as the check takes.
    pub fn keeping(mut self, what: impl Any) -> Self {
        self._kept = Some(Box::new(what));
        self
    }
}

impl<T> fmt::Debug for Subject<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("is_asynchronous", &self.is_asynchronous).finish_non_exhaustive()
    }
}

pub(super) type MakeSubject<T> = Arc<dyn Fn(&Environment) -> Subject<T>>;
pub(super) type MakeEnvironment = Arc<dyn Fn() -> Environment>;

/// The rules that a subscriber is under, as checks of yours.
///
/// Each check makes a subscriber of its own, in an [`Environment`] of its own, and
/// plays its publisher. [`verify_subscriber!`](crate::verify_subscriber) makes a
/// test of each; [`Suite::run`] runs them all.
///
/// ```
/// use std::cell::Cell;
/// use std::sync::{Arc, Mutex};
/// use tidegate::Fault;
/// use tidegate::flow::reactive::{Subscriber, Subscription};
/// use tidegate::flow::verify::{Subject, SubscriberSuite, Suite};
///
/// /// Replaces its subscription by any that comes, which 2.5 forbids.
/// struct Fickle(Option<Box<dyn Subscription>>);
/// impl Subscriber<u64> for Fickle {
///     fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) {
///         subscription.request(u64::MAX);
///         self.0 = Some(subscription);
///     }
///     fn on_next(&mut self, _: u64) {}
///     fn on_error(self: Box<Self>, _: Fault) {}
///     fn on_complete(self: Box<Self>) {}
/// }
/// let report = SubscriberSuite::new(|_env| Subject::new(Fickle(None)), |n| n).run();
/// let broken: Vec<_> = report.violations().filter_map(|finding| finding.rule()).collect();
/// assert_eq!(broken.len(), 1);
/// assert_eq!(broken[0].number, "2.5");
/// ```
pub struct SubscriberSuite<T> {
    create: MakeSubject<T>,
    element: Arc<dyn Fn(u64) -> T>,
    environment: MakeEnvironment,
}

impl<T: 'static> SubscriberSuite<T> {
    /// Checks of the subscribers that `create` makes, with the items that `element`
    /// makes: it is told their number, from 0.
    pub fn new(create: impl Fn(&Environment) -> Subject<T> + 'static, element: impl Fn(u64) -> T + 'static) -> Self {
        Self { create: Arc::new(create), element: Arc::new(element), environment: Arc::new(Environment::manual) }
    }

    /// Where it is checked, instead of in [`Environment::manual`].
    #[must_use]
    pub fn on(mut self, environment: impl Fn() -> Environment + 'static) -> Self {
        self.environment = Arc::new(environment);
        self
    }

    fn with(&self, check: impl FnOnce(Line<'_, T>) -> Verdict) -> Verdict {
        let env = (self.environment)();
        env.within(|env| check(Line::begin(env, (self.create)(env), &*self.element)))
    }
}

macro_rules! table {
    ([] $($name:ident)*) => {
        impl<T: 'static> SubscriberSuite<T> {
            const CASES: &'static [Case<Self>] = &[$((stringify!($name), Self::$name)),*];
        }
    };
}
crate::__subscriber_checks!([table!] []);

impl<T: 'static> Suite for SubscriberSuite<T> {
    fn checks(&self) -> Vec<&'static str> {
        Self::CASES.iter().map(|(name, _)| *name).collect()
    }

    fn check(&self, name: &str) -> Outcome {
        run(self, Self::CASES, name)
    }
}

impl<T> fmt::Debug for SubscriberSuite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberSuite").finish_non_exhaustive()
    }
}
