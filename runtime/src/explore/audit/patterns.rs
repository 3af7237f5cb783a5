//! Patterns, delivery, names and groups.

use std::time::Duration;

use super::audited;
use crate::explore::sim::{Sim, Task};
use crate::pattern::{CircuitBreaker, Courier, Dedup, Delivery, Lag, Lagged, Novelty, Router, Routing, Topic, Workers};
use crate::prelude::*;
use crate::supervision::Backoff;

const MS: Duration = Duration::from_millis(1);
const SOON: Backoff = Backoff::exponential(MS, MS);

/// Counts, and fails on a 7.
struct Count(u32);

impl Actor for Count {
    type Msg = u32;
    async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0 += n;
        if n == 7 { Err(Fault::msg("seven")) } else { Ok(()) }
    }
}

fn counts(sim: &Sim) -> [ActorRef<u32>; 2] {
    [0, 1].map(|n| sim.system().build(|| Count(0)).mailbox(Push::bounded(1)).named(format!("count-{n}")).spawn())
}

async fn all(tasks: impl IntoIterator<Item = Task<()>>) {
    for task in tasks {
        task.await;
    }
}

#[test]
fn topics_are_seen() {
    audited(|sim| async move {
        let (topic, counts) = (Topic::new(), counts(&sim));
        topic.subscribe(&counts[0], Lag::Skip).until_stopped();
        let publishers = [1, 2].map(|n| {
            let topic = topic.clone();
            sim.spawn(&format!("publisher-{n}"), async move {
                let _ = topic.publish(n);
                let _ = topic.publish_waiting(n).await;
                let _ = topic.len();
            })
        });
        let comers = [Lag::Wait, Lag::Disconnect].map(|lag| {
            let (topic, count) = (topic.clone(), counts[1].clone());
            sim.spawn(&format!("{lag:?}"), async move {
                let missed = count.map(|missed: Lagged| missed.take() as u32);
                let subscription = topic.subscribe(&count, lag).notify(&missed);
                let _ = topic.publish(3);
                let _ = (subscription.skipped(), subscription.reached(), subscription.is_ended());
                let _ = topic.subscribers();
            })
        });
        all(publishers).await;
        counts[0].stop();
        all(comers).await;
    });
}

#[test]
fn routers_are_seen() {
    let routings: [fn() -> Routing<u32>; 4] =
        [Routing::round_robin, Routing::least_loaded, || Routing::consistent_hash(|n: &u32| *n), Routing::broadcast];
    for routing in routings {
        audited(move |sim| async move {
            let counts = counts(&sim);
            let group = sim.system().group::<u32>("counts");
            let router = Router::new(&group, routing());
            let [one, other] = counts.clone();
            let joiner = sim.spawn("joiner", async move {
                group.join(&one);
                group.join(&other);
                one.kill();
                group.leave(&other);
            });
            let senders = [1, 2].map(|n| {
                let router = router.clone();
                sim.spawn(&format!("sender-{n}"), async move {
                    let _ = router.tell(n).await;
                    let _ = router.try_tell(n);
                    let _ = router.tell_within(MS, n).await;
                })
            });
            joiner.await;
            all(senders).await;
            counts[1].stop();
        });
    }
}

#[test]
fn pools_are_seen() {
    audited(|sim| async move {
        let pool = sim.system().pool(2, || Count(0)).mailbox(Push::bounded(1)).spawn();
        let tasks = [1, 7].map(|n| {
            let pool = pool.clone();
            sim.spawn(&format!("sender-{n}"), async move {
                let _ = pool.tell(n).await;
                let _ = pool.resize(n as usize % 3).await;
                let _ = pool.tell(n).await;
            })
        });
        all(tasks).await;
        let _ = pool.resize(1).await;
        let _ = pool.len();
        pool.drain();
        pool.stopped().await;
    });
}

/// Gives every third back, and drops every fifth.
struct Worker;

impl Actor for Worker {
    type Msg = Delivery<u32>;
    async fn handle(&mut self, job: Delivery<u32>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let again = job.attempt() > 1;
        match *job {
            n if n % 3 == 0 && !again => job.nack(),
            n if n % 5 == 0 && !again => drop(job),
            n if n % 7 == 0 && !again => {
                cx.sleep(2 * MS).await;
                job.ack();
            }
            _ => drop(job.ack()),
        }
        Ok(())
    }
}

fn worker(sim: &Sim, name: &str) -> ActorRef<Delivery<u32>> {
    sim.system().build(|| Worker).mailbox(Push::bounded(1)).named(name.to_owned()).spawn()
}

#[test]
fn couriers_are_seen() {
    audited(|sim| async move {
        let courier = Courier::to(&worker(&sim, "worker")).window(2).backoff(SOON).ack_within(MS).spawn(sim.system());
        let clients = [1, 2].map(|n| {
            let courier = courier.clone();
            sim.spawn(&format!("client-{n}"), async move {
                for k in 0..3 {
                    courier.actor_ref().tell(n * (3 + 2 * k)).await.unwrap();
                }
                let _ = courier.stats();
            })
        });
        let (heir, redirected) = (worker(&sim, "heir"), courier.clone());
        let redirector = sim.spawn("redirector", async move { redirected.redirect(&heir) });
        all(clients.into_iter().chain([redirector])).await;
        courier.actor_ref().drain();
        courier.actor_ref().stopped().await;
        let _ = courier.quarantine().len();
    });
}

#[test]
fn shared_work_is_seen() {
    for keyed in [false, true] {
        audited(move |sim| async move {
            let builder = Workers::builder().window(4).backoff(SOON);
            let builder = if keyed { builder.keyed(|n: &u32| n % 2) } else { builder };
            let workers = builder.spawn(sim.system());
            let staff = ["one", "other"].map(|name| worker(&sim, name));
            let joiners = staff.clone().map(|worker| {
                let workers = workers.clone();
                sim.spawn("joiner", async move {
                    workers.join(&worker);
                    let _ = workers.len();
                })
            });
            let clients = [1, 2].map(|n| {
                let workers = workers.clone();
                sim.spawn(&format!("client-{n}"), async move {
                    for k in 1..4 {
                        workers.actor_ref().tell(n * k).await.unwrap();
                    }
                })
            });
            let (doomed, paused, at) = (staff[0].clone(), staff[1].clone(), workers.clone());
            let killer = sim.spawn("killer", async move {
                doomed.kill();
                at.pause(&paused);
                let _ = (at.stats(), at.workers(), at.key_stats());
                at.resume(&paused);
            });
            all(joiners.into_iter().chain(clients).chain([killer])).await;
            workers.actor_ref().drain();
            workers.actor_ref().stopped().await;
        });
    }
}

#[test]
fn names_and_groups_are_seen() {
    audited(|sim| async move {
        let counts = counts(&sim);
        let group = sim.system().group::<u32>("counts");
        let watching = (group.watch(|_| {}), sim.system().watch_names(|_| {}));
        let tasks = counts.clone().map(|count| {
            let (system, group) = (sim.system().clone(), group.clone());
            sim.spawn("owner", async move {
                let registered = system.register("count", &count);
                group.join(&count);
                if let Ok(found) = system.lookup::<u32>("count") {
                    let _ = found.tell(1).await;
                }
                let _ = (group.len(), group.members(), system.names());
                drop(registered);
                group.leave(&count);
                group.join(&count);
                count.stop();
                let _ = system.lookup::<u32>("count").is_ok();
            })
        });
        all(tasks).await;
        drop(watching);
        counts[0].stopped().await;
    });
}

#[test]
fn breakers_and_memories_are_seen() {
    audited(|sim| async move {
        let breaker = CircuitBreaker::builder().after_failures(1).cool_down(SOON).timeout(MS).build(sim.system());
        let memory = Dedup::new(2);
        let tasks = [1, 2, 3].map(|n: u32| {
            let (breaker, memory, clock) = (breaker.clone(), memory.clone(), sim.clone());
            sim.spawn(&format!("caller-{n}"), async move {
                for k in 0..3 {
                    if let Novelty::First(claim) = memory.claim("source", u64::from(n * k)) {
                        claim.done();
                    }
                    let call = breaker.call(async { if n == k { Err("no route") } else { Ok(()) } });
                    let _ = call.await;
                    clock.sleep(MS * n).await;
                }
                let _ = (breaker.state(), breaker.counts(), memory.duplicates(), memory.remembered());
                if n == 3 { breaker.trip() } else { breaker.reset() }
            })
        });
        all(tasks).await;
    });
}

/// Puts aside what comes before a 0, and asks for what is to come by hand.
struct Stashing(bool);

impl Actor for Stashing {
    type Msg = u32;
    async fn handle(&mut self, n: u32, cx: &mut Context<Self>) -> Result<(), Fault> {
        if n == 0 {
            self.0 = true;
            cx.unstash_all();
        } else if !self.0 {
            let _ = cx.stash(n);
        }
        Ok(())
    }
}

#[test]
fn what_is_put_aside_or_merged_is_seen() {
    let mailboxes: [fn() -> Mailbox<u32>; 4] = [
        || Push::bounded(2).into(),
        || Push::bounded(1).overflow(Overflow::DropOldest).into(),
        || Push::bounded(1).overflow(Overflow::Latest).into(),
        || Mailbox::from(Push::bounded(1)).conflate(|_: &u32| (), |queued, new| *queued += new),
    ];
    for mailbox in mailboxes {
        audited(move |sim| async move {
            let stashing = sim.system().build(|| Stashing(false)).mailbox(mailbox()).spawn();
            let tasks = [1, 2].map(|n| {
                let to = stashing.clone();
                sim.spawn(&format!("sender-{n}"), async move {
                    let _ = to.tell(n).await;
                    if let Ok(permit) = to.reserve().await {
                        let _ = permit.send(n);
                    }
                    let _ = to.tell(n - 1).await;
                    let _ = to.try_reserve();
                    let _ = (to.stats().len, to.len());
                })
            });
            all(tasks).await;
            stashing.drain();
            stashing.stopped().await;
        });
    }
}
