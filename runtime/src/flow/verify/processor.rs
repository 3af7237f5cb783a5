//! The checks of a processor: those of both its halves, and what joins them.

use std::fmt::{self, Debug};
use std::sync::Arc;

use super::environment::Environment;
use super::line::{End, Line};
use super::probe::Probe;
use super::publisher::{PublisherSuite, Subscribers};
use super::report::{Case, Outcome, Report, Stop, Suite, Verdict, ensure, run};
use super::subscriber::{MakeEnvironment, Seen, Subject, SubscriberSuite};
use crate::actor::Fault;
use crate::flow::reactive::{Halves, Processor, Publisher, Subscriber, Subscription, from_iter, try_from_iter};
use crate::sync::shim::Mutex;

type Make<T, U> = Arc<dyn Fn(&Environment) -> Halves<T, U>>;

/// The rules that a processor is under, as checks of yours: those of
/// [publishers](Self::as_publisher), those of [subscribers](Self::as_subscriber), and
/// those of chapter 4.
///
/// The processor has to send on one item for each that it gets, as the suites
/// count them; what it makes of it is its own business. One that drops or
/// multiplies items is checked with settings under which it does not.
///
/// ```
/// use tidegate::flow::verify::{ProcessorSuite, Suite};
/// # use tidegate::Fault;
/// # use tidegate::flow::reactive::{Publisher, Subscriber, Subscription};
/// # use std::sync::{Arc, Mutex};
/// # /// Each item as it is: its subscriber hands on what it is told.
/// # #[derive(Clone, Default)]
/// # struct Pass(Arc<Mutex<(Option<Box<dyn Subscription>>, Option<Box<dyn Subscriber<u64>>>, Option<Result<(), Fault>>)>>);
/// # impl Pass {
/// #     fn meet(&self) {
/// #         let mut me = self.0.lock().unwrap();
/// #         if me.1.is_some() && (me.0.is_some() || me.2.is_some()) {
/// #             let (subscription, subscriber, end) = (me.0.take(), me.1.take(), me.2.take());
/// #             drop(me);
/// #             let mut subscriber = subscriber.unwrap();
/// #             struct None;
/// #             impl Subscription for None { fn request(&mut self, _: u64) {} fn cancel(&mut self) {} }
/// #             subscriber.on_subscribe(subscription.unwrap_or_else(|| Box::new(None)));
/// #             match end {
/// #                 Some(Ok(())) => subscriber.on_complete(),
/// #                 Some(Err(fault)) => subscriber.on_error(fault),
/// #                 Option::None => self.0.lock().unwrap().1 = Some(subscriber),
/// #             }
/// #         }
/// #     }
/// # }
/// # impl Subscriber<u64> for Pass {
/// #     fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) { self.0.lock().unwrap().0 = Some(subscription); self.meet(); }
/// #     fn on_next(&mut self, n: u64) { let to = self.0.lock().unwrap().1.take(); if let Some(mut to) = to { to.on_next(n); self.0.lock().unwrap().1 = Some(to); } }
/// #     fn on_error(self: Box<Self>, fault: Fault) { let to = self.0.lock().unwrap().1.take(); match to { Some(to) => to.on_error(fault), Option::None => self.0.lock().unwrap().2 = Some(Err(fault)) } }
/// #     fn on_complete(self: Box<Self>) { let to = self.0.lock().unwrap().1.take(); match to { Some(to) => to.on_complete(), Option::None => self.0.lock().unwrap().2 = Some(Ok(())) } }
/// # }
/// # impl Publisher for Pass { type Item = u64; fn subscribe(&self, subscriber: Box<dyn Subscriber<u64>>) { self.0.lock().unwrap().1 = Some(subscriber); self.meet(); } }
/// # let pass = |_env: &_| { let pass = Pass::default(); (pass.clone(), pass) };
/// let suite = ProcessorSuite::new(pass, |n| n);
/// let report = suite.run();
/// assert_eq!(report.findings().len(), 5);
/// ```
pub struct ProcessorSuite<T, U> {
    create: Make<T, U>,
    element: Arc<dyn Fn(u64) -> T + Send + Sync>,
    environment: MakeEnvironment,
    subscribers: Subscribers,
}

impl<T: Send + 'static, U: Debug + PartialEq + Send + 'static> ProcessorSuite<T, U> {
    /// Checks of the processors that `create` makes, with the items that `element`
    /// makes for its upstream: it is told their number, from 0.
    pub fn new<P: Processor<T, Out = U>>(
        create: impl Fn(&Environment) -> P + 'static,
        element: impl Fn(u64) -> T + Send + Sync + 'static,
    ) -> Self {
        Self {
            create: Arc::new(move |env| create(env).split()),
            element: Arc::new(element),
            environment: Arc::new(Environment::manual),
            subscribers: Subscribers::One,
        }
    }

    /// Where it is checked, instead of in [`Environment::manual`].
    #[must_use]
    pub fn on(mut self, environment: impl Fn() -> Environment + 'static) -> Self {
        self.environment = Arc::new(environment);
        self
    }

    /// Whom it serves downstream, instead of [one](Subscribers::One).
    #[must_use]
    pub fn serves(mut self, subscribers: Subscribers) -> Self {
        self.subscribers = subscribers;
        self
    }

    /// The checks of publishers: upstream is an iterator.
    #[must_use]
    pub fn as_publisher(&self) -> PublisherSuite<U> {
        let (create, element, environment) =
            (Arc::clone(&self.create), Arc::clone(&self.element), Arc::clone(&self.environment));
        let fails = Arc::clone(&self.create);
        PublisherSuite::new(move |env, n| {
            let (subscriber, publisher) = create(env);
            let element = Arc::clone(&element);
            from_iter(env.system(), (0..n).map(move |n| element(n))).subscribe(subscriber);
            publisher
        })
        .failing(move |env| {
            let (subscriber, publisher) = fails(env);
            // Of no items: so it need not be possible to copy one.
            let failure = std::iter::once(()).map(|()| Err::<T, _>(Fault::msg("upstream has failed")));
            try_from_iter(env.system(), failure).subscribe(subscriber);
            publisher
        })
        .serves(self.subscribers)
        .on(move || environment())
    }

    /// The checks of subscribers: downstream wants all there is.
    #[must_use]
    pub fn as_subscriber(&self) -> SubscriberSuite<T> {
        let (create, element, environment) =
            (Arc::clone(&self.create), Arc::clone(&self.element), Arc::clone(&self.environment));
        let one = self.subscribers == Subscribers::One;
        SubscriberSuite::new(
            move |env| {
                let (subscriber, publisher) = create(env);
                let drain = Drain::default();
                publisher.subscribe(Box::new(drain.clone()));
                let (seen, hold) = (Arc::clone(&drain.seen), Arc::clone(&drain.hold));
                let subject = Subject::new(subscriber).seen(move || *seen.lock()).keeping(publisher);
                // Where there may be others, the end of one is not the end of all.
                if one { subject.cancels(move || drop(hold.lock().take())) } else { subject }
            },
            move |n| element(n),
        )
        .on(move || environment())
    }

    /// Both halves, and what joins them.
    pub fn run_all(&self) -> [Report; 3] {
        [self.as_publisher().run(), self.as_subscriber().run(), self.run()]
    }

    fn with(&self, check: impl FnOnce(&Environment, Line<'_, T>, Box<dyn Publisher<Item = U>>) -> Verdict) -> Verdict {
        let env = (self.environment)();
        env.within(|env| {
            let (subscriber, publisher) = (self.create)(env);
            let element = |n| (self.element)(n);
            check(env, Line::begin(env, Subject::new(subscriber), &element), publisher)
        })
    }

    fn spec104_must_call_on_error_on_all_its_subscribers(&self) -> Verdict {
        if self.subscribers == Subscribers::One {
            return Err(Stop::Skipped("it serves one subscriber".to_owned()));
        }
        self.with(|env, mut line, publisher| {
            let probes = [Probe::subscribe(env, &publisher), Probe::subscribe(env, &publisher)];
            probes.iter().for_each(|probe| probe.request(1));
            env.settle();
            line.end(End::Fail);
            env.settle();
            for probe in probes {
                ensure!(probe.failed_with(|_| true), "upstream has failed, and one of two was told {probe}");
            }
            Ok(())
        })
    }

    fn spec206_must_cancel_upstream_when_nobody_is_left_downstream(&self) -> Verdict {
        if self.subscribers != Subscribers::One {
            return Err(Stop::Skipped("it may wait for other subscribers".to_owned()));
        }
        self.with(|env, line, publisher| {
            let probe = Probe::subscribe(env, &publisher);
            probe.request(1);
            env.settle();
            ensure!(!line.is_cancelled(), "it has cancelled before its subscriber had; {line}");
            probe.cancel();
            env.settle();
            ensure!(line.is_cancelled(), "its only subscriber has cancelled, and it has not; {line}");
            Ok(())
        })
    }

    /// Asked for once, and sent in small portions.
    fn spec401_must_request_from_upstream_for_elements_that_have_been_requested_long_ago(&self) -> Verdict {
        const ITEMS: usize = 20;
        self.with(|env, mut line, publisher| {
            let probe = Probe::subscribe(env, &publisher);
            probe.request(ITEMS as u64);
            env.settle();
            for items in 0..ITEMS {
                ensure!(line.demand() > 0, "{ITEMS} items were requested once, and after {items} of them {line}");
                line.next();
                env.settle();
                ensure!(probe.items() == items + 1, "{ITEMS} were requested, {} upstream; {probe}; {line}", items + 1);
            }
            Ok(())
        })
    }

    /// Whatever it asks for in advance, downstream gets.
    fn spec401_must_send_on_all_that_it_has_requested(&self) -> Verdict {
        self.with(|env, mut line, publisher| {
            let probe = Probe::subscribe(env, &publisher);
            probe.request(1);
            env.settle();
            for _ in 0..line.demand().min(256) {
                line.next();
            }
            env.settle();
            ensure!(probe.items() == 1, "1 item was requested, and there came {probe}; {line}");
            probe.request(line.sent());
            env.settle();
            let (sent, items) = (line.sent(), probe.items() as u64);
            ensure!(items == sent, "it requested {sent} items and got them, and downstream got {items}");
            Ok(())
        })
    }

    fn spec402_must_immediately_pass_on_on_error_events(&self) -> Verdict {
        self.with(|env, mut line, publisher| {
            let probe = Probe::subscribe(env, &publisher);
            line.end(End::Fail);
            env.settle();
            ensure!(probe.failed_with(|_| true), "upstream has failed; downstream has no demand, and was told {probe}");
            Ok(())
        })
    }
}

/// A downstream that wants everything and counts it.
#[derive(Clone, Default)]
struct Drain {
    hold: Arc<Mutex<Option<Box<dyn Subscription>>>>,
    seen: Arc<Mutex<Seen>>,
}

impl<U> Subscriber<U> for Drain {
    fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) {
        subscription.request(u64::MAX);
        *self.hold.lock() = Some(subscription);
    }

    fn on_next(&mut self, _: U) {
        self.seen.lock().items += 1;
    }

    fn on_error(self: Box<Self>, _: Fault) {
        self.seen.lock().failed = true;
    }

    fn on_complete(self: Box<Self>) {
        self.seen.lock().completed = true;
    }
}

macro_rules! table {
    ([] $($name:ident)*) => {
        impl<T: Send + 'static, U: Debug + PartialEq + Send + 'static> ProcessorSuite<T, U> {
            const CASES: &'static [Case<Self>] = &[$((stringify!($name), Self::$name)),*];
        }
    };
}
crate::__processor_checks!([table!] []);

impl<T: Send + 'static, U: Debug + PartialEq + Send + 'static> Suite for ProcessorSuite<T, U> {
    fn checks(&self) -> Vec<&'static str> {
        Self::CASES.iter().map(|(name, _)| *name).collect()
    }

    fn check(&self, name: &str) -> Outcome {
        run(self, Self::CASES, name)
    }
}

impl<T, U> fmt::Debug for ProcessorSuite<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessorSuite").field("subscribers", &self.subscribers).finish_non_exhaustive()
    }
}
