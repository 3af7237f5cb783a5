//! How many steps something takes to come true: the most of all orders, for the
//! reduction, too.
#![cfg(feature = "explore")]

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Failure, Shared, Sim, Strategy};
use tidegate::prelude::*;

type Body = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Whether some order of the program takes more steps than `within`.
fn takes_longer(strategy: Strategy, within: usize, body: impl Fn(Sim, usize) -> Body) -> bool {
    let report = Explorer::new(strategy).cross_check(0).run(move |sim| body(sim, within));
    match &report.finding {
        None => {
            report.assert_clean();
            assert_eq!(report.coverage, Coverage::Exhausted);
            false
        }
        Some(finding) => {
            let Failure::Violated { message, .. } = &finding.failure else { panic!("{report}") };
            assert_eq!(*message, format!("it was not within {within} steps"), "{report}");
            true
        }
    }
}

/// The least bound that holds in all orders is `most`, whoever looks for it.
#[track_caller]
fn most(most: usize, body: impl Fn(Sim, usize) -> Body + Copy) {
    for strategy in [Strategy::Exhaustive, Strategy::Reduced] {
        let least = (0..60).find(|&within| !takes_longer(strategy.clone(), within, body));
        assert_eq!(least, Some(most), "{strategy:?}");
    }
}

/// A task that takes so many steps, and then sets the cell.
fn worker(sim: &Sim, steps: u64, cell: &Shared<u64>, to: u64) {
    let (own, cell) = (Shared::new(0), cell.clone());
    drop(sim.spawn("worker", async move {
        for n in 0..steps {
            own.set(n);
            yield_now().await;
        }
        cell.set(to);
    }));
}

async fn yield_now() {
    let mut ended = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut ended, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// Steps that have nothing to do with it.
fn noise(sim: &Sim, steps: u64) {
    let nobodys = Shared::new(0);
    worker(sim, steps, &nobodys, 1);
}

#[test]
fn steps_that_have_nothing_to_do_with_it_may_all_come_before() {
    most(6, |sim, within| {
        Box::pin(async move {
            let cell = Shared::new(0);
            let look = cell.clone();
            sim.eventually("it is one", within, move || look.get() == 1);
            noise(&sim, 2);
            worker(&sim, 1, &cell, 1);
            noise(&sim, 0);
        })
    });
}

#[test]
fn steps_of_those_who_were_there_before_it_was_said_count_when_they_come_after() {
    most(4, |sim, within| {
        Box::pin(async move {
            let cell = Shared::new(0);
            noise(&sim, 2);
            yield_now().await;
            let look = cell.clone();
            sim.eventually("it is one", within, move || look.get() == 1);
            worker(&sim, 0, &cell, 1);
        })
    });
}

#[test]
fn two_that_both_have_to_be_are_in_either_order() {
    most(4, |sim, within| {
        Box::pin(async move {
            let (one, other) = (Shared::new(0), Shared::new(0));
            let look = (one.clone(), other.clone());
            sim.eventually("both are one", within, move || look.0.get() + look.1.get() == 2);
            worker(&sim, 0, &one, 1);
            worker(&sim, 1, &other, 1);
            noise(&sim, 0);
        })
    });
}

/// Answers with what it was asked.
struct Echo;

impl Actor for Echo {
    type Msg = Reply<u64>;
    async fn handle(&mut self, reply: Reply<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
        let _ = reply.send(1);
        Ok(())
    }
}

#[test]
fn a_look_in_vain_is_a_step() {
    // It is woken by each of the two, or once by both.
    most(8, |sim, within| {
        Box::pin(async move {
            let done = Shared::new(0);
            let look = done.clone();
            sim.eventually("both have answered", within, move || look.get() == 1);
            let echo = ["one", "other"].map(|name| sim.system().build(|| Echo).named(name).spawn());
            drop(sim.spawn("asker", async move {
                let (one, other) = tokio::join!(echo[0].ask(|reply| reply), echo[1].ask(|reply| reply));
                done.set((one.unwrap() + other.unwrap()) / 2);
            }));
        })
    });
}

#[test]
fn the_clock_is_a_step_and_comes_after_all_that_can_run() {
    most(5, |sim, within| {
        Box::pin(async move {
            let cell = Shared::new(0);
            let look = cell.clone();
            sim.eventually("it is one", within, move || look.get() == 1);
            noise(&sim, 1);
            let own = sim.clone();
            drop(sim.spawn("sleeper", async move {
                own.sleep(Duration::from_secs(1)).await;
                cell.set(1);
            }));
        })
    });
}

#[test]
fn without_a_number_the_end_is_the_bound_and_no_order_is_run_for_it() {
    let body = |within| {
        move |sim: Sim| async move {
            let cell = Shared::new(0);
            let look = cell.clone();
            sim.eventually("it is one", within, move || look.get() == 1);
            noise(&sim, 3);
            worker(&sim, 3, &cell, 1);
        }
    };
    let run = |within| Explorer::new(Strategy::Reduced).cross_check(0).run(body(within));
    let (without, with) = (run(usize::MAX), run(1_000));
    without.assert_clean();
    with.assert_clean();
    assert_eq!(without.schedules, 1);
    assert!(with.schedules > 1, "{with}");
}
