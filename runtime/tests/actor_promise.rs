//! `Ok` is a promise: what was sent is handled or a dead letter, whatever else
//! happens at the same time, and what came back is neither.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use support::{Case, Jittery, Started, every_mailbox, lock, ms, poll_once, start, yield_now};
use tidegate::prelude::*;
use tidegate::{DropReason, Executor, ManualExecutor, TellWithinError};

/// One step of a program around an actor.
#[derive(Clone, Debug)]
enum Op {
    TryTell,
    Tell,
    TellWithin(u64),
    Reserve,
    /// Starts a `tell` that is polled by hand, and perhaps dropped.
    Begin,
    Poll(usize),
    Abandon(usize),
    Ask,
    Steps(usize),
    Advance(u64),
    Reconfigure(usize),
    Stop,
    Drain,
    Kill,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => Just(Op::TryTell),
        8 => Just(Op::Tell),
        3 => (0u64..4).prop_map(Op::TellWithin),
        3 => Just(Op::Reserve),
        3 => Just(Op::Begin),
        2 => (0usize..8).prop_map(Op::Poll),
        2 => (0usize..8).prop_map(Op::Abandon),
        2 => Just(Op::Ask),
        12 => (1usize..12).prop_map(Op::Steps),
        3 => (0u64..4).prop_map(Op::Advance),
        2 => (0usize..57).prop_map(Op::Reconfigure),
        1 => Just(Op::Stop),
        1 => Just(Op::Drain),
        1 => Just(Op::Kill),
    ]
}

/// A message with its number, and perhaps a question.
struct Numbered(u64, Option<Reply<u64>>);

/// What a [`Risky`] actor began and finished, over all its lives.
#[derive(Debug, Default)]
struct Diary {
    began: Vec<u64>,
    finished: Vec<u64>,
}

/// Waits, fails or panics, by the number of the message.
struct Risky(Arc<Mutex<Diary>>, bool);

impl Actor for Risky {
    type Msg = Numbered;
    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.request(u64::from(self.1));
        Ok(())
    }
    async fn handle(&mut self, Numbered(n, reply): Numbered, cx: &mut Context<Self>) -> Result<(), Fault> {
        lock(&self.0).began.push(n);
        cx.request(u64::from(self.1));
        match n % 10 {
            1 | 2 => yield_now().await,
            3 | 4 => cx.sleep(ms(n % 3)).await,
            5 if n % 20 == 5 => panic!("at {n}"),
            _ => {}
        }
        if let Some(reply) = reply {
            let _ = reply.send(n);
        }
        lock(&self.0).finished.push(n);
        if n % 10 == 7 { Err(Fault::msg("seven")) } else { Ok(()) }
    }
}

/// What a sender heard of each of its messages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Accepted,
    Disposed,
    Returned,
    /// The sender gave up waiting and was not told.
    Unknown,
}

type Heards = Arc<Mutex<BTreeMap<u64, Heard>>>;

fn hear(heard: &Heards, n: u64, told: Result<Admission, Numbered>) {
    let what = match told {
        Ok(admission) if admission.is_in() => Heard::Accepted,
        Ok(_) => Heard::Disposed,
        Err(Numbered(back, reply)) => {
            drop(reply);
            assert_eq!(back, n, "the message that comes back is the one that was sent");
            Heard::Returned
        }
    };
    assert_eq!(lock(heard).insert(n, what), None, "{n} is heard of once");
}

type HandPolled = Pin<Box<dyn Future<Output = Result<Admission, SendError<Numbered>>>>>;

/// Runs the program and checks the books.
fn every_message_is_accounted_for(ops: Vec<Op>, first: usize, seed: u64, restarts: u32) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(Jittery::new(executor.clone(), seed));
    let runs = Jittery::new(executor.clone(), seed ^ 1);
    let letters = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&letters);
    let _subscription = system.dead_letters().subscribe(move |letter| {
        let number = letter.message.as_ref().and_then(|m| m.downcast_ref::<Numbered>()).map(|Numbered(n, _)| *n);
        lock(&seen).push((letter.reason, number));
    });
    let cases: Vec<Case<Numbered>> = every_mailbox();
    let diary = Arc::new(Mutex::new(Diary::default()));
    let (made, manual) = (Arc::clone(&diary), cases[first].manual);
    let actor = system
        .build(move || Risky(Arc::clone(&made), manual))
        .mailbox(cases[first].mailbox.clone())
        .restart(Restart::on_failure().limit(restarts, Duration::from_secs(1)))
        .budget(3)
        .spawn();
    let heard: Heards = Heards::default();
    let mut asked: Vec<Started<()>> = Vec::new();
    let mut by_hand: Vec<(u64, HandPolled)> = Vec::new();
    for (n, op) in (0..).zip(ops) {
        let (to, ears) = (actor.clone(), Arc::clone(&heard));
        match op {
            Op::TryTell => hear(&heard, n, to.try_tell(Numbered(n, None)).map_err(SendError::into_message)),
            Op::Tell => runs.spawn(
                "tell",
                Box::pin(async move {
                    hear(&ears, n, to.tell(Numbered(n, None)).await.map_err(SendError::into_message));
                }),
            ),
            Op::TellWithin(limit) => runs.spawn(
                "tell within",
                Box::pin(async move {
                    let told = to.tell_within(ms(limit), Numbered(n, None)).await;
                    hear(&ears, n, told.map_err(TellWithinError::into_message));
                }),
            ),
            Op::Reserve => runs.spawn(
                "reserve",
                Box::pin(async move {
                    let Ok(permit) = to.reserve().await else { return };
                    yield_now().await;
                    // Under an evicting policy a permit only says that it is in.
                    let sent = permit.send(Numbered(n, None));
                    hear(&ears, n, sent.map(|()| Admission::Queued).map_err(SendError::into_message));
                }),
            ),
            Op::Begin => {
                let mut tell: HandPolled = Box::pin(async move { to.tell(Numbered(n, None)).await });
                match poll_once(tell.as_mut()) {
                    Poll::Ready(told) => hear(&heard, n, told.map_err(SendError::into_message)),
                    Poll::Pending => by_hand.push((n, tell)),
                }
            }
            Op::Poll(at) if at < by_hand.len() => {
                if let Poll::Ready(told) = poll_once(by_hand[at].1.as_mut()) {
                    let (n, _) = by_hand.swap_remove(at);
                    hear(&heard, n, told.map_err(SendError::into_message));
                }
            }
            Op::Abandon(at) if at < by_hand.len() => {
                let (n, tell) = by_hand.swap_remove(at);
                drop(tell);
                lock(&heard).insert(n, Heard::Unknown);
            }
            Op::Poll(_) | Op::Abandon(_) => {}
            Op::Ask => asked.push(start(&runs, async move {
                let answer = to.ask(|reply| Numbered(n, Some(reply))).await;
                lock(&ears).insert(
                    n,
                    match answer {
                        Ok(m) => {
                            assert_eq!(m, n);
                            Heard::Accepted
                        }
                        Err(AskError::Refused(_)) => Heard::Returned,
                        Err(_) => Heard::Unknown,
                    },
                );
            })),
            Op::Steps(steps) => {
                for _ in 0..steps {
                    let _ = executor.try_step();
                }
            }
            Op::Advance(by) => executor.advance(ms(by)),
            Op::Reconfigure(to) => actor.reconfigure(cases[to].mailbox.clone()),
            Op::Stop => actor.stop(),
            Op::Drain => actor.drain(),
            Op::Kill => actor.kill(),
        }
    }
    executor.advance(Duration::from_secs(5));
    // Whatever is left under a mailbox that was never asked for: handled now.
    actor.drain();
    executor.advance(Duration::from_secs(5));
    assert!(actor.stop_reason().is_some(), "it has ended");
    for (n, mut tell) in by_hand {
        match poll_once(tell.as_mut()) {
            Poll::Ready(told) => hear(&heard, n, told.map_err(SendError::into_message)),
            Poll::Pending => panic!("{n} waits for an actor that has ended"),
        }
    }
    assert!(asked.iter().all(|asked| asked.take().is_some()), "every question has its answer, or is told of none");
    assert_eq!(actor.stats().waiting_senders, 0);
    executor.advance(Duration::from_secs(5));
    assert_eq!(executor.tasks(), 0, "nobody waits any more");

    let (diary, heard, letters) = (lock(&diary), lock(&heard), lock(&letters));
    let mut places: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for n in &diary.began {
        places.entry(*n).or_default().push("handler");
    }
    for (reason, n) in letters.iter() {
        match n {
            Some(n) => places.entry(*n).or_default().push(reason.name()),
            None => assert_eq!(*reason, DropReason::Interrupted),
        }
    }
    for (n, what) in heard.iter() {
        let at = places.remove(n).unwrap_or_default();
        match what {
            Heard::Accepted => assert_eq!(at.len(), 1, "{n} was let in and is at {at:?}"),
            Heard::Disposed => assert!(at == ["drop-newest"] || at == ["diverted"], "{n} was disposed of: {at:?}"),
            Heard::Returned => assert!(at.is_empty(), "{n} came back and is at {at:?}"),
            Heard::Unknown => assert!(at.len() <= 1, "{n} is at {at:?}"),
        }
    }
    assert!(places.is_empty(), "messages nobody has sent: {places:?}");
    let interrupted = letters.iter().filter(|(reason, _)| *reason == DropReason::Interrupted).count();
    assert_eq!(diary.began.len(), diary.finished.len() + interrupted);
    let stats = actor.stats();
    assert_eq!(stats.handled, diary.finished.len() as u64, "{stats:?}");
    assert_eq!(stats.drops.total(), letters.len() as u64, "{stats:?}");
    assert_eq!(system.dead_letters().counts(), stats.drops);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// No call returns `Ok` for a message that is then neither handled nor a
    /// dead letter, and none hands back a message that is: whatever happens
    /// at the same time.
    #[test]
    fn what_was_sent_is_handled_or_a_dead_letter_and_what_came_back_is_neither(
        ops in prop::collection::vec(op(), 0..120),
        first in 0usize..57,
        seed in any::<u64>(),
        restarts in 0u32..5,
    ) {
        every_message_is_accounted_for(ops, first, seed, restarts);
    }
}
