//! Listings of the chapter "Work pulling".

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::Backoff;
use tidegate::pattern::{Delivery, Workers};
use tidegate::prelude::*;
use tokio::time::sleep;

struct Busy;

impl Actor for Busy {
    type Msg = Delivery<u32>;
    async fn handle(&mut self, job: Delivery<u32>, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_secs(1)).await;
        job.ack();
        Ok(())
    }
}

// ANCHOR: hoarding
#[tokio::test(start_paused = true)]
async fn a_new_worker_has_work_at_once_however_much_there_is() {
    let system = System::new();
    let workers = Workers::builder().mailbox(Push::bounded(100_000)).spawn(&system);
    for _ in 0..5 {
        workers.join(&system.spawn(Busy, Push::bounded(1024)));
    }
    for job in 0..75_000 {
        workers.actor_ref().tell(job).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    assert_eq!(workers.stats().out, 5, "one each, though their own mailboxes have room for 1024");

    for _ in 0..45 {
        workers.join(&system.spawn(Busy, Push::bounded(1024)));
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(workers.stats().out, 50, "all of them are at work");
}
// ANCHOR_END: hoarding

/// Works for 4 ms; then its answer is on its way for 100 ms.
struct FarAway;

impl Actor for FarAway {
    type Msg = Delivery<u32>;
    async fn handle(&mut self, job: Delivery<u32>, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(4)).await;
        let (_, receipt) = job.into_parts();
        let travels = cx.sleep(Duration::from_millis(100));
        cx.spawn(async move {
            travels.await;
            receipt.ack();
        });
        Ok(())
    }
}

// ANCHOR: arithmetic
#[tokio::test(start_paused = true)]
async fn a_prefetch_of_round_trip_by_service_time_keeps_a_worker_busy() {
    for (prefetch, busy) in [(1, 4), (13, 50), (26, 100), (100, 100)] {
        let system = System::new();
        let workers = Workers::builder().mailbox(Push::bounded(10_000)).prefetch(prefetch).spawn(&system);
        for job in 0..10_000 {
            workers.actor_ref().tell(job).await.unwrap();
        }
        // 4 ms of work, and 104 ms from one job to the next of the same place.
        workers.join(&system.spawn(FarAway, Push::bounded(128)));
        sleep(Duration::from_secs(1)).await;
        let before = workers.stats().acked;
        sleep(Duration::from_secs(10)).await;
        let worked = (workers.stats().acked - before) * 4; // ms of 10 000
        assert_eq!((worked + 50) / 100, busy, "percent, with prefetch {prefetch}");
    }
}
// ANCHOR_END: arithmetic

#[derive(Clone, Copy)]
struct Booking {
    account: u32,
    number: u32,
}

struct Clerk {
    done: Arc<Mutex<Vec<(u32, u32)>>>,
}

impl Actor for Clerk {
    type Msg = Delivery<Booking>;
    async fn handle(&mut self, job: Delivery<Booking>, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(Duration::from_millis(10)).await;
        if (job.account, job.number, job.attempt()) == (1, 0, 1) {
            return Err(Fault::msg("the first try of the first one fails"));
        }
        self.done.lock().unwrap().push((job.account, job.number));
        job.ack();
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_of_one_account_keep_their_order_also_when_one_comes_back() {
    let system = System::new();
    let done = Arc::new(Mutex::new(Vec::new()));
    // ANCHOR: keyed
    let backoff = Backoff::exponential(Duration::from_millis(100), Duration::from_secs(1));
    let workers = Workers::builder()
        .keyed(|booking: &Booking| booking.account)
        .affinity(1000) // and remember the last worker of so many idle accounts
        .backoff(backoff)
        .spawn(&system);
    // ANCHOR_END: keyed
    for _ in 0..3 {
        let done = Arc::clone(&done);
        let clerk = system.build(move || Clerk { done: Arc::clone(&done) });
        workers.join(&clerk.restart(Restart::on_failure()).spawn());
    }
    // ANCHOR: order
    for number in 0..3 {
        for account in [1, 2] {
            workers.actor_ref().tell(Booking { account, number }).await.unwrap();
        }
    }
    workers.actor_ref().drain();
    workers.actor_ref().stopped().await;
    // The first of account 1 came back, and the others of it have waited.
    assert_eq!(*done.lock().unwrap(), [(2, 0), (2, 1), (2, 2), (1, 0), (1, 1), (1, 2)]);
    // ANCHOR_END: order
}

// ANCHOR: steer
#[tokio::test(start_paused = true)]
async fn workers_are_seen_and_steered_while_they_work() {
    let system = System::new();
    let workers = Workers::builder().mailbox(Push::bounded(100)).spawn(&system);
    let (quick, suspect) = (system.spawn(Busy, Push::bounded(8)), system.spawn(Busy, Push::bounded(8)));
    for worker in [&quick, &suspect] {
        workers.join(worker);
    }
    for job in 0..20 {
        workers.actor_ref().tell(job).await.unwrap();
    }
    sleep(Duration::from_millis(1)).await;

    workers.pause(&suspect); // finishes what it holds, and gets no more
    workers.set_prefetch(&quick, 2);
    sleep(Duration::from_millis(3500)).await;
    for worker in workers.workers() {
        let expected = if worker.id == quick.id() { (2, 3, false) } else { (0, 1, true) };
        assert_eq!((worker.held, worker.acked, worker.paused), expected);
    }
    workers.resume(&suspect);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(workers.stats().out, 3);
}
// ANCHOR_END: steer
