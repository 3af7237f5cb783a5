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
