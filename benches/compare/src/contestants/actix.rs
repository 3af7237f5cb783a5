//! actix: everything on the one arbiter of a `System`, as it is mostly used.
//!
//! It has no sending that waits for room alone: `send` waits for the answer as
//! well. Its fast way to feed a bounded mailbox is `try_send` until the mailbox
//! is full, then one `send` awaited, which returns when the mailbox is empty
//! again; that is what runs here.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use actix::dev::ToEnvelope;
use actix::prelude::SendError;
use actix::{Actor, ActorContext, Addr, Context, Handler, Message, System};

use crate::lineup::{Entry, Kind, Lineup, Plan};
use crate::support::{
    CAPACITY, FORKS, Latch, PRODUCERS, Payload, RING, Relay, Tally, Wide, bytes_after, bytes_before, journey,
    let_them_run, per_actor, sum_below,
};

pub(crate) fn lineup() -> Lineup {
    Lineup {
        name: "actix",
        kind: Kind::Actors,
        ping_pong: Entry::Timed(|plan| pass_around(2, plan.items)),
        bounded: Entry::Noted(counting::<u64>, FULL),
        bounded_wide: Entry::Noted(counting::<Wide>, FULL),
        unbounded: Entry::Timed(counting_unbounded),
        many_to_one: Entry::Noted(many_to_one, FULL),
        ring: Entry::Timed(|plan| pass_around(RING, plan.items)),
        fork_join: Entry::Noted(fork_join, FULL),
        spawn: Entry::Timed(spawn),
        ask: Entry::Timed(ask),
        pipeline: Entry::Cannot("no demand between actors"),
        idle: Entry::Bytes(idle),
    }
}

const FULL: &str = "one arbiter; try_send, and send().await when full";

/// Runs `work` on a system with one arbiter, on a thread of its own.
fn on_arbiter<T, F>(work: F) -> T
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    thread::spawn(|| System::new().block_on(work)).join().expect("the workload ran to its end")
}

/// Starts an actor whose mailbox has the capacity from its first message on.
fn start<A: Actor<Context = Context<A>>>(actor: A) -> Addr<A> {
    A::create(|cx| {
        cx.set_mailbox_capacity(CAPACITY);
        actor
    })
}

async fn tell<A, M>(to: &Addr<A>, message: M)
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + Unpin + 'static,
    M::Result: Send,
{
    match to.try_send(message) {
        Ok(()) => {}
        Err(SendError::Full(message)) => {
            assert!(to.send(message).await.is_ok(), "the actor is there");
        }
        Err(SendError::Closed(_)) => panic!("the actor is there"),
    }
}

struct Add<P>(P);

impl<P: 'static> Message for Add<P> {
    type Result = ();
}

struct Counter(Tally);

impl Actor for Counter {
    type Context = Context<Self>;
}

impl<P: Payload> Handler<Add<P>> for Counter {
    type Result = ();

    fn handle(&mut self, Add(item): Add<P>, _: &mut Self::Context) {
        self.0.add(item.number());
    }
}

fn counting<P: Payload>(plan: &Plan) -> Duration {
    let items = plan.items;
    on_arbiter(async move {
        let (latch, done) = Latch::new(1);
        let counter = start(Counter(Tally::new(items, latch)));
        let start = Instant::now();
        for number in 0..items {
            tell(&counter, Add(P::of(number))).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn counting_unbounded(plan: &Plan) -> Duration {
    let items = plan.items;
    on_arbiter(async move {
        let (latch, done) = Latch::new(1);
        let counter = start(Counter(Tally::new(items, latch)));
        let start = Instant::now();
        for number in 0..items {
            // Ignores the capacity.
            counter.do_send(Add(number));
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

fn many_to_one(plan: &Plan) -> Duration {
    let each = plan.items / PRODUCERS;
    let items = each * PRODUCERS;
    on_arbiter(async move {
        let (latch, done) = Latch::new(1);
        let counter = start(Counter(Tally::new(items, latch)));
        let start = Instant::now();
        for producer in 0..PRODUCERS {
            let counter = counter.clone();
            tokio::task::spawn_local(async move {
                for turn in 0..each {
                    tell(&counter, Add(turn * PRODUCERS + producer)).await;
                }
            });
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start.elapsed()
    })
}

struct Place {
    relay: Relay,
    next: Option<Addr<Place>>,
}

struct Next(Addr<Place>);

impl Message for Next {
    type Result = ();
}

struct Token(u64);

impl Message for Token {
    type Result = ();
}

impl Actor for Place {
    type Context = Context<Self>;
}

impl Handler<Next> for Place {
    type Result = ();

    fn handle(&mut self, Next(next): Next, _: &mut Self::Context) {
        self.next = Some(next);
    }
}

impl Handler<Token> for Place {
    type Result = ();

    fn handle(&mut self, Token(token): Token, _: &mut Self::Context) {
        if let (Some(token), Some(next)) = (self.relay.take(token), &self.next) {
            next.do_send(Token(token));
        }
    }
}

fn pass_around(size: u64, items: u64) -> Duration {
    let (rounds, token) = journey(size, items);
    on_arbiter(async move {
        let (latch, done) = Latch::new(1);
        let places: Vec<_> = (0..size).map(|_| start(Place { relay: Relay::new(latch.clone()), next: None })).collect();
        for (place, next) in places.iter().zip(places.iter().cycle().skip(1)) {
            tell(place, Next(next.clone())).await;
        }
        let start = Instant::now();
        tell(&places[0], Token(token)).await;
        assert_eq!(done.await, Ok(rounds));
        start.elapsed()
    })
}

fn fork_join(plan: &Plan) -> Duration {
    let each = plan.items / FORKS;
    on_arbiter(async move {
        let (latch, done) = Latch::new(FORKS);
        let forks: Vec<_> = (0..FORKS).map(|_| start(Counter(Tally::new(each, latch.clone())))).collect();
        let start = Instant::now();
        for number in 0..each {
            for fork in &forks {
                tell(fork, Add(number)).await;
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
    type Context = Context<Self>;

    fn stopped(&mut self, _: &mut Self::Context) {
        self.latch.arrive(self.number);
    }
}

impl Handler<Add<u64>> for Mayfly {
    type Result = ();

    fn handle(&mut self, Add(number): Add<u64>, cx: &mut Self::Context) {
        self.number = number;
        cx.stop();
    }
}

fn spawn(plan: &Plan) -> Duration {
    let items = plan.items;
    on_arbiter(async move {
        let (latch, done) = Latch::new(items);
        let start_time = Instant::now();
        for number in 0..items {
            let mayfly = start(Mayfly { number: 0, latch: latch.clone() });
            tell(&mayfly, Add(number)).await;
            let_them_run(number).await;
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        start_time.elapsed()
    })
}

struct Question(u64);

impl Message for Question {
    type Result = u64;
}

struct Successor;

impl Actor for Successor {
    type Context = Context<Self>;
}

impl Handler<Question> for Successor {
    type Result = u64;

    fn handle(&mut self, Question(number): Question, _: &mut Self::Context) -> u64 {
        number + 1
    }
}

fn ask(plan: &Plan) -> Duration {
    let items = plan.items;
    on_arbiter(async move {
        let successor = start(Successor);
        let start = Instant::now();
        let mut sum = 0;
        for number in 0..items {
            sum += successor.send(Question(number)).await.expect("an answer");
        }
        assert_eq!(sum, sum_below(items) + items);
        start.elapsed()
    })
}

/// Handles one message and stays.
struct Sleeper(Arc<Latch>);

impl Actor for Sleeper {
    type Context = Context<Self>;
}

impl Handler<Add<u64>> for Sleeper {
    type Result = ();

    fn handle(&mut self, Add(number): Add<u64>, _: &mut Self::Context) {
        self.0.arrive(number);
    }
}

fn idle(plan: &Plan) -> f64 {
    let items = plan.items;
    let _counting = crate::alloc::counting();
    on_arbiter(async move {
        let mut sleepers = Vec::with_capacity(items as usize);
        let (latch, done) = Latch::new(items);
        let before = bytes_before().await;
        for number in 0..items {
            let sleeper = start(Sleeper(latch.clone()));
            tell(&sleeper, Add(number)).await;
            sleepers.push(sleeper);
        }
        assert_eq!(done.await, Ok(sum_below(items)));
        let after = bytes_after().await;
        drop(sleepers);
        per_actor(before, after, items)
    })
}
