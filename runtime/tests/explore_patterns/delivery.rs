//! At least once, and shared work.

use std::time::Duration;

use tidegate::Backoff;
use tidegate::explore::{Explorer, Faults, Sim};
use tidegate::pattern::{Courier, Delivery, Workers};
use tidegate::prelude::*;

use super::support::{Log, drained, same, same_with};

const MS: Duration = Duration::from_millis(1);
const SOON: Backoff = Backoff::exponential(MS, MS);

/// Writes down what it does, and fails the first of the jobs with an odd number.
struct Worker(Log<(u32, u32)>);

impl Actor for Worker {
    type Msg = Delivery<u32>;

    async fn handle(&mut self, job: Delivery<u32>, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.push((*job, job.attempt()));
        if *job % 2 == 1 && job.attempt() == 1 {
            job.nack();
        } else {
            job.ack();
        }
        Ok(())
    }
}

#[test]
fn a_courier_with_two_messages_of_which_one_is_nacked() {
    let seen = same(|sim| async move {
        let log = Log::new();
        let worker = sim.system().spawn(Worker(log.clone()), Push::bounded(1));
        let courier = Courier::to(&worker).backoff(SOON).mailbox(Push::bounded(1)).spawn(sim.system());
        sim.settled().await;
        for job in [1, 2] {
            courier.actor_ref().tell(job).await.unwrap();
        }
        sim.settled().await;
        courier.actor_ref().drain();
        courier.actor_ref().stopped().await;
        let stats = courier.stats();
        (stats.acked, stats.redelivered, drained((worker, log)).await)
    });
    assert!(seen.iter().all(|(acked, again, _)| (*acked, *again) == (2, 1)), "{seen:?}");
}

#[test]
fn a_courier_whose_message_may_be_lost() {
    let lossy = |explorer: Explorer| explorer.faults(Faults::at_most(1).drop("/worker"));
    let seen = same_with(lossy, |sim| async move {
        let log = Log::new();
        let kept = log.clone();
        let worker = sim.system().build(move || Worker(kept.clone())).named("worker").spawn();
        let courier = Courier::to(&worker).backoff(SOON).ack_within(MS).spawn(sim.system());
        sim.settled().await;
        let to = courier.actor_ref().clone();
        let client = sim.spawn("client", async move { to.tell(2).await.unwrap() });
        client.await;
        sim.settled().await;
        courier.actor_ref().drain();
        courier.actor_ref().stopped().await;
        (courier.stats().acked, drained((worker, log)).await)
    });
    assert_eq!(seen, [(1, vec![(2, 1)]), (1, vec![(2, 2)])].into());
}

#[test]
fn the_numbers_of_a_courier_while_it_delivers() {
    let seen = same(|sim| async move {
        let log = Log::new();
        let worker = sim.system().spawn(Worker(log.clone()), Push::bounded(1));
        sim.settled().await;
        let courier = Courier::to(&worker).backoff(SOON).spawn(sim.system());
        sim.settled().await;
        courier.actor_ref().tell(2).await.unwrap();
        let at = courier.clone();
        let reader = sim.spawn("reader", async move {
            let stats = at.stats();
            (stats.accepted, stats.out, stats.acked)
        });
        let read = reader.await;
        sim.settled().await;
        courier.actor_ref().stop();
        courier.actor_ref().stopped().await;
        read
    });
    assert_eq!(seen, [(0, 0, 0), (1, 1, 0), (1, 0, 1)].into());
}

/// Two workers, who have begun, and their logs.
async fn staffed(sim: &Sim, workers: &Workers<u32>) -> [(ActorRef<Delivery<u32>>, Log<(u32, u32)>); 2] {
    let staff = [0, 1].map(|_| Log::new()).map(|log| {
        (
            sim.system()
                .build({
                    let log = log.clone();
                    move || Worker(log.clone())
                })
                .mailbox(Push::bounded(1)),
            log,
        )
    });
    let mut begun = Vec::new();
    for (worker, log) in staff {
        let worker = worker.spawn();
        sim.settled().await;
        workers.join(&worker);
        sim.settled().await;
        begun.push((worker, log));
    }
    begun.try_into().unwrap_or_else(|_| unreachable!("there are two"))
}

#[test]
fn two_workers_for_two_jobs() {
    let seen = same(|sim| async move {
        let workers = Workers::builder().mailbox(Push::bounded(1)).backoff(SOON).spawn(sim.system());
        let [one, other] = staffed(&sim, &workers).await;
        for job in [2, 4] {
            workers.actor_ref().tell(job).await.unwrap();
        }
        sim.settled().await;
        workers.actor_ref().drain();
        workers.actor_ref().stopped().await;
        (drained(one).await, drained(other).await)
    });
    // Who has waited longest is next.
    assert_eq!(seen, [(vec![(2, 1)], vec![(4, 1)])].into());
}

#[test]
fn a_job_whose_worker_is_killed() {
    let seen = same(|sim| async move {
        let workers = Workers::builder().mailbox(Push::bounded(1)).backoff(SOON).spawn(sim.system());
        let [one, other] = staffed(&sim, &workers).await;
        let doomed = one.0.clone();
        let killer = sim.spawn("killer", async move { doomed.kill() });
        workers.actor_ref().tell(2).await.unwrap();
        killer.await;
        sim.settled().await;
        workers.actor_ref().drain();
        workers.actor_ref().stopped().await;
        let acked = workers.stats().acked;
        (acked, drained(one).await.len(), drained(other).await.len())
    });
    assert_eq!(seen, [(1, 0, 1), (1, 1, 0)].into());
}

#[test]
fn a_job_that_comes_while_one_worker_leaves_and_the_other_is_paused() {
    let seen = same(|sim| async move {
        let workers = Workers::builder().mailbox(Push::bounded(1)).backoff(SOON).spawn(sim.system());
        let [one, other] = staffed(&sim, &workers).await;
        let (at, leaving) = (workers.clone(), one.0.clone());
        let leaver = sim.spawn("leaver", async move { at.leave(&leaving) });
        let (at, paused) = (workers.clone(), other.0.clone());
        let pauser = sim.spawn("pauser", async move { at.pause(&paused) });
        workers.actor_ref().tell(2).await.unwrap();
        assert!(leaver.await && pauser.await);
        sim.settled().await;
        workers.resume(&other.0);
        sim.settled().await;
        (drained(one).await.len(), drained(other).await.len())
    });
    assert_eq!(seen, [(0, 1), (1, 0)].into());
}
