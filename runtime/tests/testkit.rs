//! The testkit: what its expectations let pass, what they refuse and how they
//! say so; faults at a chosen message; an actor without a system.

#![cfg(all(not(tidegate_loom), feature = "testkit"))]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::testkit::{Faults, Faulty, Probe, TestActor, TestKit, flow};
use tidegate::{DropReason, Mode};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What an assertion that fails says.
fn complaint<T>(assertion: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(assertion()))) else { panic!("it should have failed") };
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap()
}

/// Adds up, as slowly as it is told, and reports each sum.
struct Sum {
    sum: u64,
    takes: Duration,
    to: Option<ActorRef<u64>>,
}

impl Sum {
    fn new() -> Self {
        Self { sum: 0, takes: Duration::ZERO, to: None }
    }

    fn slow(takes: Duration) -> Self {
        Self { takes, ..Self::new() }
    }

    fn reporting(probe: &Probe<u64>) -> Self {
        Self { to: Some(probe.me()), ..Self::new() }
    }
}

impl Actor for Sum {
    type Msg = u64;

    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        if !self.takes.is_zero() {
            cx.sleep(self.takes).await;
        }
        self.sum += n;
        if let Some(to) = &self.to {
            to.tell(self.sum).await?;
        }
        Ok(())
    }
}

// ---- probes -------------------------------------------------------------------------

#[test]
fn a_probe_takes_a_message_only_when_the_test_does() {
    let kit = TestKit::new();
    let mut probe = kit.probe_with(Push::bounded(2));
    let sum = kit.spawn(Sum::reporting(&probe), Push::bounded(8));
    for n in 1..=4 {
        sum.try_tell(n).unwrap();
    }
    kit.flow(&probe.me()).len(2).free(0).would_wait().waiting_senders(1);
    kit.flow(&sum).len(1).handled(3);
    assert_eq!(probe.expect(), 1);
    kit.flow(&sum).len(0).handled(4);
    assert_eq!(probe.expect_n(3), [3, 6, 10]);
    kit.flow(&probe.me()).len(0).waiting_senders(0);
}

tidegate::in_all_modes! {
    fn a_probe_gets_everything_in_order_whatever_its_mailbox(mode) {
        let kit = TestKit::new();
        let mut probe = kit.probe_with(mode.mailbox(3));
        let sum = kit.spawn(Sum::reporting(&probe), Push::bounded(64));
        for _ in 0..20 {
            sum.try_tell(1).unwrap();
        }
        assert_eq!(probe.expect_n(20), (1..=20).collect::<Vec<u64>>());
        probe.expect_nothing();
        kit.finish();
    }
}

#[test]
fn a_probe_that_pulls_by_hand_gets_what_it_asks_for() {
    let kit = TestKit::new();
    let mut probe = kit.probe_with(Pull::manual());
    let sum = kit.spawn(Sum::reporting(&probe), Push::bounded(8));
    sum.try_tell(1).unwrap();
    sum.try_tell(1).unwrap();
    probe.expect_nothing();
    kit.flow(&probe.me()).demand(0).would_wait();
    probe.request(1);
    assert_eq!(probe.expect(), 1);
    probe.expect_nothing();
    probe.request(1);
    assert_eq!(probe.expect(), 2);
}

#[test]
fn time_passes_up_to_the_message_and_no_further() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let mut sum = Sum::reporting(&probe);
    sum.takes = ms(70);
    let sum = kit.spawn(sum, Push::bounded(8));
    sum.try_tell(5).unwrap();
    probe.expect_nothing_for(ms(69));
    assert_eq!(kit.now(), ms(69));
    assert_eq!(probe.expect_within(ms(1000)), 5);
    assert_eq!(kit.now(), ms(70));
    probe.expect_nothing_for(ms(30));
    assert_eq!(kit.now(), ms(100));
}

#[test]
fn a_message_at_the_limit_is_in_time() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let mut sum = Sum::reporting(&probe);
    sum.takes = ms(70);
    kit.spawn(sum, Push::bounded(8)).try_tell(5).unwrap();
    assert_eq!(probe.expect_within(ms(70)), 5);
}

#[test]
fn an_expectation_that_is_not_met_says_what_was_found() {
    let kit = TestKit::new();
    let mut probe = kit.probe_with::<u64>(Push::bounded(2));
    assert_eq!(
        complaint(|| probe.expect_within(ms(20))),
        "/probe-1: expected a message (u64) by 20ms, and none came\n  /probe-1: push, 0 waiting of 2, 2 free, demand \
         unbounded, 0 senders waiting, 0 handled, dropped nothing"
    );
    probe.me().try_tell(7).unwrap();
    assert_eq!(complaint(|| probe.expect_nothing()), "/probe-1: expected nothing, and a u64 came at 20ms");
    probe.me().try_tell(7).unwrap();
    assert_eq!(complaint(|| probe.expect_eq(8)), "/probe-1: expected 8, and 7 came");
    probe.me().try_tell(7).unwrap();
    assert_eq!(
        complaint(|| probe.expect_matching(|n| (n > 7).then_some(n))),
        "/probe-1: a u64 came that does not match"
    );
    for n in 1..=2 {
        probe.me().try_tell(n).unwrap();
    }
    assert!(
        complaint(|| probe.expect_among(ms(1), |n| (n > 7).then_some(n)))
            .starts_with("/probe-1: expected one that matches, passed over 2 (u64) by 21ms, and none came\n")
    );
    probe.me().try_tell(1).unwrap();
    assert!(complaint(|| probe.expect_n(2)).starts_with("/probe-1: expected 2 messages, after 1 of them one more"));
}

#[test]
fn expectations_pick_out_what_matches() {
    let kit = TestKit::new();
    let mut probe = kit.probe::<Result<u64, String>>();
    for message in [Ok(1), Err("no".to_owned()), Ok(2), Ok(3)] {
        probe.me().try_tell(message).unwrap();
    }
    assert_eq!(probe.expect_matching(Result::ok), 1);
    assert_eq!(probe.expect_among(Duration::ZERO, Result::ok), 2);
    probe.expect_eq(Ok(3));
}

#[test]
fn a_probe_answers_and_lets_the_asker_go_on() {
    let kit = TestKit::new();
    let mut probe = kit.probe::<Reply<u64>>();
    let to = probe.me();
    let asked = kit.start(async move { to.ask(|reply| reply).await });
    assert!(asked.is_waiting());
    assert!(complaint(|| asked.expect()).starts_with("it is not done at "));
    probe.reply(|reply| reply.send(42)).unwrap();
    assert_eq!(asked.expect().unwrap(), 42);
    let to = probe.me();
    let unanswered = kit.start(async move { to.ask(|reply| reply).await });
    drop(probe.expect());
    assert_eq!(unanswered.expect().unwrap_err().to_string(), "the question will not be answered");
}

/// Watches one actor and reports why it ended.
struct Watcher {
    whom: ActorRef<u64>,
    to: ActorRef<String>,
}

impl Actor for Watcher {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.watch(&self.whom);
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
    async fn terminated(&mut self, who: tidegate::Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.to.tell(format!("{} {}", who.path, who.reason)).await?;
        Ok(())
    }
}

#[test]
fn a_probe_ends_for_any_reason_and_whoever_watches_it_hears() {
    let kit = TestKit::new();
    let (watched, mut heard) = (kit.probe::<u64>(), kit.probe::<String>());
    let me = watched.me();
    kit.spawn(Watcher { whom: watched.me(), to: heard.me() }, Push::bounded(1));
    me.try_tell(1).unwrap();
    heard.expect_nothing();
    watched.end(StopReason::Failed(Fault::msg("disk full")));
    heard.expect_eq("/probe-1 failed: disk full".to_owned());
    assert!(me.try_tell(2).is_err());
    kit.expect_dropped([(DropReason::Stopped, 1)]);
}

#[test]
fn a_probe_that_is_stopped_takes_no_more() {
    let kit = TestKit::new();
    let mut probe = kit.probe::<u64>();
    let me = probe.me();
    me.try_tell(1).unwrap();
    me.drain();
    assert!(me.try_tell(2).is_err());
    assert_eq!(probe.expect(), 1);
    probe.expect_nothing();
    assert!(me.stop_reason().is_some());
}

#[test]
fn the_end_of_an_actor_is_expected_with_its_reason() {
    let kit = TestKit::new();
    let probe = kit.probe::<u64>();
    let sum = kit.spawn(Sum::slow(ms(50)), Push::bounded(4));
    sum.try_tell(1).unwrap();
    sum.drain();
    assert!(complaint(|| probe.expect_terminated(&sum)).contains("has not ended by 0ns"));
    assert!(complaint(|| kit.expect_terminated(&sum, ms(49))).contains("has not ended by 49ms"));
    assert!(matches!(kit.expect_terminated(&sum, ms(1)), StopReason::Drained));
    assert!(matches!(probe.expect_terminated(&sum), StopReason::Drained));
}

#[tokio::test(start_paused = true)]
async fn a_probe_serves_tests_that_are_futures_on_other_executors() {
    let system = System::new();
    let mut probe = Probe::of(&system, Push::bounded(1));
    let mut sum = Sum::reporting(&probe);
    sum.takes = ms(100);
    let sum = system.spawn(sum, Push::bounded(8));
    sum.tell(1).await.unwrap();
    sum.tell(2).await.unwrap();
    assert_eq!(probe.recv_within(ms(99)).await, None);
    assert_eq!(probe.recv_within(ms(50)).await, Some(1));
    assert_eq!(probe.recv().await, Some(3));
}

// ---- flow ---------------------------------------------------------------------------

#[test]
fn flow_is_asserted_and_a_failure_shows_the_whole_mailbox() {
    let kit = TestKit::new();
    let sum = kit.build(|| Sum::slow(ms(10))).named("sum").mailbox(Pull::window(4)).spawn();
    for n in 0..3 {
        sum.try_tell(n).unwrap();
    }
    // Nothing has run, and nothing is run by looking.
    flow(&sum).len(3).demand(4).free(1).would_admit().mode(Mode::Pull).capacity(4).handled(0);
    kit.flow(&sum).len(2).demand(3).free(1).nothing_dropped();
    let all = "\n  /sum: pull, 2 waiting of 4, 1 free, demand 3, 0 senders waiting, 1 handled, dropped nothing";
    let flow = || kit.flow(&sum);
    for (said, expected) in [
        (complaint(|| flow().free(2)), "/sum: expected free 2, found 1"),
        (complaint(|| flow().demand(2)), "/sum: expected demand Some(2), found Some(3)"),
        (complaint(|| flow().unbounded_demand()), "/sum: expected demand None, found Some(3)"),
        (complaint(|| flow().len(0)), "/sum: expected len 0, found 2"),
        (complaint(|| flow().waiting_senders(1)), "/sum: expected waiting senders 1, found 0"),
        (complaint(|| flow().mode(Mode::Push)), "/sum: expected mode Push, found Pull"),
        (complaint(|| flow().closed()), "/sum: expected closed true, found false"),
        (complaint(|| flow().would_wait()), "/sum: expected that a tell would wait, but 1 more would be let in"),
    ] {
        assert_eq!(said, format!("{expected}{all}"));
    }
    sum.try_tell(3).unwrap();
    assert!(complaint(|| flow().would_admit()).contains("would be let in, but there is no grant"));
    sum.drain();
    kit.flow(&sum).closed();
    assert!(complaint(|| flow().would_wait()).contains("but the mailbox is closed"));
}

#[test]
fn what_was_dropped_is_asserted_exactly() {
    let kit = TestKit::new();
    let sum = kit.spawn(Sum::slow(ms(10)), Push::bounded(2).overflow(Overflow::DropOldest));
    for n in 0..5 {
        sum.try_tell(n).unwrap();
    }
    flow(&sum).dropped([(DropReason::DropOldest, 3)]).would_wait_not();
    kit.settle();
    sum.kill();
    kit.expect_dropped([(DropReason::Interrupted, 1), (DropReason::DropOldest, 3), (DropReason::Stopped, 1)]);
    assert!(
        complaint(|| kit.expect_dropped([(DropReason::DropOldest, 2)]))
            .starts_with("the system: expected dropped 2 drop-oldest, found ")
    );
    assert!(complaint(|| kit.expect_dropped([])).contains("expected dropped nothing, found"));
}

trait WouldWaitNot {
    fn would_wait_not(self);
}

impl WouldWaitNot for tidegate::testkit::Flow {
    /// An evicting mailbox without a free place does not make anybody wait.
    fn would_wait_not(self) {
        assert!(complaint(|| self.would_wait()).contains("its policy does not wait"));
    }
}

// ---- the kit ------------------------------------------------------------------------

#[test]
fn at_the_end_nothing_may_be_left() {
    let kit = TestKit::new();
    let sum = kit.spawn(Sum::new(), Push::bounded(4));
    sum.try_tell(1).unwrap();
    kit.finish();
    assert_eq!(sum.stats().handled, 1);

    let kit = TestKit::new();
    let never = kit.start(std::future::pending::<()>());
    assert_eq!(complaint(|| kit.finish()), "at the end of the test 1 tasks are left");
    drop(never);

    let kit = TestKit::new();
    let sum = kit.build(Sum::new).named("sum").spawn();
    let slow = kit.build(|| Sum::slow(Duration::from_secs(61))).named("slow").spawn();
    sum.try_tell(1).unwrap();
    slow.try_tell(1).unwrap();
    assert_eq!(
        complaint(|| kit.finish()),
        "at the end of the test: 1 actors drained; 1 killed at the deadline: /slow (working); 1 messages undelivered"
    );
}

#[test]
fn a_stub_answers_to_the_end_and_its_panic_is_that_of_the_test() {
    let kit = TestKit::new();
    let prices = kit.stub(Push::bounded(1), |(item, reply): (u64, Reply<u64>)| {
        assert!(item != 13, "no such item");
        reply.send(item * 100).unwrap();
    });
    let asked: Vec<_> = (1..=4)
        .map(|item| {
            let to = prices.clone();
            kit.start(async move { to.ask(|reply| (item, reply)).await.unwrap() })
        })
        .collect();
    assert_eq!(asked.iter().map(|asked| asked.expect()).collect::<Vec<_>>(), [100, 200, 300, 400]);
    let _asked = kit.start(async move { prices.ask(|reply| (13, reply)).await });
    assert_eq!(complaint(|| kit.settle()), "no such item");

    // One that an actor asks while it drains is still there, and is no task
    // that is left.
    struct Asks(ActorRef<(u64, Reply<u64>)>);
    impl Actor for Asks {
        type Msg = u64;
        async fn handle(&mut self, item: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(ms(10)).await;
            assert_eq!(self.0.ask(|reply| (item, reply)).await.unwrap(), item);
            Ok(())
        }
    }
    let kit = TestKit::new();
    let echo = kit.stub(Push::bounded(1), |(item, reply): (u64, Reply<u64>)| reply.send(item).unwrap());
    let asks = kit.spawn(Asks(echo.clone()), Push::bounded(4));
    for item in 0..4 {
        asks.try_tell(item).unwrap();
    }
    kit.finish();
    assert_eq!(asks.stats().handled, 4);
    assert!(echo.stop_reason().is_some());
}

#[test]
fn a_seed_gives_one_interleaving_and_seeds_differ() {
    let order = |seed| {
        let kit = TestKit::shuffled(seed);
        let mut probe = kit.probe();
        let to = probe.me();
        let firsts: Vec<_> = (0..6u64)
            .map(|n| {
                let to = to.clone();
                kit.stub(Push::bounded(1), move |()| to.try_tell(n).map(drop).unwrap())
            })
            .collect();
        for first in &firsts {
            first.try_tell(()).unwrap();
        }
        probe.expect_n(6)
    };
    let orders: std::collections::BTreeSet<Vec<u64>> = (0..16).map(order).collect();
    assert!(orders.len() > 8, "16 seeds gave {} orders", orders.len());
    assert_eq!(order(3), order(3));
}

// ---- faults -------------------------------------------------------------------------

fn faulty(kit: &TestKit, faults: &Faults, probe: &Probe<u64>) -> ActorRef<u64> {
    let (faults, to) = (faults.clone(), probe.me());
    kit.build(move || Faulty::new(Sum { to: Some(to.clone()), ..Sum::new() }, &faults))
        .mailbox(Pull::window(8))
        .restart(Restart::on_failure())
        .spawn()
}

#[test]
fn without_faults_a_faulty_actor_is_what_it_was() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let sum = faulty(&kit, &Faults::new(), &probe);
    for n in 1..=3 {
        sum.try_tell(n).unwrap();
    }
    assert_eq!(probe.expect_n(3), [1, 3, 6]);
    kit.finish();
}

#[test]
fn a_fault_at_message_k_strikes_once_and_the_message_is_handled() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let faults = Faults::new().fault_at(2, "disk full");
    let sum = faulty(&kit, &faults, &probe);
    for n in 1..=4 {
        sum.try_tell(n).unwrap();
    }
    // The second is lost to the sum, with the state of the first life.
    assert_eq!(probe.expect_n(3), [1, 3, 7]);
    assert_eq!((faults.messages(), faults.lives()), (4, 2));
    kit.flow(&sum).nothing_dropped().handled(4);
}

#[test]
fn a_panic_at_message_k_loses_it_and_says_so() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let faults = Faults::new().panic_at(1, "index out of range");
    let sum = faulty(&kit, &faults, &probe);
    for n in 1..=2 {
        sum.try_tell(n).unwrap();
    }
    assert_eq!(probe.expect_n(1), [2]);
    kit.flow(&sum).dropped([(DropReason::Interrupted, 1)]).handled(1);
}

#[test]
fn a_stall_makes_a_slow_consumer_and_then_the_message_is_handled() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let sum = faulty(&kit, &Faults::new().stall_at(1, ms(500)), &probe);
    for n in 1..=8 {
        sum.try_tell(n).unwrap();
    }
    kit.flow(&sum).len(7);
    probe.expect_nothing_for(ms(499));
    assert_eq!(probe.expect_within(ms(1)), 1);
    assert_eq!(probe.expect_n(7).len(), 7);
}

#[test]
fn a_kill_and_a_hang_at_message_k_end_as_they_do_in_life() {
    let kit = TestKit::new();
    let probe = kit.probe();
    let killed = faulty(&kit, &Faults::new().kill_at(2), &probe);
    let hung = faulty(&kit, &Faults::new().hang_at(1), &probe);
    for n in 1..=3 {
        killed.try_tell(n).unwrap();
        hung.try_tell(n).unwrap();
    }
    assert!(matches!(kit.expect_terminated(&killed, Duration::ZERO), StopReason::Killed));
    kit.flow(&killed).dropped([(DropReason::Interrupted, 1), (DropReason::Stopped, 1)]);
    let report = kit.block_on(kit.system().shutdown(ms(100)));
    assert_eq!(report.killed.len(), 1);
    assert_eq!(report.killed[0].path, *hung.path());
    assert_eq!(report.undelivered, 3);
}

#[test]
fn a_start_fails_in_the_life_that_is_named() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let faults = Faults::new().fail_start_of(1, "no connection").fault_at(1, "broken").fail_start_of(3, "again");
    let sum = faulty(&kit, &faults, &probe);
    for n in 1..=3 {
        sum.try_tell(n).unwrap();
    }
    assert_eq!(probe.expect_n(2), [2, 5]);
    assert_eq!(faults.lives(), 4);
}

/// One that is forgotten would be the trait's default, and do nothing.
#[test]
fn a_faulty_actor_has_every_hook_of_an_actor() {
    let hooks = |source: &str| -> std::collections::BTreeSet<String> {
        let methods = source.lines().filter_map(|line| line.strip_prefix("    ")).filter_map(|line| {
            let line = line.strip_prefix("async ").unwrap_or(line);
            line.strip_prefix("fn ")?.split('(').next().map(str::to_owned)
        });
        methods.collect()
    };
    let of_trait = include_str!("../src/actor/mod.rs").split("pub trait Actor").nth(1).unwrap();
    let forwarded = include_str!("../src/testkit/faulty.rs").split("Actor for Faulty<A>").nth(1).unwrap();
    assert!(hooks(of_trait).len() > 4);
    assert_eq!(hooks(of_trait), hooks(forwarded));
}

/// Whatever the actor does with its context has to reach the real one.
struct Busy {
    to: ActorRef<u64>,
}

impl Actor for Busy {
    type Msg = u64;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.send_every(ms(10), || 100);
        Ok(())
    }

    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        match n {
            1 => {
                let to = self.to.clone();
                cx.spawn_child(Sum { to: Some(to), ..Sum::new() }, Push::bounded(4)).try_tell(7)?;
            }
            2 => cx.stash(3).map_err(|_| Fault::msg("full"))?,
            4 => drop(cx.unstash_all()),
            5 => cx.stop(),
            n => {
                self.to.tell(n).await?;
            }
        }
        Ok(())
    }
}

#[test]
fn what_a_faulty_actor_does_with_its_context_is_done() {
    let kit = TestKit::new();
    let mut probe = kit.probe();
    let (to, faults) = (probe.me(), Faults::new().fault_at(6, "end of a life"));
    let busy = kit.build(move || Faulty::new(Busy { to: to.clone() }, &faults)).restart(Restart::on_failure()).spawn();
    busy.try_tell(1).unwrap();
    assert_eq!(probe.expect(), 7, "a child");
    assert_eq!(kit.system().inspect().actors.len(), 2);
    assert_eq!(probe.expect_within(ms(10)), 100, "a timer");
    busy.try_tell(2).unwrap();
    probe.expect_nothing();
    busy.try_tell(4).unwrap();
    assert_eq!(probe.expect(), 3, "the stash");
    // Message 6 ends the life, and with it the child and the timer, which
    // the new life starts again.
    busy.try_tell(0).unwrap();
    kit.settle();
    assert_eq!(kit.system().inspect().actors.len(), 1);
    assert_eq!(probe.expect_within(ms(10)), 100);
    probe.expect_nothing_for(ms(9));
    busy.try_tell(5).unwrap();
    assert!(matches!(kit.expect_terminated(&busy, Duration::ZERO), StopReason::Stopped));
    probe.expect_nothing_for(ms(100));
}

// ---- an actor without a system ------------------------------------------------------

/// Locks after three wrong guesses, for a minute.
#[derive(Default)]
struct Lock {
    wrong: u32,
    locked: bool,
    goodbye: Option<String>,
}

enum Try {
    Guess(u32, Reply<bool>),
    Unlock,
    Twice(u32),
    Panic,
}

impl Actor for Lock {
    type Msg = Try;

    async fn handle(&mut self, msg: Try, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Try::Guess(_, reply) if self.locked => drop(reply),
            Try::Guess(guess, reply) => {
                cx.sleep(ms(100)).await;
                let right = guess == 7;
                self.wrong = if right { 0 } else { self.wrong + 1 };
                if self.wrong == 3 {
                    self.locked = true;
                    cx.send_after(Duration::from_secs(60), Try::Unlock);
                }
                let _ = reply.send(right);
            }
            Try::Unlock => {
                self.locked = false;
                self.wrong = 0;
            }
            Try::Twice(0) => return Err(Fault::msg("twice nothing")),
            Try::Twice(n) => {
                self.wrong = n;
                cx.me().tell(Try::Twice(n - 1)).await.map_err(|_| Fault::msg("gone"))?;
            }
            Try::Panic => panic!("no"),
        }
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        self.goodbye = Some(reason.to_string());
    }
}

#[test]
fn state_is_open_and_time_passes_as_the_handler_needs_it() {
    let mut lock = TestActor::new(Lock::default());
    lock.started().unwrap();
    assert_eq!(lock.ask(|reply| Try::Guess(7, reply)), Some(true));
    assert_eq!(lock.now(), ms(100));
    for wrong in 1..=3 {
        assert_eq!(lock.ask(|reply| Try::Guess(1, reply)), Some(false));
        assert_eq!(lock.wrong, wrong);
    }
    assert!(lock.locked);
    assert_eq!(lock.ask(|reply| Try::Guess(7, reply)), None, "it does not answer");
    lock.advance(Duration::from_secs(59)).unwrap();
    assert!(lock.locked);
    lock.advance(Duration::from_secs(1)).unwrap();
    assert!(!lock.locked);
    lock.locked = true;
    assert_eq!(lock.stopped(&StopReason::Stopped).goodbye.as_deref(), Some("stopped"));
}

#[test]
fn what_it_sends_to_itself_waits_until_it_is_delivered_and_faults_come_back() {
    let mut lock = TestActor::new(Lock::default());
    lock.handle(Try::Twice(2)).unwrap();
    assert_eq!(lock.wrong, 2);
    let fault = lock.deliver().unwrap_err();
    assert_eq!((fault.to_string().as_str(), lock.wrong), ("twice nothing", 1));
    assert_eq!(lock.deliver().unwrap(), 0);
    assert_eq!(complaint(|| lock.handle(Try::Panic)), "no");
}

/// Knows when its messages are stale, and puts aside what comes too early.
#[derive(Default)]
struct Choosy {
    open: bool,
    seen: Vec<i64>,
}

impl Actor for Choosy {
    type Msg = i64;

    fn expired(message: &i64) -> bool {
        *message < 0
    }

    async fn handle(&mut self, n: i64, cx: &mut Context<Self>) -> Result<(), Fault> {
        match n {
            0 => {
                self.open = true;
                cx.unstash_all();
            }
            n if self.open => self.seen.push(n),
            n => cx.stash(n).map_err(|_| Fault::msg("full"))?,
        }
        Ok(())
    }
}

#[test]
fn the_stash_comes_first_and_what_has_expired_is_not_handled() {
    let mut choosy = TestActor::with(Choosy::default(), Push::bounded(4));
    for n in [1, 2] {
        choosy.handle(n).unwrap();
    }
    assert!(choosy.seen.is_empty());
    for n in [0, 3, -1] {
        choosy.me().try_tell(n).unwrap();
    }
    assert_eq!(choosy.deliver().unwrap(), 5);
    assert_eq!(choosy.seen, [1, 2, 3]);
    flow(&choosy.me()).dropped([(DropReason::Expired, 1)]);
}

/// Repeats itself, so that ticks are seen to come each at its time.
struct Ticker {
    at: Vec<Duration>,
}

impl Actor for Ticker {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.send_every(ms(10), || ());
        Ok(())
    }
    async fn handle(&mut self, (): (), cx: &mut Context<Self>) -> Result<(), Fault> {
        self.at.push(cx.now());
        if self.at.len() == 3 {
            cx.stop();
        }
        Ok(())
    }
}

#[test]
fn each_tick_comes_at_its_time() {
    let mut ticker = TestActor::new(Ticker { at: Vec::new() });
    ticker.started().unwrap();
    ticker.advance(ms(25)).unwrap();
    assert_eq!(ticker.at, [ms(10), ms(20)]);
    assert!(!ticker.is_stopping());
    ticker.advance(ms(5)).unwrap();
    assert_eq!(ticker.at, [ms(10), ms(20), ms(30)]);
    assert!(ticker.is_stopping());
}

#[test]
fn the_death_of_whom_it_watches_is_delivered() {
    let kit = TestKit::new();
    let mut heard = kit.probe::<String>();
    let whom = kit.spawn(Sum::new(), Push::bounded(1));
    let mut watcher = TestActor::new(Watcher { whom: whom.clone(), to: heard.me() });
    watcher.started().unwrap();
    whom.stop();
    kit.settle();
    assert_eq!(watcher.deliver().unwrap(), 1);
    heard.expect_eq(format!("{} stopped", whom.path()));
}
