//! Faults: each finds a bug that is not found without it, and none in a program
//! that can bear it.
#![cfg(feature = "explore")]

#[path = "explore_faults/answers.rs"]
mod answers;

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Failure, Faults, Report, Shared, Sim, Strategy};
use tidegate::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn exhaustive() -> Explorer {
    Explorer::new(Strategy::Exhaustive)
}

#[track_caller]
fn exhausted(report: &Report) {
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
}

/// That an assertion of the body failed, which says this.
#[track_caller]
fn found(report: &Report, what: &str) {
    let Some(finding) = &report.finding else { panic!("nothing was found: {report}") };
    let Failure::Panicked { message, .. } = &finding.failure else { panic!("{report}") };
    assert!(message.contains(what), "{report}");
}

/// Remembers what it was told, each with the number of who tells it.
#[derive(Default)]
struct Store {
    seen: BTreeSet<u64>,
    total: u64,
    log: Vec<u64>,
    /// What was handled before is not handled again.
    careful: bool,
}

#[derive(Clone)]
enum Put {
    /// Adds one, for the key.
    Add(u64),
}

enum Order {
    Put(Put),
    Do(u64, Reply<()>),
    Slow(Reply<()>),
    Total(Reply<u64>),
    Log(Reply<Vec<u64>>),
}

impl Store {
    fn add(&mut self, key: u64) {
        if self.seen.insert(key) || !self.careful {
            self.total += 1;
            self.log.push(key);
        }
    }
}

impl Actor for Store {
    type Msg = Order;
    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Order::Put(Put::Add(key)) => self.add(key),
            Order::Do(key, reply) => {
                self.add(key);
                let _ = reply.send(());
            }
            Order::Slow(reply) => {
                self.total += 1;
                cx.sleep(SECOND).await;
                self.total += 1;
                let _ = reply.send(());
            }
            Order::Total(reply) => drop(reply.send(self.total)),
            Order::Log(reply) => drop(reply.send(self.log.clone())),
        }
        Ok(())
    }
}

fn store(sim: &Sim, name: &str, careful: bool) -> ActorRef<Order> {
    sim.system()
        .build(move || Store { careful, ..Store::default() })
        .named(name)
        .restart(Restart::on_failure().limit(3, SECOND))
        .spawn()
}

/// Believes that what was acknowledged stays.
async fn trusting(sim: Sim) {
    let store = store(&sim, "store", false);
    if store.ask(|reply| Order::Do(1, reply)).await.is_ok() {
        assert_eq!(store.ask(Order::Total).await.unwrap_or(1), 1, "acknowledged and gone");
    }
}

#[test]
fn a_crash_finds_state_that_is_believed_to_stay() {
    exhausted(&exhaustive().run(trusting));
    found(&exhaustive().faults(Faults::at_most(1).crash("/store")).run(trusting), "acknowledged and gone");
    // Somebody else's crash is none of its business.
    exhausted(&exhaustive().faults(Faults::at_most(1).crash("/other").optional()).run(trusting));
}

#[test]
fn a_crash_comes_inside_a_handler_too() {
    let slow = |sim: Sim| async move {
        let store = store(&sim, "store", false);
        store.ask(Order::Slow).await.is_ok()
    };
    let (report, outcomes) = exhaustive().outcomes(slow);
    exhausted(&report);
    assert_eq!(outcomes, [true].into());
    let (report, outcomes) = exhaustive().faults(Faults::at_most(1).crash("/store")).outcomes(slow);
    exhausted(&report);
    assert_eq!(outcomes, [false, true].into(), "the asker hears that there is no reply");
}

#[test]
fn two_crashes_find_what_one_does_not() {
    // Asks a second time, and no more.
    let stubborn = |sim: Sim| async move {
        let store = store(&sim, "store", false);
        let first = store.ask(Order::Slow).await;
        let second = if first.is_err() { store.ask(Order::Slow).await } else { first };
        assert!(second.is_ok(), "twice in vain");
    };
    let crashes = |most| exhaustive().faults(Faults::at_most(most).crash("/store")).run(stubborn);
    exhausted(&crashes(0));
    exhausted(&crashes(1));
    found(&crashes(2), "twice in vain");
}

#[test]
fn a_kill_finds_who_takes_an_actor_for_immortal() {
    let body = |bears: bool| {
        move |sim: Sim| async move {
            let store = store(&sim, "store", false);
            let told = store.ask(|reply| Order::Do(1, reply)).await;
            assert!(bears || told.is_ok(), "it has ended");
        }
    };
    exhausted(&exhaustive().run(body(false)));
    let kill = exhaustive().faults(Faults::at_most(1).kill("/store"));
    found(&kill.run(body(false)), "it has ended");
    exhausted(&kill.run(body(true)));
}

/// Asks until it is answered, twice at most.
async fn retrying(sim: Sim, careful: bool) {
    let store = store(&sim, "store", careful);
    for _ in 0..2 {
        if store.ask_within(SECOND, |reply| Order::Do(1, reply)).await.is_ok() {
            break;
        }
    }
    sim.settled().await;
    let done = store.ask_within(SECOND, Order::Total).await;
    assert!(!matches!(done, Ok(total) if total > 1), "done twice");
}

#[test]
fn a_lost_message_finds_who_never_asks_again() {
    let once = |sim: Sim| async move {
        let store = store(&sim, "store", false);
        assert!(store.ask_within(SECOND, |reply| Order::Do(1, reply)).await.is_ok(), "no answer");
    };
    exhausted(&exhaustive().run(once));
    let lossy = exhaustive().faults(Faults::at_most(1).drop("/store"));
    found(&lossy.run(once), "no answer");
    exhausted(&lossy.run(|sim| retrying(sim, false)));
}

#[test]
fn who_asks_without_a_limit_hears_nothing_of_a_lost_message() {
    let ask = |sim: Sim| async move { drop(store(&sim, "store", false).ask(Order::Total).await) };
    let lossy = exhaustive().faults(Faults::at_most(1).drop("/store"));
    let finding = lossy.run(ask).finding.expect("it waits for ever");
    assert!(matches!(&finding.failure, Failure::Deadlock(why) if why.contains("waits for an answer of /store")));
}

#[test]
fn a_late_message_finds_who_relies_on_order() {
    let body = |sim: Sim| async move {
        let store = store(&sim, "store", false);
        for key in 1..=2 {
            store.tell(Order::Put(Put::Add(key))).await.unwrap();
        }
        sim.settled().await;
        assert_eq!(store.ask(Order::Log).await.unwrap(), [1, 2], "overtaken");
    };
    exhausted(&exhaustive().run(body));
    found(&exhaustive().faults(Faults::at_most(1).delay("/store")).run(body), "overtaken");
}

/// Told with the key, twice perhaps.
struct Inbox(Store);

impl Actor for Inbox {
    type Msg = Put;
    async fn handle(&mut self, Put::Add(key): Put, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0.add(key);
        assert!(self.0.total < 2, "counted twice");
        let _ = cx;
        Ok(())
    }
}

#[test]
fn a_message_that_comes_twice_finds_who_does_not_look_for_that() {
    let body = |careful: bool| {
        move |sim: Sim| async move {
            let inbox = sim.system().build(move || Inbox(Store { careful, ..Store::default() })).named("inbox").spawn();
            inbox.tell(Put::Add(1)).await.unwrap();
            sim.settled().await;
            assert!(inbox.stop_reason().is_none(), "it has failed");
        }
    };
    exhausted(&exhaustive().run(body(false)));
    let twice = exhaustive().faults(Faults::at_most(1).duplicate::<Put>("/inbox"));
    found(&twice.run(body(false)), "it has failed");
    exhausted(&twice.run(body(true)));
    // Nobody has said how to copy these.
    exhausted(&exhaustive().faults(Faults::at_most(1).duplicate::<String>("/inbox").optional()).run(body(false)));
}

#[test]
fn a_partition_finds_who_counts_on_the_other_side() {
    let body = |patient: bool| {
        move |sim: Sim| async move {
            let store = store(&sim, "store", true);
            let client = sim.spawn("client", async move {
                let mut tries = 0;
                while store.ask_within(SECOND, |reply| Order::Do(1, reply)).await.is_err() {
                    tries += 1;
                    assert!(patient || tries == 0, "cut off");
                }
            });
            client.await;
        }
    };
    exhausted(&exhaustive().run(body(false)));
    let split = exhaustive().faults(Faults::at_most(1).partition(["client"], ["/store"]));
    found(&split.run(body(false)), "cut off");
    // It heals, sooner or later: not before the clock moves, if it is so.
    exhausted(&split.run(body(true)));
    exhausted(&exhaustive().faults(Faults::at_most(1).partition(["body"], ["/store"]).optional()).run(body(false)));
}

#[test]
fn a_jump_of_the_clock_finds_who_measures_time_by_it() {
    let body = |sim: Sim| async move {
        let store = store(&sim, "store", false);
        let begun = sim.now();
        store.ask(Order::Slow).await.unwrap();
        assert!(sim.now() - begun < 2 * SECOND, "too late");
    };
    exhausted(&exhaustive().run(body));
    found(&exhaustive().faults(Faults::at_most(1).clock_jump(9 * SECOND)).run(body), "too late");
}

#[test]
fn on_a_slow_machine_an_answer_may_be_late_and_the_work_done_twice() {
    exhausted(&exhaustive().run(|sim| retrying(sim, false)));
    let slow = exhaustive().any_time();
    found(&slow.run(|sim| retrying(sim, false)), "done twice");
    exhausted(&slow.run(|sim| retrying(sim, true)));
}

#[test]
fn what_goes_wrong_is_replayed() {
    let faulty = Faults::at_most(1).crash("/store");
    let report = exhaustive().faults(faulty.clone()).run(trusting);
    let finding = report.finding.expect("a crash is found");
    for _ in 0..10 {
        let again = Explorer::new(Strategy::Replay(finding.found.clone())).faults(faulty.clone()).run(trusting);
        assert_eq!(again.finding.map(|again| again.failure), Some(finding.failure.clone()));
    }
}

/// Tells the store once, and looks at it.
async fn telling(sim: Sim) {
    let store = store(&sim, "store", true);
    let _ = store.tell(Order::Put(Put::Add(1))).await;
    let _ = store.ask_within(SECOND, Order::Total).await;
    let _ = sim.system().build(|| Inert).named("plain").spawn().tell(Plain).await;
}

#[derive(Clone)]
struct Plain;

struct Inert;

impl Actor for Inert {
    type Msg = Plain;
    async fn handle(&mut self, Plain: Plain, _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[track_caller]
fn cannot_happen(faults: &Faults, why: &str) {
    for explorer in [exhaustive(), Explorer::default(), Explorer::new(Strategy::Random { schedules: 50, seed: 1 })] {
        let report = explorer.clone().faults(faults.clone()).run(telling);
        let Some(Failure::Vacuous(said)) = report.finding.as_ref().map(|finding| &finding.failure) else {
            panic!("{report}")
        };
        assert!(said.contains(why), "{said}");
        explorer.faults(faults.clone().optional()).run(telling).assert_clean();
    }
}

#[test]
fn a_fault_that_there_is_nothing_for_is_found() {
    let nowhere = ["an actor at /typo", "a message to /typo"];
    let faults = || Faults::at_most(1);
    cannot_happen(&faults().crash("/typo"), nowhere[0]);
    // A path begins with a slash.
    cannot_happen(&faults().crash("/store").crash("store"), "an actor at store");
    cannot_happen(&faults().kill("/store").kill("/typo"), nowhere[0]);
    // A task, and no actor.
    cannot_happen(&faults().crash("body"), "an actor at body");
    cannot_happen(&faults().drop("/typo"), nowhere[1]);
    cannot_happen(&faults().drop("/store").delay("/typo"), nowhere[1]);
    // Orders cannot be copied.
    cannot_happen(&faults().duplicate::<Put>("/store"), "a message to /store of the type that is named");
    // Each of them by itself: that there is one of the other's type is nothing to it.
    cannot_happen(&faults().duplicate::<u64>("/store").duplicate::<Plain>("/plain"), "a message to /store of the type");
    cannot_happen(&faults().duplicate::<Plain>("/plain").duplicate::<u64>("/plain"), "a message to /plain of the type");
    cannot_happen(&faults().partition(["/store"], ["/typo"]), "a message or an answer between the two groups");
}

#[test]
fn a_fault_that_there_is_something_for_is_not_found() {
    let all = Faults::at_most(1).crash("/store").kill("/store").drop("/store").delay("/store");
    let all = all.partition(["body"], ["/store"]).clock_jump(SECOND);
    exhausted(&exhaustive().faults(all).run(telling));
    // It is enough that some runs have it.
    let sometimes = |sim: Sim| async move {
        if sim.choose(2) == 1 {
            telling(sim).await;
        }
    };
    exhausted(&exhaustive().faults(Faults::at_most(1).crash("/store").drop("/store")).run(sometimes));
}

#[test]
#[should_panic(expected = "none is named")]
fn how_many_faults_without_which_is_refused() {
    let _ = Explorer::default().faults(Faults::at_most(3));
}

#[test]
fn no_faults_are_none_whatever_they_are() {
    let none = Faults::at_most(0).crash("/typo");
    exhausted(&exhaustive().faults(none).run(telling));
    exhausted(&exhaustive().faults(Faults::default()).run(telling));
}

/// Counts what it is told, where it is seen.
struct Counting(Shared<u64>);

impl Actor for Counting {
    type Msg = ();
    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.with(|so_far| *so_far += 1);
        Ok(())
    }
}

#[test]
fn faults_of_actors_and_of_messages_are_counted_together() {
    let body = |sim: Sim| async move {
        let got = Shared::new(0);
        let make = |name: &str| {
            let got = got.clone();
            sim.system().build(move || Counting(got.clone())).named(name).spawn()
        };
        let (one, other) = (make("one"), make("other"));
        for _ in 0..2 {
            other.tell(()).await.unwrap();
        }
        sim.settled().await;
        (one.stop_reason().is_some(), 2 - got.get())
    };
    let outcomes = |most| exhaustive().faults(Faults::at_most(most).crash("/one").drop("/other")).outcomes(body).1;
    let one = [(false, 0), (false, 1), (true, 0)];
    assert_eq!(outcomes(0), [(false, 0)].into());
    assert_eq!(outcomes(1), one.into());
    assert_eq!(outcomes(2), one.into_iter().chain([(true, 1), (false, 2)]).collect());
}

#[test]
fn a_partition_lies_in_both_directions_and_before_all_that_is_below() {
    let body = |sim: Sim| async move {
        let got = Shared::new(0);
        let make = |name: &str, to: Option<ActorRef<()>>| {
            let (got, to) = (got.clone(), to);
            sim.system().build(move || Passing(to.clone(), got.clone())).named(name).spawn()
        };
        let last = make("last", None);
        let first = make("first", Some(last));
        first.tell(()).await.unwrap();
        sim.settled().await;
        got.get()
    };
    let outcomes = |one: &str, other: &str| {
        let split = Faults::at_most(1).partition([one], [other]).optional();
        exhaustive().faults(split).outcomes(body).1
    };
    // It passes the message on, and is counted itself.
    assert_eq!(outcomes("/first", "/last"), [1, 2].into());
    assert_eq!(outcomes("/last", "/first"), [1, 2].into());
    assert_eq!(outcomes("/fir", "/last"), [2].into());
    assert_eq!(outcomes("body", "/first"), [0, 2].into());
}

/// Counts what it is told, and tells another.
struct Passing(Option<ActorRef<()>>, Shared<u64>);

impl Actor for Passing {
    type Msg = ();
    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        self.1.with(|so_far| *so_far += 1);
        if let Some(to) = &self.0 {
            let _ = to.tell(()).await;
        }
        Ok(())
    }
}
