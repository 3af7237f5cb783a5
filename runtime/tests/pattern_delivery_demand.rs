//! Workers and targets that ask for jobs by hand: who has asked gets what there
//! is, however many others have not, and nothing overtakes on its way.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Jittery, Random, lock, ms};
use tidegate::pattern::{Courier, Delivery, Workers};
use tidegate::prelude::*;
use tidegate::{Backoff, ManualExecutor};

/// Does with a job what chance says, and asks for the next a while after.
struct Picky {
    chance: Arc<Mutex<Random>>,
    /// Some jobs are to be tried again after a while.
    later: bool,
}

impl Picky {
    fn below(&self, n: u64) -> u64 {
        lock(&self.chance).below(n)
    }

    async fn ask(&self, cx: &mut Context<Self>) {
        cx.sleep(ms(self.below(12))).await;
        cx.request(1 + self.below(2));
    }
}

impl Actor for Picky {
    type Msg = Delivery<u64>;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.ask(cx).await;
        Ok(())
    }

    async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(ms(self.below(6))).await;
        match self.below(12) {
            0 => return Err(Fault::msg("chance")),
            1 => job.nack(),
            2 if self.later => job.nack_after(ms(3)),
            _ => {
                job.ack();
            }
        }
        self.ask(cx).await;
        Ok(())
    }
}

/// At any time, when all is quiet: no job waits while a worker is there that
/// has asked for one, is not paused and holds fewer than it may.
#[test]
fn no_job_waits_while_a_worker_has_asked_for_one() {
    let mut waited = 0;
    for seed in 0..60 {
        let executor = ManualExecutor::shuffled(seed);
        let system = System::with_executor(Jittery::new(executor.clone(), seed));
        let chance = Arc::new(Mutex::new(Random(seed ^ 0xa5c)));
        let later = seed % 5 == 0;
        let mut builder = Workers::builder()
            .mailbox(Push::bounded(1000))
            .prefetch(1 + seed as usize % 3)
            .attempts(u32::MAX)
            .backoff(Backoff::exponential(Duration::ZERO, Duration::ZERO));
        if seed % 2 == 0 {
            builder = builder.keyed(|job: &u64| job % 7).affinity(seed as usize % 5);
        }
        if seed % 3 == 0 {
            builder = builder.ack_within(ms(4));
        }
        let workers = builder.spawn(&system);
        let staff: Vec<ActorRef<Delivery<u64>>> = (0..12)
            .map(|n| {
                let chance = Arc::clone(&chance);
                let make = move || Picky { chance: Arc::clone(&chance), later };
                let worker = system.build(make).restart(Restart::on_failure().limit(u32::MAX, ms(1)));
                let worker = if n == 0 { worker.mailbox(Push::bounded(4)) } else { worker.mailbox(Pull::manual()) };
                let worker = worker.spawn();
                assert!(workers.join(&worker));
                worker
            })
            .collect();
        let mut jobs = 0..;
        let mut sent = 0;
        for _ in 0..400 {
            let (roll, who) = {
                let mut chance = lock(&chance);
                (chance.below(20), chance.below(12) as usize)
            };
            match roll {
                0..8 => {
                    workers.actor_ref().try_tell(jobs.next().unwrap()).unwrap();
                    sent += 1;
                }
                11 => assert!(workers.pause(&staff[who])),
                12 => assert!(workers.resume(&staff[who])),
                13 => assert!(workers.set_prefetch(&staff[who], 1 + who % 3)),
                14 => {
                    assert!(workers.leave(&staff[who]));
                    assert!(workers.join(&staff[who]));
                }
                _ => executor.advance(ms(1)),
            }
            executor.run_until_idle();
            let stats = workers.stats();
            let ready = stats.unsettled - stats.out - workers.key_stats().behind;
            let free = workers.workers().iter().any(|of| {
                let asked = staff.iter().any(|worker| worker.id() == of.id && worker.stats().free > 0);
                asked && !of.paused && of.held < of.prefetch
            });
            waited += u32::from(ready > 0);
            assert!(later || ready == 0 || !free, "seed {seed}: {stats:?} {:?}", workers.workers());
        }
        staff.iter().for_each(|worker| {
            workers.resume(worker);
            worker.reconfigure(Push::bounded(16));
        });
        workers.actor_ref().drain();
        executor.advance(Duration::from_secs(60));
        let stats = workers.stats();
        assert_eq!((stats.acked, stats.unsettled, stats.out), (sent, 0, 0), "seed {seed}: {stats:?}");
        assert!(workers.actor_ref().stop_reason().is_some(), "seed {seed}");
        assert!(workers.workers().is_empty());
    }
    assert!(waited > 1000, "{waited}");
}

/// On threads: hub, pump and workers are at it at the same time, and pulling by
/// hand makes every worker one that is waited for now and then. A wake-up that
/// is lost is a test that does not end.
#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_threads_every_job_finds_a_worker_that_asks() {
    struct Turns(u64);
    impl Actor for Turns {
        type Msg = Delivery<u64>;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.request(1);
            Ok(())
        }
        async fn handle(&mut self, job: Delivery<u64>, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.0 += 1;
            match self.0 % 5 {
                0 => drop(job),
                1 => job.nack_after(Duration::from_micros(50)),
                _ => assert!(job.ack()),
            }
            for _ in 0..self.0 % 3 {
                tokio::task::yield_now().await;
            }
            cx.request(1);
            Ok(())
        }
    }
    for round in 0..20_u64 {
        let system = System::new();
        let mut builder = Workers::builder()
            .attempts(u32::MAX)
            .prefetch(1 + round as usize % 3)
            .backoff(Backoff::exponential(Duration::ZERO, Duration::ZERO));
        if round % 2 == 0 {
            builder = builder.keyed(|job: &u64| job % 5);
        }
        if round % 3 == 0 {
            builder = builder.ack_within(Duration::from_secs(20));
        }
        let workers = builder.spawn(&system);
        let staff: Vec<_> = (0..6).map(|n| system.build(move || Turns(n)).mailbox(Pull::manual()).spawn()).collect();
        staff.iter().for_each(|worker| assert!(workers.join(worker)));
        let producers: Vec<_> = (0..3)
            .map(|_| {
                let jobs = workers.actor_ref().clone();
                tokio::spawn(async move {
                    for job in 0..200 {
                        jobs.tell(job).await.unwrap();
                    }
                })
            })
            .collect();
        let ended = async {
            for producer in producers {
                producer.await.unwrap();
            }
            workers.actor_ref().drain();
            workers.actor_ref().stopped().await;
        };
        let steer = async {
            for n in 0.. {
                let worker = &staff[n % 6];
                assert!(workers.pause(worker) || workers.actor_ref().is_closed());
                tokio::task::yield_now().await;
                workers.resume(worker);
                if n % 7 == 0 && workers.leave(worker) {
                    workers.join(worker);
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), async {
            tokio::select! { () = ended => {}, () = steer => {} }
        });
        assert!(in_time.await.is_ok(), "round {round}: {:?} {:?}", workers.stats(), workers.workers());
        assert_eq!(workers.stats().acked, 600, "round {round}");
    }
}

/// The hub sends what it accepts itself if it can, and its pump what has to
/// wait: between them, too, nothing overtakes.
#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_threads_first_attempts_come_in_order() {
    struct InOrder(u64);
    impl Actor for InOrder {
        type Msg = Delivery<u64>;
        async fn handle(&mut self, job: Delivery<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
            assert_eq!((*job, job.attempt()), (self.0, 1));
            self.0 += 1;
            if self.0.is_multiple_of(3) {
                tokio::task::yield_now().await;
            }
            job.ack();
            Ok(())
        }
    }
    for round in 0..10 {
        let system = System::new();
        let target = system.spawn(InOrder(0), Push::bounded(1 + round % 4));
        let mut courier = Courier::to(&target).window(1 + 7 * round);
        if round % 2 == 0 {
            courier = courier.ack_within(Duration::from_secs(20));
        }
        let courier = courier.spawn(&system);
        for job in 0..2000 {
            courier.actor_ref().tell(job).await.unwrap();
        }
        courier.actor_ref().drain();
        courier.actor_ref().stopped().await;
        let stats = courier.stats();
        assert_eq!((stats.acked, stats.redelivered, stats.lost), (2000, 0, 0), "round {round}: {stats:?}");
    }
}
