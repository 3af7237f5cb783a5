//! ractor: actors are tokio tasks with four unbounded queues each, a box per
//! message.
//!
//! Built without `message_span_propogation`, which is on by default and slower.
//! It has no bounded mailbox and so no sender that waits for room.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{
    FORKS, Latch, Payload, RING, Relay, Tally, bytes_after, bytes_before, journey, let_them_run, on_tokio, per_actor,
    sum_below,
};

const NO_BOUND: &str = "no bounded mailbox";

pub(crate) fn lineup() -> Lineup {
    Lineup {
        name: "ractor",
        kind: Kind::Actors,
        ping_pong: Entry::Timed(|plan| pass_around(2, plan.items)),
        bounded: Entry::Cannot(NO_BOUND),
        bounded_wide: Entry::Cannot(NO_BOUND),
        unbounded: Entry::Timed(counting),
        many_to_one: Entry::Cannot(NO_BOUND),
        ring: Entry::Timed(|plan| pass_around(RING, plan.items)),
        fork_join: Entry::Noted(fork_join, "unbounded: the sender never waits"),
        spawn: Entry::Noted(spawn, "spawn().await returns once it has started"),
        ask: Entry::Timed(ask),
        pipeline: Entry::Cannot("no demand between actors"),
        idle: Entry::Bytes(idle),
    }
}

struct Counter<P>(PhantomData<fn(P)>);

impl<P: Payload> Actor for Counter<P> {
    type Msg = P;
    type State = Tally;
    type Arguments = Tally;

    async fn pre_start(&self, _: ActorRef<P>, tally: Tally) -> Result<Tally, ActorProcessingErr> {
        Ok(tally)
    }

    async fn handle(&self, _: ActorRef<P>, item: P, tally: &mut Tally) -> Result<(), ActorProcessingErr> {
        tally.add(item.number());
        Ok(())
    }
}

async fn start<A: Actor>(actor: A, arguments: A::Arguments) -> ActorRef<A::Msg> {
    let (actor, _) = A::spawn(None, actor, arguments).await.expect("the actor starts");
    actor
}

fn cast<M: ractor::Message>(to: &ActorRef<M>, message: M) {
    assert!(to.cast(message).is_ok(), "the actor is there");
}

fn counting(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let counter = start(Counter::<u64>(PhantomData), Tally::new(items, latch)).await;
        let start = Instant::now();
        for number in 0..items {
            cast(&counter, number);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Place;

struct PlaceState {
    relay: Relay,
    next: Option<ActorRef<Pass>>,
}

enum Pass {
    Next(ActorRef<Pass>),
    Token(u64),
}

impl Actor for Place {
    type Msg = Pass;
    type State = PlaceState;
    type Arguments = Relay;

    async fn pre_start(&self, _: ActorRef<Pass>, relay: Relay) -> Result<PlaceState, ActorProcessingErr> {
        Ok(PlaceState { relay, next: None })
    }

    async fn handle(&self, _: ActorRef<Pass>, message: Pass, state: &mut PlaceState) -> Result<(), ActorProcessingErr> {
        match message {
            Pass::Next(next) => state.next = Some(next),
            Pass::Token(token) => {
                if let (Some(token), Some(next)) = (state.relay.take(token), &state.next) {
                    cast(next, Pass::Token(token));
                }
            }
        }
        Ok(())
    }
}

fn pass_around(size: u64, items: u64) -> Duration {
    let (rounds, token) = journey(size, items);
    on_tokio(async move {
        let (latch, done) = Latch::new(1);
        let mut places = Vec::new();
        for _ in 0..size {
            places.push(start(Place, Relay::new(latch.clone())).await);
        }
        for (place, next) in places.iter().zip(places.iter().cycle().skip(1)) {
            cast(place, Pass::Next(next.clone()));
        }
        let start = Instant::now();
        cast(&places[0], Pass::Token(token));
        assert_eq!(done.await, Ok(rounds));
        start.elapsed()
    })
}

fn fork_join(plan: &Plan) -> Duration {
    let each = plan.items / FORKS;
    on_tokio(async move {
        let (latch, done) = Latch::new(FORKS);
        let mut forks = Vec::new();
        for _ in 0..FORKS {
            let tally = Tally::new(each, latch.clone());
            forks.push(start(Counter::<u64>(PhantomData), tally).await);
        }
        let start = Instant::now();
        for number in 0..each {
            for fork in &forks {
                cast(fork, number);
            }
        }
        assert_eq!(done.await, Ok(FORKS * sum_below(each)));
        start.elapsed()
    })
}

/// Handles one message, stops, and reports when it has stopped.
struct Mayfly(Arc<Latch>);

impl Actor for Mayfly {
    type Msg = u64;
    type State = u64;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<u64>, (): ()) -> Result<u64, ActorProcessingErr> {
        Ok(0)
    }

    async fn handle(&self, myself: ActorRef<u64>, number: u64, state: &mut u64) -> Result<(), ActorProcessingErr> {
        *state = number;
        myself.stop(None);
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<u64>, number: &mut u64) -> Result<(), ActorProcessingErr> {
        self.0.arrive(*number);
        Ok(())
    }
}

fn spawn(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let (latch, done) = Latch::new(items);
        let begin = Instant::now();
        for number in 0..items {
            let mayfly = start(Mayfly(latch.clone()), ()).await;
            cast(&mayfly, number);
            let_them_run(number).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        begin.elapsed()
    })
}

struct Successor;

struct Question(u64, RpcReplyPort<u64>);

impl Actor for Successor {
    type Msg = Question;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Question>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(
        &self,
        _: ActorRef<Question>,
        Question(number, reply): Question,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        reply.send(number + 1)?;
        Ok(())
    }
}

fn ask(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let successor = start(Successor, ()).await;
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..items {
            sum += ractor::call!(successor, Question, number).expect("an answer");
        }
        assert_eq!(sum, sum_below(items) + items);
        start.elapsed()
    })
}

/// Handles one message and stays.
struct Sleeper(Arc<Latch>);

impl Actor for Sleeper {
    type Msg = u64;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<u64>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<u64>, number: u64, (): &mut ()) -> Result<(), ActorProcessingErr> {
        self.0.arrive(number);
        Ok(())
    }
}

fn idle(plan: &Plan) -> f64 {
    let items = plan.items;
    let _counting = crate::alloc::counting();
    on_tokio(async move {
        let mut sleepers = Vec::with_capacity(items as usize);
        let (latch, done) = Latch::new(items);
        let before = bytes_before().await;
        for number in 0..items {
            let sleeper = start(Sleeper(latch.clone()), ()).await;
            cast(&sleeper, number);
            sleepers.push(sleeper);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        let after = bytes_after().await;
        drop(sleepers);
        per_actor(before, after, items)
    })
}
