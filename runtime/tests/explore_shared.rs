//! Memory that is shared past the runtime: what the reduction sees of it, and who
//! finds what it does not see.
#![cfg(feature = "explore")]

use std::sync::{Arc, Mutex};

use tidegate::explore::{Coverage, Explorer, Failure, Shared, Sim, Strategy};
use tidegate::prelude::*;

/// Takes a copy of a number with one message, and puts it back with the next, one
/// more: two of them lose an update, unless they come one after the other.
struct Adder<N: Number> {
    sum: N,
    before: u64,
}

trait Number: Clone + Send + 'static {
    fn new() -> Self;
    fn get(&self) -> u64;
    fn set(&self, to: u64);
}

impl Number for Arc<Mutex<u64>> {
    fn new() -> Self {
        Self::default()
    }
    fn get(&self) -> u64 {
        *self.lock().unwrap()
    }
    fn set(&self, to: u64) {
        *self.lock().unwrap() = to;
    }
}

impl Number for Shared<u64> {
    fn new() -> Self {
        Self::default()
    }
    fn get(&self) -> u64 {
        Self::get(self)
    }
    fn set(&self, to: u64) {
        Self::set(self, to);
    }
}

enum Step {
    Take,
    Put(Reply<()>),
}

impl<N: Number> Actor for Adder<N> {
    type Msg = Step;
    async fn handle(&mut self, step: Step, _: &mut Context<Self>) -> Result<(), Fault> {
        match step {
            Step::Take => self.before = self.sum.get(),
            Step::Put(reply) => {
                self.sum.set(self.before + 1);
                let _ = reply.send(());
            }
        }
        Ok(())
    }
}

/// One is told all it has to do before the other begins to be told.
async fn two_adders<N: Number>(sim: Sim) {
    let sum = N::new();
    let adders = [0, 1].map(|_| sim.system().spawn(Adder { sum: sum.clone(), before: 0 }, Push::bounded(2)));
    let [one, other] = adders.map(|adder| {
        sim.spawn("client", async move {
            adder.tell(Step::Take).await.unwrap();
            adder.ask(Step::Put).await.unwrap();
        })
    });
    one.await;
    other.await;
    assert_eq!(sum.get(), 2, "an update is lost");
}

fn reduced() -> Explorer {
    Explorer::new(Strategy::Reduced)
}

#[test]
fn a_shared_cell_is_seen_by_the_reduction() {
    let report = reduced().cross_check(0).run(two_adders::<Shared<u64>>);
    let finding = report.finding.expect("an update is lost");
    assert!(matches!(finding.failure, Failure::Panicked { .. }), "{}", finding.failure);
    assert_eq!(finding.unseen, "");
}

#[test]
fn a_cell_of_another_make_is_looked_after_by_chance() {
    let blind = reduced().cross_check(0).run(two_adders::<Arc<Mutex<u64>>>);
    let crossed = reduced().run(two_adders::<Arc<Mutex<u64>>>);
    let (story, finding) = (crossed.to_string(), crossed.finding.expect("an update is lost"));
    assert!(matches!(finding.failure, Failure::Panicked { .. }), "{}", finding.failure);
    // Which of all orders that are the same to it the reduction runs is its own affair.
    if blind.finding.is_none() {
        assert_eq!((blind.coverage, blind.cross_checked), (Coverage::Exhausted, 0));
        assert!(crossed.cross_checked > 0 && story.contains("explore::Shared"), "{story}");
    }
}

#[test]
fn what_the_last_one_writes_is_found_by_chance_alone() {
    let body = |sim: Sim| async move {
        let last = Arc::new(Mutex::new(0));
        let tasks = [1, 2].map(|n| {
            let last = Arc::clone(&last);
            sim.spawn("writer", async move { last.set(n) })
        });
        for task in tasks {
            task.await;
        }
        assert_eq!(last.get(), 2);
    };
    let blind = reduced().cross_check(0).run(body);
    blind.assert_clean();
    let crossed = reduced().run(body);
    let story = crossed.to_string();
    assert!(story.contains("explore::Shared"), "{story}");
    assert_eq!((crossed.schedules, crossed.coverage), (blind.schedules, Coverage::Exhausted));
}

#[test]
fn a_clean_program_is_run_at_random_as_often_as_told() {
    let body = |sim: Sim| async move { sim.spawn("task", async {}).await };
    for (explorer, crossed) in
        [(Explorer::default(), 1_000), (reduced().cross_check(7), 7), (reduced().cross_check(0), 0)]
    {
        let report = explorer.run(body);
        report.assert_clean();
        assert_eq!(report.cross_checked, crossed);
    }
    assert_eq!(Explorer::new(Strategy::Exhaustive).run(body).cross_checked, 0);
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn a_shared_cell_is_a_lock_elsewhere() {
    let log = Shared::new(Vec::new());
    let tasks = [1, 2, 3].map(|n| {
        let log = log.clone();
        tokio::spawn(async move { log.with(|log| log.push(n)) })
    });
    for task in tasks {
        task.await.unwrap();
    }
    let mut log = log.get();
    log.sort_unstable();
    assert_eq!(log, [1, 2, 3]);
}
