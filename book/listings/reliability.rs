//! Listings of the chapter "Patterns": what keeps failures from spreading, and
//! messages from getting lost.

use std::time::Duration;

use tidegate::pattern::{BreakerError, BreakerState, CircuitBreaker, Courier, Delivery};
use tidegate::prelude::*;
use tidegate::{Backoff, DropReason};
use tokio::time::sleep;

// ANCHOR: breaker
#[tokio::test(start_paused = true)]
async fn a_breaker_stops_calling_what_keeps_failing() {
    let system = System::new();
    let second = Duration::from_secs(1);
    let breaker = CircuitBreaker::builder()
        .after_failures(3)
        .timeout(second)
        .cool_down(Backoff::exponential(second, 30 * second))
        .build(&system);

    // The third call that hangs is one too many.
    for _ in 0..3 {
        let hangs = std::future::pending::<Result<(), String>>();
        assert_eq!(breaker.call(hangs).await, Err(BreakerError::Timeout));
    }
    // From now on nobody waits for it.
    let refused = breaker.call(async { Ok::<_, String>("never polled") }).await;
    assert!(matches!(refused, Err(BreakerError::Open { retry_in, .. }) if retry_in == second));

    // After the cool-down one call finds out.
    sleep(second).await;
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.call(async { Ok::<_, String>("works again") }).await, Ok("works again"));
    assert_eq!(breaker.state(), BreakerState::Closed);
}
// ANCHOR_END: breaker

// ANCHOR: breaker_ask
enum Store {
    Get(u32, Reply<String>),
}

/// Answers from the store while it answers; otherwise says so at once, with the
/// question still in hand.
async fn look_up(breaker: &CircuitBreaker, store: &ActorRef<Store>, key: u32) -> String {
    match breaker.ask(store, |reply| Store::Get(key, reply)).await {
        Ok(value) => value,
        Err(BreakerError::Open { input: Store::Get(key, _), .. }) => format!("{key}: not now"),
        Err(error) => format!("{key}: {error}"),
    }
}
// ANCHOR_END: breaker_ask

#[tokio::test(start_paused = true)]
async fn a_question_comes_back_when_the_circuit_is_open() {
    struct Empty;
    impl Actor for Empty {
        type Msg = Store;
        async fn handle(&mut self, msg: Store, _: &mut Context<Self>) -> Result<(), Fault> {
            let Store::Get(key, reply) = msg;
            if key == 1 {
                let _ = reply.send("one".to_owned());
            }
            Ok(())
        }
    }
    let system = System::new();
    let store = system.spawn(Empty, Push::bounded(4));
    let breaker = CircuitBreaker::builder().after_failures(1).build(&system);
    assert_eq!(look_up(&breaker, &store, 1).await, "one");
    assert_eq!(look_up(&breaker, &store, 2).await, "2: the question will not be answered");
    assert_eq!(look_up(&breaker, &store, 1).await, "1: not now");
}

// ANCHOR: apart
/// Starts uploads and does not wait for them: each acknowledges for itself.
struct Uploads;

impl Actor for Uploads {
    type Msg = Delivery<String>;

    async fn handle(&mut self, file: Delivery<String>, cx: &mut Context<Self>) -> Result<(), Fault> {
        let upload = cx.sleep(Duration::from_millis(100)); // something that takes its time
        let (name, receipt) = file.into_parts();
        cx.spawn(async move {
            upload.await;
            drop(name);
            receipt.ack();
        });
        Ok(())
    }
}
// ANCHOR_END: apart

#[tokio::test(start_paused = true)]
async fn a_receipt_acknowledges_later() {
    let system = System::new();
    let uploads = system.spawn(Uploads, Push::bounded(8));
    let courier = Courier::to(&uploads).keep_copies().window(4).spawn(&system);
    for n in 0..8 {
        courier.actor_ref().tell(format!("{n}.png")).await.unwrap();
    }
    sleep(Duration::from_millis(50)).await;
    assert_eq!(courier.stats().out, 4, "the window bounds what goes on beside the handler");
    sleep(Duration::from_millis(200)).await;
    assert_eq!(courier.stats().acked, 8);
}

// ANCHOR: quarantine
#[tokio::test(start_paused = true)]
async fn what_was_put_aside_can_be_looked_at_and_sent_once_more() {
    struct Strict {
        fixed: tokio::sync::watch::Receiver<bool>,
    }
    impl Actor for Strict {
        type Msg = Delivery<&'static str>;
        async fn handle(&mut self, line: Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
            if line.contains('\t') && !*self.fixed.borrow() {
                line.reject(); // no use to try again
            } else {
                line.ack();
            }
            Ok(())
        }
    }
    let system = System::new();
    let (fix, fixed) = tokio::sync::watch::channel(false);
    let strict = system.spawn(Strict { fixed }, Push::bounded(8));
    let courier = Courier::to(&strict).spawn(&system);
    for line in ["a b", "a\tb"] {
        courier.actor_ref().tell(line).await.unwrap();
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(courier.quarantine().len(), 1);
    assert_eq!(system.dead_letters().counts().of(DropReason::Quarantined), 1);

    fix.send_replace(true);
    assert_eq!(courier.quarantine().redeliver(), 1);
    sleep(Duration::from_millis(1)).await;
    assert_eq!((courier.stats().acked, courier.quarantine().len()), (2, 0));
}
// ANCHOR_END: quarantine
