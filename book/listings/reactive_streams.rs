//! Listings of the chapter "Reactive Streams".

use std::sync::mpsc;

use tidegate::flow::reactive::{self, Publication, Publisher, Subscriber, Subscription};
use tidegate::flow::verify::{Outcome, ProcessorSuite, PublisherSuite, Subject, SubscriberSuite, Subscribers, Suite};
use tidegate::flow::{Demand, End, Inlet, Outlet, Unheard, source};
use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor};

// ANCHOR: subscriber
/// Asks for ten lines at a time.
struct Printer {
    subscription: Option<Box<dyn Subscription>>,
    left: u64,
    out: mpsc::Sender<String>,
}

impl Subscriber<String> for Printer {
    fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) {
        // 2.5: a second one is dropped, and so cancelled.
        if self.subscription.is_none() {
            subscription.request(10);
            self.subscription = Some(subscription);
        }
    }

    fn on_next(&mut self, line: String) {
        let Some(subscription) = &mut self.subscription else { return };
        if self.out.send(line).is_err() {
            self.subscription = None; // 2.6: nobody reads what is printed.
            return;
        }
        self.left -= 1;
        if self.left == 0 {
            self.left = 10;
            subscription.request(10);
        }
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        let _ = self.out.send(format!("{fault}!"));
    }

    fn on_complete(self: Box<Self>) {}
}

impl Printer {
    fn new(out: mpsc::Sender<String>) -> Self {
        Self { subscription: None, left: 10, out }
    }
}
// ANCHOR_END: subscriber

// ANCHOR: by_hand
/// The first so many squares, from the beginning for each subscriber.
struct Squares {
    count: u64,
    executor: ManualExecutor,
}

impl Publisher for Squares {
    type Item = u64;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<u64>>) {
        let mut to = Publication::open(subscriber);
        let count = self.count;
        self.executor.spawn(
            "squares",
            Box::pin(async move {
                for n in 0..count {
                    if to.send(n * n).await.is_err() {
                        return; // It has cancelled.
                    }
                }
                to.complete();
            }),
        );
    }
}
// ANCHOR_END: by_hand

// ANCHOR: naive
/// The same, as one writes it first.
struct Naive;

impl Publisher for Naive {
    type Item = u64;

    fn subscribe(&self, mut subscriber: Box<dyn Subscriber<u64>>) {
        struct Ignored;
        impl Subscription for Ignored {
            fn request(&mut self, _: u64) {}
            fn cancel(&mut self) {}
        }
        subscriber.on_subscribe(Box::new(Ignored));
        (0..8).for_each(|exponent| subscriber.on_next(1 << exponent));
        subscriber.on_complete();
    }
}
// ANCHOR_END: naive

#[test]
fn what_is_asked_for_comes() {
    // ANCHOR: iterator
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let lines = reactive::from_iter(&system, (1..=25).map(|n| format!("line {n}")));
    let (out, printed) = mpsc::channel();
    lines.subscribe(Box::new(Printer::new(out)));
    executor.run_until_idle();
    assert_eq!(printed.try_iter().count(), 25);
    // ANCHOR_END: iterator
}

/// Adds up what comes.
struct Sum(u64);

impl Actor for Sum {
    type Msg = u64;
    async fn handle(&mut self, n: u64, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0 += n;
        Ok(())
    }
}

#[test]
fn both_ways() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let sum = system.spawn(Sum(0), Push::bounded(16));
    let theirs = Squares { count: 64, executor: executor.clone() };
    // ANCHOR: both_ways
    // Their publisher feeds our actor: at most 8 items wait in its mailbox.
    let subscription = system.subscribe(reactive::from_publisher(theirs), &sum, Demand::window(8));

    // Our source serves their subscriber.
    let ours = reactive::from_source(&system, || source::iter(["tide", "gate"].map(String::from)));
    let (out, printed) = mpsc::channel();
    ours.subscribe(Box::new(Printer::new(out)));
    // ANCHOR_END: both_ways
    executor.run_until_idle();
    assert!(subscription.end().unwrap().is_completed());
    assert_eq!(sum.stats().handled, 64);
    assert_eq!(printed.try_iter().collect::<Vec<_>>(), ["tide", "gate"]);
}

// ANCHOR: processor
enum Step {
    Item(u64),
    End(End),
    Demand,
}

struct Double {
    out: Outlet<u64>,
}

impl Actor for Double {
    type Msg = Step;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.out.announce(cx, |_| Step::Demand);
        Ok(())
    }

    async fn handle(&mut self, step: Step, cx: &mut Context<Self>) -> Result<(), Fault> {
        match step {
            // Waits for demand, and holds back upstream meanwhile.
            Step::Item(n) => self.out.send(2 * n).await?,
            Step::End(End::Failed(fault)) => self.out.fail(fault),
            Step::End(_) => self.out.complete(),
            // Nobody is left downstream: upstream is cancelled with this actor.
            Step::Demand if self.out.is_cancelled() => cx.stop(),
            Step::Demand => {}
        }
        Ok(())
    }
}

fn double(system: &System) -> (reactive::PipeSubscriber<u64>, impl Publisher<Item = u64> + use<>) {
    let out = Outlet::new().unheard(Unheard::Cancel);
    let port = out.port();
    let actor = system.spawn(Double { out }, Push::bounded(4));
    let inlet = Inlet::new(&actor, Step::Item).on_end(Step::End);
    let (subscriber, subscription) = reactive::actor(system, inlet, Demand::window(4));
    subscription.detach();
    (subscriber, reactive::from_source(system, move || port.clone()))
}
// ANCHOR_END: processor

// ANCHOR: verify
tidegate::verify_publisher!(
    squares_keep_the_rules,
    // As many of them as the check needs, and where it can see them.
    PublisherSuite::new(|env, n| Squares { count: n, executor: env.executor().unwrap().clone() })
        .serves(Subscribers::Same)
);

tidegate::verify_subscriber!(
    printers_keep_the_rules,
    SubscriberSuite::new(
        |_env| {
            let (out, printed) = mpsc::channel();
            Subject::new(Printer::new(out)).keeping(printed)
        },
        |n| format!("line {n}"),
    )
);

tidegate::verify_processor!(doubling_keeps_the_rules, ProcessorSuite::new(|env| double(env.system()), |n| n));
// ANCHOR_END: verify

#[test]
fn what_the_naive_one_breaks() {
    // ANCHOR: broken
    let report = PublisherSuite::new(|_env, _n| Naive).at_most(8).run();
    let broken: Vec<&str> = report.violations().filter_map(|finding| Some(finding.rule()?.number)).collect();
    assert!(broken.contains(&"1.1") && broken.contains(&"3.9") && broken.contains(&"3.12"));
    // ANCHOR_END: broken
    let finding = report.violations().find(|finding| finding.check.starts_with("spec101")).unwrap();
    let said = include_str!("reactive_streams_broken.out");
    assert_eq!(finding.to_string(), said.trim_end());
}

#[test]
fn a_check_is_also_a_function() {
    let suite = PublisherSuite::new(|env, n| reactive::from_iter(env.system(), 0..n));
    assert_eq!(suite.check("spec105_empty_stream_must_terminate_by_signalling_on_complete"), Outcome::Kept);
}
