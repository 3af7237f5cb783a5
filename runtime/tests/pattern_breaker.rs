//! The circuit breaker: it opens, cools down, probes, and is never stuck.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use support::{Job, Log, Worker, lock, manual, ms, poll_once};
use tidegate::pattern::{BreakerBuilder, BreakerError, BreakerPass, BreakerState, CircuitBreaker};
use tidegate::{AskError, Backoff, ManualExecutor, Push};

/// Opens after two failures, for 100 ms, then 200, then 400.
fn quick() -> BreakerBuilder {
    CircuitBreaker::builder().after_failures(2).cool_down(Backoff::exponential(ms(100), ms(400)))
}

fn fail(executor: &ManualExecutor, breaker: &CircuitBreaker) -> Result<(), BreakerError<&'static str>> {
    executor.block_on(breaker.call(async { Err("broken") }))
}

fn succeed(executor: &ManualExecutor, breaker: &CircuitBreaker) -> Result<(), BreakerError<&'static str>> {
    executor.block_on(breaker.call(async { Ok(()) }))
}

fn refused(retry_in: Duration) -> Result<(), BreakerError<&'static str>> {
    Err(BreakerError::Open { input: (), retry_in })
}

#[test]
fn it_opens_after_failures_in_a_row_and_then_calls_nothing() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    for _ in 0..3 {
        assert_eq!(fail(&executor, &breaker), Err(BreakerError::Failed("broken")));
        assert_eq!(succeed(&executor, &breaker), Ok(()));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
    let _ = (fail(&executor, &breaker), fail(&executor, &breaker));
    assert_eq!(breaker.state(), BreakerState::Open);
    executor.advance(ms(30));
    let called = breaker.call(async { panic!("called while open") });
    assert_eq!(executor.block_on(called), refused(ms(70)));
    let counts = breaker.counts();
    assert_eq!((counts.succeeded, counts.failed, counts.refused, counts.opened), (3, 5, 1, 1));
}

#[test]
fn each_time_it_opens_again_it_stays_open_longer() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    let _ = (fail(&executor, &breaker), fail(&executor, &breaker));
    for wait in [100, 200, 400, 400] {
        assert_eq!(succeed(&executor, &breaker), refused(ms(wait)));
        executor.advance(ms(wait));
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(fail(&executor, &breaker), Err(BreakerError::Failed("broken")), "one probe is let through");
    }
    executor.advance(ms(400));
    assert_eq!(succeed(&executor, &breaker), Ok(()));
    assert_eq!(breaker.state(), BreakerState::Closed);
    // Soon after, it is the same trouble; after a quiet time it is another.
    let _ = (fail(&executor, &breaker), fail(&executor, &breaker));
    assert_eq!(succeed(&executor, &breaker), refused(ms(400)));
    executor.advance(ms(400));
    assert_eq!(succeed(&executor, &breaker), Ok(()));
    executor.advance(ms(400));
    let _ = (fail(&executor, &breaker), fail(&executor, &breaker));
    assert_eq!(succeed(&executor, &breaker), refused(ms(100)));
}

#[test]
fn half_open_lets_a_few_probes_through_and_all_have_to_succeed() {
    let (executor, system) = manual();
    let breaker = quick().probes(2).build(&system);
    breaker.trip();
    executor.advance(ms(100));
    let first = breaker.acquire().unwrap();
    let second = breaker.acquire().unwrap();
    assert_eq!(breaker.acquire().err(), Some(ms(100)), "two are out");
    first.succeed();
    assert_eq!(breaker.state(), BreakerState::HalfOpen, "one is not enough");
    assert!(breaker.acquire().is_err(), "the other may yet");
    second.succeed();
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_call_that_is_dropped_holds_no_probe_and_counts_neither_way() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    breaker.trip();
    executor.advance(ms(100));
    {
        let mut call = pin!(breaker.call(pending::<Result<(), &str>>()));
        assert!(poll_once(call.as_mut()).is_pending());
        assert!(breaker.acquire().is_err(), "the only probe is out");
    }
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.counts().abandoned, 1);
    assert_eq!(succeed(&executor, &breaker), Ok(()));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_probe_that_never_ends_does_not_keep_it_open_for_ever() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    breaker.trip();
    executor.advance(ms(100));
    let stuck = breaker.acquire().unwrap();
    executor.advance(ms(60));
    assert_eq!(breaker.acquire().err(), Some(ms(40)));
    executor.advance(ms(40));
    breaker.acquire().unwrap().succeed();
    assert_eq!(breaker.state(), BreakerState::Closed);
    stuck.fail();
    assert_eq!(breaker.state(), BreakerState::Closed, "what comes late belongs to another time");
    assert_eq!(breaker.counts().failed, 1);
}

#[test]
fn what_was_let_through_before_it_opened_does_not_close_it_or_open_it_again() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    let early: Vec<BreakerPass> = (0..4).map(|_| breaker.acquire().unwrap()).collect();
    let _ = (fail(&executor, &breaker), fail(&executor, &breaker));
    let mut early = early.into_iter();
    early.next().unwrap().succeed();
    early.next().unwrap().fail();
    assert_eq!(succeed(&executor, &breaker), refused(ms(100)));
    executor.advance(ms(100));
    let probe = breaker.acquire().unwrap();
    early.next().unwrap().succeed();
    early.next().unwrap().fail();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    probe.succeed();
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert_eq!(breaker.counts().opened, 1);
}

#[test]
fn what_takes_too_long_is_ended_and_has_failed() {
    let (executor, system) = manual();
    let breaker = quick().timeout(ms(50)).build(&system);
    for _ in 0..2 {
        assert_eq!(executor.block_on(breaker.call(pending::<Result<(), &str>>())), Err(BreakerError::Timeout));
    }
    assert_eq!(executor.now_ms(), 100);
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn a_call_that_panics_has_failed() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    for _ in 0..2 {
        let call = std::panic::AssertUnwindSafe(|| {
            executor.block_on(breaker.call(async { if true { panic!("within") } else { Ok::<(), ()>(()) } }))
        });
        assert!(std::panic::catch_unwind(call).is_err());
    }
    assert_eq!((breaker.state(), breaker.counts().failed), (BreakerState::Open, 2));
}

#[test]
fn the_caller_says_what_is_a_failure() {
    let (executor, system) = manual();
    let breaker = quick().build(&system);
    for _ in 0..5 {
        let call = breaker.call_judged(async { Err::<(), _>("not found") }, |outcome| *outcome == Err("timeout"));
        assert_eq!(executor.block_on(call), Err(BreakerError::Failed("not found")));
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_question_comes_back_when_the_circuit_is_open() {
    let (executor, system) = manual();
    let breaker = quick().timeout(ms(10)).build(&system);
    let worker = system.spawn(Worker::new(&Log::default()), Push::bounded(4));
    assert_eq!(executor.block_on(breaker.ask(&worker, Job::Count)).unwrap(), 0);
    worker.try_tell(Job::Stuck(1)).unwrap();
    for _ in 0..2 {
        let asked = executor.block_on(breaker.ask(&worker, Job::Count));
        assert!(matches!(asked, Err(BreakerError::Failed(AskError::Timeout(None)))));
    }
    let before = worker.len();
    let Err(BreakerError::Open { input, retry_in }) = executor.block_on(breaker.ask(&worker, Job::Count)) else {
        panic!("two failures open it")
    };
    assert!(matches!(input, Job::Count(_)));
    assert_eq!(retry_in, ms(100));
    assert_eq!(worker.len(), before, "nothing was sent");
}

#[test]
fn every_change_is_told_once_and_in_order() {
    let (executor, system) = manual();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let breaker = quick().on_change(move |state| lock(&log).push(state)).build(&system);
    let _ = (fail(&executor, &breaker), fail(&executor, &breaker));
    executor.advance(ms(100));
    let _ = fail(&executor, &breaker);
    executor.advance(ms(200));
    let _ = succeed(&executor, &breaker);
    use BreakerState::{Closed, HalfOpen, Open};
    assert_eq!(*lock(&seen), [Open, HalfOpen, Open, HalfOpen, Closed]);
}

#[derive(Clone, Debug)]
enum Op {
    Acquire,
    Settle(usize, u8),
    Advance(u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Acquire),
        4 => (0usize..6, 0u8..3).prop_map(|(which, how)| Op::Settle(which, how)),
        2 => (0u64..150).prop_map(Op::Advance),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to calls: an open breaker lets nothing through before
    /// its time, every call is counted once, and there is always a time after
    /// which a call is let through, and after enough good ones it is closed.
    #[test]
    fn a_breaker_is_never_stuck(ops in prop::collection::vec(op(), 0..80), probes in 1u32..4) {
        let (executor, system) = manual();
        let breaker = quick().probes(probes).build(&system);
        let mut out: Vec<BreakerPass> = Vec::new();
        let (mut refusals, mut let_through) = (0, 0);
        for op in ops {
            match op {
                Op::Acquire => {
                    let before = breaker.state();
                    match breaker.acquire() {
                        Ok(pass) => {
                            prop_assert!(before != BreakerState::Open, "let through while open");
                            let_through += 1;
                            out.push(pass);
                        }
                        Err(retry_in) => {
                            prop_assert!(before != BreakerState::Closed, "refused while closed");
                            prop_assert!(retry_in > Duration::ZERO && retry_in <= ms(400), "{retry_in:?}");
                            refusals += 1;
                        }
                    }
                }
                Op::Settle(which, how) if !out.is_empty() => {
                    let pass = out.swap_remove(which % out.len());
                    match how {
                        0 => pass.succeed(),
                        1 => pass.fail(),
                        _ => drop(pass),
                    }
                }
                Op::Settle(..) => {}
                Op::Advance(by) => executor.advance(ms(by)),
            }
        }
        let mut tries = 0;
        while breaker.state() != BreakerState::Closed {
            tries += 1;
            prop_assert!(tries < 20, "stuck: {breaker:?}");
            match breaker.acquire() {
                Ok(pass) => { let_through += 1; pass.succeed() }
                Err(retry_in) => { refusals += 1; executor.advance(retry_in) }
            }
        }
        let left = out.len() as u64;
        drop(out);
        let counts = breaker.counts();
        prop_assert_eq!(counts.succeeded + counts.failed + counts.abandoned, let_through);
        prop_assert_eq!(counts.refused, refusals);
        prop_assert!(counts.abandoned >= left);
    }
}

trait NowMs {
    fn now_ms(&self) -> u128;
}

impl NowMs for ManualExecutor {
    fn now_ms(&self) -> u128 {
        tidegate::Executor::now(self).as_millis()
    }
}
