//! Circles of demand: actors that wait for each other's demand in their handlers
//! end in an error that names the circle.

#![cfg(not(tidegate_loom))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::flow::{Demand, Outlet, Unheard};
use tidegate::prelude::*;
use tidegate::{Deadlocks, ManualExecutor};

/// Sends two for each that it gets, until they get too small.
struct Doubler {
    out: Outlet<u64>,
    refused: Arc<Mutex<Vec<String>>>,
    /// Waits with the item in hand, or for demand first.
    at_once: bool,
}

impl Actor for Doubler {
    type Msg = u64;
    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        if n == 0 {
            return Ok(());
        }
        for _ in 0..2 {
            let sent = if self.at_once {
                self.out.send(n - 1).await.map_err(|error| error.to_string())
            } else {
                let ready = self.out.ready().await.map(|_| ()).map_err(|unwanted| unwanted.to_string());
                ready.and_then(|()| self.out.try_send(n - 1).map_err(|error| error.to_string()))
            };
            if let Err(why) = sent {
                self.refused.lock().unwrap().push(format!("{}: {why}", cx.path()));
                return Ok(());
            }
        }
        Ok(())
    }
}

type Refused = Arc<Mutex<Vec<String>>>;

/// Two that send each other twice what they get, into mailboxes of 8.
fn circle(window: Demand, at_once: bool) -> (ManualExecutor, [ActorRef<u64>; 2], Refused, System) {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken()).build_on(executor.clone());
    let refused = Arc::default();
    let (ports, actors): (Vec<_>, Vec<_>) = ["a", "b"]
        .into_iter()
        .map(|name| {
            let out = Outlet::new();
            let port = out.port();
            let mut doubler = Some(Doubler { out, refused: Arc::clone(&refused), at_once });
            let make = move || doubler.take().expect("it lives once");
            let actor = system.build(make).named(name).mailbox(Push::bounded(8)).spawn();
            (port.of(&actor), actor)
        })
        .unzip();
    system.subscribe(ports[0].clone(), &actors[1], window).detach();
    system.subscribe(ports[1].clone(), &actors[0], window).detach();
    let [a, b] = actors.try_into().expect("two");
    (executor, [a, b], refused, system)
}

fn ends(window: Demand, at_once: bool, waits_for: &str) {
    let (executor, [a, b], refused, system) = circle(window, at_once);
    assert!(a.try_tell(12).is_ok());
    executor.run_until_idle();
    let said = system.explain().to_string();
    let both = [("/a", "/b"), ("/b", "/a")].map(|(who, on)| format!("{who} waits for {waits_for} {on}"));
    assert!(both.iter().all(|wait| said.contains(wait)), "{said}");
    for _ in 0..10_000 {
        executor.advance(Duration::from_secs(1));
        if a.is_empty() && b.is_empty() {
            break;
        }
    }
    assert!(a.is_empty() && b.is_empty(), "{a:?} {b:?}: {}", system.explain());
    let refused = refused.lock().unwrap();
    assert!(!refused.is_empty());
    let named = |said: &String| said.contains("-> /a") && said.contains("-> /b") && said.contains("deadlock");
    assert!(refused.iter().all(named), "{refused:?}");
}

#[test]
fn l12_a_circle_of_windows_ends_in_an_error_that_names_it() {
    ends(Demand::window(4), true, "demand of");
    ends(Demand::window(4), false, "demand of");
}

#[test]
fn l12_a_circle_of_full_mailboxes_ends_in_an_error_that_names_it() {
    ends(Demand::unbounded(), true, "room in");
    ends(Demand::unbounded(), false, "room in");
}

/// A stage asks by hand, and nobody but it.
#[test]
fn l12_a_circle_with_a_stage_in_it_ends_in_an_error_that_names_it() {
    use tidegate::flow::stage::{self, Prefetch};
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken()).build_on(executor.clone());
    let refused = Refused::default();
    // Once the stage has failed nobody is left to send to.
    let out = Outlet::new().unheard(Unheard::Cancel);
    let port = out.port();
    let mut doubler = Some(Doubler { out, refused: Arc::clone(&refused), at_once: true });
    let make = move || doubler.take().expect("it lives once");
    let actor = system.build(make).named("actor").mailbox(Push::bounded(8)).spawn();
    let twice = stage::expand(|n: u64| async move { Ok(vec![n; 2]) });
    let stage = system.stage(port.of(&actor), twice, Prefetch::window(2)).named("stage").spawn();
    let back = system.subscribe(stage.port(), &actor, Demand::window(2));
    assert!(actor.try_tell(12).is_ok());
    executor.run_until_idle();
    let said = system.explain().to_string();
    assert!(said.contains("/actor waits for demand of /stage"), "{said}");
    assert!(said.contains("/stage waits for demand of /actor"), "{said}");
    for _ in 0..1_000 {
        executor.advance(Duration::from_secs(1));
    }
    let mut named = refused.lock().unwrap().clone();
    named.extend(back.end().map(|end| end.to_string()));
    let circle = |said: &String| said.contains("deadlock") && said.contains("-> /actor") && said.contains("-> /stage");
    assert!(named.iter().any(circle), "{named:?}, {}", system.explain());
    assert!(actor.is_empty(), "{}", system.explain());
}

#[test]
fn a_line_of_demand_that_is_only_slow_is_no_circle() {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(Deadlocks::broken()).build_on(executor.clone());
    struct Slow;
    impl Actor for Slow {
        type Msg = u64;
        async fn handle(&mut self, _: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
            cx.sleep(Duration::from_secs(30)).await;
            Ok(())
        }
    }
    let refused = Arc::<Mutex<Vec<String>>>::default();
    let out = Outlet::new();
    let port = out.port();
    let doubler = system.spawn(Doubler { out, refused: Arc::clone(&refused), at_once: true }, Push::bounded(8));
    let slow = system.spawn(Slow, Push::bounded(8));
    system.subscribe(port.of(&doubler), &slow, Demand::window(1)).detach();
    for n in 1..=4 {
        assert!(doubler.try_tell(n).is_ok());
    }
    for _ in 0..40 {
        executor.advance(Duration::from_secs(10));
    }
    assert_eq!(slow.stats().taken, 8);
    assert!(refused.lock().unwrap().is_empty(), "{refused:?}");
}
