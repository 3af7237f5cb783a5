//! What is done without waiting is a step's one thing, too: the next that is
//! awaited is another step, and others come between the two.

use tidegate::explore::Sim;
use tidegate::pattern::{Lag, Router, Routing, Topic};
use tidegate::prelude::*;

use super::support::{Log, Scribe, drained, same};

/// Sends what it gets on.
struct Relay(ActorRef<u32>);

impl Actor for Relay {
    type Msg = u32;

    async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.tell(n).await?;
        Ok(())
    }
}

/// Who does `first` to a relay, and then sends a 2 to where the relay sends its 1.
#[track_caller]
fn comes_between(first: impl Fn(&Sim, &ActorRef<u32>) -> Box<dyn FnOnce() + Send> + Clone + Send + Sync + 'static) {
    let seen = same(move |sim| {
        let first = first.clone();
        async move {
            let log = Log::new();
            let target = sim.system().spawn(Scribe(log.clone()), Push::bounded(2));
            let relay = sim.system().spawn(Relay(target.clone()), Push::bounded(2));
            let first = first(&sim, &relay);
            sim.settled().await;
            let to = target.clone();
            let sender = sim.spawn("sender", async move {
                first();
                to.tell(2).await.unwrap();
            });
            sender.await;
            sim.settled().await;
            drained((target, log)).await
        }
    });
    assert_eq!(seen, [vec![1, 2], vec![2, 1]].into());
}

#[test]
fn after_a_message_that_does_not_wait() {
    comes_between(|_, relay| {
        let relay = relay.clone();
        Box::new(move || assert!(relay.try_tell(1).is_ok()))
    });
}

#[test]
fn after_a_message_by_a_permit() {
    comes_between(|_, relay| {
        let relay = relay.clone();
        Box::new(move || relay.try_reserve().unwrap().send(1).unwrap())
    });
}

#[test]
fn after_a_message_to_whoever_a_router_chooses() {
    comes_between(|_, relay| {
        let router = Router::new([relay.clone()], Routing::round_robin());
        Box::new(move || assert!(router.try_tell(1).is_ok()))
    });
}

#[test]
fn after_what_is_published() {
    comes_between(|_, relay| {
        let topic = Topic::new();
        topic.subscribe(relay, Lag::Skip).until_stopped();
        Box::new(move || assert_eq!(topic.publish(1).reached, 1))
    });
}

#[test]
fn after_an_answer() {
    comes_between(|sim, relay| {
        let (reply, answer) = Reply::channel();
        let relay = relay.clone();
        drop(sim.spawn("asker", async move {
            let _ = answer.await;
            relay.tell(1).await.unwrap();
        }));
        Box::new(move || reply.send(()).unwrap())
    });
}

#[test]
fn after_an_order_to_stop() {
    comes_between(|sim, relay| {
        let (other, to) = (sim.system().spawn(Scribe(Log::new()), Push::bounded(1)), relay.clone());
        let stopped = other.stopped();
        drop(sim.spawn("waiter", async move {
            stopped.await;
            to.tell(1).await.unwrap();
        }));
        Box::new(move || other.stop())
    });
}
