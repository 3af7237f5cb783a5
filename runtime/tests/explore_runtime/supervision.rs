//! Actors that fail and begin anew: what their mailboxes, siblings, parents and
//! watchers see of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tidegate::explore::Sim;
use tidegate::prelude::*;
use tidegate::{Backoff, DropReason, OnLimit, Supervision};

use super::support::{Item, Log, MS, Msg, Scribe, assert_accounted, assert_in_order, explored, reduced};

/// A scribe that is begun anew when it fails, and how many lives it has had.
fn supervised(sim: &Sim, log: &Log<Item>, restart: Restart) -> (ActorRef<Msg>, Arc<AtomicUsize>) {
    let (log, lives) = (log.clone(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&lives);
    let make = move || {
        counted.fetch_add(1, Relaxed);
        Scribe::new(&log)
    };
    (sim.system().build(make).mailbox(Push::bounded(1)).restart(restart).spawn(), lives)
}

#[test]
fn a_restart_keeps_what_is_queued_and_who_waits() {
    explored(&["failed last", "failed first"], |sim, seen| async move {
        let log = Log::new();
        let (actor, lives) = supervised(&sim, &log, Restart::on_failure());
        let to = actor.clone();
        let failing = sim.spawn("failing", async move {
            to.tell(Msg::Fail((0, 0))).await.unwrap();
            to.tell(Msg::Item((0, 1))).await.unwrap();
        });
        let to = actor.clone();
        let other = sim.spawn("other", async move {
            to.tell(Msg::Item((1, 0))).await.unwrap();
            to.ask(Msg::Count).await.unwrap()
        });
        failing.await;
        assert!(other.await >= 1);
        actor.drain();
        assert!(matches!(actor.stopped().await, StopReason::Drained));
        let items = log.all();
        assert_in_order(&items);
        assert_eq!((items.len(), lives.load(Relaxed)), (3, 2));
        assert_accounted(&actor.stats(), 4);
        seen.saw_if(items[0] == (0, 0), "failed first");
        seen.saw_if(items[0] == (1, 0), "failed last");
    });
}

#[test]
fn a_panic_costs_the_message_in_the_handler_and_no_other() {
    reduced(&["panicked first", "panicked last"], |sim, seen| async move {
        let log = Log::new();
        let (actor, lives) = supervised(&sim, &log, Restart::on_failure());
        let to = actor.clone();
        let panicking = sim.spawn("panicking", async move { to.tell(Msg::Panic).await.unwrap() });
        let to = actor.clone();
        let other = sim.spawn("other", async move {
            for n in 0..2 {
                to.tell(Msg::Slow((1, n))).await.unwrap();
            }
        });
        let to = actor.clone();
        let asker = sim.spawn("asker", async move { to.ask(Msg::Count).await.unwrap() });
        panicking.await;
        other.await;
        seen.saw(if asker.await == 0 { "panicked first" } else { "panicked last" });
        actor.drain();
        assert!(matches!(actor.stopped().await, StopReason::Drained));
        assert_eq!((log.all(), lives.load(Relaxed)), (vec![(1, 0), (1, 1)], 2));
        let stats = actor.stats();
        assert_accounted(&stats, 4);
        assert_eq!((stats.drops.total(), stats.drops.of(DropReason::Interrupted)), (1, 1));
    });
}

#[test]
fn who_is_stopped_or_drained_in_a_backoff_ends_once_and_as_told() {
    explored(&["stopped", "drained", "a life between"], |sim, seen| async move {
        let log = Log::new();
        let backoff = Backoff::exponential(MS, MS);
        let (actor, lives) = supervised(&sim, &log, Restart::on_failure().backoff(backoff));
        actor.tell(Msg::Fail((0, 0))).await.unwrap();
        let to = actor.clone();
        let sender = sim.spawn("sender", async move { usize::from(to.tell(Msg::Item((0, 1))).await.is_ok()) });
        let (to, clock) = (actor.clone(), sim.clone());
        let ender = sim.spawn("ender", async move {
            clock.sleep(MS * clock.choose(2) as u32).await;
            if clock.choose(2) == 0 { to.stop() } else { to.drain() }
        });
        let accepted = 1 + sender.await;
        ender.await;
        let reason = actor.stopped().await;
        let items = log.all();
        if matches!(reason, StopReason::Drained) {
            assert_eq!(items.len(), accepted, "{reason}");
        }
        assert_in_order(&items);
        assert_accounted(&actor.stats(), accepted);
        seen.saw_if(lives.load(Relaxed) == 2, "a life between");
        seen.saw(reason.name());
    });
}

/// Has two children, `left` and `right`, and hears of nothing.
struct Parent {
    restart: Restart,
    logs: [Log<Item>; 2],
    lives: [Arc<AtomicUsize>; 2],
}

impl Actor for Parent {
    type Msg = ();

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        for (n, name) in ["left", "right"].into_iter().enumerate() {
            let (log, lives) = (self.logs[n].clone(), Arc::clone(&self.lives[n]));
            let make = move || {
                lives.fetch_add(1, Relaxed);
                Scribe::new(&log)
            };
            cx.build_child(make).named(name).registered(name).mailbox(Push::bounded(2)).restart(self.restart).spawn();
        }
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

struct Family {
    parent: ActorRef<()>,
    children: [ActorRef<Msg>; 2],
    logs: [Log<Item>; 2],
    lives: [Arc<AtomicUsize>; 2],
}

impl Family {
    async fn of(sim: &Sim, supervision: Supervision, child: Restart, parent: Restart) -> Self {
        let (logs, lives) = ([Log::new(), Log::new()], <[Arc<AtomicUsize>; 2]>::default());
        let (kept, counted) = (logs.clone(), lives.clone());
        let make = move || Parent { restart: child, logs: kept.clone(), lives: counted.clone() };
        let parent = sim.system().build(make).named("parent").supervision(supervision).restart(parent).spawn();
        sim.settled().await;
        let children = ["left", "right"].map(|name| sim.system().lookup(name).unwrap());
        Self { parent, children, logs, lives }
    }

    fn lives(&self) -> [usize; 2] {
        [0, 1].map(|n| self.lives[n].load(Relaxed))
    }

    /// Each child gets an item from a task of its own, and those that are to
    /// fail a failure before it.
    async fn trouble(&self, sim: &Sim, fails: [bool; 2]) {
        let tasks = [0, 1].map(|n| {
            let to = self.children[n].clone();
            sim.spawn(&format!("sender-{n}"), async move {
                if fails[n] {
                    to.tell(Msg::Fail((n, 0))).await.unwrap();
                }
                // With three each, and two that fail, there are too many orders.
                if fails != [true, true] {
                    to.tell(Msg::Slow((n, 1))).await.unwrap();
                }
                to.tell(Msg::Item((n, 2))).await.unwrap();
            })
        });
        for task in tasks {
            task.await;
        }
        sim.settled().await;
    }
}

#[test]
fn one_for_all_takes_the_sibling_along_and_keeps_its_queue() {
    reduced(&["the sibling was in the middle", "the sibling was between two"], |sim, seen| async move {
        let family = Family::of(&sim, Supervision::OneForAll, Restart::on_failure(), Restart::never()).await;
        family.trouble(&sim, [true, false]).await;
        assert_eq!(family.lives(), [2, 2]);
        assert_eq!(family.logs[0].all(), [(0, 0), (0, 1), (0, 2)]);
        let interrupted = family.children[1].stats().drops.of(DropReason::Interrupted);
        let items = family.logs[1].all();
        assert_in_order(&items);
        assert_eq!(items.len() as u64 + interrupted, 2, "{items:?}");
        assert!(items.contains(&(1, 2)), "what was queued is kept");
        seen.saw(if interrupted > 0 { "the sibling was in the middle" } else { "the sibling was between two" });
        family.parent.stop();
        family.parent.stopped().await;
        assert!(family.children.iter().all(|child| child.stop_reason().is_some()));
    });
}

#[test]
fn two_that_fail_at_once_begin_anew_together() {
    reduced(&["both twice", "one before the other had begun"], |sim, seen| async move {
        let family = Family::of(&sim, Supervision::OneForAll, Restart::on_failure(), Restart::never()).await;
        family.trouble(&sim, [true, true]).await;
        for (log, child) in family.logs.iter().zip(&family.children) {
            let (items, stats) = (log.all(), child.stats());
            assert_in_order(&items);
            assert_accounted(&stats, 2);
            assert_eq!(stats.drops.total(), stats.drops.of(DropReason::Interrupted));
            assert_eq!(items.len() as u64 + stats.drops.total(), 2);
        }
        seen.saw(match family.lives() {
            [3, 3] => "both twice",
            // The left begins first.
            [3, 2] => "one before the other had begun",
            lives => panic!("{lives:?} lives"),
        });
        family.parent.stop();
        family.parent.stopped().await;
    });
}

#[test]
fn rest_for_one_leaves_those_before_alone() {
    reduced(&["right failed", "left failed"], |sim, seen| async move {
        let family = Family::of(&sim, Supervision::RestForOne, Restart::on_failure(), Restart::never()).await;
        let left = sim.choose(2) == 0;
        family.trouble(&sim, [left, !left]).await;
        assert_eq!(family.lives(), if left { [2, 2] } else { [1, 2] });
        let [before, behind] = [0, 1].map(|n| family.logs[n].all());
        assert_eq!(before.len(), if left { 3 } else { 2 });
        assert_eq!(behind.last(), Some(&(1, 2)));
        seen.saw(if left { "left failed" } else { "right failed" });
        family.parent.stop();
        family.parent.stopped().await;
    });
}

#[test]
fn a_child_over_its_limit_is_a_fault_of_its_parent() {
    reduced(&["escalated", "stopped alone"], |sim, seen| async move {
        let on_limit = if sim.choose(2) == 0 { OnLimit::Escalate } else { OnLimit::Stop };
        let child = Restart::on_failure().limit(0, MS).on_limit(on_limit);
        let family = Family::of(&sim, Supervision::OneForOne, child, Restart::on_failure()).await;
        let [left, right] = family.children.clone();
        let to = left.clone();
        let failing = sim.spawn("failing", async move { to.tell(Msg::Fail((0, 0))).await.unwrap() });
        let to = right.clone();
        let asker = sim.spawn("asker", async move { to.ask(Msg::Count).await });
        failing.await;
        assert!(matches!(left.stopped().await, StopReason::Failed(_)));
        let answer = asker.await;
        sim.settled().await;
        let escalates = on_limit == OnLimit::Escalate;
        // The children end with the parent's life, and the next has its own.
        assert_eq!(family.lives(), if escalates { [2, 2] } else { [1, 1] });
        assert_eq!(right.stop_reason().is_some(), escalates);
        assert!(answer.is_ok() || escalates, "{answer:?}");
        assert!(family.parent.stop_reason().is_none());
        let found = sim.system().lookup::<Msg>("right").unwrap();
        assert_eq!(found.id() != right.id(), escalates);
        seen.saw(if escalates { "escalated" } else { "stopped alone" });
        family.parent.stop();
        family.parent.stopped().await;
        assert!(sim.system().lookup::<Msg>("right").is_err());
    });
}

/// Watches from its first life on, and counts what it hears.
struct Watcher(ActorRef<Msg>, Log<&'static str>);

impl Actor for Watcher {
    type Msg = ();

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.watch(&self.0);
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        Err(Fault::msg("told to"))
    }

    async fn terminated(&mut self, who: Terminated, _: &mut Context<Self>) -> Result<(), Fault> {
        self.1.push(who.reason.name());
        Ok(())
    }
}

#[test]
fn a_restart_is_no_death_and_a_watcher_begun_anew_hears_of_one_again() {
    explored(&["once", "in both lives"], |sim, seen| async move {
        let (log, notices) = (Log::new(), Log::new());
        let (watched, lives) = supervised(&sim, &log, Restart::on_failure());
        let (target, told) = (watched.clone(), notices.clone());
        let watcher =
            sim.system().build(move || Watcher(target.clone(), told.clone())).restart(Restart::on_failure()).spawn();
        let to = watched.clone();
        let failing = sim.spawn("failing", async move {
            to.tell(Msg::Fail((0, 0))).await.unwrap();
            to.stop();
        });
        watcher.tell(()).await.unwrap();
        failing.await;
        assert!(matches!(watched.stopped().await, StopReason::Stopped));
        watcher.drain();
        watcher.stopped().await;
        assert!(lives.load(Relaxed) <= 2);
        match notices.all()[..] {
            ["stopped"] => seen.saw("once"),
            ["stopped", "stopped"] => seen.saw("in both lives"),
            ref other => panic!("{other:?}"),
        }
    });
}
