//! What an inspection shows: the tree, each mailbox's numbers, and nothing of
//! what has ended.

#[path = "actor/support.rs"]
#[allow(dead_code, reason = "each test uses a part of it")]
mod support;

use support::{Job, Log, Worker, manual, ms};
use tidegate::prelude::*;
use tidegate::{Activity, DropReason, Mode};

#[test]
fn children_stand_behind_their_parents_in_the_order_of_their_births() {
    let (executor, system) = manual();
    let log = Log::default();
    let parent = |name: &str| {
        let log = log.clone();
        system.build(move || Worker::new(&log)).named(name).spawn()
    };
    let (first, _second) = (parent("first"), parent("second"));
    for name in ["a", "b"] {
        let log = log.clone();
        first
            .try_tell(Job::run(move |_, cx| {
                cx.build_child(move || Worker::new(&log)).named(name).spawn();
                Ok(())
            }))
            .unwrap();
    }
    executor.run_until_idle();
    let seen = system.inspect();
    let paths: Vec<_> = seen.actors.iter().map(|actor| actor.path.as_str()).collect();
    assert_eq!(paths, ["/first", "/first/a", "/first/b", "/second"]);
    assert_eq!(seen.children(first.id()).count(), 2);
    assert_eq!(seen.find("/first/a").unwrap().parent, Some(first.id()));
    assert_eq!(seen.find("/second").unwrap().parent, None);
}

#[test]
fn what_has_ended_is_not_shown() {
    let (executor, system) = manual();
    let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(4));
    let other = system.spawn(Worker::new(&Log::default()), Push::bounded(4));
    executor.run_until_idle();
    assert_eq!(system.inspect().actors.len(), 2);
    actor.stop();
    executor.run_until_idle();
    let seen = system.inspect();
    assert_eq!(seen.actors.iter().map(|actor| actor.id).collect::<Vec<_>>(), [other.id()]);
}

#[test]
fn the_numbers_of_the_rule_are_those_of_the_mailbox() {
    let (executor, system) = manual();
    let worker = system.build(|| Worker::new(&Log::default())).named("w").mailbox(Pull::manual()).spawn();
    executor.run_until_idle();
    let seen = |system: &System| system.inspect().find("/w").unwrap().mailbox.clone();
    assert_eq!((seen(&system).mode, seen(&system).requested, seen(&system).limit), (Mode::Pull, Some(0), Some(0)));
    worker.reconfigure(Push::bounded(3));
    executor.run_until_idle();
    for n in 0..3 {
        worker.try_tell(Job::Note(n)).unwrap();
    }
    let now = seen(&system);
    assert_eq!((now.mode, now.epoch, now.requested), (Mode::Push, 1, None));
    assert_eq!((now.len, now.taken, now.limit, now.capacity), (3, 0, Some(3), Some(3)));
    executor.run_until_idle();
    let now = seen(&system);
    assert_eq!((now.len, now.taken, now.limit, now.handled, now.high_water), (0, 3, Some(6), 3, 3));
    let permit = worker.try_reserve().unwrap();
    assert_eq!(seen(&system).permits, 1);
    drop(permit);
    assert_eq!(seen(&system).permits, 0);
}

#[test]
fn restarts_drops_and_waiting_senders_are_counted() {
    let (executor, system) = manual();
    let log = Log::default();
    let worker = system
        .build(move || Worker::new(&log))
        .named("w")
        .mailbox(Push::bounded(1))
        .restart(Restart::on_failure().limit(3, ms(1000)))
        .spawn();
    worker.try_tell(Job::panic("on purpose")).unwrap();
    executor.run_until_idle();
    worker.try_tell(Job::Note(1)).unwrap();
    let mut waiting = Box::pin(worker.tell(Job::Note(2)));
    assert!(waiting.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
    let seen = system.inspect();
    let found = seen.find("/w").unwrap();
    assert_eq!((found.restarts, found.mailbox.waiting_senders), (1, 1));
    assert_eq!(found.mailbox.drops.of(DropReason::Interrupted), 1);
    assert_eq!(seen.drops.of(DropReason::Interrupted), 1);
}

#[test]
fn it_prints_as_a_tree() {
    let (executor, system) = manual();
    let log = Log::default();
    let top = system.build(move || Worker::new(&log)).named("top").mailbox(Push::bounded(8)).spawn();
    top.try_tell(Job::run(|_, cx| {
        cx.build_child(|| Worker::new(&Log::default())).named("below").mailbox(Pull::window(4)).spawn();
        Ok(())
    }))
    .unwrap();
    executor.run_until_idle();
    executor.advance(ms(1500));
    let printed = system.inspect().to_string();
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "2 actors at 1.5s");
    assert!(lines[1].starts_with("  /top: parked; "), "{printed}");
    assert!(lines[1].contains("push, 0 of 8 queued (at most 1), 1 handled"), "{printed}");
    assert!(lines[2].starts_with("    /top/below: parked; "), "{printed}");
    assert!(lines[2].contains("pull"), "{printed}");
}

#[cfg(feature = "serde")]
#[test]
fn it_is_serialized_as_it_is() {
    let (executor, system) = manual();
    let worker = system.build(|| Worker::new(&Log::default())).named("w").mailbox(Push::bounded(2)).spawn();
    executor.run_until_idle();
    worker.try_tell(Job::Note(1)).unwrap();
    executor.advance(ms(250));
    let json = serde_json::to_value(system.inspect()).unwrap();
    assert_eq!(json["at"], 0.25);
    let actor = &json["actors"][0];
    assert_eq!(actor["path"], "/w");
    assert_eq!(actor["id"], worker.id().to_string().trim_start_matches('#').parse::<u64>().unwrap());
    let mailbox = &actor["mailbox"];
    assert_eq!((&mailbox["mode"], &mailbox["overflow"]), (&"push".into(), &"wait".into()));
    assert_eq!((&mailbox["handled"], &mailbox["limit"]), (&1.into(), &3.into()));
}

#[test]
fn who_waits_for_whom_is_shown() {
    let executor = tidegate::ManualExecutor::new();
    let system = System::builder().deadlocks(tidegate::Deadlocks::watched()).build_on(executor.clone());
    let full = system.build(|| Worker::new(&Log::default())).named("full").mailbox(Push::bounded(1)).spawn();
    full.try_tell(Job::Stuck(1)).unwrap();
    executor.run_until_idle();
    full.try_tell(Job::Note(2)).unwrap();
    let waits = system.build(move || Sender(full.clone())).named("sender").spawn();
    waits.try_tell(()).unwrap();
    executor.advance(ms(1200));
    let seen = system.inspect();
    assert_eq!(seen.waits.len(), 1);
    let wait = &seen.waits[0];
    assert_eq!((wait.who.as_ref().unwrap().as_str(), wait.on.as_str()), ("/sender", "/full"));
    assert_eq!(wait.elapsed, ms(1200));
    assert!(seen.to_string().contains("\n/sender waits for room in /full, 1.2s"), "{seen}");
    assert!(matches!(&seen.find("/sender").unwrap().activity, Activity::WaitingForRoom(on) if on.as_str() == "/full"));
    #[cfg(feature = "serde")]
    assert_eq!(serde_json::to_value(&seen).unwrap()["waits"][0]["elapsed"], 1.2);
}

struct Sender(ActorRef<Job>);

impl Actor for Sender {
    type Msg = ();

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        assert!(self.0.tell(Job::Note(3)).await.is_ok(), "there is room at last");
        Ok(())
    }
}
