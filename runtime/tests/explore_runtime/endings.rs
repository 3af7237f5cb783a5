//! Ends: of actors, while somebody asks, tells or watches; and of systems.

use std::time::Duration;

use tidegate::explore::Sim;
use tidegate::prelude::*;
use tidegate::{AskError, LookupError, NameEvent, Phase, Shutdown};

use super::support::{
    Log, MS, Msg, Scribe, assert_accounted, assert_in_order, explored, left, pause, reduced, sampled,
};

#[test]
fn every_ask_resolves_when_its_actor_stops() {
    explored(&["Ok", "NoReply", "Closed"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let askers = [0, 1].map(|n| {
            let to = actor.clone();
            sim.spawn(&format!("asker-{n}"), async move { to.ask(Msg::Count).await })
        });
        let to = actor.clone();
        sim.spawn("stopper", async move { to.stop() }).await;
        let mut accepted = 0;
        for asker in askers {
            match asker.await {
                Ok(_) => {
                    seen.saw("Ok");
                    accepted += 1;
                }
                Err(AskError::NoReply) => {
                    seen.saw("NoReply");
                    accepted += 1;
                }
                Err(AskError::Refused(SendError::Closed(_))) => seen.saw("Closed"),
                Err(other) => panic!("{other}"),
            }
        }
        actor.stopped().await;
        assert_accounted(&actor.stats(), accepted);
    });
}

#[test]
fn what_was_accepted_before_a_drain_is_handled() {
    sampled(&["all went in", "some did not"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let senders = [0, 1].map(|from| {
            let to = actor.clone();
            sim.spawn(&format!("sender-{from}"), async move {
                let mut accepted = 0;
                for n in 0..2 {
                    accepted += usize::from(to.tell(Msg::Item((from, n))).await.is_ok());
                }
                accepted
            })
        });
        let to = actor.clone();
        sim.spawn("drainer", async move { to.drain() }).await;
        let mut accepted = 0;
        for sender in senders {
            accepted += sender.await;
        }
        assert!(matches!(actor.stopped().await, StopReason::Drained));
        assert_in_order(&log.all());
        assert_eq!(log.len(), accepted);
        assert_accounted(&actor.stats(), accepted);
        seen.saw(if accepted == 4 { "all went in" } else { "some did not" });
    });
}

#[test]
fn stop_drain_and_kill_together_are_one_end() {
    reduced(&["stopped", "drained", "killed", "something was left", "nothing was left"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(2));
        let to = actor.clone();
        let sender = sim.spawn("sender", async move {
            usize::from(to.tell(Msg::Slow((0, 0))).await.is_ok())
                + usize::from(to.tell(Msg::Item((0, 1))).await.is_ok())
        });
        let enders = [ActorRef::stop, ActorRef::drain, ActorRef::kill].map(|end| {
            let to = actor.clone();
            sim.spawn("ender", async move { end(&to) })
        });
        let accepted = sender.await;
        for ender in enders {
            ender.await;
        }
        let reason = actor.stopped().await;
        assert_eq!(actor.stop_reason().map(|r| r.name()), Some(reason.name()));
        assert_in_order(&log.all());
        let stats = actor.stats();
        assert_accounted(&stats, accepted);
        assert_eq!((stats.len, stats.stashed), (0, 0));
        assert!(matches!(actor.try_tell(Msg::Item((1, 0))), Err(SendError::Closed(_))));
        seen.saw(reason.name());
        seen.saw(if left(&stats) > 0 { "something was left" } else { "nothing was left" });
    });
}

enum Watching {
    Begin(ActorRef<Msg>),
    End(ActorRef<Msg>),
}

/// Writes down who has ended.
struct Watcher(Log<&'static str>);

impl Actor for Watcher {
    type Msg = Watching;

    async fn handle(&mut self, msg: Watching, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Watching::Begin(other) => cx.watch(&other),
            Watching::End(other) => {
                cx.unwatch(&other);
                self.0.push("unwatched");
            }
        }
        Ok(())
    }

    async fn terminated(&mut self, who: Terminated, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.push(who.reason.name());
        Ok(())
    }
}

#[test]
fn a_death_is_told_once_however_the_watch_came() {
    explored(&["watched alive", "watched dead"], |sim, seen| async move {
        let notices = Log::new();
        let watched = sim.system().spawn(Scribe::new(&Log::new()), Push::bounded(1));
        let watcher = sim.system().spawn(Watcher(notices.clone()), Push::bounded(4));
        let (to, target) = (watcher.clone(), watched.clone());
        let begin = sim.spawn("begin", async move {
            let ended = target.stop_reason().is_some();
            to.tell(Watching::Begin(target)).await.unwrap();
            ended
        });
        let target = watched.clone();
        let killer = sim.spawn("killer", async move {
            target.tell(Msg::Panic).await.unwrap();
        });
        let ended = begin.await;
        killer.await;
        assert!(matches!(watched.stopped().await, StopReason::Panicked(_)));
        sim.settled().await;
        assert_eq!(notices.all(), ["panicked"]);
        watcher.stop();
        watcher.stopped().await;
        assert_eq!(notices.len(), 1);
        seen.saw(if ended { "watched dead" } else { "watched alive" });
    });
}

#[test]
fn after_an_unwatch_no_death_is_told() {
    explored(&["told before", "not told"], |sim, seen| async move {
        let notices = Log::new();
        let watched = sim.system().spawn(Scribe::new(&Log::new()), Push::bounded(1));
        let watcher = sim.system().spawn(Watcher(notices.clone()), Push::bounded(4));
        watcher.tell(Watching::Begin(watched.clone())).await.unwrap();
        let target = watched.clone();
        let killer = sim.spawn("killer", async move { target.kill() });
        watcher.tell(Watching::End(watched.clone())).await.unwrap();
        killer.await;
        watched.stopped().await;
        watcher.drain();
        watcher.stopped().await;
        match notices.all()[..] {
            ["killed", "unwatched"] => seen.saw("told before"),
            ["unwatched"] => seen.saw("not told"),
            ref other => panic!("{other:?}"),
        }
    });
}

/// Links itself to another, and waits.
struct Linked(ActorRef<Msg>);

impl Actor for Linked {
    type Msg = ();

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.link(&self.0);
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn who_is_linked_to_one_that_fails_fails_too() {
    explored(&["failed", "stopped"], |sim, seen| async move {
        let other = sim.system().spawn(Scribe::new(&Log::new()), Push::bounded(1));
        let linked = sim.system().spawn(Linked(other.clone()), Push::bounded(1));
        let (fails, stops) = (other.clone(), other.clone());
        let one = sim.spawn("fails", async move { drop(fails.tell(Msg::Fail((0, 0))).await) });
        let two = sim.spawn("stops", async move { stops.stop() });
        one.await;
        two.await;
        let reason = other.stopped().await;
        sim.settled().await;
        // A failure passes over a link, an end that was ordered does not.
        assert_eq!(linked.stop_reason().is_some(), reason.is_failure(), "{reason}: {:?}", linked.stop_reason());
        linked.stop();
        assert_eq!(linked.stopped().await.is_failure(), reason.is_failure());
        seen.saw(reason.name());
    });
}

#[test]
fn a_shutdown_under_load_leaves_nothing_unresolved() {
    reduced(&["all was handled", "something came too late"], |sim, seen| async move {
        let (log, system) = (Log::new(), sim.system().clone());
        let actor = system.spawn(Scribe::new(&log), Push::bounded(1));
        let to = actor.clone();
        let teller = sim.spawn("teller", async move {
            let mut accepted = 0;
            for n in 0..2 {
                accepted += usize::from(to.tell(Msg::Slow((0, n))).await.is_ok());
            }
            accepted
        });
        let to = actor.clone();
        let asker = sim.spawn("asker", async move {
            match to.ask(Msg::Count).await {
                Ok(_) | Err(AskError::NoReply) => 1,
                Err(AskError::Refused(SendError::Closed(_))) => 0,
                Err(other) => panic!("{other}"),
            }
        });
        // As long as it takes both to be heard, and not always.
        for _ in 0..3 {
            pause().await;
        }
        let report = system.shutdown(Duration::from_secs(1)).await;
        let accepted = teller.await + asker.await;
        assert!(report.killed.is_empty() && report.stuck.is_empty(), "{report}");
        assert_eq!(report.undelivered, 0, "{report}");
        assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)));
        assert_in_order(&log.all());
        assert_accounted(&actor.stats(), accepted);
        let late = system.spawn(Scribe::new(&log), Push::bounded(1));
        assert!(matches!(late.stopped().await, StopReason::Refused));
        assert!(system.is_empty());
        seen.saw(if accepted == 3 { "all was handled" } else { "something came too late" });
    });
}

/// Hands on what it gets, and writes down when it ends.
struct Desk {
    next: Option<ActorRef<usize>>,
    done: Log<usize>,
}

impl Actor for Desk {
    type Msg = usize;

    async fn handle(&mut self, order: usize, _: &mut Context<Self>) -> Result<(), Fault> {
        pause().await;
        if let Some(next) = &self.next {
            next.tell(order).await?;
        }
        self.done.push(order);
        Ok(())
    }
}

fn desk(sim: &Sim, name: &str, phase: Phase, next: Option<&ActorRef<usize>>) -> (ActorRef<usize>, Log<usize>) {
    let log = Log::new();
    let (next, done) = (next.cloned(), log.clone());
    let make = move || Desk { next: next.clone(), done: done.clone() };
    let desk = sim.system().build(make).named(name).mailbox(Push::bounded(1)).phase(phase).spawn();
    (desk, log)
}

#[test]
fn in_phases_whoever_drains_finds_those_behind_alive() {
    reduced(&["0", "1", "2"], |sim, seen| async move {
        let (ledger, kept) = desk(&sim, "ledger", Phase::STATE, None);
        let (orders, worked) = desk(&sim, "orders", Phase::WORK, Some(&ledger));
        let (http, came) = desk(&sim, "http", Phase::INTAKE, Some(&orders));
        let to = http.clone();
        let client = sim.spawn("client", async move {
            let mut accepted = 0;
            for order in 0..2 {
                accepted += usize::from(to.tell(order).await.is_ok());
            }
            accepted
        });
        for _ in 0..3 {
            pause().await;
        }
        let report = sim.system().shutdown_in_phases(Shutdown::new()).await;
        let accepted = client.await;
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.phases.iter().map(|phase| phase.drained).sum::<usize>(), 3, "{report}");
        for log in [came, worked, kept] {
            assert_eq!(log.all(), (0..accepted).collect::<Vec<_>>());
        }
        for actor in [http, orders, ledger] {
            assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)));
        }
        seen.saw(accepted.to_string());
    });
}

#[test]
fn a_name_is_of_one_actor_that_lives() {
    explored(&["the first has it", "the second has it", "both had it"], |sim, seen| async move {
        let system = sim.system().clone();
        let events = Log::new();
        let told = events.clone();
        let watching = system.watch_names(move |event| {
            told.push(match event {
                NameEvent::Registered(_) => "registered",
                _ => "gone",
            });
        });
        let claims = [0, 1].map(|n| {
            let system = system.clone();
            sim.spawn(&format!("claim-{n}"), async move {
                let actor = system.spawn(Scribe::new(&Log::new()), Push::bounded(1));
                let had = match system.register("clerk", &actor) {
                    Ok(registration) => {
                        registration.until_stopped();
                        true
                    }
                    Err(_) => false,
                };
                pause().await;
                actor.stop();
                actor.stopped().await;
                // Whoever looks after an end finds another, or nobody.
                match system.lookup::<Msg>("clerk") {
                    Ok(found) => assert_ne!(found.id(), actor.id()),
                    Err(LookupError::Unknown) => {}
                    Err(other) => panic!("{other}"),
                }
                had
            })
        });
        let mut had = Vec::new();
        for claim in claims {
            had.push(claim.await);
        }
        assert!(had[0] || had[1]);
        let expected = ["registered", "gone"].repeat(had.iter().filter(|had| **had).count());
        assert_eq!(events.all(), expected);
        drop(watching);
        seen.saw(match had[..] {
            [true, true] => "both had it",
            [true, _] => "the first has it",
            _ => "the second has it",
        });
    });
}

#[test]
fn a_deadline_and_an_answer_race_and_one_wins() {
    explored(&["answered", "too late"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        // Both are due at the same moment.
        match actor.ask_within(MS, |reply| Msg::After(MS, reply)).await {
            Ok(n) => {
                assert_eq!(n, 0);
                seen.saw("answered");
            }
            Err(AskError::Timeout(None)) => seen.saw("too late"),
            Err(other) => panic!("{other}"),
        }
        actor.drain();
        actor.stopped().await;
        assert_accounted(&actor.stats(), 1);
    });
}
