//! tidegate: actors are tokio tasks over its own mailbox, no box per message.
//!
//! The same actors under each delivery mode. Push, the default, is what the
//! ratios of the tables refer to.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::flow::{Demand, Outlet, source};
use tidegate::{Actor, ActorRef, Adaptive, Context, Fault, Mailbox, Pull, Push, Reply, StopReason, System};

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{
    CAPACITY, FORKS, Latch, PRODUCERS, Payload, RING, Relay, STAGES, Tally, WINDOW, Wide, bytes_after, bytes_before,
    journey, let_them_run, on_tokio, per_actor, sum_below,
};

pub(crate) fn lineups() -> Vec<Lineup> {
    const NOT_UNBOUNDED: Entry = Entry::Cannot("its demand is its bound");
    vec![
        lineup::<Pushed>("tidegate", Kind::Tidegate),
        Lineup { unbounded: NOT_UNBOUNDED, ..lineup::<Pulled>("tidegate, pull", Kind::TidegateMode) },
        Lineup { unbounded: NOT_UNBOUNDED, ..lineup::<Adapted>("tidegate, adaptive", Kind::TidegateMode) },
    ]
}

fn lineup<D: Delivery>(name: &'static str, kind: Kind) -> Lineup {
    Lineup {
        name,
        kind,
        ping_pong: Entry::Timed(|plan| pass_around::<D>(2, plan.items)),
        bounded: Entry::Timed(counting::<D, u64>),
        bounded_wide: Entry::Timed(counting::<D, Wide>),
        unbounded: Entry::Timed(counting_unbounded),
        many_to_one: Entry::Timed(many_to_one::<D>),
        ring: Entry::Timed(|plan| pass_around::<D>(RING, plan.items)),
        fork_join: Entry::Timed(fork_join::<D>),
        spawn: Entry::Timed(spawn::<D>),
        ask: Entry::Timed(ask::<D>),
        pipeline: Entry::Timed(pipeline::<D>),
        idle: Entry::Bytes(idle::<D>),
    }
}

/// A delivery mode with room for 1024.
trait Delivery: 'static {
    fn mailbox<M: Send + 'static>() -> Mailbox<M>;
}

struct Pushed;

impl Delivery for Pushed {
    fn mailbox<M: Send + 'static>() -> Mailbox<M> {
        Push::bounded(CAPACITY).into()
    }
}

struct Pulled;

impl Delivery for Pulled {
    fn mailbox<M: Send + 'static>() -> Mailbox<M> {
        Pull::window(CAPACITY).into()
    }
}

struct Adapted;

impl Delivery for Adapted {
    fn mailbox<M: Send + 'static>() -> Mailbox<M> {
        Adaptive::window(CAPACITY).into()
    }
}

struct Counter<P> {
    tally: Tally,
    counts: PhantomData<fn(P)>,
}

impl<P: Payload> Counter<P> {
    fn new(tally: Tally) -> Self {
        Self { tally, counts: PhantomData }
    }
}

impl<P: Payload> Actor for Counter<P> {
    type Msg = P;

    async fn handle(&mut self, item: P, _: &mut Context<Self>) -> Result<(), Fault> {
        self.tally.add(item.number());
        Ok(())
    }
}

async fn tell<M: Send + 'static>(to: &ActorRef<M>, message: M) {
    assert!(to.tell(message).await.is_ok(), "the actor is there");
}

fn counting<D: Delivery, P: Payload>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(1);
        let counter = system.spawn(Counter::<P>::new(Tally::new(items, latch)), D::mailbox());
        let start = Instant::now();
        for number in 0..items {
            tell(&counter, P::of(number)).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn counting_unbounded(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(1);
        let counter = Counter::<u64>::new(Tally::new(items, latch));
        let counter = system.spawn(counter, Push::unbounded());
        let start = Instant::now();
        for number in 0..items {
            assert!(counter.try_tell(number).is_ok(), "the actor is there");
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn many_to_one<D: Delivery>(plan: &Plan) -> Duration {
    let each = plan.items / PRODUCERS;
    let items = each * PRODUCERS;
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(1);
        let counter = system.spawn(Counter::<u64>::new(Tally::new(items, latch)), D::mailbox());
        let start = Instant::now();
        for producer in 0..PRODUCERS {
            let counter = counter.clone();
            tokio::spawn(async move {
                for turn in 0..each {
                    tell(&counter, turn * PRODUCERS + producer).await;
                }
            });
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Place {
    relay: Relay,
    next: Option<ActorRef<Pass>>,
}

enum Pass {
    Next(ActorRef<Pass>),
    Token(u64),
}

impl Actor for Place {
    type Msg = Pass;

    async fn handle(&mut self, message: Pass, _: &mut Context<Self>) -> Result<(), Fault> {
        match message {
            Pass::Next(next) => self.next = Some(next),
            Pass::Token(token) => {
                if let (Some(token), Some(next)) = (self.relay.take(token), &self.next) {
                    tell(next, Pass::Token(token)).await;
                }
            }
        }
        Ok(())
    }
}

fn pass_around<D: Delivery>(size: u64, items: u64) -> Duration {
    let (rounds, token) = journey(size, items);
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(1);
        let places: Vec<_> = (0..size)
            .map(|_| {
                let place = Place { relay: Relay::new(latch.clone()), next: None };
                system.spawn(place, D::mailbox())
            })
            .collect();
        for (place, next) in places.iter().zip(places.iter().cycle().skip(1)) {
            tell(place, Pass::Next(next.clone())).await;
        }
        let start = Instant::now();
        tell(&places[0], Pass::Token(token)).await;
        assert_eq!(done.await, Ok(rounds));
        start.elapsed()
    })
}

/// Passes on what it gets, as far as the next has asked.
struct Stage(Outlet<u64>);

impl Actor for Stage {
    type Msg = u64;

    async fn handle(&mut self, item: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.send(item).await?;
        Ok(())
    }
}

fn pipeline<D: Delivery>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(1);
        // From the last to the first, each subscribed to the one before it.
        let mut next = system.spawn(Counter::<u64>::new(Tally::new(items, latch)), D::mailbox());
        let mut subscriptions = Vec::new();
        for _ in 0..STAGES {
            let out = Outlet::new();
            subscriptions.push(system.subscribe(out.port(), &next, Demand::window(WINDOW)));
            next = system.spawn(Stage(out), D::mailbox());
        }
        let start = Instant::now();
        subscriptions.push(system.subscribe(source::iter(0..items), &next, Demand::window(WINDOW)));
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn fork_join<D: Delivery>(plan: &Plan) -> Duration {
    let each = plan.items / FORKS;
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(FORKS);
        let forks: Vec<_> = (0..FORKS)
            .map(|_| {
                let counter = Counter::<u64>::new(Tally::new(each, latch.clone()));
                system.spawn(counter, D::mailbox())
            })
            .collect();
        let start = Instant::now();
        for number in 0..each {
            for fork in &forks {
                tell(fork, number).await;
            }
        }
        assert_eq!(done.await, Ok(FORKS * sum_below(each)));
        start.elapsed()
    })
}

/// Handles one message, stops, and reports when it has stopped.
struct Mayfly {
    number: u64,
    latch: Arc<Latch>,
}

impl Actor for Mayfly {
    type Msg = u64;

    async fn handle(&mut self, number: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.number = number;
        cx.stop();
        Ok(())
    }

    async fn stopped(&mut self, _: &StopReason, _: &mut Context<Self>) {
        self.latch.arrive(self.number);
    }
}

fn spawn<D: Delivery>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let system = System::new();
        let (latch, done) = Latch::new(items);
        let start = Instant::now();
        for number in 0..items {
            let mayfly = Mayfly { number: 0, latch: latch.clone() };
            let mayfly = system.spawn(mayfly, D::mailbox());
            tell(&mayfly, number).await;
            let_them_run(number).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Successor;

struct Question(u64, Reply<u64>);

impl Actor for Successor {
    type Msg = Question;

    async fn handle(&mut self, Question(number, reply): Question, _: &mut Context<Self>) -> Result<(), Fault> {
        // The asker may have gone away; that is its own affair.
        let _ = reply.send(number + 1);
        Ok(())
    }
}

fn ask<D: Delivery>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_tokio(async move {
        let system = System::new();
        let successor = system.spawn(Successor, D::mailbox());
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..items {
            let answer = successor.ask(|reply| Question(number, reply)).await;
            sum += answer.unwrap_or_else(|_| panic!("an answer"));
        }
        assert_eq!(sum, sum_below(items) + items);
        start.elapsed()
    })
}

/// Handles one message and stays.
struct Sleeper(Arc<Latch>);

impl Actor for Sleeper {
    type Msg = u64;

    async fn handle(&mut self, number: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.arrive(number);
        Ok(())
    }
}

fn idle<D: Delivery>(plan: &Plan) -> f64 {
    let items = plan.items;
    let _counting = crate::alloc::counting();
    on_tokio(async move {
        let system = System::new();
        let mut sleepers = Vec::with_capacity(items as usize);
        let (latch, done) = Latch::new(items);
        let before = bytes_before().await;
        for number in 0..items {
            let sleeper = system.spawn(Sleeper(latch.clone()), D::mailbox());
            tell(&sleeper, number).await;
            sleepers.push(sleeper);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        let after = bytes_after().await;
        drop(sleepers);
        per_actor(before, after, items)
    })
}
