//! The seams of an actor's life: where one step ends and another begins, with a
//! message there or without.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tidegate::explore::{Explorer, Faults, Shared, Sim, Strategy};
use tidegate::prelude::*;
use tidegate::{Reply, WeakActorRef};

use crate::all_is_seen::{all_is_seen, all_is_seen_by};

const SECOND: Duration = Duration::from_secs(1);

/// Notes how far it has come.
struct Steps(Shared<u64>);

impl Actor for Steps {
    type Msg = ();

    async fn started(&mut self, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.set(1);
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.set(2);
        Ok(())
    }
}

#[test]
fn a_start_is_a_step_of_its_own() {
    let seen = |sim: Sim| async move {
        let (steps, seen) = (Shared::new(0), Arc::new(Mutex::new(Vec::new())));
        let (read, list) = (steps.clone(), Arc::clone(&seen));
        sim.always("each is seen", move || {
            let (now, mut list) = (read.get(), list.lock().unwrap());
            if list.last() != Some(&now) {
                list.push(now);
            }
            Ok(())
        });
        let actor = sim.system().spawn(Steps(steps), Push::bounded(2));
        sim.spawn("client", async move { actor.tell(()).await.unwrap() }).await;
        sim.settled().await;
        let seen = seen.lock().unwrap();
        seen.clone()
    };
    for explorer in [Explorer::default().cross_check(0), Explorer::new(Strategy::Exhaustive)] {
        let (report, outcomes) = explorer.outcomes(seen);
        report.assert_clean();
        assert_eq!(outcomes, [vec![0, 1, 2]].into());
    }
}

type Log = Arc<Mutex<Vec<&'static str>>>;

/// Notes what it lives through, which is read when all is over.
struct Diary {
    log: Log,
    stops: bool,
}

impl Actor for Diary {
    type Msg = ();

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.log.lock().unwrap().push("started");
        if self.stops {
            cx.stop();
        }
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        self.log.lock().unwrap().push("message");
        Ok(())
    }

    async fn stopped(&mut self, _: &StopReason, _: &mut Context<Self>) {
        self.log.lock().unwrap().push("stopped");
    }
}

/// Tells another when it starts.
struct First {
    other: Arc<OnceLock<WeakActorRef<()>>>,
    told: Shared<bool>,
}

impl Actor for First {
    type Msg = ();

    async fn started(&mut self, _: &mut Context<Self>) -> Result<(), Fault> {
        if let Some(other) = self.other.get().and_then(WeakActorRef::upgrade) {
            let told = other.tell(()).await.is_ok();
            self.told.set(told);
        }
        Ok(())
    }

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn a_crash_comes_between_a_start_and_a_message() {
    let explorer = Explorer::default().faults(Faults::at_most(1).crash("/diary"));
    all_is_seen_by(&explorer, |sim| async move {
        let (log, other, told) = (Log::default(), Arc::new(OnceLock::new()), Shared::new(false));
        let (place, kept) = (Arc::clone(&other), told.clone());
        let first = sim.system().spawn(First { other: place, told: kept }, Push::bounded(1));
        let kept = Arc::clone(&log);
        let make = move || Diary { log: Arc::clone(&kept), stops: false };
        let diary = sim.system().build(make).named("diary").mailbox(Push::bounded(2)).spawn();
        assert!(other.set(diary.downgrade()).is_ok());
        sim.settled().await;
        drop((first, diary));
        sim.sleep(SECOND).await;
        let log = log.lock().unwrap().clone();
        (log, told.get())
    });
}

#[test]
fn a_kill_comes_before_the_last_hook_or_after_it() {
    all_is_seen(|sim| async move {
        let log = Log::default();
        let kept = Arc::clone(&log);
        let make = move || Diary { log: Arc::clone(&kept), stops: true };
        let restart = Restart::always().limit(2, SECOND);
        let diary = sim.system().build(make).restart(restart).mailbox(Push::bounded(2)).spawn();
        let killed = diary.clone();
        drop(sim.spawn("killer", async move { killed.kill() }));
        let told = sim.spawn("teller", async move { diary.tell(()).await.is_ok() }).await;
        sim.sleep(SECOND).await;
        let log = log.lock().unwrap().clone();
        (log, told)
    });
}

struct Echo;

impl Actor for Echo {
    type Msg = Reply<u64>;

    async fn handle(&mut self, reply: Reply<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
        let _ = reply.send(1);
        Ok(())
    }
}

fn echo(sim: &Sim) -> ActorRef<Reply<u64>> {
    sim.system().spawn(Echo, Push::bounded(1).overflow(Overflow::DropOldest))
}

#[test]
fn what_an_actor_is_doing_between_messages_is_the_same() {
    all_is_seen(|sim| async move {
        let echo = echo(&sim);
        sim.settled().await;
        let client = sim.spawn("client", async move {
            let asked = echo.ask(|reply| reply).await.is_ok();
            (asked, format!("{:?}", echo.activity()))
        });
        let system = sim.system().clone();
        let _ = sim.spawn("other", async move { system.shutdown(SECOND).await.is_clean() }).await;
        client.await
    });
}

#[test]
fn what_a_shutdown_reports_of_who_is_late_is_the_same() {
    all_is_seen_by(&Explorer::default().any_time(), |sim| async move {
        let echo = echo(&sim);
        sim.settled().await;
        let _ = echo.ask(|reply| reply).await;
        let report = sim.system().shutdown(Duration::from_millis(2)).await;
        format!("{:?}", report.killed.iter().map(|late| late.activity.clone()).collect::<Vec<_>>())
    });
}
