//! Work pulling with keys: the jobs of one key are done in their order and by
//! one worker at a time, whatever becomes of workers; keys stay where they are
//! as far as nobody idles for it; and what is remembered of them is bounded.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Jittery, Random, lock, manual, ms, start};
use tidegate::pattern::{Delivery, KeyStats, Workers, WorkersBuilder};
use tidegate::prelude::*;
use tidegate::{Backoff, DropReason, Executor, ManualExecutor};

/// The `n`th job of its key.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Job {
    key: u64,
    n: u64,
    takes: Duration,
}

fn job(key: u64, n: u64, takes: u64) -> Job {
    Job { key, n, takes: ms(takes) }
}

/// Sees every job begin and end, and notes what must not be.
#[derive(Clone, Default)]
struct Watch(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    begun: Vec<Begun>,
    /// By key: the number of each delivery in hand, and from when on it is late.
    in_hand: BTreeMap<u64, Vec<(u64, Option<Duration>)>>,
    /// By key: the latest job that was begun, and its fence.
    latest: BTreeMap<u64, (u64, u64)>,
    done: BTreeMap<(u64, u64), u32>,
    wrong: Vec<String>,
    overlaps: u64,
    count: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Begun {
    worker: u64,
    key: u64,
    n: u64,
    at: Duration,
}

/// A job in hand.
struct InHand(Watch, u64, u64);

impl Watch {
    fn begin(&self, worker: u64, job: &Delivery<Job>, at: Duration, limit: Option<Duration>) -> InHand {
        let (key, n, fence) = (job.key, job.n, job.fence());
        let mut seen = lock(&self.0);
        let seen = &mut *seen;
        seen.count += 1;
        seen.begun.push(Begun { worker, key, n, at });
        let in_hand = seen.in_hand.entry(key).or_default();
        seen.overlaps += u64::from(!in_hand.is_empty());
        if in_hand.iter().any(|(_, late)| late.is_none_or(|late| at < late)) {
            seen.wrong.push(format!("{at:?}: {key}.{n} begins while another of its key is in hand"));
        }
        in_hand.push((seen.count, limit.map(|limit| at + limit)));
        let latest = seen.latest.entry(key).or_insert((n, 0));
        if n < latest.0 {
            seen.wrong.push(format!("{at:?}: {key}.{n} begins after {key}.{}", latest.0));
        }
        if fence <= latest.1 {
            seen.wrong.push(format!("{at:?}: {key}.{n} has fence {fence} after {}", latest.1));
        }
        *latest = (n.max(latest.0), fence);
        InHand(self.clone(), key, seen.count)
    }

    fn done(&self, job: &Job) {
        *lock(&self.0).done.entry((job.key, job.n)).or_default() += 1;
    }

    fn begun(&self) -> Vec<Begun> {
        lock(&self.0).begun.clone()
    }

    fn wrong(&self) -> Vec<String> {
        lock(&self.0).wrong.clone()
    }

    /// Key and number of each job, as they were begun.
    fn order(&self) -> Vec<(u64, u64)> {
        self.begun().iter().map(|begun| (begun.key, begun.n)).collect()
    }

    /// The jobs of this key, as they were begun.
    fn numbers(&self, key: u64) -> Vec<u64> {
        self.begun().iter().filter(|begun| begun.key == key).map(|begun| begun.n).collect()
    }

    /// Who has begun jobs of this key, in order.
    fn who(&self, key: u64) -> Vec<u64> {
        self.begun().iter().filter(|begun| begun.key == key).map(|begun| begun.worker).collect()
    }

    /// How often a job was begun by another worker than the one before of its key.
    fn changes(&self) -> usize {
        let mut last = BTreeMap::new();
        self.begun()
            .iter()
            .filter(|begun| last.insert(begun.key, begun.worker).is_some_and(|w| w != begun.worker))
            .count()
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let Self(watch, key, number) = self;
        if let Some(in_hand) = lock(&watch.0).in_hand.get_mut(key) {
            in_hand.retain(|(other, _)| other != number);
        }
    }
}

/// Takes its time for each job; gives the first attempt of jobs up if told to.
struct Steady {
    number: u64,
    watch: Watch,
    fails: fn(&Delivery<Job>) -> bool,
}

impl Actor for Steady {
    type Msg = Delivery<Job>;

    async fn handle(&mut self, job: Delivery<Job>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let _in_hand = self.watch.begin(self.number, &job, cx.now(), None);
        cx.sleep(job.takes).await;
        if (self.fails)(&job) {
            return Ok(());
        }
        self.watch.done(&job);
        job.ack();
        Ok(())
    }
}

type Ref = ActorRef<Delivery<Job>>;

fn failing(system: &System, number: u64, watch: &Watch, fails: fn(&Delivery<Job>) -> bool) -> Ref {
    system.spawn(Steady { number, watch: watch.clone(), fails }, Push::bounded(64))
}

fn steady(system: &System, number: u64, watch: &Watch) -> Ref {
    failing(system, number, watch, |_| false)
}

fn hired(system: &System, workers: &Workers<Job>, numbers: std::ops::Range<u64>, watch: &Watch) -> Vec<Ref> {
    let hire = |number| {
        let worker = steady(system, number, watch);
        assert!(workers.join(&worker));
        worker
    };
    numbers.map(hire).collect()
}

/// With a backlog, and without a wait between attempts.
fn keyed() -> WorkersBuilder<Job> {
    Workers::builder().keyed(|job: &Job| job.key).mailbox(Push::bounded(20_000)).backoff(at_once())
}

fn at_once() -> Backoff {
    Backoff::exponential(Duration::ZERO, Duration::ZERO)
}

fn give(workers: &Workers<Job>, jobs: impl IntoIterator<Item = Job>) {
    for job in jobs {
        workers.actor_ref().try_tell(job).unwrap();
    }
}

fn keys(active: usize, remembered: usize, behind: usize) -> impl Fn(KeyStats) -> bool {
    move |stats| (stats.active, stats.remembered, stats.behind) == (active, remembered, behind)
}

#[test]
fn jobs_of_one_key_are_done_one_after_the_other_and_others_do_not_wait() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().spawn(&system), Watch::default());
    hired(&system, &workers, 0..3, &watch);
    give(&workers, [job(1, 0, 30), job(1, 1, 10), job(1, 2, 10), job(2, 0, 10), job(2, 1, 10), job(3, 0, 5)]);
    executor.advance(ms(1));
    assert_eq!(watch.order(), [(1, 0), (2, 0), (3, 0)], "each worker has one, of a key of its own");
    assert!(keys(3, 0, 3)(workers.key_stats()), "{:?}", workers.key_stats());
    executor.advance(ms(99));
    assert_eq!(watch.order()[3..], [(2, 1), (1, 1), (1, 2)]);
    assert_eq!(watch.begun()[5].at, ms(40), "no sooner than the one before is done");
    assert_eq!((watch.wrong(), workers.stats().acked), (vec![], 6));
    assert!(keys(0, 0, 0)(workers.key_stats()), "without jobs a key is forgotten");
}

/// However it comes back, and with prefetch too: later jobs of its key are not
/// in somebody's mailbox already.
#[test]
fn a_job_that_comes_back_is_done_before_later_ones_of_its_key() {
    for prefetch in [1, 4] {
        for wait in [0, 7] {
            let (executor, system) = manual();
            let backoff = Backoff::exponential(ms(wait), ms(wait));
            let workers = keyed().prefetch(prefetch).backoff(backoff).spawn(&system);
            let watch = Watch::default();
            let shaky = |number| failing(&system, number, &watch, |job| job.attempt() < 3 && job.n % 2 == 0);
            (0..2).for_each(|number| assert!(workers.join(&shaky(number))));
            give(&workers, (0..6).flat_map(|n| [job(1, n, 2), job(2, n, 3)]));
            executor.advance(ms(500));
            for key in [1, 2] {
                assert_eq!(
                    watch.numbers(key),
                    [0, 0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5],
                    "prefetch {prefetch}, wait {wait}"
                );
            }
            assert_eq!((watch.wrong(), workers.stats().acked, workers.stats().redelivered), (vec![], 12, 12));
        }
    }
}

#[test]
fn what_a_killed_worker_had_in_hand_is_the_next_of_its_key() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().prefetch(2).spawn(&system), Watch::default());
    let doomed = hired(&system, &workers, 0..1, &watch).remove(0);
    give(&workers, [job(1, 0, 50), job(1, 1, 1), job(2, 0, 1), job(1, 2, 1), job(2, 1, 1)]);
    executor.advance(ms(10));
    assert_eq!((workers.stats().out, doomed.len()), (2, 1), "one in hand, one of another key behind it");
    doomed.kill();
    hired(&system, &workers, 1..3, &watch);
    executor.advance(ms(100));
    assert_eq!(watch.wrong(), [""; 0]);
    assert_eq!(watch.numbers(1), [0, 0, 1, 2]);
    assert_eq!(watch.numbers(2), [0, 1]);
    assert_eq!((workers.stats().acked, workers.stats().redelivered), (5, 1), "that of key 2 was not opened");
}

#[test]
fn a_key_stays_with_its_worker_while_there_are_jobs_of_it() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().spawn(&system), Watch::default());
    hired(&system, &workers, 0..4, &watch);
    // All keys mixed; by turns alone each job would go to another worker.
    give(&workers, (0..50).flat_map(|n| (0..4).map(move |key| job(key, n, 1 + (n * 7 + key * 3) % 5))));
    executor.advance(ms(1000));
    for key in 0..4 {
        assert_eq!(watch.who(key).len(), 50);
        assert_eq!(BTreeSet::from_iter(watch.who(key)).len(), 1, "key {key}: {:?}", watch.who(key));
    }
    assert_eq!((watch.wrong(), workers.key_stats().moved), (vec![], 0));
}

/// Eight workers have more than enough to do, of sixty keys, in an order given
/// by chance. Without keys the next job of a key is with another worker seven
/// times out of eight. And staying costs nothing: nobody is idle for it.
#[test]
fn under_load_keys_stay_where_they_are_and_nobody_idles_for_it() {
    let run = |builder: WorkersBuilder<Job>| {
        let (executor, system) = manual();
        let (workers, watch) = (builder.mailbox(Push::bounded(20_000)).window(2000).spawn(&system), Watch::default());
        hired(&system, &workers, 0..8, &watch);
        let (mut chance, mut next) = (Random(7), [0; 60]);
        let jobs: Vec<Job> = (0..8000)
            .map(|_| {
                let key = chance.below(60);
                next[key as usize] += 1;
                job(key, next[key as usize], 1 + chance.below(4))
            })
            .collect();
        let work: Duration = jobs.iter().map(|job| job.takes).sum();
        give(&workers, jobs);
        workers.actor_ref().drain();
        executor.block_on(workers.actor_ref().stopped());
        assert_eq!(workers.stats().acked, 8000);
        (watch, executor.now(), work / 8)
    };
    let (watch, took, least) = run(Workers::builder().keyed(|job: &Job| job.key));
    assert_eq!(watch.wrong(), [""; 0]);
    assert!(watch.changes() < 800, "{} of 8000", watch.changes());
    assert!(took < least + least / 50, "{took:?}, all eight at work need {least:?}");
    let (control, ..) = run(Workers::builder());
    assert!(control.changes() > 6000 && !control.wrong().is_empty(), "{}", control.changes());
}

#[test]
fn nobody_idles_for_the_sake_of_a_key() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().affinity(8).spawn(&system), Watch::default());
    hired(&system, &workers, 0..2, &watch);
    give(&workers, [job(1, 0, 1)]);
    executor.advance(ms(2));
    give(&workers, [job(2, 0, 1)]);
    executor.advance(ms(2));
    // Key 1 is at home with 0, which is busy with key 3 from now on.
    give(&workers, [job(3, 0, 50)]);
    executor.advance(ms(2));
    let home = watch.who(1)[0];
    assert_eq!(watch.who(3), [home], "free for longest");
    give(&workers, [job(1, 1, 1)]);
    executor.advance(ms(2));
    assert_eq!(watch.who(1), [home, 1 - home], "the other does it at once");
    assert_eq!(workers.key_stats().moved, 1);
    executor.advance(ms(100));
    // And there it is from now on, though the first is free for longer.
    give(&workers, [job(1, 2, 1)]);
    executor.advance(ms(2));
    assert_eq!(watch.who(1)[2], 1 - home);
}

#[test]
fn a_new_worker_takes_keys_over_from_those_who_are_busy() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().spawn(&system), Watch::default());
    hired(&system, &workers, 0..1, &watch);
    give(&workers, (0..10).flat_map(|n| (0..5).map(move |key| job(key, n, 10))));
    executor.advance(ms(35));
    let before = executor.now();
    hired(&system, &workers, 1..5, &watch);
    executor.advance(Duration::ZERO);
    let helped = watch.begun().into_iter().filter(|begun| begun.worker > 0 && begun.at == before);
    let taken: BTreeSet<u64> = helped.map(|begun| begun.key).collect();
    assert_eq!(taken.len(), 4, "all four at once, each a key of its own");
    executor.advance(ms(200));
    assert_eq!((watch.wrong(), workers.stats().acked), (vec![], 50));
    // Once each has one, they stay.
    assert!(workers.key_stats().moved <= 8, "{:?}", workers.key_stats());
}

#[test]
fn a_worker_that_leaves_or_pauses_hands_its_keys_on_when_its_job_is_done() {
    for pause in [false, true] {
        let (executor, system) = manual();
        let (workers, watch) = (keyed().spawn(&system), Watch::default());
        let first = hired(&system, &workers, 0..1, &watch).remove(0);
        give(&workers, (0..4).map(|n| job(1, n, 10)));
        executor.advance(ms(5));
        hired(&system, &workers, 1..2, &watch);
        assert!(if pause { workers.pause(&first) } else { workers.leave(&first) });
        executor.advance(ms(100));
        assert_eq!((watch.who(1), watch.wrong()), (vec![0, 1, 1, 1], vec![]));
        assert_eq!(watch.begun()[1].at, ms(10), "not while the first is at it");
    }
}

/// One worker, one key of which there is always more, and one job of another.
#[test]
fn a_job_that_can_begin_is_overtaken_sixteen_times_at_most() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().spawn(&system), Watch::default());
    hired(&system, &workers, 0..1, &watch);
    give(&workers, (0..10).map(|n| job(1, n, 1)));
    give(&workers, [job(2, 0, 1)]);
    give(&workers, (10..100).map(|n| job(1, n, 1)));
    executor.advance(ms(200));
    let turn = watch.order().iter().position(|of| *of == (2, 0)).unwrap();
    assert_eq!(turn, 10 + 16, "{:?}", watch.order());
    assert_eq!((watch.order().len(), watch.wrong()), (101, vec![]));
}

/// A worker that fails everything is free all the time. It would have its job
/// again and again, with all its attempts.
#[test]
fn a_job_that_failed_goes_to_another_worker_if_one_is_free() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().attempts(3).affinity(8).spawn(&system), Watch::default());
    workers.join(&failing(&system, 0, &watch, |_| true));
    hired(&system, &workers, 1..2, &watch);
    for n in 0..20 {
        give(&workers, [job(1, n, 1), job(2, n, 1)]);
        executor.advance(ms(10));
    }
    assert_eq!((workers.stats().acked, workers.stats().quarantined), (40, 0));
    assert_eq!(watch.wrong(), [""; 0]);
    assert!(workers.workers()[0].returned >= 1, "it has had its chance");
}

#[test]
fn a_job_that_is_given_up_holds_up_its_key_no_longer() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().attempts(3).spawn(&system), Watch::default());
    workers.join(&failing(&system, 0, &watch, |job| job.key == 1 && job.n == 1));
    give(&workers, (0..4).flat_map(|n| [job(1, n, 1), job(2, n, 1)]));
    executor.advance(ms(100));
    assert_eq!((workers.stats().acked, workers.stats().quarantined, workers.stats().unsettled), (7, 1, 0));
    assert_eq!(watch.wrong(), [""; 0]);
    // Redelivered it is a job like any other, the last of its key.
    give(&workers, [job(1, 4, 20)]);
    executor.advance(ms(1));
    assert_eq!(workers.quarantine().redeliver(), 1);
    executor.advance(ms(1));
    assert!(keys(1, 0, 1)(workers.key_stats()), "behind the one that is out");
    executor.advance(ms(50));
    assert_eq!(watch.order().iter().filter(|of| **of == (1, 1)).count(), 6, "with as many attempts as at first");
    assert_eq!((workers.stats().quarantined, workers.stats().unsettled), (2, 0));
}

#[test]
fn a_job_whose_key_cannot_be_told_is_put_aside_and_the_others_are_done() {
    let (executor, system) = manual();
    let watch = Watch::default();
    let key = |job: &Job| if job.key == 3 { panic!("no key") } else { job.key };
    let workers = Workers::builder().keyed(key).mailbox(Push::bounded(16)).spawn(&system);
    hired(&system, &workers, 0..2, &watch);
    give(&workers, (1..5).map(|key| job(key, 0, 1)));
    executor.advance(ms(10));
    let stats = workers.stats();
    assert_eq!((stats.accepted, stats.acked, stats.quarantined, stats.unsettled), (4, 3, 1, 0));
    assert_eq!(workers.quarantine().redeliver(), 1, "and is so again");
    let put_aside = workers.quarantine().take();
    assert_eq!((put_aside[0].message.key, put_aside[0].attempts, put_aside[0].rejected), (3, 0, true));
    assert_eq!(system.dead_letters().counts().of(DropReason::Quarantined), 2);
    workers.actor_ref().drain();
    executor.advance(ms(1));
    assert!(matches!(workers.actor_ref().stop_reason(), Some(StopReason::Drained)));
}

/// The bound of what is looked ahead: also a key without end takes no more.
#[test]
fn jobs_that_wait_for_others_of_their_key_count_for_the_window() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().window(10).spawn(&system), Watch::default());
    hired(&system, &workers, 0..2, &watch);
    give(&workers, (0..9).map(|n| job(1, n, 10)).chain([job(2, 0, 1)]).chain((9..20).map(|n| job(1, n, 10))));
    executor.advance(ms(5));
    assert_eq!(watch.order(), [(1, 0), (2, 0)], "the tenth is within the window");
    executor.advance(ms(1000));
    assert_eq!(workers.stats().acked, 21);
    // One more, and it is not.
    let (workers, watch) = (keyed().window(10).spawn(&system), Watch::default());
    hired(&system, &workers, 0..2, &watch);
    give(&workers, (0..10).map(|n| job(1, n, 10)).chain([job(2, 0, 1)]));
    executor.advance(ms(5));
    assert_eq!((workers.stats().unsettled, workers.key_stats().behind), (10, 9));
    assert_eq!(watch.order(), [(1, 0)]);
    executor.advance(ms(10));
    assert_eq!(BTreeSet::from_iter(watch.order()).len(), 3, "when there is room again: {:?}", watch.order());
    executor.advance(ms(1000));
    assert_eq!((watch.wrong(), workers.stats().acked), (vec![], 11));
}

#[test]
fn what_is_remembered_of_keys_is_bounded() {
    for affinity in [0, 1, 100] {
        let (executor, system) = manual();
        let (workers, watch) = (keyed().affinity(affinity).spawn(&system), Watch::default());
        hired(&system, &workers, 0..10, &watch);
        give(&workers, (0..10_000).map(|key| job(key, 0, 1)));
        for _ in 0..200 {
            executor.advance(ms(10));
            let stats = workers.key_stats();
            assert!(stats.active <= 1024 && stats.remembered <= affinity, "{stats:?}");
        }
        assert_eq!(workers.stats().acked, 10_000);
        assert!(keys(0, affinity, 0)(workers.key_stats()), "{:?}", workers.key_stats());
    }
}

/// The longest without a job is forgotten first; and who has ended is nobody's
/// home any more.
#[test]
fn with_affinity_a_key_comes_back_to_its_worker() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().affinity(2).spawn(&system), Watch::default());
    let staff = hired(&system, &workers, 0..3, &watch);
    let mut n = 0;
    let mut next = |key| {
        n += 1;
        give(&workers, [job(key, n, 1)]);
        executor.advance(ms(5));
        watch.begun().last().map(|begun| begun.worker).unwrap()
    };
    // Who has been free longest: 0, 1, 2, 0, ..
    assert_eq!([next(1), next(2)], [0, 1]);
    assert_eq!([next(1), next(2), next(2), next(1)], [0, 1, 1, 0], "at home");
    assert_eq!(next(3), 2, "and with it key 2 is forgotten");
    assert_eq!(next(1), 0);
    assert_eq!(next(2), 1, "free for longest; and with it key 3 is forgotten");
    staff[0].stop();
    assert_eq!(next(1), 2, "its home is gone");
    assert_eq!(next(1), 2);
    assert_eq!(watch.wrong(), [""; 0]);
}

/// A limit of time cannot stop a worker that is late. But it is the only one
/// that can be at a key beside another, and its fence is the lower one.
#[test]
fn a_late_worker_is_told_apart_by_its_fence() {
    let (executor, system) = manual();
    let (workers, watch) = (keyed().ack_within(ms(20)).spawn(&system), Watch::default());
    let fences = Arc::new(Mutex::new(Vec::new()));
    struct Fenced(Watch, Arc<Mutex<Vec<(u64, u64)>>>, Duration);
    impl Actor for Fenced {
        type Msg = Delivery<Job>;
        async fn handle(&mut self, job: Delivery<Job>, cx: &mut Context<Self>) -> Result<(), Fault> {
            let _in_hand = self.0.begin(0, &job, cx.now(), Some(ms(20)));
            lock(&self.1).push((job.n, job.fence()));
            cx.sleep(self.2).await;
            job.ack();
            Ok(())
        }
    }
    let fenced = |takes| system.spawn(Fenced(watch.clone(), fences.clone(), ms(takes)), Push::bounded(8));
    workers.join(&fenced(30));
    give(&workers, [job(1, 0, 0), job(1, 1, 0)]);
    executor.advance(ms(1));
    workers.join(&fenced(15));
    executor.advance(ms(25));
    assert_eq!(lock(&fences).as_slice(), [(0, 1), (0, 2)], "the first is late, the second has it, too");
    executor.advance(ms(5));
    assert_eq!((workers.stats().acked, workers.stats().late), (1, 1), "the first acknowledges, late as it is");
    assert!(keys(1, 0, 1)(workers.key_stats()), "but the second is still at it");
    assert_eq!(lock(&fences).len(), 2);
    executor.advance(ms(4));
    assert_eq!(lock(&fences).as_slice(), [(0, 1), (0, 2), (1, 3)], "and the next begins after it");
    executor.advance(ms(50));
    assert_eq!((workers.stats().acked, workers.stats().unsettled, workers.stats().out), (2, 0, 0));
    assert_eq!((watch.wrong(), lock(&watch.0).overlaps), (vec![], 1));
}

#[test]
fn whoever_drains_waits_for_every_job_of_every_key_and_whoever_stops_loses_none_silently() {
    for drain in [true, false] {
        let (executor, system) = manual();
        let (workers, watch) = (keyed().spawn(&system), Watch::default());
        hired(&system, &workers, 0..2, &watch);
        give(&workers, (0..10).flat_map(|n| (0..3).map(move |key| job(key, n, 10))));
        executor.advance(ms(15));
        match drain {
            true => workers.actor_ref().drain(),
            false => workers.actor_ref().stop(),
        }
        executor.advance(ms(1000));
        let stats = workers.stats();
        assert!(workers.actor_ref().stop_reason().is_some());
        assert_eq!(watch.wrong(), [""; 0]);
        assert_eq!((stats.unsettled, stats.out), (0, 0));
        let stopped = system.dead_letters().counts().of(DropReason::Stopped);
        assert_eq!(stats.acked + stopped, 30, "{stats:?}");
        assert_eq!(stopped == 0, drain);
        assert!(keys(0, 0, 0)(workers.key_stats()), "{:?}", workers.key_stats());
    }
}

/// Does what chance says.
struct Erratic {
    number: u64,
    chance: Arc<Mutex<Random>>,
    watch: Watch,
    limit: Option<Duration>,
    no_wait: bool,
    /// A receipt that is dropped needs a copy.
    copies: bool,
}

impl Actor for Erratic {
    type Msg = Delivery<Job>;

    async fn handle(&mut self, job: Delivery<Job>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let in_hand = self.watch.begin(self.number, &job, cx.now(), self.limit);
        let fate = lock(&self.chance).below(16);
        let wait = ms(lock(&self.chance).below(30));
        let watch = self.watch.clone();
        if fate == 7 && self.copies {
            // Goes on beside the handler, and may fail there.
            let done = wait < ms(20);
            let sleep = cx.sleep(wait);
            let (job, receipt) = job.into_parts();
            cx.spawn(async move {
                sleep.await;
                drop(in_hand);
                if done {
                    watch.done(&job);
                    receipt.ack();
                }
            });
            return Ok(());
        }
        if fate != 0 {
            cx.sleep(wait).await;
        }
        drop(in_hand);
        match fate {
            1 => return Err(Fault::msg("chance")),
            2 => panic!("chance"),
            3 => job.nack(),
            4 => drop(job),
            5 => cx.stop(),
            6 => job.nack_after(if self.no_wait { Duration::ZERO } else { wait }),
            _ => {
                watch.done(&job);
                job.ack();
            }
        }
        Ok(())
    }
}

/// What was seen over all seeds, so that the test is known to be about something.
#[derive(Debug, Default)]
struct Tally {
    redelivered: u64,
    quarantined: u64,
    late: u64,
    moved: u64,
    behind: usize,
    killed: u64,
    overlaps: u64,
    idle: u64,
    wrong: usize,
}

/// Workers come, go, fail, are late, pause and are killed, while 200 jobs of a
/// few keys come from three producers.
fn turmoil(seed: u64, with_keys: bool, tally: &mut Tally) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(Jittery::new(executor.clone(), seed));
    let chance = Arc::new(Mutex::new(Random(seed ^ 0x5eed)));
    let watch = Watch::default();
    let no_wait = seed % 2 == 1;
    // So that who is late has been so since it began, not in some mailbox.
    let limit = seed.is_multiple_of(4).then_some(ms(25));
    let prefetch = if limit.is_some() { 1 } else { 1 + seed as usize % 4 };
    let (attempts, copies, affinity) =
        (2 + seed as u32 % 6, limit.is_some() || seed.is_multiple_of(3), (seed % 3) as usize * 2);
    let mut builder =
        Workers::builder().prefetch(prefetch).attempts(attempts).affinity(affinity).backoff(match seed % 2 {
            0 => Backoff::exponential(ms(1), ms(8)).jitter(0.5),
            _ => at_once(),
        });
    if with_keys {
        builder = builder.keyed(|job: &Job| job.key);
    }
    if let Some(limit) = limit {
        builder = builder.ack_within(limit);
    } else if copies {
        builder = builder.keep_copies();
    }
    if seed % 5 < 2 {
        builder = builder.mailbox(Push::bounded(200));
    }
    let workers = builder.spawn(&system);
    let key_count = 1 + seed % 9;
    // Each key has one producer, so that its order is known.
    let sent: Vec<_> = (0..3)
        .map(|producer| {
            let jobs = workers.actor_ref().clone();
            start(&executor, async move {
                let mut next = BTreeMap::new();
                for n in (0..200).filter(|n| n % key_count % 3 == producer) {
                    let key = n % key_count;
                    let of_key: &mut u64 = next.entry(key).or_default();
                    jobs.tell(job(key, *of_key, 0)).await.unwrap();
                    *of_key += 1;
                }
            })
        })
        .collect();
    let mut staff: Vec<Ref> = Vec::new();
    let mut number = 0;
    for _ in 0..1500 {
        executor.advance(ms(1));
        let (stats, keys, each) = (workers.stats(), workers.key_stats(), workers.workers());
        assert_eq!(
            stats.accepted,
            stats.acked + stats.quarantined + stats.lost + stats.unsettled as u64,
            "seed {seed}: {stats:?}"
        );
        assert!(keys.remembered <= affinity && keys.active <= key_count as usize, "seed {seed}: {keys:?}");
        tally.behind = tally.behind.max(keys.behind);
        // Without a wait between attempts, what is neither out nor behind another
        // can begin: nobody is idle then.
        if no_wait && with_keys && each.iter().any(|worker| worker.held < worker.prefetch && !worker.paused) {
            let can_begin = stats.unsettled - stats.out - keys.behind + workers.actor_ref().len();
            assert_eq!(can_begin, 0, "seed {seed}: {stats:?} {keys:?} {each:?}");
            tally.idle += 1;
        }
        let roll = lock(&chance).below(120);
        let who = if staff.is_empty() { 0 } else { lock(&chance).below(staff.len() as u64) as usize };
        match roll {
            0..10 if staff.len() < 7 => {
                number += 1;
                let (number, chance, watch) = (number, Arc::clone(&chance), watch.clone());
                let make = move || Erratic {
                    number,
                    chance: Arc::clone(&chance),
                    watch: watch.clone(),
                    limit,
                    no_wait,
                    copies,
                };
                let worker = system.build(make).restart(Restart::on_failure().limit(3, ms(100))).spawn();
                assert!(workers.join(&worker));
                staff.push(worker);
            }
            _ if staff.is_empty() => {}
            10..12 => {
                staff.swap_remove(who).kill();
                tally.killed += 1;
            }
            12 => {
                let worker = staff.swap_remove(who);
                workers.leave(&worker);
                worker.drain();
            }
            13 => staff.swap_remove(who).stop(),
            14..17 => drop(workers.pause(&staff[who])),
            17..23 => drop(workers.resume(&staff[who])),
            23..25 => drop(workers.set_prefetch(&staff[who], if limit.is_some() { 1 } else { 1 + who })),
            _ => staff.retain(|worker| worker.stop_reason().is_none()),
        }
    }
    // Reliable ones at the end: whatever is left is done.
    for worker in &staff {
        workers.resume(worker);
    }
    hired(&system, &workers, 1000..1002, &watch);
    executor.advance(ms(5000));
    assert!(sent.iter().all(|sent| sent.take().is_some()), "seed {seed}: a producer waits for ever");
    let stats = workers.stats();
    assert_eq!((stats.unsettled, stats.out, stats.lost), (0, 0, 0), "seed {seed}: {stats:?}");
    assert_eq!(stats.accepted, 200, "seed {seed}");
    let given_up = workers.quarantine().take();
    let put_aside: BTreeSet<(u64, u64)> = given_up.iter().map(|job| (job.message.key, job.message.n)).collect();
    assert_eq!(put_aside.len() as u64, stats.quarantined, "seed {seed}");
    let done = lock(&watch.0).done.clone();
    for n in 0..200 {
        let of = (n % key_count, n / key_count);
        assert!(done.contains_key(&of) || put_aside.contains(&of), "seed {seed}: {of:?} is lost");
    }
    assert!(limit.is_some() || done.values().all(|times| *times == 1), "seed {seed}: done twice");
    if with_keys {
        assert_eq!(watch.wrong(), [""; 0], "seed {seed}");
        assert!(
            keys(0, workers.key_stats().remembered, 0)(workers.key_stats()),
            "seed {seed}: {:?}",
            workers.key_stats()
        );
    }
    tally.redelivered += stats.redelivered;
    tally.quarantined += stats.quarantined;
    tally.late += stats.late;
    tally.moved += workers.key_stats().moved;
    tally.overlaps += lock(&watch.0).overlaps;
    tally.wrong += watch.wrong().len();
}

#[test]
fn whatever_becomes_of_workers_each_key_keeps_its_order_and_has_one_worker_at_a_time() {
    let mut tally = Tally::default();
    (0..96).for_each(|seed| turmoil(seed, true, &mut tally));
    // The test has seen what it is about.
    assert!(tally.redelivered > 2000 && tally.quarantined > 100 && tally.late > 100, "{tally:?}");
    assert!(tally.moved > 500 && tally.behind > 20 && tally.killed > 100 && tally.overlaps > 10, "{tally:?}");
    // And what watches them notices: without keys the same goes wrong.
    let mut control = Tally::default();
    (0..12).for_each(|seed| turmoil(seed, false, &mut control));
    assert!(control.wrong > 500, "{control:?}");
}

/// As above, and the second worker gives it back: there is nothing left to do of
/// it, and its key is free at once.
#[test]
fn a_second_attempt_that_fails_after_the_first_has_acknowledged_frees_the_key() {
    /// Takes 110 ms for a first attempt of the first job, and gives back the second.
    struct Once(Watch);
    impl Actor for Once {
        type Msg = Delivery<Job>;
        async fn handle(&mut self, job: Delivery<Job>, cx: &mut Context<Self>) -> Result<(), Fault> {
            let _in_hand = self.0.begin(0, &job, cx.now(), Some(ms(100)));
            let first = job.attempt() == 1 && job.n == 0;
            cx.sleep(ms(if first { 110 } else { 15 })).await;
            if job.attempt() == 1 {
                job.ack();
            }
            Ok(())
        }
    }
    let (executor, system) = manual();
    let (workers, watch) = (keyed().ack_within(ms(100)).spawn(&system), Watch::default());
    (0..2).for_each(|_| assert!(workers.join(&system.spawn(Once(watch.clone()), Push::bounded(4)))));
    give(&workers, [job(1, 0, 0), job(1, 1, 0)]);
    executor.advance(ms(111));
    assert_eq!((watch.numbers(1), workers.stats().acked), (vec![0, 0], 1), "and the second is still at it");
    executor.advance(ms(5));
    assert_eq!(watch.numbers(1), [0, 0, 1], "now it is over");
    executor.advance(ms(50));
    assert_eq!((workers.stats().acked, workers.stats().late, workers.stats().unsettled), (2, 1, 0));
    assert_eq!(watch.wrong(), [""; 0]);
}

/// A job that is late and waits to be done again at its key's home, when the
/// late worker acknowledges it after all: nobody looks for it there any more.
#[test]
fn a_job_that_was_acknowledged_before_it_was_begun_again_is_gone() {
    let (executor, system) = manual();
    let workers = keyed().ack_within(ms(20)).spawn(&system);
    let watch = Watch::default();
    hired(&system, &workers, 0..1, &watch);
    give(&workers, [job(1, 0, 30), job(2, 0, 1), job(2, 1, 1)]);
    executor.advance(ms(25));
    assert_eq!((workers.stats().late, workers.stats().out), (1, 0), "it is to be done again, by whoever is free");
    executor.advance(ms(50));
    assert_eq!(watch.order(), [(1, 0), (2, 0), (2, 1)]);
    // Nor is it in the way of what the worker prefers.
    give(&workers, (0..40).flat_map(|n| [job(3, n, 1), job(4, n, 1)]));
    executor.advance(ms(100));
    assert_eq!(watch.order()[3..13], (0..10).map(|n| (3, n)).collect::<Vec<_>>());
    assert_eq!((workers.stats().acked, workers.stats().unsettled), (83, 0));
}

/// The same on threads: four producers, each with keys of its own, and workers
/// that give back, fail and are killed. What is in hand is a flag for each key,
/// which only one may raise.
#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_threads_too_a_key_has_one_worker_at_a_time_and_keeps_its_order() {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

    const KEYS: u64 = 12;
    const JOBS: u64 = 300;

    #[derive(Default)]
    struct Gate {
        in_hand: AtomicBool,
        latest: AtomicU64,
        done: AtomicU64,
    }
    struct Shaky {
        gates: Arc<Vec<Gate>>,
        wrong: Arc<AtomicU64>,
        chance: Arc<Mutex<Random>>,
    }
    impl Actor for Shaky {
        type Msg = Delivery<Job>;
        async fn handle(&mut self, job: Delivery<Job>, _: &mut Context<Self>) -> Result<(), Fault> {
            /// Down again also when the handler is cut short.
            struct Down<'a>(&'a AtomicBool);
            impl Drop for Down<'_> {
                fn drop(&mut self) {
                    self.0.store(false, SeqCst);
                }
            }
            let gate = &self.gates[job.key as usize];
            let in_time = !gate.in_hand.swap(true, SeqCst);
            let in_order = gate.latest.fetch_max(job.n, SeqCst) <= job.n;
            self.wrong.fetch_add(u64::from(!in_time || !in_order), SeqCst);
            let down = Down(&gate.in_hand);
            let (turns, fate) = {
                let mut chance = lock(&self.chance);
                (chance.below(4), chance.below(10))
            };
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            match fate {
                0 => return Err(Fault::msg("chance")),
                1 => return Ok(()),
                _ => gate.done.fetch_add(1, SeqCst),
            };
            drop(down);
            job.ack();
            Ok(())
        }
    }
    let system = System::new();
    let workers = Workers::builder()
        .keyed(|job: &Job| job.key)
        .affinity(3)
        .attempts(1000)
        .prefetch(2)
        .backoff(at_once())
        .mailbox(Push::bounded(64))
        .spawn(&system);
    let gates: Arc<Vec<Gate>> = Arc::new((0..KEYS).map(|_| Gate::default()).collect());
    let wrong = Arc::new(AtomicU64::new(0));
    let hire = |seed| {
        let (gates, wrong) = (Arc::clone(&gates), Arc::clone(&wrong));
        // One for all its lives, or it would fail in each as in the first.
        let chance = Arc::new(Mutex::new(Random(seed)));
        let make = move || Shaky { gates: gates.clone(), wrong: wrong.clone(), chance: chance.clone() };
        let worker = system.build(make).restart(Restart::on_failure().limit(u32::MAX, ms(1))).spawn();
        assert!(workers.join(&worker));
        worker
    };
    let mut staff: Vec<Ref> = (0..6).map(hire).collect();
    let producers: Vec<_> = (0..4)
        .map(|producer| {
            let jobs = workers.actor_ref().clone();
            tokio::spawn(async move {
                for n in 0..JOBS {
                    for key in (0..KEYS).filter(|key| key % 4 == producer) {
                        jobs.tell(job(key, n, 0)).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for seed in 6..60 {
        tokio::time::sleep(ms(1)).await;
        staff.push(hire(seed));
        let gone = staff.remove(0);
        match seed % 3 {
            0 => gone.kill(),
            1 => assert!(workers.leave(&gone)),
            _ => gone.stop(),
        }
    }
    for producer in producers {
        producer.await.unwrap();
    }
    workers.actor_ref().drain();
    workers.actor_ref().stopped().await;
    let stats = workers.stats();
    assert_eq!((stats.acked, stats.unsettled, wrong.load(SeqCst)), (KEYS * JOBS, 0, 0), "{stats:?}");
    assert!(gates.iter().all(|gate| gate.latest.load(SeqCst) == JOBS - 1 && gate.done.load(SeqCst) >= JOBS));
    assert!(stats.redelivered > 300, "{stats:?}");
    assert!(keys(0, workers.key_stats().remembered, 0)(workers.key_stats()));
}
