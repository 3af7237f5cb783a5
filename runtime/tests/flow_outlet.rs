//! Outlets: what an actor emits reaches whom it is for, as far as they have
//! asked, in order and once.

#![cfg(not(tidegate_loom))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::ManualExecutor;
use tidegate::flow::{Demand, Demanded, End, Inlet, Outlet, Port, Subscription};
use tidegate::prelude::*;

type Seen = Arc<Mutex<Vec<String>>>;

/// What the actor that has the outlet is to do.
enum Do {
    /// Waits for demand for each.
    Send(std::ops::Range<u64>),
    /// Sends what it can, without waiting.
    Offer(std::ops::Range<u64>),
    Demand,
    Complete,
    Fail,
    Demanded(Demanded),
    Nothing,
}

struct Emits {
    out: Outlet<u64>,
    /// Sends so many at each notice, if it is to be told.
    on_demand: Option<u64>,
    next: u64,
    seen: Seen,
}

impl Actor for Emits {
    type Msg = Do;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.on_demand.is_some() {
            self.out.announce(cx, Do::Demanded);
        }
        Ok(())
    }

    async fn handle(&mut self, what: Do, _: &mut Context<Self>) -> Result<(), Fault> {
        match what {
            Do::Send(items) => {
                for item in items {
                    if let Err(error) = self.out.send(item).await {
                        self.note(format!("{error:?} {}", error.clone().into_item()));
                    }
                }
            }
            Do::Offer(items) => {
                for item in items {
                    match self.out.try_send(item) {
                        Ok(()) => self.note(format!("sent {item}")),
                        Err(error) => self.note(format!("{error:?} {item}")),
                    }
                }
            }
            Do::Demand => {
                let demand = self.out.demand();
                let there = self.out.subscribers().len();
                self.note(format!("demand {demand} of {there}"));
            }
            Do::Complete => self.out.complete(),
            Do::Fail => self.out.fail(Fault::msg("no more ink")),
            Do::Demanded(_notice) => {
                let demand = self.out.demand();
                self.note(format!("told {demand}"));
                for _ in 0..demand.min(self.on_demand.unwrap_or(0)) {
                    self.out.try_send(self.next)?;
                    self.next += 1;
                }
            }
            Do::Nothing => self.note("nothing".to_owned()),
        }
        Ok(())
    }
}

impl Emits {
    fn note(&self, what: String) {
        self.seen.lock().unwrap().push(what);
    }
}

/// A subscriber, which takes its time.
struct Sink {
    seen: Seen,
    takes: Duration,
}

enum Msg {
    Item(u64),
    End(End),
}

impl Actor for Sink {
    type Msg = Msg;
    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            cx.sleep(self.takes).await;
        }
        self.seen.lock().unwrap().push(match msg {
            Msg::Item(n) => n.to_string(),
            Msg::End(end) => end.to_string(),
        });
        Ok(())
    }
}

struct Bench {
    executor: ManualExecutor,
    system: System,
    /// What the emitting actor has noted.
    noted: Seen,
}

/// A subscriber as the test sees it.
struct Subscriber {
    seen: Seen,
    actor: ActorRef<Msg>,
    subscription: Subscription,
}

impl Subscriber {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

const AT_ONCE: Duration = Duration::ZERO;
const SLOW: Duration = Duration::from_millis(10);

impl Bench {
    fn new() -> Self {
        let executor = ManualExecutor::new();
        Self { system: System::with_executor(executor.clone()), executor, noted: Seen::default() }
    }

    fn emits(&self, out: Outlet<u64>, on_demand: Option<u64>) -> (ActorRef<Do>, Port<u64>) {
        let port = out.port();
        let emits = Emits { out, on_demand, next: 0, seen: Arc::clone(&self.noted) };
        let emits = self.system.build_value(emits, "emits");
        (emits.clone(), port.of(&emits))
    }

    fn sink(&self, port: &Port<u64>, takes: Duration, demand: Demand) -> Subscriber {
        self.sink_in(port, takes, demand, Push::bounded(64))
    }

    fn sink_in(
        &self,
        port: &Port<u64>,
        takes: Duration,
        demand: Demand,
        mailbox: impl Into<Mailbox<Msg>>,
    ) -> Subscriber {
        let seen = Seen::default();
        let actor = self.system.spawn(Sink { seen: Arc::clone(&seen), takes }, mailbox);
        let inlet = Inlet::new(&actor, Msg::Item).on_end(Msg::End);
        let subscription = self.system.subscribe(port.clone(), inlet, demand);
        Subscriber { seen, actor, subscription }
    }

    fn settle(&self) {
        self.executor.run_until_idle();
    }

    fn noted(&self) -> Vec<String> {
        std::mem::take(&mut self.noted.lock().unwrap())
    }
}

trait BuildValue {
    fn build_value(&self, emits: Emits, name: &str) -> ActorRef<Do>;
}

impl BuildValue for System {
    fn build_value(&self, emits: Emits, name: &str) -> ActorRef<Do> {
        let mut emits = Some(emits);
        self.build(move || emits.take().expect("one life")).named(name).mailbox(Push::bounded(64)).spawn()
    }
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn tell(actor: &ActorRef<Do>, what: Do) {
    assert!(actor.try_tell(what).is_ok());
}

#[test]
fn s1_an_outlet_sends_as_far_as_it_is_asked() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    let sink = bench.sink(&port, AT_ONCE, Demand::manual());
    tell(&emits, Do::Send(0..100));
    bench.settle();
    assert_eq!(sink.seen().len(), 0, "nothing was asked for");
    for (asks, has) in [(3, 3), (1, 4), (40, 44)] {
        sink.subscription.request(asks);
        bench.settle();
        assert_eq!(sink.seen(), numbers(0..has), "in order, and no more");
    }
    let flow = sink.subscription.inspect();
    assert_eq!((&*flow.source, flow.sent, flow.demand()), ("/emits", 44, Some(0)));
}

#[test]
fn an_outlet_waits_for_its_first_subscriber() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    tell(&emits, Do::Send(0..5));
    bench.settle();
    let sink = bench.sink(&port, AT_ONCE, Demand::window(2));
    tell(&emits, Do::Complete);
    bench.settle();
    assert_eq!(sink.seen(), ["0", "1", "2", "3", "4", "completed"]);
    let late = bench.sink(&port, AT_ONCE, Demand::window(2));
    bench.settle();
    assert_eq!(late.seen(), ["completed"]);
    assert!(late.subscription.end().unwrap().is_completed());
}

#[test]
fn s4_two_subscribers_take_turns_as_far_as_each_has_asked() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    let (one, two) = (bench.sink(&port, AT_ONCE, Demand::manual()), bench.sink(&port, AT_ONCE, Demand::manual()));
    one.subscription.request(2);
    two.subscription.request(5);
    tell(&emits, Do::Demand);
    tell(&emits, Do::Offer(0..8));
    bench.settle();
    assert_eq!(one.seen(), ["0", "2"]);
    assert_eq!(two.seen(), ["1", "3", "4", "5", "6"]);
    let noted = bench.noted();
    assert_eq!((&*noted[0], &*noted[7], &*noted[8]), ("demand 7 of 2", "sent 6", "NoDemand(..) 7"));
}

#[test]
fn s9_a_cancelled_subscriber_gets_no_more_and_the_others_do() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    let (one, two) = (bench.sink(&port, AT_ONCE, Demand::manual()), bench.sink(&port, SLOW, Demand::manual()));
    one.subscription.request(10);
    two.subscription.request(10);
    tell(&emits, Do::Offer(0..4));
    bench.settle();
    one.subscription.cancel();
    two.actor.kill();
    tell(&emits, Do::Offer(4..6));
    tell(&emits, Do::Demand);
    bench.settle();
    assert_eq!(one.seen(), ["0", "2"]);
    assert_eq!(bench.noted()[4..], ["NoDemand(..) 4", "NoDemand(..) 5", "demand 0 of 0"]);
    tell(&emits, Do::Nothing);
    bench.settle();
    assert_eq!(bench.noted(), ["nothing"]);
}
