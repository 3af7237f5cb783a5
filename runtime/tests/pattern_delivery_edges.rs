//! Deliveries at the edges: messages whose destructors panic, and workers that
//! may hold any number.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::thread::panicking;
use std::time::Duration;

use support::{Log, manual, ms};
use tidegate::pattern::{Courier, Delivery, Workers, WorkersBuilder};
use tidegate::prelude::*;
use tidegate::{Backoff, DropReason, ManualExecutor};

/// A job whose copies panic when they are dropped, or all of them.
#[derive(Debug)]
struct Mine {
    number: u64,
    armed: bool,
    copy: bool,
}

/// A payload that panics again when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        if !panicking() {
            panic!("the payload");
        }
    }
}

impl Mine {
    fn harmless(number: u64) -> Self {
        Self { number, armed: false, copy: false }
    }

    fn armed(number: u64) -> Self {
        Self { number, armed: true, copy: false }
    }
}

impl Clone for Mine {
    fn clone(&self) -> Self {
        if self.number == 666 {
            panic_any(Payload);
        }
        Self { number: self.number, armed: self.number == 13, copy: true }
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        if self.armed && !panicking() {
            panic!("stepped on a mine");
        }
    }
}

/// Notes each job, rejects what is armed and keeps number 13 too long.
struct Sapper(Log);

impl Actor for Sapper {
    type Msg = Delivery<Mine>;

    async fn handle(&mut self, job: Delivery<Mine>, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0.add(job.number);
        if job.armed && !job.copy {
            // Whatever comes of it: this one lives on.
            drop(catch_unwind(AssertUnwindSafe(|| job.reject())));
            return Ok(());
        }
        if job.number == 13 {
            cx.sleep(ms(100)).await;
        }
        drop(catch_unwind(AssertUnwindSafe(|| job.ack())));
        Ok(())
    }
}

fn give(workers: &Workers<Mine>, job: Mine) {
    workers.actor_ref().try_tell(job).unwrap();
}

struct Field {
    executor: ManualExecutor,
    system: System,
    log: Log,
    workers: Workers<Mine>,
}

impl Field {
    fn new(workers: WorkersBuilder<Mine>) -> Self {
        let (executor, system) = manual();
        let workers = workers.backoff(Backoff::exponential(ms(1), ms(1))).keep(0).spawn(&system);
        let log = Log::default();
        workers.join(&system.spawn(Sapper(log.clone()), Push::bounded(8)));
        Self { executor, system, log, workers }
    }

    fn give(&self, job: Mine) {
        give(&self.workers, job);
    }
}

#[test]
fn a_job_that_panics_when_it_is_dropped_holds_nobody_up() {
    for keyed in [false, true] {
        let builder = Workers::builder().mailbox(Push::bounded(64));
        let field = Field::new(if keyed { builder.keyed(|job: &Mine| job.number % 2) } else { builder });
        for number in 0..6 {
            field.give(if number % 2 == 0 { Mine::armed(number) } else { Mine::harmless(number) });
        }
        field.executor.advance(ms(10));
        assert_eq!(field.log.take().len(), 6, "keyed: {keyed}");
        let stats = field.workers.stats();
        assert_eq!((stats.acked, stats.quarantined, stats.unsettled), (3, 3, 0), "keyed: {keyed}");
        assert_eq!(field.system.dead_letters().counts().of(DropReason::Quarantined), 3);
    }
}

#[test]
fn a_copy_that_panics_when_it_is_dropped_holds_nobody_up() {
    // Its one attempt is late, so that the copy is given up, by whoever keeps
    // the deadlines; and one that is acknowledged in time drops its copy too.
    for attempts in [1, 2] {
        let builder = Workers::builder().mailbox(Push::bounded(64)).attempts(attempts);
        let field = Field::new(builder.ack_within(if attempts == 1 { ms(10) } else { ms(1000) }));
        field.give(Mine::harmless(13));
        field.give(Mine::harmless(1));
        field.executor.advance(ms(50));
        field.workers.join(&field.system.spawn(Sapper(field.log.clone()), Push::bounded(8)));
        field.give(Mine::harmless(2));
        field.executor.advance(ms(500));
        assert_eq!(field.log.numbers().len(), 3, "{attempts}");
        let stats = field.workers.stats();
        assert_eq!((stats.acked + stats.quarantined, stats.unsettled), (3, 0), "{attempts}");
    }
}

#[test]
fn a_dead_letter_that_panics_when_it_is_dropped_ends_no_hub() {
    let (executor, system) = manual();
    let workers: Workers<Mine> = Workers::builder().mailbox(Push::bounded(64)).spawn(&system);
    workers.join(&system.spawn(Sapper(Log::default()), Pull::manual()));
    (0..3).for_each(|number| give(&workers, Mine::armed(number)));
    executor.advance(ms(1));
    workers.actor_ref().stop();
    executor.advance(ms(1));
    assert!(matches!(workers.actor_ref().stop_reason(), Some(tidegate::StopReason::Stopped)));
    let stats = workers.stats();
    assert_eq!((stats.accepted, stats.unsettled), (stats.lost, 0));
}

#[test]
fn a_panic_that_panics_when_it_is_dropped_is_that_message_s_alone() {
    let (executor, system) = manual();
    let log = Log::default();
    let keyless = |job: &Mine| if job.number == 99 { panic_any(Payload) } else { 0 };
    let workers = Workers::builder().mailbox(Push::bounded(64)).attempts(1).keep_copies().keyed(keyless).spawn(&system);
    workers.join(&system.spawn(Sapper(log.clone()), Push::bounded(8)));
    for number in [666, 99, 1] {
        give(&workers, Mine::harmless(number));
    }
    executor.advance(ms(10));
    assert_eq!(log.take(), ["1"]);
    assert_eq!(workers.stats().quarantined, 2);
}

#[test]
fn workers_may_hold_any_number_and_their_slots_add_up() {
    let (executor, system) = manual();
    let log = Log::default();
    let workers = Workers::builder().mailbox(Push::bounded(64)).prefetch(usize::MAX).spawn(&system);
    let new = || system.spawn(Sapper(log.clone()), Push::bounded(8));
    let (first, second) = (new(), new());
    assert!(workers.join(&first) && workers.join(&second));
    assert!(workers.join_with(&new(), usize::MAX));
    (0..6).for_each(|number| give(&workers, Mine::harmless(number)));
    executor.advance(ms(1));
    assert!(workers.set_prefetch(&first, 0) && workers.set_prefetch(&second, usize::MAX));
    assert!(workers.pause(&second) && workers.leave(&second));
    assert_eq!(workers.workers()[0].prefetch, 1);
    (6..12).for_each(|number| give(&workers, Mine::harmless(number)));
    executor.advance(ms(1));
    assert_eq!(workers.stats().acked, 12);
}

#[test]
fn a_courier_without_a_window_changes_its_target() {
    let (executor, system) = manual();
    let log = Log::default();
    let new = || system.spawn(Sapper(log.clone()), Push::bounded(8));
    let courier = Courier::to(&new()).window(usize::MAX).spawn(&system);
    executor.advance(Duration::ZERO);
    courier.redirect(&new());
    courier.actor_ref().try_tell(Mine::harmless(1)).unwrap();
    executor.advance(ms(1));
    assert_eq!((log.take(), courier.stats().acked), (vec!["1".to_owned()], 1));
}

#[test]
fn a_mapping_that_panics_is_a_failed_attempt_and_ends_no_hub() {
    let (executor, system) = manual();
    let log = Log::default();
    let workers = Workers::builder()
        .mailbox(Push::bounded(64))
        .attempts(2)
        .backoff(Backoff::exponential(ms(1), ms(1)))
        .spawn(&system);
    let sapper = system.spawn(Sapper(log.clone()), Push::bounded(8));
    workers.join(&sapper.map(|job: Delivery<Mine>| {
        assert!(job.number != 7, "no such message");
        job
    }));
    for number in [7, 1, 7, 2] {
        give(&workers, Mine::harmless(number));
    }
    executor.advance(ms(10));
    assert_eq!(log.take(), ["1", "2"]);
    let stats = workers.stats();
    assert_eq!((stats.acked, stats.quarantined, stats.redelivered, stats.unsettled), (2, 2, 2, 0));
    assert_eq!(workers.workers()[0].held, 0);
}
