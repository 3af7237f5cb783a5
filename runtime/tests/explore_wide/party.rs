//! Somebody who does things, and what anybody can do.

use std::collections::BTreeMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;

use tidegate::explore::{Shared, Sim};
use tidegate::mailbox::{Receiver, Sender};
use tidegate::{ActorRef, AnswerFuture, Permit, Registration, Reply, WeakActorRef};

use crate::book::Book;
use crate::program::{Op, World};
use crate::settings::ms;

#[derive(Clone)]
pub(crate) struct Msg {
    /// Who sent it, and as which of its own.
    pub(crate) id: u64,
    pub(crate) hops: u8,
    /// Whoever comes first answers.
    pub(crate) reply: Option<Shared<Option<Reply<u64>>>>,
}

impl Msg {
    pub(crate) fn note(turn: Turn) -> Self {
        Self { id: turn.id, hops: turn.hops, reply: None }
    }

    pub(crate) fn question(turn: Turn, reply: Reply<u64>) -> Self {
        Self { reply: Some(Shared::new(Some(reply))), ..Self::note(turn) }
    }

    pub(crate) fn answer(&self, answer: u64) {
        if let Some(reply) = self.reply.as_ref().and_then(|reply| reply.with(Option::take)) {
            let _ = reply.send(answer);
        }
    }
}

/// Of the messages that somebody sends: their number, and how far they go.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) id: u64,
    pub(crate) hops: u8,
}

impl Turn {
    /// For the nth part of what is done.
    fn part(self, n: u64) -> Self {
        Self { id: self.id * 10 + n, ..self }
    }
}

/// What a task has to itself, so that the explorer need not know of it.
#[derive(Default)]
pub(crate) struct Hands {
    pub(crate) actors: BTreeMap<usize, ActorRef<Msg>>,
    pub(crate) permits: Vec<Permit<Msg>>,
    pub(crate) channel_permits: Vec<Permit<u64>>,
    pub(crate) sender: Option<Sender<u64>>,
    pub(crate) receiver: Option<Receiver<u64>>,
    pub(crate) registrations: Vec<Registration>,
    pub(crate) replies: [Option<Reply<u64>>; 2],
    pub(crate) answers: [Option<AnswerFuture<u64>>; 2],
    /// Answers that nobody looks at.
    pub(crate) kept: Vec<AnswerFuture<u64>>,
}

/// The actors, as those among them know each other: they keep nobody alive.
pub(crate) type Peers = Arc<OnceLock<Vec<WeakActorRef<Msg>>>>;

/// What all in a program share.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) sim: Sim,
    pub(crate) book: Book,
    pub(crate) peers: Peers,
    pub(crate) cells: [Shared<u64>; 2],
}

#[derive(Clone)]
pub(crate) struct Party {
    pub(crate) stage: Stage,
    pub(crate) name: Arc<str>,
    pub(crate) is_actor: bool,
    hands: Arc<Mutex<Hands>>,
}

pub(crate) type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What is seen where there is nothing to do it with.
pub(crate) fn nothing() -> String {
    String::from("nothing to do it with")
}

/// What is seen: anything that says what it is.
pub(crate) fn seen(what: impl fmt::Debug) -> String {
    format!("{what:?}")
}

impl Party {
    pub(crate) fn new(stage: &Stage, name: &str, is_actor: bool, hands: Hands) -> Self {
        Self { stage: stage.clone(), name: name.into(), is_actor, hands: Arc::new(Mutex::new(hands)) }
    }

    pub(crate) fn saw(&self, what: impl fmt::Debug, of: impl fmt::Display) {
        self.stage.book.note(&self.name, format!("{what:?}: {of}"));
    }

    pub(crate) fn hands<R>(&self, with: impl FnOnce(&mut Hands) -> R) -> R {
        with(&mut self.hands.lock().expect("nobody panics with it"))
    }

    /// Somebody else in a task of its own, who knows whom this one knows.
    pub(crate) fn aside(&self) -> Self {
        let hands = self.hands(|hands| Hands {
            actors: hands.actors.clone(),
            sender: hands.sender.clone(),
            ..Hands::default()
        });
        Self::new(&self.stage, &self.name, self.is_actor, hands)
    }

    pub(crate) fn actor(&self, nth: usize) -> Option<ActorRef<Msg>> {
        if self.is_actor { self.weak(nth)?.upgrade() } else { self.hands(|hands| hands.actors.get(&nth).cloned()) }
    }

    pub(crate) fn weak(&self, nth: usize) -> Option<WeakActorRef<Msg>> {
        self.stage.peers.get()?.get(nth).cloned()
    }

    /// Does it, and returns what is seen.
    pub(crate) fn perform(&self, op: Op, turn: Turn) -> Boxed<String> {
        let party = self.clone();
        Box::pin(async move {
            match op {
                Op::Send(to, sending) => match party.actor(to) {
                    Some(actor) => party.send(&actor, sending, turn).await,
                    None => nothing(),
                },
                Op::SendKept => party.send_kept(turn),
                Op::DropKept => party.drop_kept(),
                Op::Look(to, look) => party.look(to, look),
                Op::Life(to, life) => party.live(to, life).await,
                Op::System(wide) => party.widely(wide).await,
                Op::World(world) => party.world(world, turn).await,
                Op::Channel(handle) => party.handle(handle, turn).await,
                Op::Slot(slot, what) => party.slot(slot, what, turn).await,
                Op::Own(_) => nothing(),
                Op::Spawn(one) => {
                    drop(party.stage.sim.spawn("aside", party.aside().beside(*one, turn)));
                    String::new()
                }
                Op::SpawnAndWait(one) => {
                    party.stage.sim.spawn("aside", party.aside().beside(*one, turn)).await;
                    String::new()
                }
                Op::Select(one, other) => {
                    let (one, other) = (party.perform(*one, turn.part(1)), party.perform(*other, turn.part(2)));
                    first(one, other).await
                }
                Op::Both(one, other) => {
                    let (one, other) = (party.perform(*one, turn.part(1)), party.perform(*other, turn.part(2)));
                    both(one, other).await
                }
                Op::Within(time, one) => {
                    let sim = party.stage.sim.clone();
                    let late = Box::pin(async move {
                        sim.sleep(ms(time)).await;
                        String::from("late")
                    });
                    first(party.perform(*one, turn.part(1)), late).await
                }
            }
        })
    }

    /// In a task of its own: those have one list among them, by their numbers.
    pub(crate) fn beside(self, op: Op, turn: Turn) -> Boxed<()> {
        Box::pin(async move {
            let turn = turn.part(0);
            let what = format!("{} {op:?}", turn.id);
            let seen = self.perform(op, turn).await;
            self.stage.book.note_of_many("aside", format!("{what}: {seen}"));
        })
    }

    async fn world(&self, what: World, turn: Turn) -> String {
        let Stage { sim, cells, .. } = &self.stage;
        match what {
            World::Sleep(time) => sim.sleep(ms(time)).await,
            World::Settled => sim.settled().await,
            World::Now => return seen(sim.now()),
            World::Choose(of) => return seen(sim.choose(of)),
            World::Set(cell) => cells[cell].set(turn.id),
            World::Get(cell) => return seen(cells[cell].get()),
            World::Add(cell) => {
                return seen(cells[cell].with(|value| {
                    *value += 1;
                    *value
                }));
            }
        }
        String::new()
    }
}

/// Whichever is done first. The other is dropped.
async fn first(mut one: Boxed<String>, mut other: Boxed<String>) -> String {
    poll_fn(move |cx| match one.as_mut().poll(cx) {
        Poll::Ready(seen) => Poll::Ready(format!("one {seen}")),
        Poll::Pending => other.as_mut().poll(cx).map(|seen| format!("other {seen}")),
    })
    .await
}

/// Both of them, in one task.
async fn both(one: Boxed<String>, other: Boxed<String>) -> String {
    let mut waiting = [Some(one), Some(other)];
    let mut done = [String::new(), String::new()];
    poll_fn(|cx| {
        for (future, done) in waiting.iter_mut().zip(&mut done) {
            if let Some(Poll::Ready(seen)) = future.as_mut().map(|future| future.as_mut().poll(cx)) {
                (*future, *done) = (None, seen);
            }
        }
        if waiting.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done.join(" and ")
}
