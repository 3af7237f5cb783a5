//! A clock that may move at any moment: the reduction sees whatever comes of it.
#![cfg(feature = "explore")]

use std::collections::BTreeSet;
use std::time::Duration;

use tidegate::explore::{Coverage, Explorer, Failure, Report, Shared, Sim, Strategy};
use tidegate::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

fn full() -> Explorer {
    Explorer::new(Strategy::Exhaustive).any_time()
}

fn reduced() -> Explorer {
    Explorer::new(Strategy::Reduced).any_time().cross_check(0)
}

type Log = Shared<Vec<u64>>;

/// What the body returned, in all orders; the reduction sees the same.
#[track_caller]
fn outcomes<Fut>(body: impl Fn(Sim, Log) -> Fut) -> BTreeSet<Vec<u64>>
where
    Fut: Future<Output = Vec<u64>> + Send + 'static,
{
    let (report, all) = full().outcomes(|sim| body(sim, Shared::default()));
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
    let (report, some) = reduced().outcomes(|sim| body(sim, Shared::default()));
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
    assert_eq!(some, all, "{report}");
    all
}

fn of<const N: usize>(outcomes: [&[u64]; N]) -> BTreeSet<Vec<u64>> {
    outcomes.into_iter().map(<[u64]>::to_vec).collect()
}

/// Writes down `n` after so many sleeps.
fn sleeper(sim: &Sim, log: &Log, n: u64, sleeps: usize) {
    let (own, log) = (sim.clone(), log.clone());
    drop(sim.spawn(&format!("sleeper-{n}"), async move {
        for _ in 0..sleeps {
            own.sleep(SECOND).await;
        }
        log.with(|log| log.push(n));
    }));
}

/// Ends the step.
async fn pause(sim: &Sim) {
    sim.spawn("pause", async {}).await;
}

#[test]
fn one_that_sleeps_may_be_done_before_who_does_not_wait_for_it() {
    assert_eq!(
        outcomes(|sim, log| async move {
            sleeper(&sim, &log, 1, 1);
            pause(&sim).await;
            log.get()
        }),
        of([&[], &[1]])
    );
}

/// The body is done long before, unless the clock moves as often.
#[test]
fn so_may_one_that_sleeps_again_and_again() {
    for sleeps in [2, 3, 8] {
        assert_eq!(
            outcomes(move |sim, log| async move {
                sleeper(&sim, &log, 1, sleeps);
                pause(&sim).await;
                log.get()
            }),
            of([&[], &[1]]),
            "{sleeps} sleeps"
        );
    }
}

#[test]
fn sleepers_of_one_moment_wake_in_any_order() {
    assert_eq!(
        outcomes(|sim, log| async move {
            sleeper(&sim, &log, 1, 1);
            sleeper(&sim, &log, 2, 1);
            sim.sleep(SECOND).await;
            log.get()
        }),
        of([&[], &[1], &[2], &[1, 2], &[2, 1]])
    );
}

/// Whoever has settled finds the clock as it was before.
#[test]
fn quiet_does_not_stop_the_clock() {
    assert_eq!(
        outcomes(|sim, log| async move {
            sleeper(&sim, &log, 1, 1);
            sim.settled().await;
            let other = log.clone();
            let task = sim.spawn("other", async move { other.with(|log| log.push(2)) });
            task.await;
            log.get()
        }),
        of([&[2], &[1, 2], &[2, 1]])
    );
}

/// Keeps what it is told, and is told by timers of its own.
#[derive(Default)]
struct Keeper(Vec<u64>);

enum Keep {
    Note(u64),
    After(u64),
    Sleep(u64),
    Told(Reply<Vec<u64>>),
}

impl Actor for Keeper {
    type Msg = Keep;
    async fn handle(&mut self, keep: Keep, cx: &mut Context<Self>) -> Result<(), Fault> {
        match keep {
            Keep::Note(n) => self.0.push(n),
            Keep::After(n) => drop(cx.send_after(SECOND, Keep::Note(n))),
            Keep::Sleep(n) => {
                cx.sleep(SECOND).await;
                self.0.push(n);
            }
            Keep::Told(reply) => drop(reply.send(self.0.clone())),
        }
        Ok(())
    }
}

fn keeper(sim: &Sim) -> ActorRef<Keep> {
    sim.system().spawn(Keeper::default(), Push::bounded(8))
}

#[test]
fn a_message_that_is_sent_after_a_while_may_come_at_once() {
    assert_eq!(
        outcomes(|sim, _| async move {
            let keeper = keeper(&sim);
            keeper.tell(Keep::After(1)).await.unwrap();
            keeper.tell(Keep::Note(2)).await.unwrap();
            keeper.ask(Keep::Told).await.unwrap()
        }),
        of([&[2], &[1, 2], &[2, 1]])
    );
}

#[test]
fn an_answer_may_be_late_for_each_of_two() {
    let body = |sim: Sim, _| async move {
        let keeper = keeper(&sim);
        let clients = [1, 2].map(|n| {
            let keeper = keeper.clone();
            sim.spawn(&format!("client-{n}"), async move { keeper.ask_within(n * SECOND, Keep::Told).await.is_ok() })
        });
        let mut done = Vec::new();
        for client in clients {
            done.push(u64::from(client.await));
        }
        done
    };
    assert_eq!(outcomes(body), of([&[0, 0], &[0, 1], &[1, 0], &[1, 1]]));
}

#[test]
fn a_handler_that_sleeps_may_be_woken_before_anybody_else_goes_on() {
    assert_eq!(
        outcomes(|sim, log| async move {
            let keeper = keeper(&sim);
            keeper.tell(Keep::Sleep(1)).await.unwrap();
            sleeper(&sim, &log, 7, 1);
            let told = keeper.ask_within(SECOND, Keep::Told).await.unwrap_or_default();
            [told, log.get()].concat()
        }),
        of([&[], &[1], &[7], &[1, 7]])
    );
}

/// What comes of a timer without end is bounded, and is said to be.
#[test]
fn a_timer_without_end_that_concerns_nobody_is_cut_off() {
    let body = |sim: Sim| async move {
        let own = sim.clone();
        drop(sim.spawn("ticker", async move {
            loop {
                own.sleep(SECOND).await;
            }
        }));
    };
    let report = reduced().run(body);
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Bounded);
}

/// What a property finds in all orders is found reduced.
#[track_caller]
fn both(body: impl Fn(Sim) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> [Report; 2] {
    [full().run(&body), reduced().run(&body)]
}

/// Two writers of one cell, one of them after a sleep; the property looks when it is told that it may.
#[test]
fn a_property_is_looked_at_while_the_clock_moves() {
    for settles in [false, true] {
        for report in both(move |sim| {
            Box::pin(async move {
                let log = Log::default();
                let seen = log.clone();
                sim.always("it is not woken before the other", move || match seen.read(Clone::clone).as_slice() {
                    [1, ..] => Err("it was".into()),
                    _ => Ok(()),
                });
                sleeper(&sim, &log, 1, 1);
                if settles {
                    sim.settled().await;
                }
                let other = log.clone();
                sim.spawn("other", async move { other.with(|log| log.push(2)) }).await;
            })
        }) {
            let finding = report.finding.expect("in some order it is");
            assert!(matches!(finding.failure, Failure::Violated { .. }), "{}", finding.failure);
        }
    }
}

struct Payments(u32);

#[actor]
impl Payments {
    #[message]
    fn pay(&mut self, amount: u32) -> u32 {
        self.0 += amount;
        self.0
    }

    #[message]
    fn paid(&self) -> u32 {
        self.0
    }
}

/// What nobody waits for any more is not handled; but it may be in the handler already.
#[test]
fn the_time_is_up_between_the_taking_of_a_message_and_its_handling() {
    let body = |sim: Sim| async move {
        let payments = sim.system().spawn(Payments(0), Push::bounded(2));
        for _ in 0..2 {
            if payments.ask_within(SECOND, |reply| PaymentsMsg::Pay { amount: 5, reply }).await.is_ok() {
                break;
            }
        }
        sim.settled().await;
        payments.paid().await.unwrap()
    };
    for explorer in [full(), reduced()] {
        assert_eq!(explorer.outcomes(body).1, [0, 5, 10].into());
    }
}
