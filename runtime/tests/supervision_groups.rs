//! Siblings that begin anew together: who, in which order, and what becomes of
//! what they had.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Dead, Log, Random, lock, manual, ms};
use tidegate::prelude::*;
use tidegate::{Backoff, DropReason, Escalated, ManualExecutor, Supervision};

/// What a child is to do.
enum Do {
    Note,
    Fail,
    Panic,
    Slow(u64),
    Stuck,
    /// Blocks its thread for a moment: on a manual executor nothing else can
    /// happen meanwhile, so the clock is moved in the handler.
    Hog(u64),
    Stop,
    /// Has a child that is in the middle of a message for so long.
    Bear(u64),
}

struct Child {
    name: &'static str,
    log: Log,
    slow_start: u64,
    executor: ManualExecutor,
}

impl Actor for Child {
    type Msg = Do;
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.slow_start > 0 {
            cx.sleep(ms(self.slow_start)).await;
        }
        self.log.add(format_args!("+{}", self.name));
        Ok(())
    }
    async fn handle(&mut self, what: Do, cx: &mut Context<Self>) -> Result<(), Fault> {
        match what {
            Do::Note => self.log.add(self.name),
            Do::Fail => return Err(Fault::msg("bad")),
            Do::Panic => panic!("bad"),
            Do::Slow(n) => {
                cx.sleep(ms(n)).await;
                self.log.add(self.name);
            }
            Do::Stuck => std::future::pending().await,
            Do::Hog(n) => self.executor.advance(ms(n)),
            Do::Stop => cx.stop(),
            Do::Bear(n) => {
                let (log, executor) = (Log::default(), self.executor.clone());
                let child = cx
                    .build_child(move || Child {
                        name: "grandchild",
                        log: log.clone(),
                        slow_start: 0,
                        executor: executor.clone(),
                    })
                    .spawn();
                child.try_tell(Do::Slow(n)).map_err(|_| Fault::msg("full"))?;
            }
        }
        Ok(())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.name != "grandchild" {
            self.log.add(format_args!("-{}", self.name));
        }
    }
}

/// What a child is made with.
#[derive(Clone, Copy)]
struct Terms {
    restart: Restart,
    slow_start: u64,
    once: bool,
}

const USUAL: Terms = Terms { restart: Restart::on_failure(), slow_start: 0, once: false };

struct Parent {
    log: Log,
    executor: ManualExecutor,
    terms: [Terms; 4],
    children: Children,
}

type Children = Arc<Mutex<Vec<ActorRef<Do>>>>;

impl Actor for Parent {
    type Msg = ();
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.add("+parent");
        lock(&self.children).clear();
        for (name, terms) in ["a", "b", "c", "d"].into_iter().zip(self.terms) {
            let (log, executor) = (self.log.clone(), self.executor.clone());
            let make =
                move || Child { name, log: log.clone(), slow_start: terms.slow_start, executor: executor.clone() };
            let child = if terms.once {
                cx.spawn_child(make(), Push::bounded(64))
            } else {
                cx.build_child(make).named(name).restart(terms.restart).spawn()
            };
            lock(&self.children).push(child);
        }
        Ok(())
    }
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        if let StopReason::Failed(fault) = reason {
            let child: &Escalated = fault.source().and_then(|source| source.downcast_ref()).unwrap();
            self.log.add(format_args!("{} {}", child.child.path, child.child.reason));
        }
    }
}

struct Family {
    executor: ManualExecutor,
    system: System,
    log: Log,
    parent: ActorRef<()>,
    children: Children,
}

impl Family {
    fn of(supervision: Supervision, terms: [Terms; 4]) -> Self {
        let (executor, system) = manual();
        let (log, children) = (Log::default(), Children::default());
        let (noted, given, clock) = (log.clone(), Arc::clone(&children), executor.clone());
        let parent = system
            .build(move || Parent { log: noted.clone(), executor: clock.clone(), terms, children: Arc::clone(&given) })
            .named("parent")
            .supervision(supervision)
            .restart(Restart::on_failure().limit(1, Duration::from_secs(60)))
            .spawn();
        executor.advance(ms(100));
        log.take();
        Self { executor, system, log, parent, children }
    }

    fn usual(supervision: Supervision) -> Self {
        Self::of(supervision, [USUAL; 4])
    }

    fn child(&self, n: usize) -> ActorRef<Do> {
        lock(&self.children)[n].clone()
    }

    fn tell(&self, n: usize, what: Do) {
        self.child(n).try_tell(what).unwrap_or_else(|error| panic!("{error}"));
    }

    fn run(&self) -> String {
        self.executor.run_until_idle();
        self.log.take().join(" ")
    }

    fn advance(&self, n: u64) -> String {
        self.executor.advance(ms(n));
        self.log.take().join(" ")
    }

    /// All are there, and handle messages.
    fn is_whole(&self) {
        for n in 0..4 {
            self.tell(n, Do::Note);
        }
        self.executor.run_until_idle();
        let mut lines = self.log.take();
        lines.sort();
        assert_eq!(lines, ["a", "b", "c", "d"]);
    }
}

#[test]
fn each_strategy_begins_anew_whom_it_says_in_the_order_it_says() {
    for (supervision, expected) in [
        (Supervision::OneForOne, "-b +b"),
        (Supervision::OneForAll, "-b -d -c -a +a +b +c +d"),
        (Supervision::RestForOne, "-b -d -c +b +c +d"),
    ] {
        for what in [Do::Fail, Do::Panic] {
            let family = Family::usual(supervision);
            family.tell(1, what);
            assert_eq!(family.run(), expected, "{supervision:?}");
            family.is_whole();
            assert_eq!(family.child(3).path().as_str(), "/parent/d");
        }
    }
}

#[test]
fn each_begins_when_the_one_before_has_started() {
    let slow = Terms { slow_start: 10, ..USUAL };
    let family = Family::of(Supervision::OneForAll, [slow; 4]);
    family.tell(0, Do::Fail);
    let mut lines = vec![family.run()];
    for _ in 0..4 {
        assert_eq!(family.advance(9), "", "nobody begins while another starts");
        lines.push(family.advance(1));
    }
    assert_eq!(lines, ["-a -d -c -b", "+a", "+b", "+c", "+d"]);
}

#[test]
fn siblings_are_interrupted_and_their_queues_stay() {
    let family = Family::usual(Supervision::OneForAll);
    let dead = Dead::watch(&family.system);
    family.tell(2, Do::Stuck);
    family.tell(2, Do::Note);
    family.tell(3, Do::Slow(50));
    family.tell(3, Do::Note);
    family.executor.run_until_idle();
    family.tell(0, Do::Fail);
    assert_eq!(family.run(), "-a -d -c -b +a +b +c c +d d");
    assert_eq!(dead.all(), [(DropReason::Interrupted, None); 2]);
    assert_eq!(family.child(2).stats().drops.of(DropReason::Interrupted), 1);
    family.is_whole();
}

#[test]
fn who_cannot_begin_anew_stops_for_good() {
    let (never, once) = (Terms { restart: Restart::never(), ..USUAL }, Terms { once: true, ..USUAL });
    let family = Family::of(Supervision::OneForAll, [USUAL, never, once, USUAL]);
    let (second, third) = (family.child(1), family.child(2));
    family.tell(0, Do::Fail);
    assert_eq!(family.run(), "-a -d -c -b +a +d");
    for gone in [second, third] {
        assert!(matches!(gone.stop_reason(), Some(StopReason::Stopped)), "{:?}", gone.stop_reason());
    }
    assert!(family.parent.stop_reason().is_none());
    // Those that are left are a group still.
    family.tell(3, Do::Fail);
    assert_eq!(family.run(), "-d -a +a +d");
}

#[test]
fn who_never_restarts_fails_alone_and_so_do_stops() {
    let never = Terms { restart: Restart::never(), ..USUAL };
    for what in [Do::Fail, Do::Stop] {
        let family = Family::of(Supervision::OneForAll, [never, USUAL, USUAL, USUAL]);
        family.tell(0, what);
        assert_eq!(family.run(), "-a");
    }
    let always = Terms { restart: Restart::always(), ..USUAL };
    let family = Family::of(Supervision::OneForAll, [always, USUAL, USUAL, USUAL]);
    family.tell(0, Do::Stop);
    assert_eq!(family.run(), "-a +a", "no failure: nobody else is concerned");
    family.is_whole();
}

#[test]
fn restarts_of_all_siblings_count_together() {
    let terms = Terms { restart: Restart::on_failure().limit(2, Duration::from_secs(60)), ..USUAL };
    let family = Family::of(Supervision::RestForOne, [terms; 4]);
    family.tell(3, Do::Fail);
    assert_eq!(family.run(), "-d +d");
    family.tell(2, Do::Fail);
    assert_eq!(family.run(), "-c -d +c +d");
    family.tell(3, Do::Fail);
    // The parent begins anew, with a group that has nothing to its account.
    let lines = family.run();
    assert!(lines.starts_with("-d "), "{lines}");
    assert!(lines.ends_with("+parent +a +b +c +d"), "{lines}");
    family.tell(3, Do::Fail);
    assert_eq!(family.run(), "-d +d");
    for _ in 0..2 {
        family.tell(0, Do::Fail);
        family.executor.run_until_idle();
    }
    let lines = family.run();
    assert!(lines.contains("/parent/a failed: bad"), "{lines}");
    assert!(matches!(family.parent.stop_reason(), Some(StopReason::Failed(_))));
    assert!(family.system.is_empty());
}

#[test]
fn a_sibling_that_counts_over_a_short_span_forgets_nothing_for_the_others() {
    let over = |most, span| Terms { restart: Restart::on_failure().limit(most, span), ..USUAL };
    let (long, short) = (over(2, Duration::from_secs(60)), over(9, ms(1)));
    let family = Family::of(Supervision::RestForOne, [long, short, short, short]);
    family.tell(3, Do::Fail);
    family.advance(10);
    family.tell(3, Do::Fail);
    family.advance(10);
    family.tell(3, Do::Fail);
    assert_eq!(family.advance(10), "-d +d", "within its own span it is the first");
    family.tell(0, Do::Fail);
    assert!(family.run().contains("+parent"), "and the fourth of all within the other's");
}

#[test]
fn the_others_end_at_once_and_begin_after_the_backoff_of_the_one_that_failed() {
    let backoff = Backoff::exponential(ms(100), ms(100));
    let terms = Terms { restart: Restart::on_failure().backoff(backoff), ..USUAL };
    let family = Family::of(Supervision::OneForAll, [terms; 4]);
    family.tell(1, Do::Fail);
    assert_eq!(family.run(), "-b -d -c -a");
    assert_eq!(family.advance(99), "");
    assert_eq!(family.advance(1), "+a +b +c +d");
}

#[test]
fn a_sibling_that_waits_for_a_time_of_its_own_goes_with_the_others() {
    let backoff = Backoff::exponential(ms(100), ms(100));
    let patient = Terms { restart: Restart::always().backoff(backoff), ..USUAL };
    let family = Family::of(Supervision::OneForAll, [patient, USUAL, USUAL, USUAL]);
    family.tell(0, Do::Stop);
    assert_eq!(family.run(), "-a", "it begins anew by itself in a while");
    family.tell(3, Do::Fail);
    assert_eq!(family.run(), "-d -c -b +a +b +c +d");
    family.is_whole();
}

#[test]
fn one_that_fails_again_while_they_begin_takes_the_others_along_again() {
    let slow = Terms { slow_start: 10, ..USUAL };
    let family = Family::of(Supervision::OneForAll, [USUAL, slow, USUAL, USUAL]);
    family.tell(0, Do::Fail);
    family.tell(0, Do::Slow(5));
    family.tell(0, Do::Fail);
    assert_eq!(family.run(), "-a -d -c -b +a");
    assert_eq!(family.advance(5), "a -a -b +a", "the second was about to start");
    assert_eq!(family.advance(10), "+b +c +d");
    family.is_whole();
}

#[test]
fn two_that_fail_at_once_are_one_round_or_two_and_all_are_there_afterwards() {
    for supervision in [Supervision::OneForAll, Supervision::RestForOne] {
        let family = Family::usual(supervision);
        family.tell(0, Do::Fail);
        family.tell(2, Do::Fail);
        family.executor.advance(ms(100));
        family.log.take();
        family.is_whole();
        assert!(family.parent.stop_reason().is_none());
    }
}

#[test]
fn orders_from_outside_hold_in_the_middle_of_a_round() {
    type End = fn(&ActorRef<Do>);
    let ends: [(&str, End, &str); 3] = [
        ("stopped", |actor| actor.stop(), "+a +c +d"),
        ("killed", |actor| actor.kill(), "+a +c +d"),
        // What it had accepted is handled, without waiting for its turn.
        ("drained", |actor| actor.drain(), "+b b -b +a +c +d"),
    ];
    let backoff = Backoff::exponential(ms(100), ms(100));
    let terms = Terms { restart: Restart::on_failure().backoff(backoff), ..USUAL };
    for (reason, end, expected) in ends {
        let family = Family::of(Supervision::OneForAll, [terms; 4]);
        family.tell(3, Do::Fail);
        family.executor.run_until_idle();
        let child = family.child(1);
        child.try_tell(Do::Note).unwrap_or_else(|error| panic!("{error}"));
        end(&child);
        family.executor.run_until_idle();
        assert_eq!(child.stop_reason().unwrap().to_string(), reason, "at once");
        family.executor.advance(ms(100));
        let lines: Vec<String> = family.log.take().into_iter().skip(4).collect();
        assert_eq!(lines.join(" "), expected);
    }
}

#[test]
fn the_others_do_not_wait_until_one_of_them_has_drained() {
    let backoff = Backoff::exponential(ms(100), ms(100));
    let terms = Terms { restart: Restart::on_failure().backoff(backoff), ..USUAL };
    let family = Family::of(Supervision::OneForAll, [terms; 4]);
    family.tell(3, Do::Fail);
    family.tell(3, Do::Slow(1000));
    family.executor.run_until_idle();
    family.log.take();
    family.child(3).drain();
    assert_eq!(family.run(), "+d +a +b +c", "it has begun, and that is all that they wait for");
    assert_eq!(family.advance(1000), "d -d");
}

#[test]
fn a_parent_that_ends_in_the_middle_of_a_round_takes_all_along() {
    type End = fn(&ActorRef<()>);
    let ends: [(&str, End); 3] =
        [("stopped", |actor| actor.stop()), ("killed", |actor| actor.kill()), ("drained", |actor| actor.drain())];
    let backoff = Backoff::exponential(ms(100), ms(100));
    let terms = Terms { restart: Restart::on_failure().backoff(backoff), slow_start: 10, ..USUAL };
    for (reason, end) in ends {
        for at in [0, 50, 105, 115, 125] {
            let family = Family::of(Supervision::OneForAll, [terms; 4]);
            family.tell(3, Do::Fail);
            family.tell(1, Do::Note);
            family.executor.advance(ms(at));
            end(&family.parent);
            family.executor.advance(ms(50));
            assert_eq!(family.parent.stop_reason().map(|reason| reason.to_string()).as_deref(), Some(reason), "{at}");
            family.executor.advance(Duration::from_secs(10));
            assert_eq!((family.executor.tasks(), family.system.len()), (0, 0), "{reason} at {at}");
        }
    }
}

#[test]
fn a_sibling_that_does_not_end_holds_the_others_up_for_a_while_only() {
    let family = Family::usual(Supervision::OneForAll);
    // Its handler does not return for twelve seconds, during which the others
    // are told, wait, and go on without it.
    family.tell(3, Do::Hog(12_000));
    family.tell(3, Do::Note);
    family.tell(0, Do::Fail);
    let lines = family.run();
    assert!(lines.starts_with("-a -c -b +a +b +c "), "{lines}");
    assert!(lines.ends_with("-d +d d"), "{lines}");
    family.is_whole();
}

#[test]
fn grandchildren_that_do_not_end_are_killed_after_a_while() {
    let family = Family::usual(Supervision::OneForAll);
    family.tell(2, Do::Bear(60_000));
    family.executor.run_until_idle();
    family.tell(0, Do::Fail);
    assert_eq!(family.run(), "-a -d");
    assert_eq!(family.advance(4_999), "");
    let lines = family.advance(1);
    assert!(lines.contains("-c") && lines.contains("-b") && lines.contains("+d"), "{lines}");
    family.is_whole();
    // So are those of the one that fails.
    family.tell(2, Do::Bear(60_000));
    family.executor.run_until_idle();
    family.tell(2, Do::Fail);
    assert_eq!(family.run(), "-d -b -a");
    assert_eq!(family.advance(5_000), "-c +a +b +c +d");
}

#[test]
fn a_round_leaves_no_timer_behind() {
    let family = Family::usual(Supervision::OneForAll);
    // Mailboxes that had a message have storage, which a task looks after.
    family.is_whole();
    let before = family.executor.tasks();
    family.tell(1, Do::Fail);
    family.run();
    assert_eq!(family.executor.tasks(), before);
}

/// Random failures, kills, stops and waits: whatever happens, nobody waits for
/// ever, and nothing is lost without being counted.
#[test]
fn no_sequence_of_events_leaves_a_sibling_waiting() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let supervision = if seed % 2 == 0 { Supervision::OneForAll } else { Supervision::RestForOne };
        let backoff = Backoff::exponential(ms(seed % 3 * 5), ms(40));
        let restart = Restart::on_failure().limit(1000, Duration::from_secs(1000)).backoff(backoff);
        let terms = Terms { restart, slow_start: seed % 4, ..USUAL };
        let family = Family::of(supervision, [terms; 4]);
        let mut gone = [false; 4];
        for _ in 0..40 {
            let n = random.below(4) as usize;
            let child = family.child(n);
            let what = match random.below(10) {
                0..3 => Do::Fail,
                3 => Do::Panic,
                4 => Do::Stuck,
                5..8 => Do::Slow(random.below(30)),
                8 if random.below(8) == 0 => {
                    child.kill();
                    gone[n] = true;
                    continue;
                }
                _ => Do::Note,
            };
            let stuck = matches!(what, Do::Stuck);
            let _ = child.try_tell(what);
            if stuck {
                // Only a sibling's failure gets it out of there.
                let _ = family.child(random.below(4) as usize).try_tell(Do::Fail);
            }
            match random.below(3) {
                0 => family.executor.advance(ms(random.below(50))),
                1 => drop((0..random.below(9)).find(|_| !family.executor.try_step())),
                _ => {}
            }
        }
        family.executor.advance(Duration::from_secs(60));
        assert!(family.parent.stop_reason().is_none(), "seed {seed}");
        for (n, gone) in gone.into_iter().enumerate() {
            let child = family.child(n);
            let (state, stats) = (child.activity(), child.stats());
            if gone {
                assert!(child.stop_reason().is_some(), "seed {seed}, child {n}: {state}");
            } else {
                assert!(
                    matches!(state, tidegate::Activity::Parked | tidegate::Activity::Working),
                    "seed {seed}, child {n}: {state}"
                );
                assert!(stats.len == 0 || state == tidegate::Activity::Working, "seed {seed}, child {n}: {stats:?}");
            }
        }
        family.parent.kill();
        family.executor.advance(Duration::from_secs(10));
        assert_eq!((family.executor.tasks(), family.system.len()), (0, 0), "seed {seed}");
    }
}

/// The same on threads of their own: what matters is that it ends.
#[cfg(feature = "tokio")]
#[test]
fn siblings_on_many_threads_all_come_back() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let system = System::new();
        let (log, children) = (Log::default(), Children::default());
        let (noted, given) = (log.clone(), Arc::clone(&children));
        let restart = Restart::on_failure().limit(100_000, Duration::from_secs(1000));
        let terms = [Terms { restart, ..USUAL }; 4];
        let parent = system
            .build(move || Parent {
                log: noted.clone(),
                executor: ManualExecutor::new(),
                terms,
                children: Arc::clone(&given),
            })
            .supervision(Supervision::OneForAll)
            .start()
            .await
            .unwrap();
        let mut random = Random(7);
        for _ in 0..500 {
            let child = lock(&children)[random.below(4) as usize].clone();
            let what = if random.below(4) == 0 { Do::Fail } else { Do::Note };
            let _ = child.tell(what).await;
        }
        let everybody = lock(&children).clone();
        for child in everybody {
            let drained = async {
                while !child.is_empty() || !matches!(child.activity(), tidegate::Activity::Parked) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), drained).await.unwrap_or_else(|_| panic!("{child:?} waits"));
        }
        assert!(parent.stop_reason().is_none());
        parent.stop();
        parent.stopped().await;
    });
}
