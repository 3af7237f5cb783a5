//! Outlets: what an actor emits reaches whom it is for, as far as they have
//! asked, in order and once.

#![cfg(not(tidegate_loom))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::ManualExecutor;
use tidegate::flow::{Demand, Demanded, End, Inlet, Outlet, Port, Subscription, Unheard};
use tidegate::pattern::Lag;
use tidegate::prelude::*;

type Seen = Arc<Mutex<Vec<String>>>;

/// What the actor that has the outlet is to do.
enum Do {
    /// Waits for demand for each.
    Send(std::ops::Range<u64>),
    /// Sends what it can, without waiting.
    Offer(std::ops::Range<u64>),
    Demand,
    IsCancelled,
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
            Do::IsCancelled => {
                let is_cancelled = self.out.is_cancelled();
                self.note(format!("cancelled: {is_cancelled}"));
            }
            Do::Complete => self.out.complete(),
            Do::Fail => self.out.fail(Fault::msg("no more ink")),
            Do::Demanded(_notice) => {
                let demand = self.out.demand();
                self.note(format!("told {demand}"));
                for _ in 0..demand.min(self.on_demand.unwrap_or(0)) {
                    if self.out.try_send(self.next).is_err() {
                        break; // whoever wanted it has gone meanwhile
                    }
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

    /// What a subscriber that comes now gets.
    fn sink_and_settle(&self, port: &Port<u64>) -> Vec<String> {
        let late = self.sink(port, AT_ONCE, Demand::window(1));
        self.settle();
        late.seen()
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

#[test]
fn s8_the_end_comes_last_needs_no_demand_and_reaches_all_now_and_later() {
    for fails in [false, true] {
        let bench = Bench::new();
        let (emits, port) = bench.emits(Outlet::new(), None);
        let (asks, idle) = (bench.sink(&port, SLOW, Demand::window(4)), bench.sink(&port, AT_ONCE, Demand::manual()));
        tell(&emits, Do::Send(0..3));
        tell(&emits, if fails { Do::Fail } else { Do::Complete });
        tell(&emits, Do::Offer(7..8));
        tell(&emits, Do::Complete);
        tell(&emits, Do::Demand);
        bench.settle();
        let end = if fails { "failed: no more ink" } else { "completed" };
        assert_eq!(idle.seen(), [end], "L6: with no demand");
        for _ in 0..6 {
            bench.executor.advance(SLOW);
        }
        assert_eq!(asks.seen(), ["0", "1", "2", end]);
        assert_eq!(bench.noted(), ["Cancelled(..) 7", "demand 0 of 0"]);
        assert_eq!(bench.sink_and_settle(&port), [end]);
    }
}

#[test]
fn an_outlet_that_goes_without_an_end_has_failed_for_all() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    let sink = bench.sink(&port, AT_ONCE, Demand::window(4));
    tell(&emits, Do::Send(0..2));
    bench.settle();
    emits.kill();
    bench.settle();
    let end = "failed: the outlet went away without an end";
    assert_eq!(sink.seen(), ["0", "1", end]);
    assert_eq!(bench.sink_and_settle(&port), [end]);
}

#[test]
fn l4_an_outlet_that_is_looked_at_holds_nothing_of_those_who_cancelled() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    let seen = Seen::default();
    let actor = bench.system.spawn(Sink { seen: Arc::clone(&seen), takes: AT_ONCE }, Push::bounded(4));
    let kept = Arc::new(());
    let watch = Arc::downgrade(&kept);
    let inlet = Inlet::new(&actor, move |item| {
        let _kept = &kept;
        Msg::Item(item)
    });
    let subscription = bench.system.subscribe(port.clone(), inlet, Demand::window(4));
    tell(&emits, Do::Send(0..2));
    bench.settle();
    drop(subscription);
    tell(&emits, Do::Demand);
    bench.settle();
    assert_eq!(bench.noted(), ["demand 0 of 0"]);
    assert!(watch.upgrade().is_none());
    let unseen = bench.sink(&port, AT_ONCE, Demand::window(4));
    drop(unseen);
    tell(&emits, Do::Demand);
    bench.settle();
    assert_eq!(bench.noted(), ["demand 0 of 0"], "one that cancelled before it was seen");
}

#[test]
fn a_handler_that_waits_for_demand_holds_back_whoever_sends_to_it() {
    let bench = Bench::new();
    let out = Outlet::new();
    let port = out.port();
    let emits = Emits { out, on_demand: None, next: 0, seen: Arc::clone(&bench.noted) };
    let emits = bench.system.spawn(emits, Push::bounded(2));
    let sink = bench.sink(&port, AT_ONCE, Demand::manual());
    sink.subscription.request(1);
    for n in 0..2 {
        tell(&emits, Do::Send(n..n + 1));
        bench.settle();
    }
    tell(&emits, Do::Send(2..3));
    tell(&emits, Do::Send(3..4));
    bench.settle();
    assert!(emits.try_tell(Do::Nothing).is_err(), "one waits in the handler and two in the mailbox");
    sink.subscription.request(9);
    bench.settle();
    assert_eq!(sink.seen(), numbers(0..4));
    assert!(emits.try_tell(Do::Nothing).is_ok());
}

#[test]
fn f3_none_with_demand_waits_for_more_than_one_item_of_each_of_the_others() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), None);
    let sinks: Vec<_> = [100, 1, 100, 7]
        .map(|asks| {
            let sink = bench.sink(&port, AT_ONCE, Demand::manual());
            sink.subscription.request(asks);
            sink
        })
        .into();
    tell(&emits, Do::Offer(0..40));
    bench.settle();
    let seen: Vec<Vec<u64>> =
        sinks.iter().map(|sink| sink.seen().iter().map(|n| n.parse().unwrap()).collect()).collect();
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [16, 1, 16, 7]);
    for items in seen.iter().filter(|items| items.len() > 1) {
        assert!(items.windows(2).all(|pair| pair[1] - pair[0] <= 4), "{items:?}");
    }
}

#[test]
fn the_highest_demand_is_served_first() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::highest_demand(), None);
    let (much, little) = (bench.sink(&port, AT_ONCE, Demand::manual()), bench.sink(&port, AT_ONCE, Demand::manual()));
    much.subscription.request(5);
    little.subscription.request(2);
    tell(&emits, Do::Offer(0..8));
    bench.settle();
    assert_eq!(much.seen()[..3], ["0", "1", "2"], "until both have 2");
    assert_eq!((much.seen().len(), little.seen().len()), (5, 2));
    assert_eq!(bench.noted()[7], "NoDemand(..) 7");
}

#[test]
fn f4_the_slowest_that_is_waited_for_gates_a_broadcast() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::broadcast(), None);
    let (fast, slow) = (bench.sink(&port, AT_ONCE, Demand::window(8)), bench.sink(&port, AT_ONCE, Demand::manual()));
    slow.subscription.request(2);
    tell(&emits, Do::Demand);
    tell(&emits, Do::Offer(0..3));
    tell(&emits, Do::Send(3..5));
    bench.settle();
    assert_eq!((fast.seen(), slow.seen()), (numbers(0..2), numbers(0..2)));
    assert_eq!(bench.noted(), ["demand 2 of 2", "sent 0", "sent 1", "NoDemand(..) 2"]);
    slow.subscription.request(1);
    bench.settle();
    assert_eq!(
        (fast.seen(), slow.seen()),
        (vec!["0".into(), "1".into(), "3".into()], vec!["0".into(), "1".into(), "3".into()])
    );
    drop(slow);
    bench.settle();
    assert_eq!(fast.seen()[2..], ["3", "4"], "the slowest has left");
}

#[test]
fn f4_whoever_lags_may_skip_or_be_disconnected_and_holds_nobody_back() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::broadcast(), None);
    let fast = bench.sink(&port, AT_ONCE, Demand::window(4));
    let skips = bench.sink(&port.clone().lag(Lag::Skip), AT_ONCE, Demand::manual());
    let leaves = bench.sink(&port.lag(Lag::Disconnect), AT_ONCE, Demand::manual());
    skips.subscription.request(1);
    leaves.subscription.request(2);
    tell(&emits, Do::Send(0..6));
    bench.settle();
    assert_eq!(fast.seen(), numbers(0..6));
    assert_eq!(skips.seen(), ["0"]);
    assert_eq!(leaves.seen(), ["0", "1", "failed: the subscriber lagged behind"]);
    let (skipping, left) = (skips.subscription.inspect(), leaves.subscription.inspect());
    assert_eq!((skipping.sent, skipping.skipped, left.sent, left.skipped), (1, 5, 2, 1));
    skips.subscription.request(1);
    tell(&emits, Do::Send(6..8));
    bench.settle();
    assert_eq!(skips.seen(), ["0", "6"], "counted, and up to date again");
    assert_eq!(skips.subscription.inspect().skipped, 6);
}

#[test]
fn s3_a_copy_for_which_there_is_no_room_after_all_comes_later_and_first() {
    for ends in [false, true] {
        let bench = Bench::new();
        let (emits, port) = bench.emits(Outlet::broadcast(), None);
        let fast = bench.sink(&port, AT_ONCE, Demand::window(8));
        // Asked for more than its mailbox holds, and somebody else fills it.
        let full = bench.sink_in(&port, SLOW, Demand::window(8), Push::bounded(2));
        tell(&emits, Do::Demand);
        bench.settle();
        assert_eq!(bench.noted(), ["demand 2 of 2"]);
        // It runs first, and the mailbox is full by then.
        tell(&emits, Do::Offer(0..2));
        if ends {
            tell(&emits, Do::Complete);
        }
        for other in 100..102 {
            assert!(full.actor.try_tell(Msg::Item(other)).is_ok());
        }
        bench.settle();
        assert_eq!(bench.noted(), ["sent 0", "NoDemand(..) 1"], "the copy that is owed holds back");
        for _ in 0..8 {
            bench.executor.advance(SLOW);
        }
        let mut expected: Vec<String> = ["100", "101", "0"].map(String::from).into();
        expected.extend(ends.then(|| "completed".to_owned()));
        assert_eq!(full.seen(), expected);
        assert_eq!(fast.seen()[0], "0");
    }
}

#[test]
fn partitions_keep_their_keys_and_wait_for_their_own_subscriber_alone() {
    let bench = Bench::new();
    // What belongs where is asked of the outlet itself.
    let mut out = Outlet::partitioned(2, |item: &u64| item % 10);
    let (zero, one): (Vec<u64>, Vec<u64>) = (0..20).partition(|item| out.partition_of(item) == Some(0));
    assert!(!zero.is_empty() && !one.is_empty());
    assert!(zero.iter().all(|item| out.partition_of(&(item % 10)) == Some(0)), "by the key alone");
    let (emits, port) = bench.emits(out, None);
    let second = bench.sink(&port.clone().partition(1), AT_ONCE, Demand::manual());
    second.subscription.request(100);
    tell(&emits, Do::Demand);
    tell(&emits, Do::Offer(0..20));
    bench.settle();
    assert_eq!(second.seen(), one.iter().map(u64::to_string).collect::<Vec<_>>());
    let noted = bench.noted();
    assert_eq!(noted[0], "demand 0 of 1", "there is none for the first partition");
    assert!(zero.iter().all(|item| noted.contains(&format!("NoDemand(..) {item}"))));
    let first = bench.sink(&port, AT_ONCE, Demand::window(64));
    let spare = bench.sink(&port, AT_ONCE, Demand::window(64));
    let nowhere = bench.sink(&port.partition(2), AT_ONCE, Demand::window(64));
    tell(&emits, Do::Send(0..20));
    bench.settle();
    assert_eq!(first.seen(), zero.iter().map(u64::to_string).collect::<Vec<_>>());
    assert_eq!((spare.seen().len(), nowhere.seen()), (0, vec!["failed: there is no such partition".to_owned()]));
    drop(first);
    tell(&emits, Do::Send(0..20));
    bench.settle();
    assert_eq!(spare.seen(), zero.iter().map(u64::to_string).collect::<Vec<_>>(), "who stood by");
}

#[test]
fn a_key_that_panics_fails_the_outlet_and_hands_the_item_back() {
    let bench = Bench::new();
    let out = Outlet::partitioned(2, |item: &u64| if *item == 3 { panic!("no key for 3") } else { 0 });
    let (emits, port) = bench.emits(out, None);
    let sinks = [bench.sink(&port, AT_ONCE, Demand::window(8)), bench.sink(&port, AT_ONCE, Demand::window(8))];
    tell(&emits, Do::Send(0..5));
    bench.settle();
    assert_eq!(bench.noted(), ["Cancelled(..) 3", "Cancelled(..) 4"]);
    for sink in &sinks {
        let end = sink.subscription.end().unwrap().to_string();
        assert!(end.starts_with("failed: the key of an item panicked: no key for 3"), "{end}");
    }
    assert_eq!(sinks.iter().map(|sink| sink.subscription.inspect().sent).sum::<u64>(), 3);
    tell(&emits, Do::Nothing);
    bench.settle();
    assert_eq!(bench.noted(), ["nothing"], "the actor lives");
}

#[test]
fn items_that_nobody_hears_wait_or_are_counted_or_end_it() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new().unheard(Unheard::Drop), None);
    tell(&emits, Do::Offer(0..3));
    bench.settle();
    assert_eq!(bench.noted(), ["sent 0", "sent 1", "sent 2"]);
    let sink = bench.sink(&port, AT_ONCE, Demand::window(4));
    tell(&emits, Do::Send(3..5));
    bench.settle();
    assert_eq!(sink.seen(), ["3", "4"]);

    let (emits, port) = bench.emits(Outlet::new().unheard(Unheard::Cancel), None);
    tell(&emits, Do::Offer(0..1));
    let sink = bench.sink(&port, AT_ONCE, Demand::manual());
    tell(&emits, Do::Send(1..3));
    bench.settle();
    assert_eq!(bench.noted(), ["NoDemand(..) 0"], "it waits for the first");
    drop(sink);
    bench.settle();
    assert_eq!(bench.noted(), ["Cancelled(..) 1", "Cancelled(..) 2"], "and for no other");
}

/// Without a look at demand before; whether the subscriber had some left or none.
#[test]
fn who_asks_whether_all_have_gone_is_told_how_it_is_now() {
    for wants in [Demand::manual(), Demand::window(4)] {
        let bench = Bench::new();
        let (emits, port) = bench.emits(Outlet::new().unheard(Unheard::Cancel), None);
        let ask = |expected: &str| {
            tell(&emits, Do::IsCancelled);
            bench.settle();
            assert_eq!(bench.noted(), [expected]);
        };
        ask("cancelled: false");
        let sink = bench.sink(&port, AT_ONCE, wants);
        ask("cancelled: false");
        drop(sink);
        ask("cancelled: true");
        let late = bench.sink(&port, AT_ONCE, wants);
        ask("cancelled: false");
        drop(late);
        ask("cancelled: true");
    }
}

/// What comes between a look and the end of a notice is told of all the same, also
/// if the look was for who has gone.
#[test]
fn a_cancel_behind_the_question_whether_all_have_gone_is_told_of() {
    struct Asks {
        out: Outlet<u64>,
        between: Option<Subscription>,
        seen: Seen,
    }
    impl Actor for Asks {
        type Msg = Demanded;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.out.announce(cx, |notice| notice);
            Ok(())
        }
        async fn handle(&mut self, _notice: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
            let is_cancelled = self.out.is_cancelled();
            self.seen.lock().unwrap().push(is_cancelled.to_string());
            drop(self.between.take());
            Ok(())
        }
    }
    let bench = Bench::new();
    let out = Outlet::new().unheard(Unheard::Cancel);
    let sink = bench.sink(&out.port(), AT_ONCE, Demand::window(4));
    let seen = Seen::default();
    bench.system.spawn(Asks { out, between: Some(sink.subscription), seen: Arc::clone(&seen) }, Push::bounded(1));
    bench.settle();
    assert_eq!(*seen.lock().unwrap(), ["false", "true"]);
}

/// An actor that looks how much demand there is, and then whether there will be any,
/// works with the first answer: what came in between is not to be lost on it.
#[test]
fn l3_demand_that_comes_before_the_question_whether_all_have_gone_is_told_of() {
    struct Asks {
        out: Outlet<u64>,
        more: Option<Subscription>,
        seen: Seen,
    }
    impl Actor for Asks {
        type Msg = Demanded;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.out.announce(cx, |notice| notice);
            Ok(())
        }
        async fn handle(&mut self, _notice: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
            let demand = self.out.demand();
            if let Some(more) = self.more.take() {
                more.request(5);
                more.detach();
            }
            assert!(!self.out.is_cancelled());
            self.seen.lock().unwrap().push(demand.to_string());
            Ok(())
        }
    }
    let bench = Bench::new();
    let out = Outlet::new().unheard(Unheard::Cancel);
    let sink = bench.sink(&out.port(), AT_ONCE, Demand::manual());
    sink.subscription.request(1);
    let seen = Seen::default();
    bench.system.spawn(Asks { out, more: Some(sink.subscription), seen: Arc::clone(&seen) }, Push::bounded(1));
    bench.settle();
    assert_eq!(*seen.lock().unwrap(), ["1", "6"]);
}

#[test]
fn l3_an_actor_that_is_told_of_demand_and_sends_less_keeps_the_rest() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), Some(3));
    bench.settle();
    assert_eq!(bench.noted().len(), 0);
    let sink = bench.sink(&port, AT_ONCE, Demand::manual());
    sink.subscription.request(5);
    bench.settle();
    assert_eq!((bench.noted(), sink.seen().len()), (vec!["told 5".to_owned()], 3), "once, and not again for the rest");
    tell(&emits, Do::Demand);
    bench.settle();
    assert_eq!(bench.noted(), ["demand 2 of 1"], "which is still there");
    sink.subscription.request(1);
    bench.settle();
    assert_eq!((bench.noted(), sink.seen().len()), (vec!["told 3".to_owned()], 6), "L3: and told when there is more");
}

#[test]
fn notices_of_demand_pass_a_full_mailbox_and_there_is_one_at_a_time() {
    let bench = Bench::new();
    let (emits, port) = bench.emits(Outlet::new(), Some(0));
    bench.settle();
    let sinks: Vec<_> = (0..8).map(|_| bench.sink(&port, AT_ONCE, Demand::manual())).collect();
    while emits.try_tell(Do::Nothing).is_ok() {}
    for sink in sinks.iter().cycle().take(40) {
        sink.subscription.request(1);
    }
    bench.settle();
    let noted = bench.noted();
    assert_eq!(noted[0], "told 40", "ahead of what is queued");
    assert!(noted[1..].iter().all(|noted| noted == "nothing"), "{noted:?}");
}

#[test]
fn an_actor_that_produces_as_it_is_asked_never_stalls() {
    for (window, at_once) in [(1, 1), (2, 1), (5, 3), (8, 100)] {
        let bench = Bench::new();
        let (_emits, port) = bench.emits(Outlet::new(), Some(at_once));
        let sink = bench.sink(&port, SLOW, Demand::window(window));
        for _ in 0..60 {
            bench.settle();
            bench.executor.advance(SLOW);
        }
        assert!(sink.seen().len() >= 58, "window {window}, {at_once} a time: {}", sink.seen().len());
    }
}

/// SplitMix64: a seed repeats a run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    ByDemand,
    Highest,
    Broadcast,
    Partitioned,
}

/// One subscriber of a random run, and what it is owed by the rules.
struct Guest {
    sink: Subscriber,
    /// What it has asked for by hand; `None` under a window.
    asked: Option<u64>,
    window: u64,
    lag: Lag,
    gone: bool,
}

impl Guest {
    fn items(&self) -> Vec<u64> {
        self.sink.seen().iter().filter_map(|seen| seen.parse().ok()).collect()
    }
}

/// Subscribers come, ask, stall and go as the dice say, while the actor sends the
/// numbers from 0 on; then all who are left take what there is, to the end.
fn a_random_run(how: How, seed: u64) {
    let mut dice = Dice(seed);
    let executor = ManualExecutor::shuffled(seed);
    let system = System::with_executor(executor.clone());
    let bench = Bench { executor, system, noted: Seen::default() };
    let out = match how {
        How::ByDemand => Outlet::new(),
        How::Highest => Outlet::highest_demand(),
        How::Broadcast => Outlet::broadcast(),
        How::Partitioned => Outlet::partitioned(3, |item: &u64| item % 7),
    };
    let (emits, port) = bench.emits(out, None);
    let mut guests: Vec<Guest> = Vec::new();
    let mut next = 0;
    for _ in 0..120 {
        match dice.below(9) {
            0 | 1 if guests.iter().filter(|guest| !guest.gone).count() < 5 => {
                let lag = if how == How::Broadcast && dice.below(3) == 0 { Lag::Skip } else { Lag::Wait };
                let takes = SLOW * dice.below(3) as u32;
                let window = dice.below(6);
                let demand = if window == 0 { Demand::manual() } else { Demand::window(window as usize) };
                let mailbox = Push::bounded(1 + dice.below(4) as usize);
                let sink = bench.sink_in(&port.clone().lag(lag), takes, demand, mailbox);
                guests.push(Guest { sink, asked: (window == 0).then_some(0), window, lag, gone: false });
            }
            2 if !guests.is_empty() && dice.below(2) == 0 => {
                let at = dice.below(guests.len() as u64) as usize;
                guests[at].sink.subscription.cancel();
                guests[at].gone = true;
            }
            3 | 4 => {
                let asks = 1 + dice.below(4);
                if let Some(guest) = guests.iter_mut().filter(|guest| guest.asked.is_some() && !guest.gone).last() {
                    guest.sink.subscription.request(asks);
                    guest.asked = guest.asked.map(|asked| asked + asks);
                }
            }
            5 | 6 => {
                let items = dice.below(6);
                if emits.try_tell(Do::Send(next..next + items)).is_ok() {
                    next += items;
                }
            }
            7 => bench.executor.advance(SLOW),
            _ => bench.settle(),
        }
        for guest in &guests {
            let flow = guest.sink.subscription.inspect();
            assert!(guest.asked.is_none_or(|asked| flow.sent <= asked), "S1: {flow:?}");
            let handled = guest.sink.actor.stats().taken;
            assert!(guest.asked.is_some() || flow.sent <= handled + guest.window, "S1: {flow:?}, {handled} taken");
        }
    }
    // Somebody for each partition, who takes everything there is.
    for _ in 0..3 {
        let sink = bench.sink(&port, AT_ONCE, Demand::window(3));
        guests.push(Guest { sink, asked: None, window: 3, lag: Lag::Wait, gone: false });
    }
    for guest in guests.iter().filter(|guest| !guest.gone && guest.asked.is_some()) {
        guest.sink.subscription.request(u64::MAX);
    }
    while emits.try_tell(Do::Complete).is_err() {
        bench.executor.advance(SLOW);
    }
    for _ in 0..2000 {
        bench.settle();
        bench.executor.advance(SLOW);
    }
    assert_eq!(bench.noted().len(), 0, "nothing was refused");
    let mut all: Vec<u64> = Vec::new();
    for guest in &guests {
        let items = guest.items();
        assert!(items.windows(2).all(|pair| pair[0] < pair[1]), "S4: in order, none twice: {items:?}");
        let flow = guest.sink.subscription.inspect();
        assert_eq!(items.len() as u64, flow.sent, "S3: what was accepted came: {flow:?}");
        let end = guest.sink.seen().last().cloned().unwrap_or_default();
        assert_eq!(end == "completed", !guest.gone, "S8: {end}");
        if how == How::Broadcast && guest.lag == Lag::Wait {
            assert!(items.windows(2).all(|pair| pair[1] == pair[0] + 1), "none left out: {items:?}");
            assert!(guest.gone || items.last().is_none_or(|last| last + 1 == next), "to the last: {items:?}");
        }
        all.extend(items);
    }
    all.sort_unstable();
    if how == How::Broadcast {
        all.dedup();
        // While all who are there skip, nobody may get an item, and each counts it.
        let skipped = guests.iter().map(|guest| guest.sink.subscription.inspect().skipped).sum::<u64>();
        assert!(next - all.len() as u64 <= skipped, "{} of {next}, {skipped} skipped", all.len());
        if !guests.iter().any(|guest| guest.lag == Lag::Skip) {
            assert_eq!(all.len() as u64, next);
        }
    } else {
        assert_eq!(all, (0..next).collect::<Vec<_>>(), "each to one, and to nobody else");
    }
    if how == How::Partitioned {
        for key in 0..7 {
            // A key moves only to somebody who came when its owner had gone, so
            // its items come in order over all owners.
            let owners: Vec<Vec<u64>> = guests.iter().map(Guest::items).collect();
            let mut seen: Vec<(u64, usize)> = Vec::new();
            for (owner, items) in owners.iter().enumerate() {
                seen.extend(items.iter().filter(|item| *item % 7 == key).map(|item| (*item, owner)));
            }
            seen.sort_unstable();
            let mut order: Vec<usize> = seen.iter().map(|(_, owner)| *owner).collect();
            order.dedup();
            let distinct: std::collections::BTreeSet<usize> = order.iter().copied().collect();
            assert_eq!(distinct.len(), order.len(), "key {key} went to and fro: {order:?}");
        }
    }
}

#[test]
fn whoever_comes_and_goes_each_item_reaches_whom_it_is_for_once() {
    let seeds =
        std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).map_or(0..150, |seed| seed..seed + 1);
    for how in [How::ByDemand, How::Highest, How::Broadcast, How::Partitioned] {
        for seed in seeds.clone() {
            if let Err(panic) = std::panic::catch_unwind(|| a_random_run(how, seed)) {
                eprintln!("{how:?}, seed {seed}: TIDEGATE_SEED={seed} repeats it");
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Longer than any of these takes: a test that would wait for ever fails.
#[cfg(feature = "tokio")]
const HANGS: Duration = Duration::from_secs(60);

#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_threads_each_item_comes_once_and_in_order() {
    const ITEMS: u64 = 20_000;
    let system = System::new();
    let out = Outlet::new();
    let port = out.port();
    let emits = system.spawn(Emits { out, on_demand: None, next: 0, seen: Seen::default() }, Push::bounded(8));
    let subscribers: Vec<_> = (0..3)
        .map(|_| {
            let seen = Seen::default();
            let sink = system.spawn(Sink { seen: Arc::clone(&seen), takes: AT_ONCE }, Push::bounded(16));
            let inlet = Inlet::new(&sink, Msg::Item).on_end(Msg::End);
            (system.subscribe(port.clone(), inlet, Demand::window(16)), seen, sink)
        })
        .collect();
    emits.tell(Do::Send(0..ITEMS)).await.unwrap_or_else(|_| panic!("it is there"));
    emits.tell(Do::Complete).await.unwrap_or_else(|_| panic!("it is there"));
    let mut all = Vec::new();
    for (subscription, seen, sink) in subscribers {
        let ended = tokio::time::timeout(HANGS, subscription.ended()).await;
        assert!(ended.expect("it hangs").is_completed());
        sink.drain();
        sink.stopped().await;
        let items: Vec<u64> = seen.lock().unwrap().iter().filter_map(|item| item.parse().ok()).collect();
        assert!(items.windows(2).all(|pair| pair[0] < pair[1]), "in order");
        all.extend(items);
    }
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..ITEMS), "{} of {ITEMS}", all.len());
}

#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_threads_no_notice_of_demand_is_lost() {
    use futures_util::StreamExt;
    let system = System::new();
    let out = Outlet::new();
    let port = out.port();
    let emits = Emits { out, on_demand: Some(3), next: 0, seen: Seen::default() };
    let _emits = system.spawn(emits, Push::bounded(1));
    // Fewer than are asked for at each notice, and more than the window holds.
    for window in [1, 2, 7, 16] {
        let items = system.items(port.clone(), Demand::window(window)).take(3_000);
        let items = items.map(|item| item.unwrap_or_else(|fault| panic!("{fault}"))).collect();
        let items: Vec<u64> = tokio::time::timeout(HANGS, items).await.expect("it hangs");
        assert_eq!(items.len(), 3_000);
        assert!(items.windows(2).all(|pair| pair[1] == pair[0] + 1), "in order");
    }
}
