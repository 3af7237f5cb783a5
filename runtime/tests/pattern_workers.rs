//! Work pulling: nobody hoards, nobody starves, and what a worker leaves behind
//! is done by another.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Jittery, Random, lock, manual, ms, start};
use tidegate::pattern::{Delivery, Workers};
use tidegate::prelude::*;
use tidegate::{Backoff, DropReason, Executor, ManualExecutor};

/// What was begun and done, by whom and when.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<Entry>>>);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    worker: u64,
    job: u64,
    at: Duration,
    done: bool,
}

impl Diary {
    fn add(&self, entry: Entry) {
        lock(&self.0).push(entry);
    }

    fn begun(&self) -> Vec<Entry> {
        lock(&self.0).iter().filter(|entry| !entry.done).cloned().collect()
    }

    /// How often each job was done.
    fn done(&self) -> BTreeMap<u64, u32> {
        let mut done = BTreeMap::new();
        lock(&self.0).iter().filter(|entry| entry.done).for_each(|entry| *done.entry(entry.job).or_default() += 1);
        done
    }

    /// How many jobs each worker has begun.
    fn by_worker(&self) -> BTreeMap<u64, u32> {
        let mut begun = BTreeMap::new();
        self.begun().iter().for_each(|entry| *begun.entry(entry.worker).or_default() += 1);
        begun
    }
}

/// Takes its time for each job.
struct Slow {
    number: u64,
    takes: Duration,
    diary: Diary,
    asks: u64,
}

impl Actor for Slow {
    type Msg = Delivery<u64>;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.request(self.asks);
        Ok(())
    }

    async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let entry = Entry { worker: self.number, job: *job, at: cx.now(), done: false };
        self.diary.add(entry.clone());
        cx.sleep(self.takes).await;
        self.diary.add(Entry { at: cx.now(), done: true, ..entry });
        job.ack();
        Ok(())
    }
}

fn slow(system: &System, number: u64, takes: Duration, diary: &Diary) -> ActorRef<Delivery<u64>> {
    // The default mailbox: it would take 1024 jobs if it were given them.
    let diary = diary.clone();
    system.build(move || Slow { number, takes, diary: diary.clone(), asks: 0 }).spawn()
}

fn hired(system: &System, workers: &Workers<u64>, numbers: std::ops::Range<u64>, takes: Duration, diary: &Diary) {
    for number in numbers {
        assert!(workers.join(&slow(system, number, takes, diary)));
    }
}

fn give(workers: &Workers<u64>, job: u64) {
    workers.actor_ref().try_tell(job).unwrap();
}

/// The incident: 75,000 jobs, five workers that have been at it for a while, and
/// 45 more that are started to help. With a queue in front of each worker all of
/// the jobs are theirs already, and the new ones look on.
fn help_is_at_work_at_once(workers: &Workers<u64>, executor: &ManualExecutor, system: &System) {
    let diary = Diary::default();
    hired(system, workers, 0..5, ms(20), &diary);
    let jobs = workers.actor_ref().clone();
    let sent = start(executor, async move {
        for job in 0..75_000 {
            jobs.tell(job).await.unwrap();
        }
    });
    executor.advance(ms(110));
    assert_eq!(diary.begun().len(), 5 * 6, "each is at its sixth job, and holds no other");
    assert_eq!(workers.stats().unsettled, 5);
    let before = executor.now();
    hired(system, workers, 5..50, ms(20), &diary);
    executor.advance(Duration::ZERO);
    let begun = diary.begun();
    let helped: Vec<&Entry> = begun.iter().filter(|entry| entry.worker >= 5).collect();
    assert_eq!(helped.len(), 45, "each of the new ones has a job");
    assert!(helped.iter().all(|entry| entry.at == before), "at once");
    assert_eq!(workers.stats().unsettled, 50);

    executor.block_on(async {
        while workers.stats().acked < 75_000 {
            executor.sleep(ms(5)).await;
        }
    });
    assert!(sent.take().is_some());
    // 30 jobs were begun by five before; fifty need 1500 turns for the rest.
    let took = executor.now() - before;
    assert!(took <= ms(20) * 1500 + ms(20), "{took:?}");
    let by_worker = diary.by_worker();
    assert!((5..50).all(|number| by_worker[&number] >= 1499), "{by_worker:?}");
    assert!(diary.done().values().all(|times| *times == 1));
    assert_eq!(diary.done().len(), 75_000);
}

#[test]
fn new_workers_have_work_at_once_however_long_the_backlog_of_producers() {
    let (executor, system) = manual();
    help_is_at_work_at_once(&Workers::new(&system), &executor, &system);
}

#[test]
fn new_workers_have_work_at_once_however_long_the_backlog_in_the_mailbox() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(100_000)).spawn(&system);
    help_is_at_work_at_once(&workers, &executor, &system);
}

/// What becomes of those who come to help when five others have had a backlog to
/// themselves, which each may take so much of.
struct Help {
    /// How many of them have a job at once.
    at_once: usize,
    /// How many jobs they do, all together.
    did: u32,
    /// How long the backlog takes from when they come.
    took: Duration,
}

fn help_with(backlog: u64, prefetch: usize) -> Help {
    let (executor, system) = manual();
    let diary = Diary::default();
    let roomy = Push::bounded(100_000);
    let workers = Workers::builder().mailbox(roomy).window(100_000).prefetch(prefetch).spawn(&system);
    let hire = |number| {
        let diary = diary.clone();
        let make = move || Slow { number, takes: ms(20), diary: diary.clone(), asks: 0 };
        assert!(workers.join(&system.build(make).mailbox(roomy).spawn()));
    };
    (0..5).for_each(hire);
    (0..backlog).for_each(|job| give(&workers, job));
    executor.advance(ms(110));
    let before = executor.now();
    (5..50).for_each(hire);
    executor.advance(Duration::ZERO);
    let at_once = diary.begun().iter().filter(|entry| entry.worker >= 5).count();
    workers.actor_ref().drain();
    executor.block_on(workers.actor_ref().stopped());
    assert_eq!(workers.stats().acked, backlog);
    let did = diary.by_worker().range(5..).map(|(_, did)| did).sum();
    Help { at_once, did, took: executor.now() - before }
}

/// The control: the same with workers that may take all they can get, as in the
/// incident. Those who come to help get nothing at all, and the rest takes as
/// long as if they had not come.
#[test]
fn workers_that_may_hoard_leave_nothing_to_those_who_come() {
    let hoarding = help_with(75_000, 15_000);
    assert_eq!((hoarding.at_once, hoarding.did), (0, 0));
    assert!(hoarding.took >= ms(20) * (15_000 - 6), "{:?}", hoarding.took);
    // Also with 1000 for each, when no more than that is left.
    let hoarding = help_with(5_000, 1000);
    assert_eq!((hoarding.at_once, hoarding.did), (0, 0));
    assert!(hoarding.took >= ms(20) * (1000 - 6), "{:?}", hoarding.took);
    // And what it is about is that setting alone.
    for (backlog, turns) in [(75_000, 1500), (5_000, 100)] {
        let sharing = help_with(backlog, 1);
        assert_eq!(sharing.at_once, 45);
        assert!(sharing.took <= ms(20) * turns, "{:?}", sharing.took);
    }
}

/// Two held instead of one: for a worker that comes it makes no difference while
/// there is a backlog, and at its end one job each.
#[test]
fn a_prefetch_of_two_hoards_two() {
    let help = help_with(5_000, 2);
    assert_eq!(help.at_once, 45);
    assert!(help.took <= ms(20) * 101, "{:?}", help.took);
}

#[test]
fn the_slow_do_not_hold_up_the_quick() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    let diary = Diary::default();
    hired(&system, &workers, 0..1, ms(10), &diary);
    hired(&system, &workers, 1..2, ms(50), &diary);
    (0..12).for_each(|job| give(&workers, job));
    executor.advance(ms(100));
    assert_eq!(diary.done().len(), 12);
    assert_eq!(diary.by_worker(), BTreeMap::from([(0, 10), (1, 2)]));
}

#[test]
fn jobs_go_to_whoever_has_been_free_longest_and_nobody_starves() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    let diary = Diary::default();
    hired(&system, &workers, 0..5, ms(1), &diary);
    for job in 0..20 {
        // One at a time: all five are free whenever it comes.
        workers.actor_ref().try_tell(job).unwrap();
        executor.advance(ms(2));
    }
    let turns: Vec<u64> = diary.begun().iter().map(|entry| entry.worker).collect();
    assert_eq!(turns, [0, 1, 2, 3, 4].repeat(4));
}

#[test]
fn prefetch_is_what_a_worker_may_hold() {
    let (executor, system) = manual();
    let workers = Workers::builder().prefetch(3).mailbox(Push::bounded(64)).spawn(&system);
    let (diary, other) = (Diary::default(), Diary::default());
    hired(&system, &workers, 0..1, ms(10), &diary);
    let greedy = slow(&system, 1, ms(10), &other);
    assert!(workers.join_with(&greedy, 5));
    assert!(!workers.join(&greedy), "once is enough");
    (0..20).for_each(|job| give(&workers, job));
    executor.advance(ms(1));
    assert_eq!(workers.stats().out, 8);
    assert_eq!(greedy.len(), 4, "and one in hand");
    executor.advance(ms(200));
    assert_eq!(workers.stats().acked, 20);
}

#[test]
fn a_worker_that_pulls_by_hand_gets_what_it_asked_for_and_holds_nobody_up() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    let diary = Diary::default();
    let picky = {
        let diary = diary.clone();
        let make = move || Slow { number: 0, takes: ms(1), diary: diary.clone(), asks: 2 };
        system.build(make).mailbox(Pull::manual()).spawn()
    };
    workers.join(&picky);
    (0..10).for_each(|job| give(&workers, job));
    executor.advance(ms(50));
    assert_eq!(diary.done().len(), 2, "it asked for two");
    hired(&system, &workers, 1..2, ms(1), &diary);
    executor.advance(ms(50));
    assert_eq!(diary.by_worker(), BTreeMap::from([(0, 2), (1, 8)]));
    // It asks for one more, and gets the next.
    picky.reconfigure(Push::bounded(4));
    executor.advance(ms(1));
    workers.actor_ref().try_tell(10).unwrap();
    workers.actor_ref().try_tell(11).unwrap();
    executor.advance(ms(50));
    assert_eq!(diary.done().len(), 12);
    assert_eq!(diary.by_worker()[&0], 3);
}

#[test]
fn what_a_killed_worker_held_is_done_by_another() {
    let (executor, system) = manual();
    let workers = Workers::builder()
        .prefetch(3)
        .mailbox(Push::bounded(64))
        .backoff(Backoff::exponential(ms(5), ms(5)))
        .spawn(&system);
    let diary = Diary::default();
    let doomed = slow(&system, 0, ms(1000), &diary);
    workers.join(&doomed);
    (0..3).for_each(|job| give(&workers, job));
    executor.advance(ms(10));
    assert_eq!((workers.stats().out, doomed.len()), (3, 2));
    doomed.kill();
    executor.advance(Duration::ZERO);
    assert_eq!((workers.len(), workers.stats().out), (0, 0), "it is none of them any more");
    hired(&system, &workers, 1..2, ms(1), &diary);
    executor.advance(ms(20));
    assert_eq!(diary.done(), BTreeMap::from([(0, 1), (1, 1), (2, 1)]));
    // The one in hand was tried; those in its mailbox were not.
    assert_eq!(workers.stats().redelivered, 1);
}

#[test]
fn a_worker_that_leaves_finishes_what_it_holds_and_gets_no_more() {
    let (executor, system) = manual();
    let workers = Workers::new(&system);
    let diary = Diary::default();
    let worker = slow(&system, 0, ms(10), &diary);
    workers.join(&worker);
    let jobs = workers.actor_ref().clone();
    let sent = start(&executor, async move {
        for job in 0..3 {
            jobs.tell(job).await.unwrap();
        }
    });
    executor.advance(ms(5));
    assert!(workers.leave(&worker));
    assert!(!workers.leave(&worker));
    executor.advance(ms(100));
    assert_eq!((diary.done().len(), workers.stats().acked), (1, 1));
    assert!(sent.take().is_none(), "nobody takes the rest");
    assert!(workers.join(&worker), "it may come again");
    executor.advance(ms(100));
    assert_eq!(diary.done().len(), 3);
    assert!(sent.take().is_some());
}

#[test]
fn a_paused_worker_gets_no_more_until_it_is_resumed() {
    let (executor, system) = manual();
    let workers = Workers::new(&system);
    let diary = Diary::default();
    let (first, other) = (slow(&system, 0, ms(10), &diary), slow(&system, 9, ms(10), &diary));
    workers.join(&first);
    let jobs = workers.actor_ref().clone();
    let sent = start(&executor, async move {
        for job in 0..4 {
            let _ = jobs.tell(job).await;
        }
    });
    executor.advance(ms(5));
    assert!(workers.pause(&first) && workers.pause(&first));
    assert!(!workers.pause(&other) && !workers.resume(&other), "it is none of them");
    executor.advance(ms(100));
    assert_eq!((diary.done().len(), workers.stats().out), (1, 0), "what it held it has done");
    let stats = &workers.workers()[0];
    assert_eq!((stats.id, stats.paused, stats.held, stats.acked), (first.id(), true, 0, 1));
    assert!(sent.take().is_none(), "jobs stay with their producer, as if it were not there");
    // Whoever drains waits for it: it is one of them.
    workers.actor_ref().drain();
    executor.advance(ms(100));
    assert!(workers.actor_ref().stop_reason().is_none());
    assert!(workers.resume(&first));
    executor.advance(ms(100));
    // The one that was waiting to be accepted was refused by the draining.
    let done = diary.done().len() as u64;
    assert_eq!((workers.stats().acked, workers.stats().unsettled), (done, 0));
    assert!(done > 1 && matches!(workers.actor_ref().stop_reason(), Some(StopReason::Drained)));
}

#[test]
fn a_paused_worker_is_waited_for_no_longer() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    let diary = Diary::default();
    let picky = {
        let diary = diary.clone();
        let make = move || Slow { number: 0, takes: ms(1), diary: diary.clone(), asks: 0 };
        system.build(make).mailbox(Pull::manual()).spawn()
    };
    workers.join(&picky);
    give(&workers, 0);
    executor.advance(ms(5));
    assert_eq!(picky.stats().waiting_senders, 1);
    assert!(workers.pause(&picky));
    executor.advance(ms(5));
    assert_eq!(picky.stats().waiting_senders, 0);
    picky.reconfigure(Push::bounded(4));
    executor.advance(ms(5));
    assert_eq!(diary.begun().len(), 0);
    assert!(workers.resume(&picky));
    executor.advance(ms(5));
    assert_eq!(diary.done().len(), 1);
}

#[test]
fn prefetch_changes_while_jobs_flow() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(200)).spawn(&system);
    let diary = Diary::default();
    let worker = slow(&system, 0, ms(10), &diary);
    assert!(!workers.set_prefetch(&worker, 4), "it is none of them");
    workers.join(&worker);
    (0..100).for_each(|job| give(&workers, job));
    let held = || (workers.workers()[0].held, workers.workers()[0].prefetch);
    executor.advance(ms(5));
    assert_eq!(held(), (1, 1));
    assert!(workers.set_prefetch(&worker, 8));
    executor.advance(Duration::ZERO);
    assert_eq!(held(), (8, 8), "more at once");
    assert!(workers.set_prefetch(&worker, 3));
    for left in [7, 6, 5, 4, 3, 3, 3] {
        executor.advance(ms(10));
        assert_eq!(held(), (left, 3), "fewer as it gets done");
    }
    assert!(workers.set_prefetch(&worker, 0));
    executor.advance(ms(1000));
    assert_eq!(held(), (0, 1), "at least 1");
    assert_eq!(diary.done().len(), 100);
}

#[test]
fn each_worker_s_part_is_seen() {
    /// Acknowledges even jobs, gives odd ones back, hangs at 7.
    struct Half;
    impl Actor for Half {
        type Msg = Delivery<u64>;
        async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
            match *job {
                7 => cx.sleep(ms(1000)).await,
                job if job % 2 == 1 => return Ok(()),
                _ => {}
            }
            job.ack();
            Ok(())
        }
    }
    let (executor, system) = manual();
    let terms = Workers::builder().mailbox(Push::bounded(64)).attempts(1).ack_within(ms(50)).prefetch(2);
    let workers = terms.spawn(&system);
    let half = system.spawn(Half, Push::bounded(8));
    workers.join(&half);
    workers.join_with(&slow(&system, 1, ms(10_000), &Diary::default()), 1);
    workers.pause(&half);
    give(&workers, 100);
    executor.advance(ms(1));
    workers.resume(&half);
    (0..8).for_each(|job| give(&workers, job));
    executor.advance(ms(100));
    let all = workers.workers();
    let part = |n: usize| (all[n].prefetch, all[n].held, all[n].acked, all[n].returned, all[n].late);
    assert_eq!(all[0].path, *half.path());
    assert_eq!(part(0), (2, 1, 4, 3, 1), "the one that is late is still held");
    assert_eq!(part(1), (1, 1, 0, 0, 1));
    executor.advance(ms(1000));
    let late = &workers.workers()[0];
    assert_eq!((late.held, late.acked), (0, 4), "it was given up: too late to be the first");
    assert_eq!(workers.stats().quarantined, 5);
}

/// A delay of one's own takes the place of the backoff, and the try counts.
#[test]
fn a_job_may_say_when_it_is_to_be_tried_again() {
    struct Later(Diary);
    impl Actor for Later {
        type Msg = Delivery<u64>;
        async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0.add(Entry { worker: u64::from(job.attempt()), job: *job, at: cx.now(), done: false });
            match job.attempt() {
                1 => job.nack_after(ms(700)),
                2 => job.into_parts().1.nack_after(ms(50)),
                _ => job.nack_after(Duration::ZERO),
            }
            Ok(())
        }
    }
    let (executor, system) = manual();
    let diary = Diary::default();
    let builder = Workers::builder().mailbox(Push::bounded(8)).attempts(4).keep_copies();
    let workers = builder.backoff(Backoff::exponential(ms(1), ms(1))).spawn(&system);
    workers.join(&system.spawn(Later(diary.clone()), Push::bounded(8)));
    give(&workers, 0);
    executor.advance(ms(2000));
    let tries: Vec<_> = diary.begun().iter().map(|entry| (entry.worker, entry.at)).collect();
    assert_eq!(tries, [(1, ms(0)), (2, ms(700)), (3, ms(750)), (4, ms(750))]);
    assert_eq!((workers.stats().quarantined, workers.stats().unsettled), (1, 0));
}

/// A heartbeat: as long as it comes, the job is nobody else's.
#[test]
fn work_that_takes_long_is_extended_and_stays_where_it_is() {
    struct Long(Diary, u64);
    impl Actor for Long {
        type Msg = Delivery<u64>;
        async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
            let mut in_time = true;
            for _ in 0..5 {
                self.0.add(Entry { worker: self.1, job: *job, at: cx.now(), done: false });
                cx.sleep(ms(40)).await;
                in_time &= job.extend();
            }
            assert_eq!((in_time, job.ack()), (true, true));
            Ok(())
        }
    }
    let (executor, system) = manual();
    let diary = Diary::default();
    let workers = Workers::builder().mailbox(Push::bounded(8)).ack_within(ms(50)).spawn(&system);
    for n in 0..2 {
        workers.join(&system.spawn(Long(diary.clone(), n), Push::bounded(8)));
    }
    give(&workers, 0);
    executor.advance(ms(1000));
    assert_eq!((workers.stats().acked, workers.stats().late, workers.stats().redelivered), (1, 0, 0));
    assert_eq!(diary.by_worker(), BTreeMap::from([(0, 5)]));
}

#[test]
fn a_worker_that_leaves_while_it_is_waited_for_gets_nothing_when_it_has_room() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    let diary = Diary::default();
    let picky = {
        let diary = diary.clone();
        let make = move || Slow { number: 0, takes: ms(1), diary: diary.clone(), asks: 0 };
        system.build(make).mailbox(Pull::manual()).spawn()
    };
    workers.join(&picky);
    give(&workers, 0);
    executor.advance(ms(5));
    assert_eq!(picky.stats().waiting_senders, 1);
    assert!(workers.leave(&picky));
    executor.advance(ms(5));
    assert_eq!(picky.stats().waiting_senders, 0, "nobody waits for it any more");
    picky.reconfigure(Push::bounded(4));
    executor.advance(ms(5));
    assert_eq!(diary.by_worker(), BTreeMap::new());
    hired(&system, &workers, 1..2, ms(1), &diary);
    executor.advance(ms(5));
    assert_eq!(diary.by_worker(), BTreeMap::from([(1, 1)]));
}

#[test]
fn a_worker_that_is_late_gets_no_more_until_it_has_settled() {
    let (executor, system) = manual();
    let workers = Workers::builder()
        .mailbox(Push::bounded(64))
        .ack_within(ms(50))
        .backoff(Backoff::exponential(ms(1), ms(1)))
        .spawn(&system);
    let diary = Diary::default();
    hired(&system, &workers, 0..1, ms(500), &diary);
    (0..5).for_each(|job| give(&workers, job));
    executor.advance(ms(10));
    hired(&system, &workers, 1..2, ms(1), &diary);
    executor.advance(ms(100));
    assert_eq!(diary.by_worker(), BTreeMap::from([(0, 1), (1, 5)]), "its job was done by the other, too");
    assert_eq!((workers.stats().late, workers.stats().acked, workers.stats().unsettled), (1, 5, 0));
    executor.advance(ms(1000));
    assert_eq!(diary.done()[&0], 2);
    assert_eq!(workers.stats().acked, 5, "what comes late counts no more");
    (5..7).for_each(|job| give(&workers, job));
    executor.advance(ms(1));
    assert_eq!(diary.by_worker()[&0], 2, "settled, it is one of them again");
}

#[test]
fn stopping_does_not_wait_for_workers_that_never_come() {
    let (executor, system) = manual();
    for drain in [false, true] {
        let before = system.dead_letters().counts().of(DropReason::Stopped);
        let workers = Workers::builder().mailbox(Push::bounded(8)).spawn(&system);
        (0..5).for_each(|job| give(&workers, job));
        executor.advance(ms(10));
        match drain {
            true => workers.actor_ref().drain(),
            false => workers.actor_ref().stop(),
        }
        executor.advance(ms(10));
        assert!(workers.actor_ref().stop_reason().is_some(), "drain: {drain}");
        assert_eq!(system.dead_letters().counts().of(DropReason::Stopped) - before, 5);
        assert!(!workers.join(&slow(&system, 0, ms(1), &Diary::default())), "there is no work any more");
    }
}

#[test]
fn draining_waits_for_the_jobs_that_are_out() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(8)).spawn(&system);
    let diary = Diary::default();
    hired(&system, &workers, 0..2, ms(10), &diary);
    (0..5).for_each(|job| give(&workers, job));
    workers.actor_ref().drain();
    executor.advance(ms(29));
    assert!(workers.actor_ref().stop_reason().is_none());
    executor.advance(ms(1));
    assert!(matches!(workers.actor_ref().stop_reason(), Some(StopReason::Drained)));
    assert_eq!(diary.done().len(), 5);
}

#[test]
fn a_shutdown_finishes_the_backlog_before_the_workers_end() {
    let (executor, system) = manual();
    let workers = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    let diary = Diary::default();
    hired(&system, &workers, 0..3, ms(10), &diary);
    (0..30).for_each(|job| give(&workers, job));
    let report = executor.block_on(system.shutdown(ms(1000)));
    assert!(report.is_clean(), "{report}");
    assert_eq!((diary.done().len(), executor.now()), (30, ms(100)));
}

#[test]
fn a_job_that_fails_everywhere_is_given_up_and_the_others_are_done() {
    struct Fussy;
    impl Actor for Fussy {
        type Msg = Delivery<u64>;
        async fn handle(&mut self, job: Delivery<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
            assert!(*job != 3, "poison");
            job.ack();
            Ok(())
        }
    }
    let (executor, system) = manual();
    let workers = Workers::builder()
        .mailbox(Push::bounded(64))
        .attempts(4)
        .backoff(Backoff::exponential(ms(1), ms(1)))
        .spawn(&system);
    for _ in 0..3 {
        workers.join(&system.build(|| Fussy).restart(Restart::on_failure().limit(9, ms(1000))).spawn());
    }
    (0..10).for_each(|job| give(&workers, job));
    executor.advance(ms(100));
    let stats = workers.stats();
    assert_eq!((stats.acked, stats.quarantined, stats.redelivered, stats.unsettled), (9, 1, 3, 0));
    let given_up = workers.quarantine().take();
    assert_eq!((given_up[0].message, given_up[0].attempts), (3, 4));
    assert_eq!(workers.len(), 3);
}

/// Does what chance says, and is begun anew after failures.
struct Erratic {
    chance: Arc<Mutex<Random>>,
    diary: Diary,
}

impl Actor for Erratic {
    type Msg = Delivery<u64>;

    async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let fate = lock(&self.chance).below(12);
        let wait = ms(lock(&self.chance).below(30));
        if fate != 0 {
            cx.sleep(wait).await;
        }
        match fate {
            1 => return Err(Fault::msg("chance")),
            2 => panic!("chance"),
            3 => job.nack(),
            4 => drop(job),
            5 => cx.stop(),
            _ => {
                self.diary.add(Entry { worker: 0, job: *job, at: cx.now(), done: true });
                job.ack();
            }
        }
        Ok(())
    }
}

/// Workers come, go, fail, are late and are killed: each job is done at least
/// once, and what was not done was tried as often as it is said to be.
#[test]
fn whatever_becomes_of_workers_no_job_is_lost() {
    let (mut given_back, mut put_aside, mut overdue) = (0, 0, 0);
    for seed in 0..60 {
        let executor = ManualExecutor::new();
        let system = System::with_executor(Jittery::new(executor.clone(), seed));
        let chance = Arc::new(Mutex::new(Random(seed ^ 0x5eed)));
        let diary = Diary::default();
        let attempts = 3 + seed as u32 % 6;
        let mut builder = Workers::builder()
            .prefetch(1 + seed as usize % 3)
            .attempts(attempts)
            .backoff(Backoff::exponential(ms(1), ms(8)).jitter(0.5));
        if seed % 2 == 0 {
            builder = builder.ack_within(ms(25));
        }
        if seed % 3 == 0 {
            builder = builder.mailbox(Push::bounded(200));
        }
        let workers = builder.spawn(&system);
        let jobs = workers.actor_ref().clone();
        let sent = start(&executor, async move {
            for job in 0..150 {
                jobs.tell(job).await.unwrap();
            }
        });
        let mut staff: Vec<ActorRef<Delivery<u64>>> = Vec::new();
        for _ in 0..2000 {
            executor.advance(ms(1));
            let roll = lock(&chance).below(100);
            let who = if staff.is_empty() { 0 } else { lock(&chance).below(staff.len() as u64) as usize };
            match roll {
                0..8 if staff.len() < 8 => {
                    let (chance, diary) = (Arc::clone(&chance), diary.clone());
                    let make = move || Erratic { chance: Arc::clone(&chance), diary: diary.clone() };
                    let worker = system.build(make).restart(Restart::on_failure().limit(3, ms(100))).spawn();
                    workers.join(&worker);
                    staff.push(worker);
                }
                8 if !staff.is_empty() => staff.swap_remove(who).kill(),
                9 if !staff.is_empty() => {
                    let worker = staff.swap_remove(who);
                    workers.leave(&worker);
                    worker.drain();
                }
                10 if !staff.is_empty() => staff.swap_remove(who).stop(),
                _ => staff.retain(|worker| worker.stop_reason().is_none()),
            }
            let stats = workers.stats();
            assert_eq!(
                stats.accepted,
                stats.acked + stats.quarantined + stats.lost + stats.unsettled as u64,
                "seed {seed}: {stats:?}"
            );
        }
        // Reliable ones at the end: whatever is left is done.
        hired(&system, &workers, 0..2, ms(1), &diary);
        executor.advance(ms(2000));
        assert!(sent.take().is_some(), "seed {seed}: a producer waits for ever");
        let stats = workers.stats();
        assert_eq!((stats.unsettled, stats.out, stats.lost), (0, 0, 0), "seed {seed}: {stats:?}");
        assert_eq!(stats.accepted, 150, "seed {seed}");
        let given_up = workers.quarantine().take();
        assert_eq!(given_up.len() as u64, stats.quarantined, "seed {seed}");
        assert!(given_up.iter().all(|job| job.attempts == attempts), "seed {seed}");
        let done = diary.done();
        let never: Vec<u64> = (0..150)
            .filter(|job| !done.contains_key(job) && !given_up.iter().any(|given_up| given_up.message == *job))
            .collect();
        assert!(never.is_empty(), "seed {seed}: lost {never:?}");
        if seed % 2 == 1 {
            // Without a limit of time nothing is done twice that was acknowledged.
            assert!(done.values().all(|times| *times == 1), "seed {seed}: {done:?}");
        }
        given_back += stats.redelivered;
        put_aside += stats.quarantined;
        overdue += stats.late;
    }
    // The test has seen what it is about.
    assert!(given_back > 1000 && put_aside > 20 && overdue > 100, "{given_back} {put_aside} {overdue}");
}
