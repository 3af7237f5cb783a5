//! At least once: what is not acknowledged comes again, and what cannot be
//! handled is put aside. With deduplication: once in effect.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Jittery, Log, Random, lock, manual, ms, start};
use tidegate::pattern::{Courier, CourierBuilder, Dedup, Delivery, Novelty, Receipt};
use tidegate::prelude::*;
use tidegate::{ActorId, Backoff, DeadLetter, DropReason, ManualExecutor, Phase};

/// What a [`Clerk`] does with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ack,
    Nack,
    Drop,
    Fail,
    Panic,
    Reject,
    /// Acknowledges after so many milliseconds.
    Slow(u64),
    /// Keeps it without doing anything.
    Keep,
    /// Takes it apart and keeps the receipt.
    Apart,
    Stop,
}

/// A number, and what is to become of it in each attempt; then it is
/// acknowledged. Not `Clone`: nothing has to be copied.
#[derive(Debug)]
struct Task(u64, Vec<Fate>);

impl Task {
    fn fate(&self, attempt: u32) -> Fate {
        self.1.get(attempt as usize - 1).copied().unwrap_or(Fate::Ack)
    }
}

impl Clone for Task {
    fn clone(&self) -> Self {
        assert!(self.0 != 666, "cannot be copied");
        Self(self.0, self.1.clone())
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Lists>>);

type Lists = (Vec<Delivery<Task>>, Vec<Receipt>);

struct Clerk {
    log: Log,
    kept: Kept,
}

impl Actor for Clerk {
    type Msg = Delivery<Task>;

    async fn handle(&mut self, task: Delivery<Task>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let fate = task.fate(task.attempt());
        self.log.add(format_args!("{}:{} {fate:?} at {}", task.0, task.attempt(), cx.now().as_millis()));
        match fate {
            Fate::Ack => assert!(task.ack()),
            Fate::Nack => task.nack(),
            Fate::Drop => drop(task),
            Fate::Fail => return Err(Fault::msg("told to")),
            Fate::Panic => panic!("told to"),
            Fate::Reject => task.reject(),
            Fate::Slow(takes) => {
                cx.sleep(ms(takes)).await;
                let first = task.ack();
                self.log.add(format_args!("acked {first}"));
            }
            Fate::Keep => lock(&self.kept.0).0.push(task),
            Fate::Apart => lock(&self.kept.0).1.push(task.into_parts().1),
            Fate::Stop => cx.stop(),
        }
        Ok(())
    }
}

struct Set {
    executor: ManualExecutor,
    system: System,
    log: Log,
    kept: Kept,
    target: ActorRef<Delivery<Task>>,
}

fn clerk(system: &System, log: &Log, kept: &Kept, mailbox: Mailbox<Delivery<Task>>) -> ActorRef<Delivery<Task>> {
    let (log, kept) = (log.clone(), kept.clone());
    let make = move || Clerk { log: log.clone(), kept: kept.clone() };
    system.build(make).mailbox(mailbox).restart(Restart::on_failure().limit(100, ms(1000))).spawn()
}

fn set() -> Set {
    let (executor, system) = manual();
    let (log, kept) = (Log::default(), Kept::default());
    let target = clerk(&system, &log, &kept, Push::bounded(64).into());
    Set { executor, system, log, kept, target }
}

impl Set {
    /// Waits of 10, 20, 40 ms.
    fn courier(&self) -> CourierBuilder<Task> {
        Courier::to(&self.target).backoff(Backoff::exponential(ms(10), ms(40)))
    }

    fn count(&self, reason: DropReason) -> u64 {
        self.system.dead_letters().counts().of(reason)
    }
}

fn give(courier: &Courier<Task>, number: u64, fates: impl Into<Vec<Fate>>) {
    courier.actor_ref().try_tell(Task(number, fates.into())).unwrap();
}

#[test]
fn what_is_acknowledged_is_delivered_once_and_in_order() {
    let set = set();
    let courier = set.courier().spawn(&set.system);
    (0..50).for_each(|n| give(&courier, n, []));
    set.executor.advance(ms(1000));
    assert_eq!(set.log.all(), (0..50).map(|n| format!("{n}:1 Ack at 0")).collect::<Vec<_>>());
    let stats = courier.stats();
    assert_eq!((stats.accepted, stats.acked, stats.redelivered, stats.unsettled, stats.out), (50, 50, 0, 0, 0));
}

#[test]
fn what_is_not_acknowledged_comes_again_whatever_the_reason() {
    for fate in [Fate::Nack, Fate::Drop, Fate::Fail, Fate::Panic] {
        let set = set();
        let courier = set.courier().spawn(&set.system);
        give(&courier, 7, [fate, fate, fate]);
        set.executor.advance(ms(1000));
        let expected = [
            format!("7:1 {fate:?} at 0"),
            format!("7:2 {fate:?} at 10"),
            format!("7:3 {fate:?} at 30"),
            "7:4 Ack at 70".into(),
        ];
        assert_eq!(set.log.all(), expected, "after growing waits");
        assert_eq!((courier.stats().acked, courier.stats().redelivered), (1, 3));
    }
}

#[test]
fn what_a_mailbox_drops_comes_again() {
    let (executor, system) = manual();
    let log = Log::default();
    let target = clerk(&system, &log, &Kept::default(), Push::bounded(2).overflow(Overflow::DropOldest).into());
    let courier = Courier::to(&target).backoff(Backoff::exponential(ms(10), ms(10))).attempts(20).spawn(&system);
    give(&courier, 0, [Fate::Slow(5)]);
    (1..10).for_each(|n| give(&courier, n, []));
    executor.advance(ms(1000));
    assert_eq!(courier.stats().acked, 10);
    assert!(system.dead_letters().counts().of(DropReason::DropOldest) > 0, "some were dropped");
    assert!(courier.stats().redelivered > 0);
}

#[test]
fn a_message_is_given_up_after_so_many_attempts() {
    let set = set();
    let courier = set.courier().attempts(3).spawn(&set.system);
    give(&courier, 1, [Fate::Panic, Fate::Fail, Fate::Nack]);
    give(&courier, 2, []);
    set.executor.advance(ms(1000));
    assert_eq!(set.log.all().len(), 4, "three attempts and one");
    assert_eq!((courier.stats().acked, courier.stats().quarantined, courier.stats().unsettled), (1, 1, 0));
    assert_eq!(set.count(DropReason::Quarantined), 1);
    let given_up = courier.quarantine().take();
    assert_eq!((given_up[0].message.0, given_up[0].attempts, given_up[0].rejected), (1, 3, false));
    assert!(courier.quarantine().is_empty());
}

#[test]
fn what_is_rejected_is_given_up_at_once_and_can_be_delivered_once_more() {
    let set = set();
    let courier = set.courier().spawn(&set.system);
    give(&courier, 1, [Fate::Reject, Fate::Ack]);
    set.executor.advance(ms(1));
    assert_eq!((courier.quarantine().len(), courier.stats().quarantined), (1, 1));
    assert_eq!(courier.quarantine().redeliver(), 1);
    set.executor.advance(ms(1));
    assert_eq!(courier.quarantine().len(), 1, "with all its attempts from the first");
    assert!(courier.quarantine().take()[0].rejected);
    assert_eq!(set.log.numbers().len(), 0);
    assert_eq!(set.log.all(), ["1:1 Reject at 0", "1:1 Reject at 1"]);
}

#[test]
fn the_quarantine_is_bounded_and_what_it_cannot_keep_is_in_the_dead_letter() {
    let set = set();
    let letters = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&letters);
    let _subscription = set.system.dead_letters().subscribe(move |letter: &DeadLetter| {
        lock(&seen).push((
            letter.reason,
            letter.message.as_ref().and_then(|message| message.downcast_ref::<Task>()).map(|task| task.0),
            letter.mailbox.to_string(),
        ));
    });
    let courier = set.courier().keep(2).named("post").spawn(&set.system);
    (0..4).for_each(|n| give(&courier, n, [Fate::Reject]));
    set.executor.advance(ms(1));
    assert_eq!(courier.quarantine().take().iter().map(|q| q.message.0).collect::<Vec<_>>(), [0, 1]);
    let expected = [None, None, Some(2), Some(3)].map(|number| (DropReason::Quarantined, number, "/post".to_owned()));
    assert_eq!(*lock(&letters), expected);
}

#[test]
fn what_takes_too_long_comes_again_and_the_first_acknowledgement_counts() {
    let set = set();
    let courier = set.courier().ack_within(ms(50)).spawn(&set.system);
    give(&courier, 1, [Fate::Keep, Fate::Keep]);
    set.executor.advance(ms(100));
    assert_eq!(set.log.all(), ["1:1 Keep at 0", "1:2 Keep at 60"]);
    assert_eq!((courier.stats().late, courier.stats().unsettled), (1, 1));
    let mut kept = std::mem::take(&mut lock(&set.kept.0).0).into_iter();
    assert!(kept.next().unwrap().ack(), "late, and yet the first");
    assert!(!kept.next().unwrap().ack(), "somebody else was first");
    set.executor.advance(ms(1000));
    assert_eq!((courier.stats().acked, courier.stats().unsettled, courier.stats().out), (1, 0, 0));
    assert_eq!(set.log.all().len(), 2);
}

#[test]
fn what_comes_back_late_changes_nothing() {
    let set = set();
    let courier = set.courier().ack_within(ms(50)).attempts(3).spawn(&set.system);
    give(&courier, 1, [Fate::Keep, Fate::Slow(30)]);
    set.executor.advance(ms(70));
    std::mem::take(&mut lock(&set.kept.0).0).into_iter().for_each(Delivery::reject);
    set.executor.advance(ms(1000));
    assert_eq!(set.log.all(), ["1:1 Keep at 0", "1:2 Slow(30) at 60", "acked true"]);
    assert_eq!(courier.stats().quarantined, 0);
}

#[test]
fn who_needs_longer_says_so() {
    let set = set();
    let courier = set.courier().ack_within(ms(50)).spawn(&set.system);
    give(&courier, 1, [Fate::Keep]);
    for _ in 0..5 {
        set.executor.advance(ms(40));
        assert!(lock(&set.kept.0).0[0].extend());
    }
    assert_eq!((courier.stats().late, set.log.all().len()), (0, 1));
    set.executor.advance(ms(60));
    assert_eq!(courier.stats().late, 1);
    assert!(!lock(&set.kept.0).0[0].extend(), "too late");
}

#[test]
fn the_window_is_what_may_be_unsettled_and_then_producers_wait() {
    let set = set();
    let courier = set.courier().window(4).mailbox(Push::bounded(3)).spawn(&set.system);
    give(&courier, 0, [Fate::Keep]);
    let producer = courier.actor_ref().clone();
    let sent = start(&set.executor, async move {
        for n in 1..20 {
            producer.tell(Task(n, vec![])).await.unwrap();
        }
    });
    set.executor.advance(ms(100));
    // The oldest is unsettled: no number may be more than three ahead of it.
    assert_eq!(set.log.all().len(), 4);
    assert_eq!((courier.stats().accepted, courier.stats().unsettled), (4, 1));
    assert!(courier.actor_ref().try_tell(Task(99, vec![])).is_err());
    assert!(sent.take().is_none());
    let kept = lock(&set.kept.0).0.pop().unwrap();
    kept.ack();
    set.executor.advance(ms(100));
    assert!(sent.take().is_some());
    assert_eq!(courier.stats().acked, 20);
}

#[test]
fn a_window_of_one_keeps_the_order_whatever_happens() {
    let set = set();
    let courier = set.courier().window(1).spawn(&set.system);
    give(&courier, 0, [Fate::Nack, Fate::Panic]);
    give(&courier, 1, [Fate::Drop]);
    give(&courier, 2, []);
    set.executor.advance(ms(1000));
    let order: Vec<String> = set.log.all().iter().map(|line| line[..3].to_owned()).collect();
    assert_eq!(order, ["0:1", "0:2", "0:3", "1:1", "1:2", "2:1"]);
}

#[test]
fn a_successor_gets_what_a_killed_target_held_and_only_what_was_tried_counts() {
    let set = set();
    let courier = set.courier().attempts(2).wait_for_successor().spawn(&set.system);
    give(&courier, 0, [Fate::Slow(1000)]);
    (1..5).for_each(|n| give(&courier, n, [Fate::Ack, Fate::Ack]));
    set.executor.advance(ms(5));
    assert_eq!((courier.stats().out, set.target.len()), (5, 4));
    set.target.kill();
    set.executor.advance(ms(50));
    assert_eq!((courier.stats().out, courier.stats().unsettled), (0, 5));
    assert!(courier.actor_ref().stop_reason().is_none(), "it waits");
    let successor = clerk(&set.system, &set.log, &set.kept, Push::bounded(64).into());
    courier.redirect(&successor);
    set.executor.advance(ms(1000));
    let mut second = set.log.all().split_off(1);
    second.sort();
    assert_eq!(second, ["0:2 Ack at 55", "1:1 Ack at 55", "2:1 Ack at 55", "3:1 Ack at 55", "4:1 Ack at 55"]);
    assert_eq!(courier.stats().acked, 5);
}

#[test]
fn with_its_target_a_courier_ends_and_what_nobody_can_take_is_a_dead_letter() {
    let set = set();
    let courier = set.courier().window(4).spawn(&set.system);
    give(&courier, 0, []);
    give(&courier, 1, [Fate::Keep]);
    give(&courier, 2, [Fate::Stop]);
    (3..10).for_each(|n| give(&courier, n, []));
    set.executor.advance(ms(1000));
    assert!(set.target.stop_reason().is_some());
    assert!(courier.actor_ref().try_tell(Task(99, vec![])).is_err(), "producers are told");
    assert!(courier.actor_ref().stop_reason().is_none(), "one is out, and may yet be done");
    let kept = lock(&set.kept.0).0.pop().unwrap();
    assert!(kept.ack());
    set.executor.advance(ms(1000));
    assert!(matches!(courier.actor_ref().stop_reason(), Some(StopReason::Drained)));
    let stats = courier.stats();
    assert_eq!((stats.accepted, stats.acked, stats.lost, stats.unsettled), (10, 2, 8, 0));
}

#[test]
fn a_shutdown_delivers_what_was_accepted_before_the_target_ends() {
    let set = set();
    let courier = set.courier().window(2).spawn(&set.system);
    (0..10).for_each(|n| give(&courier, n, [Fate::Nack]));
    let report = set.executor.block_on(set.system.shutdown(ms(1000)));
    assert!(report.is_clean(), "{report}");
    assert_eq!(courier.stats().acked, 10);
}

/// Takes its time, and passes on what it gets.
struct Desk(ActorRef<Task>);

impl Actor for Desk {
    type Msg = u64;

    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(ms(1)).await;
        self.0.tell(Task(n, vec![])).await?;
        Ok(())
    }
}

/// Has a [`Clerk`] for a child, and says who it is.
struct Chief(Log, Kept);

impl Actor for Chief {
    type Msg = Reply<ActorRef<Delivery<Task>>>;

    async fn handle(&mut self, reply: Self::Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        let (log, kept) = (self.0.clone(), self.1.clone());
        let child = cx.build_child(move || Clerk { log: log.clone(), kept: kept.clone() }).spawn();
        let _ = reply.send(child);
        Ok(())
    }
}

#[test]
fn in_a_shutdown_it_comes_just_before_its_target_and_after_those_who_work() {
    let set = set();
    let (log, kept) = (set.log.clone(), set.kept.clone());
    let chief = set.system.build(move || Chief(log.clone(), kept.clone())).phase(Phase::STATE).spawn();
    let target = set.executor.block_on(chief.ask(|reply| reply)).unwrap();
    let courier = Courier::to(&target).spawn(&set.system);
    let to = courier.actor_ref().clone();
    let desk = set.system.build(move || Desk(to.clone())).mailbox(Push::bounded(64)).spawn();
    (0..10).for_each(|n| assert!(desk.try_tell(n).is_ok()));
    let report = set.executor.block_on(set.system.shutdown(ms(1000)));
    assert!(report.is_clean(), "{report}");
    assert_eq!(courier.stats().acked, 10, "what the desk had accepted came through");
    let phases: Vec<Phase> = report.phases.iter().map(|phase| phase.phase).collect();
    assert_eq!(phases, [Phase::WORK, Phase::new(Phase::STATE.order() - 1), Phase::STATE]);
}

#[test]
fn draining_waits_until_everything_is_settled() {
    let set = set();
    let courier = set.courier().spawn(&set.system);
    give(&courier, 0, [Fate::Nack, Fate::Nack]);
    give(&courier, 1, [Fate::Slow(5)]);
    courier.actor_ref().drain();
    set.executor.advance(ms(29));
    assert!(courier.actor_ref().stop_reason().is_none());
    set.executor.advance(ms(10));
    assert!(matches!(courier.actor_ref().stop_reason(), Some(StopReason::Drained)));
    assert_eq!((courier.stats().acked, courier.stats().lost), (2, 0));
}

#[test]
fn stopped_it_sends_no_more_and_what_is_out_may_still_be_acknowledged() {
    let set = set();
    let courier = set.courier().window(3).spawn(&set.system);
    give(&courier, 0, [Fate::Keep]);
    give(&courier, 1, [Fate::Keep]);
    give(&courier, 2, [Fate::Nack]);
    (3..6).for_each(|n| give(&courier, n, []));
    set.executor.advance(ms(1));
    courier.actor_ref().stop();
    set.executor.advance(ms(1));
    assert!(courier.actor_ref().stop_reason().is_some(), "though it waited for room");
    // 2 waited to be tried again, 3 was in the courier's hands; 4 and 5 in its mailbox.
    assert_eq!((courier.stats().accepted, courier.stats().lost, courier.stats().unsettled), (4, 2, 2));
    assert_eq!(set.count(DropReason::Stopped), 4);
    let mut kept = std::mem::take(&mut lock(&set.kept.0).0).into_iter();
    assert!(kept.next().unwrap().ack());
    drop(kept);
    set.executor.advance(ms(1000));
    assert_eq!((courier.stats().acked, courier.stats().lost, courier.stats().unsettled), (1, 3, 0));
    assert_eq!(set.count(DropReason::Stopped), 5);
}

#[test]
fn a_receipt_without_its_message_is_redelivered_if_there_is_a_copy_and_accounted_for_if_not() {
    for copies in [true, false] {
        let set = set();
        let courier = set.courier();
        let courier = if copies { courier.keep_copies() } else { courier }.spawn(&set.system);
        give(&courier, 0, [Fate::Apart]);
        give(&courier, 1, [Fate::Apart]);
        set.executor.advance(ms(1));
        let mut receipts = std::mem::take(&mut lock(&set.kept.0).1).into_iter();
        assert!(receipts.next().unwrap().ack());
        drop(receipts);
        set.executor.advance(ms(100));
        let stats = courier.stats();
        assert_eq!((stats.acked, stats.lost), if copies { (2, 0) } else { (1, 1) });
        assert_eq!(set.count(DropReason::Interrupted), u64::from(!copies));
        assert_eq!(stats.unsettled, 0);
    }
}

#[test]
fn a_message_that_cannot_be_copied_is_given_up_and_harms_no_other() {
    let set = set();
    let courier = set.courier().keep_copies().attempts(2).spawn(&set.system);
    give(&courier, 666, []);
    give(&courier, 1, []);
    set.executor.advance(ms(100));
    assert_eq!(set.log.all(), ["1:1 Ack at 0"]);
    let given_up = courier.quarantine().take();
    assert_eq!((given_up[0].message.0, given_up[0].attempts), (666, 2));
}

#[test]
fn a_target_that_takes_other_messages_too_is_mapped() {
    enum Msg {
        Task(Delivery<Task>),
        Count(Reply<u64>),
    }
    struct Desk(u64);
    impl Actor for Desk {
        type Msg = Msg;
        async fn handle(&mut self, msg: Msg, _: &mut Context<Self>) -> Result<(), Fault> {
            match msg {
                Msg::Task(task) => self.0 += u64::from(task.ack()),
                Msg::Count(reply) => drop(reply.send(self.0)),
            }
            Ok(())
        }
    }
    let (executor, system) = manual();
    let desk = system.spawn(Desk(0), Pull::one_by_one());
    let courier = Courier::to(&desk.map(Msg::Task)).spawn(&system);
    (0..9).for_each(|n| give(&courier, n, []));
    executor.advance(ms(1));
    assert_eq!(executor.block_on(desk.ask(Msg::Count)).unwrap(), 9);
}

#[test]
fn for_ever_is_a_time_like_any_other() {
    let set = set();
    let forever = Backoff::exponential(Duration::MAX, Duration::MAX);
    let courier = set.courier().ack_within(Duration::MAX).backoff(forever).spawn(&set.system);
    set.executor.advance(ms(1));
    give(&courier, 0, [Fate::Slow(5)]);
    give(&courier, 1, [Fate::Nack]);
    set.executor.advance(ms(100));
    assert_eq!((courier.stats().acked, courier.stats().unsettled), (1, 1));
    assert!(courier.actor_ref().stop_reason().is_none());
}

#[test]
fn the_largest_number_is_a_number() {
    let dedup = Dedup::new(2);
    let Novelty::First(claim) = dedup.claim("a", u64::MAX) else { panic!("new") };
    claim.done();
    assert!(matches!(dedup.claim("a", u64::MAX), Novelty::Done));
    assert!(matches!(dedup.claim("a", u64::MAX - 1), Novelty::First(_)));
    assert!(matches!(dedup.claim("a", u64::MAX - 2), Novelty::Unknown));
    assert!(matches!(dedup.claim("a", 0), Novelty::Unknown));
    assert_eq!(dedup.remembered(), 1);
}

#[test]
fn dedup_remembers_a_window_of_each_source_and_forgets_the_silent() {
    let dedup = Dedup::with_sources(4, 2);
    let is_first = |source: &'static str, sequence| match dedup.claim(source, sequence) {
        Novelty::First(claim) => {
            claim.done();
            true
        }
        _ => false,
    };
    assert!((0..4).all(|n| is_first("a", n)));
    assert!((0..4).all(|n| !is_first("a", n)));
    assert!(is_first("b", 0), "each source has its own numbers");
    assert!(is_first("a", 9), "gaps do no harm");
    assert!(matches!(dedup.claim("a", 5), Novelty::Unknown));
    assert!(is_first("a", 6), "not seen, and within the window");
    assert!(dedup.remembered() <= 3, "{}", dedup.remembered());
    assert!(is_first("c", 0), "one source too many");
    assert!(!is_first("a", 9));
    assert!(is_first("b", 0), "the one that was silent longest is forgotten");
    assert_eq!(dedup.duplicates(), 5);
}

#[test]
fn a_claim_that_was_forgotten_meanwhile_settles_nothing() {
    let dedup = Dedup::new(2);
    let Novelty::First(early) = dedup.claim(1, 0) else { panic!("new") };
    drop(dedup.claim(1, 5));
    early.done();
    assert!(matches!(dedup.claim(1, 0), Novelty::Unknown));
    assert_eq!(dedup.remembered(), 0);
}

/// Counts what it does, in a memory that outlives it; fails before, after and
/// beside its work as chance says, in the first attempts or for ever.
struct Till {
    chance: Arc<Mutex<Random>>,
    done: Arc<Mutex<BTreeMap<u64, u32>>>,
    tried: Arc<Mutex<BTreeMap<u64, u32>>>,
    dedup: Option<Dedup<ActorId>>,
}

fn is_poison(n: u64) -> bool {
    n % 17 == 3
}

impl Till {
    fn work(&self, task: &Delivery<u64>) -> Result<bool, Fault> {
        let effect = || *lock(&self.done).entry(**task).or_default() += 1;
        let Some(dedup) = &self.dedup else {
            effect();
            return Ok(true);
        };
        match dedup.claim_delivery(task) {
            Novelty::First(claim) => {
                effect();
                claim.done();
            }
            Novelty::Done => {}
            Novelty::Underway => return Ok(false),
            Novelty::Unknown => return Err(Fault::msg("a window as large as the courier's is enough")),
        }
        Ok(true)
    }
}

impl Actor for Till {
    type Msg = Delivery<u64>;

    async fn handle(&mut self, task: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
        *lock(&self.tried).entry(*task).or_default() += 1;
        if is_poison(*task) {
            match lock(&self.chance).below(3) {
                0 => panic!("poison"),
                1 => return Err(Fault::msg("poison")),
                _ => return Ok(()),
            }
        }
        // The last attempts go well: what is no poison is done in the end.
        let fate = if task.attempt() > 6 { 99 } else { lock(&self.chance).below(14) };
        let wait = ms(lock(&self.chance).below(12));
        match fate {
            0 => return Err(Fault::msg("before the work")),
            1 => panic!("before the work"),
            2 => task.nack(),
            3 => drop(task),
            4 | 5 => cx.sleep(wait).await,
            _ => {
                if fate == 6 {
                    cx.sleep(wait).await;
                }
                if !self.work(&task)? {
                    return Ok(());
                }
                match fate {
                    7 => panic!("after the work, before it is acknowledged"),
                    8 => return Err(Fault::msg("after the work, before it is acknowledged")),
                    9 => cx.sleep(wait).await,
                    _ => {
                        task.ack();
                    }
                }
            }
        }
        Ok(())
    }
}

/// For each seed: nothing is lost, poison is put aside after exactly so many
/// attempts, and with deduplication everything else is done exactly once, over
/// restarts, kills, successors, lost acknowledgements and mailboxes that drop.
#[test]
fn nothing_is_lost_and_with_deduplication_everything_is_done_once() {
    const ATTEMPTS: u32 = 9;
    let mut twice = 0;
    let (mut late, mut redelivered, mut unknown) = (0, 0, 0);
    for seed in 0..80_u64 {
        let executor = ManualExecutor::new();
        let system = System::with_executor(Jittery::new(executor.clone(), seed));
        let chance = Arc::new(Mutex::new(Random(seed ^ 0xacce_97ed)));
        let (done, tried) = (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(Mutex::new(BTreeMap::new())));
        let window = 1 + seed as usize % 16;
        let dedup = (seed % 4 != 0).then(|| Dedup::new(window));
        let hire = || {
            let (chance, done, tried, dedup) = (chance.clone(), done.clone(), tried.clone(), dedup.clone());
            let make =
                move || Till { chance: chance.clone(), done: done.clone(), tried: tried.clone(), dedup: dedup.clone() };
            let mailbox: Mailbox<Delivery<u64>> = match seed % 3 {
                0 => Push::bounded(4).into(),
                1 => Pull::one_by_one().into(),
                _ => Push::bounded(8).into(),
            };
            system.build(make).mailbox(mailbox).restart(Restart::on_failure().limit(50, ms(50))).spawn()
        };
        let mut target = hire();
        let mut builder = Courier::to(&target)
            .window(window)
            .attempts(ATTEMPTS)
            .wait_for_successor()
            .backoff(Backoff::exponential(ms(1), ms(6)).jitter(0.5));
        if seed % 2 == 0 {
            builder = builder.ack_within(ms(8));
        }
        let courier = builder.spawn(&system);
        let producer = courier.actor_ref().clone();
        let sent = start(&executor, async move {
            for n in 0..120 {
                producer.tell(n).await.unwrap();
            }
        });
        for _ in 0..6000 {
            executor.advance(ms(1));
            if lock(&chance).below(60) == 0 {
                // In the middle of a handler, or between two.
                target.kill();
                target = hire();
                courier.redirect(&target);
            } else if target.stop_reason().is_some() {
                target = hire();
                courier.redirect(&target);
            }
            let stats = courier.stats();
            let accounted = stats.acked + stats.quarantined + stats.lost + stats.unsettled as u64;
            assert_eq!(stats.accepted, accounted, "seed {seed}: {stats:?}");
            assert!(stats.unsettled <= window, "seed {seed}: {stats:?}");
        }
        executor.advance(ms(500));
        let stats = courier.stats();
        assert!(sent.take().is_some(), "seed {seed}: {stats:?}");
        assert_eq!((stats.accepted, stats.unsettled, stats.lost), (120, 0, 0), "seed {seed}: {stats:?}");
        let given_up: BTreeMap<u64, u32> =
            courier.quarantine().take().iter().map(|given_up| (given_up.message, given_up.attempts)).collect();
        let (done, tried) = (lock(&done).clone(), lock(&tried).clone());
        for n in 0..120 {
            let times = done.get(&n).copied().unwrap_or_default();
            if is_poison(n) {
                assert_eq!(given_up.get(&n), Some(&ATTEMPTS), "seed {seed}: {n} {tried:?}");
                assert!(tried[&n] <= ATTEMPTS, "seed {seed}: {n} was tried {} times", tried[&n]);
                assert_eq!(times, 0, "seed {seed}: {n}");
                continue;
            }
            // Given up without being done only if it was late or killed each time.
            assert!(times > 0 || given_up.contains_key(&n), "seed {seed}: {n} is lost");
            if dedup.is_some() {
                assert!(times <= 1, "seed {seed}: {n} was done {times} times");
            }
            twice += u32::from(times > 1);
        }
        late += stats.late;
        redelivered += stats.redelivered;
        unknown += u32::from(dedup.is_some_and(|dedup| dedup.duplicates() > 0));
    }
    // The test has seen what it is about.
    assert!(twice > 20 && late > 20 && redelivered > 1000 && unknown > 20, "{twice} {late} {redelivered} {unknown}");
}

/// The state of a courier is behind a lock: many threads, and every message is
/// settled once.
#[cfg(feature = "tokio")]
#[test]
fn on_many_threads_every_message_is_settled_once() {
    struct Flaky(u64);
    impl Actor for Flaky {
        type Msg = Delivery<u64>;
        async fn handle(&mut self, task: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0 += 1;
            match self.0 % 7 {
                0 => return Err(Fault::msg("now and then")),
                1 => cx.spawn(async move { assert!(task.ack()) }),
                2 => cx.spawn(async move { task.nack() }),
                _ => assert!(task.ack()),
            }
            Ok(())
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    runtime.block_on(async {
        let system = System::new();
        let again = Restart::on_failure().limit(u32::MAX, Duration::from_secs(1));
        let flaky = system.build(|| Flaky(0)).restart(again).spawn();
        let courier = Courier::to(&flaky)
            .attempts(1000)
            .window(32)
            .backoff(Backoff::exponential(Duration::ZERO, Duration::ZERO))
            .spawn(&system);
        let producers: Vec<_> = (0..4)
            .map(|_| {
                let to = courier.actor_ref().clone();
                tokio::spawn(async move {
                    for n in 0..500 {
                        to.tell(n).await.unwrap();
                    }
                })
            })
            .collect();
        for producer in producers {
            producer.await.unwrap();
        }
        courier.actor_ref().drain();
        courier.actor_ref().stopped().await;
        let stats = courier.stats();
        assert_eq!((stats.accepted, stats.acked, stats.unsettled, stats.out), (2000, 2000, 0, 0), "{stats:?}");
    });
}
