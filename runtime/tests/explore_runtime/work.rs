//! Work that is acknowledged: shared by workers, in the order of its keys, and
//! done once in effect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidegate::pattern::{Courier, Dedup, Delivery, Novelty, Workers};
use tidegate::prelude::*;
use tidegate::{ActorId, Backoff};

use super::support::{Item, Log, MS, assert_in_order, pause, reduced, sampled};

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
        sim.settled().await;
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
