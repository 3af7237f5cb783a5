//! The checks of a publisher, and what they have to know of it.

mod cancelling;
mod demand;
mod ending;
mod subscribing;

use std::fmt::{self, Debug};

use super::environment::Environment;
use super::report::{Case, Outcome, Stop, Suite, Verdict, run};
use crate::flow::reactive::Publisher;

type Boxed<T> = Box<dyn Publisher<Item = T>>;
type Create<T> = Box<dyn Fn(&Environment, u64) -> Boxed<T>>;
type Make<T> = Box<dyn Fn(&Environment) -> Boxed<T>>;

/// The rules that a publisher is under, as checks of yours.
///
/// Each check makes a publisher of its own, in an [`Environment`] of its own.
/// [`verify_publisher!`](crate::verify_publisher) makes a test of each;
/// [`Suite::run`] runs them all.
///
/// What a publisher cannot do, the checks that need it skip, and say so:
/// without [`failing`](Self::failing) those of 1.4, without
/// [`rejecting`](Self::rejecting) one of 1.9, with
/// [`at_most`](Self::at_most) those that take more items.
///
/// ```
/// use tidegate::flow::reactive::{from_iter, try_from_iter};
/// use tidegate::flow::verify::{Outcome, PublisherSuite, Subscribers, Suite};
/// use tidegate::Fault;
/// let suite = PublisherSuite::new(|env, n| from_iter(env.system(), 0..n))
///     .failing(|env| try_from_iter(env.system(), [Ok(0), Err(Fault::msg("torn"))]))
///     .serves(Subscribers::Same);
/// assert_eq!(suite.check("spec104_must_signal_on_error_when_it_fails"), Outcome::Kept);
/// suite.run().assert_kept();
/// ```
pub struct PublisherSuite<T> {
    create: Create<T>,
    failing: Option<Make<T>>,
    rejecting: Option<Make<T>>,
    environment: Box<dyn Fn() -> Environment>,
    at_most: u64,
    subscribers: Subscribers,
    emits_in_request: bool,
}

/// Whom a publisher serves (rule 1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subscribers {
    /// One. What becomes of a second is not checked.
    One,
    /// Many, each with items of its own: they share out the items, or each has
    /// what it asked for.
    Many,
    /// Many, and all that subscribe before anything is requested get the same
    /// items in the same order.
    Same,
}

/// What the long checks ask for: more than a publisher has under way.
pub(super) const LONG: u64 = 1000;

impl<T: Debug + PartialEq + Send + 'static> PublisherSuite<T> {
    /// Checks of the publishers that `create` makes: it is told how many items
    /// there are to be, exactly. 0 is among the numbers.
    pub fn new<P: Publisher<Item = T>>(create: impl Fn(&Environment, u64) -> P + 'static) -> Self {
        Self {
            create: Box::new(move |env, n| Box::new(create(env, n))),
            failing: None,
            rejecting: None,
            environment: Box::new(Environment::manual),
            at_most: LONG,
            subscribers: Subscribers::One,
            emits_in_request: false,
        }
    }

    /// A publisher that fails, at the latest when it has sent 16 items.
    #[must_use]
    pub fn failing<P: Publisher<Item = T>>(mut self, make: impl Fn(&Environment) -> P + 'static) -> Self {
        self.failing = Some(Box::new(move |env| Box::new(make(env))));
        self
    }

    /// A publisher that serves nobody.
    #[must_use]
    pub fn rejecting<P: Publisher<Item = T>>(mut self, make: impl Fn(&Environment) -> P + 'static) -> Self {
        self.rejecting = Some(Box::new(move |env| Box::new(make(env))));
        self
    }

    /// Where it is checked, instead of in [`Environment::manual`].
    #[must_use]
    pub fn on(mut self, environment: impl Fn() -> Environment + 'static) -> Self {
        self.environment = Box::new(environment);
        self
    }

    /// It cannot be made with more items than `n`.
    #[must_use]
    pub fn at_most(mut self, n: u64) -> Self {
        self.at_most = n;
        self
    }

    /// Whom it serves, instead of [one](Subscribers::One).
    #[must_use]
    pub fn serves(mut self, subscribers: Subscribers) -> Self {
        self.subscribers = subscribers;
        self
    }

    /// Its `request` sends items itself, which 3.10 permits: 3.4 is not checked.
    #[must_use]
    pub fn emits_in_request(mut self) -> Self {
        self.emits_in_request = true;
        self
    }

    /// Runs `check` with a publisher of `n` items.
    fn with(&self, n: u64, check: impl FnOnce(&Environment, &dyn Publisher<Item = T>) -> Verdict) -> Verdict {
        if n > self.at_most {
            return Err(Stop::Skipped(format!("it takes {n} items, and there are at most {}", self.at_most)));
        }
        let env = (self.environment)();
        env.within(|env| check(env, &*(self.create)(env, n)))
    }

    /// As many as it takes to see whether it stops.
    fn with_many(&self, check: impl FnOnce(&Environment, &dyn Publisher<Item = T>, u64) -> Verdict) -> Verdict {
        let n = self.at_most.min(LONG);
        if n < 2 {
            return Err(Stop::Skipped(format!("it takes 2 items, and there are at most {n}")));
        }
        self.with(n, |env, publisher| check(env, publisher, n))
    }

    fn with_made(
        &self,
        make: Option<&Make<T>>,
        what: &str,
        check: impl FnOnce(&Environment, &dyn Publisher<Item = T>) -> Verdict,
    ) -> Verdict {
        let Some(make) = make else { return Err(Stop::Skipped(format!("no publisher that {what} was given"))) };
        let env = (self.environment)();
        env.within(|env| check(env, &*make(env)))
    }

    fn with_failing(&self, check: impl FnOnce(&Environment, &dyn Publisher<Item = T>) -> Verdict) -> Verdict {
        self.with_made(self.failing.as_ref(), "fails", check)
    }

    fn with_rejecting(&self, check: impl FnOnce(&Environment, &dyn Publisher<Item = T>) -> Verdict) -> Verdict {
        self.with_made(self.rejecting.as_ref(), "serves nobody", check)
    }

    /// Skips what needs several subscribers, or several that get the same.
    fn serves_at_least(&self, wanted: Subscribers) -> Verdict {
        match (wanted, self.subscribers) {
            (Subscribers::Many, Subscribers::One) => Err(Stop::Skipped("it serves one subscriber".to_owned())),
            (Subscribers::Same, Subscribers::One | Subscribers::Many) => {
                Err(Stop::Skipped("its subscribers need not get the same items".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

macro_rules! table {
    ([] $($name:ident)*) => {
        impl<T: Debug + PartialEq + Send + 'static> PublisherSuite<T> {
            pub(super) const CASES: &'static [Case<Self>] = &[$((stringify!($name), Self::$name)),*];
        }
    };
}
crate::__publisher_checks!([table!] []);

impl<T: Debug + PartialEq + Send + 'static> Suite for PublisherSuite<T> {
    fn checks(&self) -> Vec<&'static str> {
        Self::CASES.iter().map(|(name, _)| *name).collect()
    }

    fn check(&self, name: &str) -> Outcome {
        run(self, Self::CASES, name)
    }
}

impl<T> fmt::Debug for PublisherSuite<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublisherSuite")
            .field("at_most", &self.at_most)
            .field("subscribers", &self.subscribers)
            .finish_non_exhaustive()
    }
}
