//! What an actor is doing, as others see it.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use support::{Job, Log, Worker, manual, ms};
use tidegate::Activity;
use tidegate::prelude::*;

#[test]
fn an_actor_says_what_it_is_doing() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    assert_eq!(actor.activity(), Activity::Starting);
    executor.run_until_idle();
    assert_eq!(actor.activity(), Activity::Parked);
    actor.try_tell(Job::Slow(1, ms(10))).unwrap();
    executor.run_until_idle();
    assert_eq!(actor.activity(), Activity::Working);
    executor.advance(ms(10));
    assert_eq!(actor.activity(), Activity::Parked);
    actor.stop();
    executor.run_until_idle();
    assert_eq!(actor.activity(), Activity::Ended);
}

/// Takes its time to leave.
struct Slow;

impl Actor for Slow {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
    async fn stopped(&mut self, _reason: &StopReason, cx: &mut Context<Self>) {
        cx.sleep(ms(5)).await;
    }
}

#[test]
fn an_actor_in_its_last_hook_is_stopping() {
    let (executor, system) = manual();
    let actor = system.spawn(Slow, Push::bounded(8));
    executor.run_until_idle();
    actor.stop();
    executor.run_until_idle();
    assert_eq!(actor.activity(), Activity::Stopping);
    executor.advance(ms(5));
    assert_eq!(actor.activity(), Activity::Ended);
}
