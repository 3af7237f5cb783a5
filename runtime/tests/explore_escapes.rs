//! What cannot be explored is said to be so, with what to use instead.
#![cfg(all(feature = "explore", feature = "tokio"))]

use std::cell::Cell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tidegate::explore::{Explorer, Failure, Sim, Strategy};
use tidegate::prelude::*;

/// What an exploration of `body` finds.
fn found<F, Fut>(body: F) -> Failure
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let report = Explorer::new(Strategy::Exhaustive).run(body);
    report.finding.expect("something is wrong").failure
}

fn escaped<F, Fut>(body: F) -> String
where
    F: Fn(Sim) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    match found(body) {
        Failure::Escaped(why) => why,
        other => panic!("it escapes: {other}"),
    }
}

#[derive(Clone, Copy)]
enum Does {
    SpawnsOnTokio,
    SleepsOnTokio,
    TimesOut,
    Blocks,
}

impl Actor for Does {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        match self {
            Self::SpawnsOnTokio => drop(tokio::spawn(async {})),
            Self::SleepsOnTokio => tokio::time::sleep(Duration::from_millis(1)).await,
            Self::TimesOut => {
                drop(tokio::time::timeout(Duration::from_millis(1), std::future::pending::<()>()).await);
            }
            Self::Blocks => drop(tokio::task::spawn_blocking(|| ()).await),
        }
        Ok(())
    }
}

#[test]
fn a_handler_that_calls_tokio_is_told_what_to_use() {
    for does in [Does::SpawnsOnTokio, Does::SleepsOnTokio, Does::TimesOut, Does::Blocks] {
        let why = escaped(|sim| async move {
            // Supervision would hide it: the actor just begins anew.
            let actor = sim.system().build(move || does).restart(Restart::on_failure()).spawn();
            actor.tell(()).await.unwrap();
            sim.settled().await;
        });
        for part in ["called tokio at ", "explore_escapes.rs:", "`cx.spawn`", "`cx.sleep`"] {
            assert!(why.contains(part), "{part} is in: {why}");
        }
    }
}

#[test]
fn so_is_a_body() {
    let why = escaped(|_| async { tokio::time::sleep(Duration::from_millis(1)).await });
    assert!(why.starts_with("body called tokio at "), "{why}");
    assert!(why.contains("`Sim::sleep`"), "{why}");
}

/// Done when a thread of its own says so.
fn elsewhere() -> impl Future<Output = ()> + Send {
    let mut thread = None;
    let shared = Arc::new(Mutex::new(false));
    poll_fn(move |cx| {
        if *shared.lock().unwrap() {
            return Poll::Ready(());
        }
        thread.get_or_insert_with(|| {
            let (waker, shared) = (cx.waker().clone(), Arc::clone(&shared));
            thread::spawn(move || {
                *shared.lock().unwrap() = true;
                waker.wake();
            })
        });
        Poll::Pending
    })
}

#[test]
fn a_thread_that_wakes_a_task_is_noticed() {
    let why = escaped(|sim| async move { sim.spawn("client", elsewhere()).await });
    assert!(why.starts_with("client was woken from outside") || why.starts_with("a task was woken"), "{why}");
}

#[tokio::test]
async fn a_surrounding_runtime_hides_nothing() {
    let why = escaped(|_| async { drop(tokio::spawn(async {})) });
    assert!(why.contains("within a tokio runtime"), "{why}");
}

/// What the one touches would be taken for the other's.
#[test]
fn a_program_that_explores_another_is_told_not_to() {
    let inner = || {
        Explorer::new(Strategy::Exhaustive).run(|sim| async move {
            let _ = sim.choose(2);
        })
    };
    let report = Explorer::new(Strategy::Exhaustive).run(move |sim| async move {
        let chosen = sim.choose(2);
        let finding = inner().finding.expect("it is told");
        assert!(finding.failure.to_string().contains("within a program that is explored"), "{}", finding.failure);
        assert!(sim.choose(2) + chosen < 3);
        // Elsewhere it may, in its own time.
        assert_eq!(thread::spawn(inner).join().unwrap().schedules, 2);
    });
    report.assert_clean();
    assert_eq!(report.schedules, 4);
}

/// Runs what ends with a choice among three after what differs from run to run.
fn strange(what: impl Fn(&Sim) -> u64 + Clone + Send + 'static) -> Failure {
    found(move |sim| {
        let what = what.clone();
        async move {
            let odd = what(&sim) % 2 == 1;
            let one = sim.spawn("one", async {});
            if odd {
                one.await;
            }
            let _ = sim.choose(3);
        }
    })
}

#[test]
fn a_program_that_is_not_the_same_again_is_noticed() {
    thread_local! {
        static RUNS: Cell<u64> = const { Cell::new(0) };
    }
    let failure = strange(|_| RUNS.replace(RUNS.get() + 1));
    let Failure::Nondeterministic(why) = failure else { panic!("it differs: {failure}") };
    for part in ["after step", "`HashMap`", "`cx.now`", "`cx.random`", "`biased;`", "static"] {
        assert!(why.contains(part), "{part} is in: {why}");
    }
}

/// The seed of each `HashMap` is another. That every run of some thousands has
/// the same order of eight names is not to be expected in the life of a star.
#[test]
fn the_order_of_a_hash_map_is_noticed() {
    let failure = found(|sim| async move {
        let names: HashMap<u32, ()> = (0..8).map(|n| (n, ())).collect();
        let actors: Vec<_> = (0..8).map(|_| sim.system().spawn(Idle, Push::bounded(1))).collect();
        sim.settled().await;
        for n in names.into_keys() {
            actors[n as usize].try_tell(()).unwrap();
        }
        let _ = sim.choose(2);
    });
    assert!(matches!(failure, Failure::Nondeterministic(_)), "{failure}");
}

struct Idle;

impl Actor for Idle {
    type Msg = ();
    async fn handle(&mut self, (): (), _cx: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
}

/// The program's own numbers, its clock and what it keeps itself are the same.
#[test]
fn what_is_asked_of_the_program_is_the_same_again() {
    let report = Explorer::new(Strategy::Exhaustive).run(|sim| async move {
        let before = sim.now();
        let actor = sim.system().spawn(Idle, Push::bounded(2));
        let other = actor.clone();
        let client = sim.spawn("client", async move { drop(other.tell(()).await) });
        if sim.choose(2) == 1 {
            sim.sleep(Duration::from_millis(5)).await;
        }
        actor.tell(()).await.unwrap();
        client.await;
        assert!(sim.now() >= before);
    });
    report.assert_clean();
}
