//! What the same body is told on the real runtime, where no order is chosen.
#![cfg(all(feature = "explore", feature = "tokio"))]

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::explore::Sim;
use tidegate::explore::harness::on_tokio;
use tidegate::prelude::*;

/// Passes each number on to the next, and keeps those that it is the last to get.
struct Relay {
    next: Option<ActorRef<u64>>,
    got: Arc<Mutex<Vec<u64>>>,
}

impl Actor for Relay {
    type Msg = u64;
    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        if n.is_multiple_of(3) {
            // Not quiet for a while, and not by the clock.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        match &self.next {
            Some(next) => drop(next.tell(n).await),
            None => self.got.lock().unwrap().push(n),
        }
        let _ = cx.now();
        Ok(())
    }
}

/// Quiet is when everything that was set going has come to its end.
#[test]
fn quiet_is_neither_too_early_nor_missed() {
    on_tokio("quiet", 20, |sim| async move {
        let got = Arc::new(Mutex::new(Vec::new()));
        let mut first = None;
        for _ in 0..8 {
            let (next, got) = (first.take(), Arc::clone(&got));
            first = Some(sim.system().spawn(Relay { next, got }, Push::bounded(2)));
        }
        let first = first.unwrap();
        for round in 1..=10 {
            for n in 0..4 {
                let first = first.clone();
                drop(sim.spawn("client", async move { first.tell(n).await.map(drop) }));
            }
            sim.settled().await;
            assert_eq!(got.lock().unwrap().len(), 4 * round);
        }
        sim.sleep(Duration::from_millis(1)).await;
    });
}

#[test]
fn choices_are_from_the_seed_of_the_run() {
    let chosen = Arc::new(Mutex::new(BTreeSet::new()));
    let runs = Arc::clone(&chosen);
    on_tokio("choices", 30, move |sim| {
        let runs = Arc::clone(&runs);
        async move {
            assert!(!sim.is_explored());
            let choices: Vec<usize> = (0..4).map(|_| sim.choose(2)).collect();
            runs.lock().unwrap().insert(choices);
        }
    });
    assert!(chosen.lock().unwrap().len() > 8, "{chosen:?}");
}

fn failure<Fut: Future<Output = ()> + Send + 'static>(body: fn(Sim) -> Fut) -> String {
    let failed = catch_unwind(AssertUnwindSafe(|| on_tokio("fails", 2, body)));
    *failed.expect_err("it fails").downcast::<String>().expect("says why")
}

#[test]
fn a_task_that_panics_fails_the_run_though_nobody_waits_for_it() {
    let why = failure(|sim| async move {
        drop(sim.spawn("client", async { panic!("of itself") }));
        sim.sleep(Duration::from_secs(20)).await;
    });
    assert!(why.starts_with("fails, on tokio, run 1 of 2: client panicked: of itself"), "{why}");
}

#[test]
fn what_does_not_hold_is_told_when_all_is_quiet() {
    let at_end = failure(|sim| async move { sim.always("books balance", || Err("1 is missing".into())) });
    let settled = failure(|sim| async move {
        sim.always("books balance", || Err("1 is missing".into()));
        sim.settled().await;
        std::future::pending::<()>().await;
    });
    for why in [at_end, settled] {
        assert!(why.contains("books balance does not hold: 1 is missing"), "{why}");
    }
}
