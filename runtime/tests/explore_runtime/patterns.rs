//! Patterns: acknowledgement, shared work, topics, breakers, pools, timers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use tidegate::explore::Sim;
use tidegate::pattern::{
    BreakerError, BreakerState, CircuitBreaker, Courier, Dedup, Delivery, Lag, Novelty, Routing, Topic, Workers,
};
use tidegate::prelude::*;
use tidegate::{ActorId, Backoff, GroupEvent, TimerHandle};

use super::support::{
    Item, Log, MS, Msg, Scribe, assert_accounted, assert_in_order, explored, pause, reduced, sampled,
};

const SOON: Backoff = Backoff::exponential(MS, MS);

/// How often the work of each job was done, and how often its acknowledgement
/// was the first.
#[derive(Clone, Default)]
struct Done(Arc<Mutex<BTreeMap<usize, (usize, usize)>>>);

impl Done {
    fn work(&self, job: usize) {
        self.0.lock().unwrap().entry(job).or_default().0 += 1;
    }

    fn acked(&self, job: usize, first: bool) {
        self.0.lock().unwrap().entry(job).or_default().1 += usize::from(first);
    }

    fn all(&self) -> BTreeMap<usize, (usize, usize)> {
        self.0.lock().unwrap().clone()
    }
}

struct Worker(Done);

impl Actor for Worker {
    type Msg = Delivery<usize>;

    async fn handle(&mut self, job: Delivery<usize>, _: &mut Context<Self>) -> Result<(), Fault> {
        let number = *job;
        pause().await;
        self.0.work(number);
        pause().await;
        let first = job.ack();
        self.0.acked(number, first);
        Ok(())
    }
}

#[test]
fn a_job_whose_worker_is_killed_is_done_by_another() {
    sampled(&["nothing came back", "one came back", "done twice"], |sim, seen| async move {
        let workers = Workers::builder().mailbox(Push::bounded(2)).backoff(SOON).spawn(sim.system());
        let done = [Done::default(), Done::default()];
        let staff = [0, 1].map(|n| {
            let worker = sim.system().spawn(Worker(done[n].clone()), Push::bounded(2));
            assert!(workers.join(&worker));
            worker
        });
        let doomed = staff[0].clone();
        let killer = sim.spawn("killer", async move { doomed.kill() });
        for job in 0..2 {
            workers.actor_ref().tell(job).await.unwrap();
        }
        killer.await;
        workers.actor_ref().drain();
        assert!(matches!(workers.actor_ref().stopped().await, StopReason::Drained));
        sim.settled().await;
        let stats = workers.stats();
        assert_eq!((stats.acked, stats.out, workers.quarantine().len()), (2, 0, 0));
        let [by_doomed, by_other] = done.map(|done| done.all());
        for job in 0..2 {
            let (one, other) = (by_doomed.get(&job), by_other.get(&job));
            let (done, acks) = [one, other].into_iter().flatten().fold((0, 0), |sum, n| (sum.0 + n.0, sum.1 + n.1));
            assert!(done >= 1 && acks <= 1, "job {job} was done {done} times, and acknowledged {acks} times");
            seen.saw_if(done == 2, "done twice");
        }
        seen.saw_if(stats.redelivered == 0, "nothing came back");
        seen.saw_if(stats.redelivered == 1, "one came back");
        staff[1].stop();
        staff[1].stopped().await;
    });
}

/// Writes down what it does, in a log of its own.
struct Keyed(Log<Item>);

impl Actor for Keyed {
    type Msg = Delivery<Item>;

    async fn handle(&mut self, job: Delivery<Item>, _: &mut Context<Self>) -> Result<(), Fault> {
        let item = *job;
        pause().await;
        if job.ack() {
            self.0.push(item);
        }
        Ok(())
    }
}

#[test]
fn jobs_of_one_key_are_done_one_after_the_other() {
    sampled(&["one did all", "shared"], |sim, seen| async move {
        let builder = Workers::builder().mailbox(Push::bounded(4)).backoff(SOON);
        let workers = builder.keyed(|item: &Item| item.0).spawn(sim.system());
        // In one log: who has a job of a key is the only one who has.
        let logs = [Log::new(), Log::new()];
        let order = Log::new();
        let staff = [0, 1].map(|n| {
            let worker = sim.system().spawn(Keyed(logs[n].clone()), Push::bounded(2));
            assert!(workers.join(&worker));
            worker
        });
        let doomed = staff[0].clone();
        let killer = sim.spawn("killer", async move { doomed.kill() });
        for n in 0..3 {
            workers.actor_ref().tell((0, n)).await.unwrap();
            order.push((0, n));
        }
        killer.await;
        workers.actor_ref().drain();
        workers.actor_ref().stopped().await;
        let stats = workers.stats();
        assert_eq!(stats.acked, 3);
        let [one, other] = logs.map(|log| log.all());
        // The killed one is first; who survives goes on where it was.
        let all: Vec<Item> = one.iter().chain(&other).copied().collect();
        assert_in_order(&one);
        assert_in_order(&other);
        seen.saw(if one.is_empty() || other.is_empty() { "one did all" } else { "shared" });
        assert_eq!(all.len(), 3, "{all:?}");
        staff[1].stop();
        staff[1].stopped().await;
    });
}

/// Charges once, though it crashes before or after it.
struct Till {
    memory: Dedup<ActorId>,
    charged: Done,
    crashes: Arc<Mutex<Vec<usize>>>,
}

impl Actor for Till {
    type Msg = Delivery<usize>;

    async fn handle(&mut self, order: Delivery<usize>, _: &mut Context<Self>) -> Result<(), Fault> {
        match self.memory.claim_delivery(&order) {
            Novelty::First(claim) => {
                pause().await;
                self.charged.work(*order);
                claim.done();
                if self.crashes.lock().unwrap().pop().is_some() {
                    return Err(Fault::msg("before the acknowledgement"));
                }
            }
            Novelty::Done => {}
            Novelty::Underway | Novelty::Unknown => return Ok(()),
        }
        let number = *order;
        let first = order.ack();
        self.charged.acked(number, first);
        Ok(())
    }
}

#[test]
fn at_least_once_is_once_in_effect_with_a_memory() {
    reduced(&["delivered again", "acknowledged late"], |sim, seen| async move {
        let (memory, charged, crashes) = (Dedup::new(8), Done::default(), Arc::new(Mutex::new(vec![0])));
        let kept = charged.clone();
        let make = move || Till { memory: memory.clone(), charged: kept.clone(), crashes: Arc::clone(&crashes) };
        let till = sim.system().build(make).restart(Restart::on_failure()).spawn();
        let courier = Courier::to(&till).backoff(SOON).ack_within(MS).mailbox(Push::bounded(1)).spawn(sim.system());
        let orders = [0, 1].map(|number| {
            let to = courier.actor_ref().clone();
            sim.spawn(&format!("client-{number}"), async move { to.tell(number).await.unwrap() })
        });
        for order in orders {
            order.await;
        }
        courier.actor_ref().drain();
        assert!(matches!(courier.actor_ref().stopped().await, StopReason::Drained));
        let stats = courier.stats();
        assert_eq!((stats.acked, courier.quarantine().len()), (2, 0));
        till.drain();
        till.stopped().await;
        for (number, (times, _)) in charged.all() {
            assert_eq!(times, 1, "order {number} was charged {times} times");
        }
        assert_eq!(charged.all().len(), 2);
        seen.saw_if(stats.redelivered > 0, "delivered again");
        seen.saw_if(charged.all().values().all(|(_, acks)| *acks == 1), "acknowledged late");
    });
}

#[test]
fn a_topic_reaches_whom_it_waits_for_and_counts_whom_it_skips() {
    reduced(&["from the first on", "came late", "some were skipped", "none was skipped"], |sim, seen| async move {
        let topic = Topic::new();
        let logs = [Log::new(), Log::new()];
        let actors = [0, 1].map(|n| sim.system().spawn(Scribe::new(&logs[n]), Push::bounded(1)));
        let hasty = topic.subscribe(&actors[0].map(Msg::Slow), Lag::Skip);
        let (to, target) = (topic.clone(), actors[1].clone());
        let joining = sim.spawn("joining", async move { to.subscribe(&target.map(Msg::Slow), Lag::Wait) });
        for n in 0..3 {
            pause().await;
            let _ = topic.publish_waiting((0, n)).await;
        }
        let patient = joining.await;
        assert_eq!(hasty.reached() + hasty.skipped(), 3);
        assert_eq!(patient.skipped(), 0);
        let (reached, waited) = (hasty.reached() as usize, patient.reached() as usize);
        for actor in &actors {
            actor.drain();
            actor.stopped().await;
        }
        let [some, all] = logs.map(|log| log.all());
        assert_in_order(&some);
        assert_eq!((some.len(), all.len()), (reached, waited));
        // Without a gap, from where it came in.
        assert_eq!(all, (3 - waited..3).map(|n| (0, n)).collect::<Vec<_>>());
        seen.saw(if waited < 3 { "came late" } else { "from the first on" });
        seen.saw(if reached < 3 { "some were skipped" } else { "none was skipped" });
    });
}

#[test]
fn a_breaker_that_is_half_open_lets_one_through() {
    explored(&["one was refused", "it was closed before the other came"], |sim, seen| async move {
        let breaker = CircuitBreaker::builder().after_failures(1).cool_down(SOON).build(sim.system());
        let failed: Result<(), _> = breaker.call(async { Err::<(), _>("no route") }).await;
        assert_eq!(failed, Err(BreakerError::Failed("no route")));
        assert_eq!(breaker.state(), BreakerState::Open);
        sim.sleep(MS).await;
        let inside = Arc::new(AtomicUsize::new(0));
        let callers = [0, 1].map(|n| {
            let (breaker, inside) = (breaker.clone(), Arc::clone(&inside));
            sim.spawn(&format!("caller-{n}"), async move {
                let probing = breaker.state() == BreakerState::HalfOpen;
                let made = breaker
                    .call(async {
                        let before = inside.fetch_add(1, Relaxed);
                        assert!(!probing || before == 0, "two probes at a time");
                        pause().await;
                        inside.fetch_sub(1, Relaxed);
                        Ok::<_, &str>(())
                    })
                    .await;
                match made {
                    Ok(()) => 1,
                    Err(BreakerError::Open { .. }) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            })
        });
        let mut made = 0;
        for caller in callers {
            made += caller.await;
        }
        let counts = breaker.counts();
        assert_eq!((breaker.state(), counts.opened, counts.succeeded), (BreakerState::Closed, 1, made));
        assert_eq!(counts.refused, 2 - made);
        seen.saw(if made == 1 { "one was refused" } else { "it was closed before the other came" });
    });
}

#[test]
fn a_pool_whose_worker_fails_or_that_is_resized_handles_what_it_took() {
    reduced(&["two lives did it", "three lives did it"], |sim, seen| async move {
        let logs: Log<Log<Item>> = Log::new();
        let made = logs.clone();
        let make = move || {
            let log = Log::new();
            made.push(log.clone());
            Scribe::new(&log)
        };
        let pool = sim
            .system()
            .pool(2, make)
            .routing(Routing::least_loaded())
            .mailbox(Push::bounded(1))
            .restart(Restart::on_failure())
            .spawn();
        sim.settled().await;
        let pool = Arc::new(pool);
        let resized = Arc::clone(&pool);
        let resizer = sim.spawn("resizer", async move { resized.resize(1).await.unwrap() });
        let mut accepted = 0;
        for n in 0..3 {
            let msg = if n == 1 { Msg::Fail((0, n)) } else { Msg::Slow((0, n)) };
            accepted += usize::from(pool.tell(msg).await.is_ok());
            pause().await;
        }
        resizer.await;
        pool.drain();
        pool.stopped().await;
        let mut items: Vec<Item> = logs.all().iter().flat_map(Log::all).collect();
        items.sort_unstable();
        assert_eq!(items.len(), accepted, "{items:?}");
        items.dedup();
        assert_eq!((items.len(), accepted), (3, 3));
        seen.saw(match logs.all().iter().filter(|log| log.len() > 0).count() {
            1 => "one life did it",
            2 => "two lives did it",
            _ => "three lives did it",
        });
    });
}

#[test]
fn a_group_tells_of_each_member_when_it_comes_and_when_it_goes() {
    explored(&["never together", "together"], |sim, seen| async move {
        let group = sim.system().group::<Msg>("clerks");
        let told = Log::new();
        let listener = told.clone();
        let watching = group.watch(move |event| {
            listener.push(match event {
                GroupEvent::Joined(who) => (who.id(), true),
                GroupEvent::Left(who) => (who.id(), false),
                _ => return,
            });
        });
        let clerks = [0, 1].map(|n| {
            let (system, group) = (sim.system().clone(), group.clone());
            sim.spawn(&format!("clerk-{n}"), async move {
                let clerk = system.spawn(Scribe::new(&Log::new()), Push::bounded(1));
                assert!(group.join(&clerk));
                assert!(!group.join(&clerk), "once");
                let most = group.len();
                pause().await;
                clerk.kill();
                clerk.stopped().await;
                assert!(group.members().iter().all(|member| member.id() != clerk.id()));
                assert!(!group.join(&clerk), "the dead do not join");
                most
            })
        });
        let mut most = 0;
        for clerk in clerks {
            most = most.max(clerk.await);
        }
        assert!(group.is_empty());
        drop(watching);
        let told = told.all();
        assert_eq!(told.len(), 4);
        for (id, came) in &told {
            let of_one: Vec<bool> = told.iter().filter(|event| event.0 == *id).map(|event| event.1).collect();
            assert_eq!(of_one, [true, false], "{came}");
        }
        seen.saw(if most == 2 { "together" } else { "never together" });
    });
}

enum Early {
    Work(Item),
    Open,
}

/// Puts work aside until it is opened.
struct Stashing {
    open: bool,
    log: Log<Item>,
}

impl Actor for Stashing {
    type Msg = Early;

    async fn handle(&mut self, msg: Early, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Early::Open => {
                self.open = true;
                cx.unstash_all();
            }
            Early::Work(item) if self.open => self.log.push(item),
            early => {
                if let Err(full) = cx.stash(early)
                    && let Early::Work(item) = full.into_inner()
                {
                    self.log.push((item.0 + 10, item.1));
                }
            }
        }
        Ok(())
    }
}

#[test]
fn what_was_put_aside_comes_before_what_is_queued_and_in_its_order() {
    sampled(&["all were early", "none was early", "one was too many"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Stashing { open: false, log: log.clone() }, Push::bounded(2));
        let senders = [0, 1].map(|from| {
            let to = actor.clone();
            sim.spawn(&format!("sender-{from}"), async move {
                for n in 0..2 {
                    to.tell(Early::Work((from, n))).await.unwrap();
                }
            })
        });
        let to = actor.clone();
        let opener = sim.spawn("opener", async move { to.tell(Early::Open).await.unwrap() });
        for sender in senders {
            sender.await;
        }
        opener.await;
        actor.drain();
        assert!(matches!(actor.stopped().await, StopReason::Drained));
        let items = log.all();
        let late: Vec<Item> = items.iter().filter(|item| item.0 < 10).copied().collect();
        assert_in_order(&late);
        assert_eq!(items.len(), 4);
        assert_accounted(&actor.stats(), 5);
        seen.saw_if(late.len() < 4, "one was too many");
        seen.saw_if(items[0].0 < 10 && late.len() == 4, "none was early");
        seen.saw_if(items[0].0 >= 10 || late.len() == 4, "all were early");
    });
}

enum Beat {
    /// Sets the timer again.
    Again,
    Cancel,
    Tick(usize),
}

#[derive(Default)]
struct Timed {
    set: usize,
    cancelled: bool,
    ticks: Option<Log<usize>>,
    once: Option<TimerHandle>,
}

impl Actor for Timed {
    type Msg = Beat;

    async fn handle(&mut self, beat: Beat, cx: &mut Context<Self>) -> Result<(), Fault> {
        match beat {
            Beat::Again => {
                self.set += 1;
                self.cancelled = false;
                let set = self.set;
                cx.timers().after("beat", MS, Beat::Tick(set));
            }
            Beat::Cancel => {
                cx.timers().cancel("beat");
                if let Some(handle) = self.once.take() {
                    handle.cancel();
                }
                self.cancelled = true;
            }
            Beat::Tick(of) => {
                assert_eq!(of, self.set, "a timer that was replaced");
                assert!(!self.cancelled, "a timer that was cancelled");
                if let Some(ticks) = &self.ticks {
                    ticks.push(of);
                }
            }
        }
        Ok(())
    }
}

#[test]
fn a_timer_that_is_replaced_or_cancelled_does_not_come() {
    reduced(&["[1]", "[1, 2]", "[2]", "[]"], |sim: Sim, seen| async move {
        let ticks = Log::new();
        let timed = Timed { ticks: Some(ticks.clone()), ..Timed::default() };
        let actor = sim.system().spawn(timed, Push::bounded(1));
        actor.tell(Beat::Again).await.unwrap();
        // At the moment when it is due.
        let (to, clock) = (actor.clone(), sim.clone());
        let again = sim.spawn("again", async move {
            clock.sleep(MS).await;
            to.tell(Beat::Again).await.unwrap();
        });
        let (to, clock) = (actor.clone(), sim.clone());
        let cancel = sim.spawn("cancel", async move {
            clock.sleep(MS * (1 + clock.choose(2) as u32)).await;
            to.tell(Beat::Cancel).await.unwrap();
        });
        again.await;
        cancel.await;
        sim.sleep(3 * MS).await;
        seen.saw(format!("{:?}", ticks.all()));
        actor.drain();
        assert!(matches!(actor.stopped().await, StopReason::Drained));
    });
}
