//! A random program as one on the runtime: real actors, real mailboxes.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use super::super::shared::Shared;
use super::super::sim::Sim;
use super::program::{Op, Plan, Program, Setting};
use crate::actor::{Actor, ActorRef, AskError, Context, Fault, Reply, StopReason, Terminated, WeakActorRef};
use crate::mailbox::{Mailbox, Overflow, Permit, Pull, Push, SendError, TellWithinError};
use crate::supervision::Restart;

/// What somebody has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    what: &'static str,
    /// A message, an actor, a time.
    of: u64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.of)
    }
}

/// What each has seen: the actors, then the clients.
pub(super) type Logs = Vec<Vec<Seen>>;

/// Where all write down what they see. Each writes to a list of its own, and
/// none of them reads, so that nobody learns anything of others by it.
#[derive(Clone, Debug)]
pub(super) struct Book(Arc<Mutex<Logs>>);

impl Book {
    pub(super) fn new(program: &Program) -> Self {
        Self(Arc::new(Mutex::new(vec![Vec::new(); program.actors.len() + program.clients.len()])))
    }

    pub(super) fn take(&self) -> Logs {
        std::mem::take(&mut self.0.lock().expect("nobody panics with it"))
    }
}

/// Somebody who does things.
#[derive(Clone)]
struct Party {
    sim: Sim,
    book: Book,
    /// Which list of the book is its own.
    me: usize,
}

impl Party {
    fn saw(&self, what: &'static str, of: u64) {
        self.book.0.lock().expect("nobody panics with it")[self.me].push(Seen { what, of });
    }
}

struct Msg {
    /// Who sent it, and as which of its own.
    id: u64,
    hops: u8,
    reply: Option<Reply<u64>>,
}

/// The others, as actors know them: they keep nobody alive.
type Peers = Arc<OnceLock<Vec<WeakActorRef<Msg>>>>;

struct Player {
    party: Party,
    peers: Peers,
    does: Arc<[Op]>,
    handled: u64,
}

impl Actor for Player {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.handled += 1;
        self.party.saw("message", msg.id);
        let result = if msg.hops > 0 { self.act(msg.id, msg.hops - 1, cx).await } else { Ok(()) };
        if let Some(reply) = msg.reply {
            let _ = reply.send(msg.id * 10 + self.handled);
        }
        result
    }

    async fn terminated(&mut self, who: Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.party.saw(who.reason.name(), u64::from(who.path.as_str().as_bytes()[1]));
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        self.party.saw(reason.name(), self.handled);
    }
}

impl Player {
    async fn act(&mut self, cause: u64, hops: u8, cx: &mut Context<Self>) -> Result<(), Fault> {
        let mut kept = Vec::new();
        for (n, op) in self.does.clone().iter().enumerate() {
            let id = cause * 100 + n as u64;
            let peer = |to: usize| self.peers.get().and_then(|peers| peers[to].upgrade());
            match *op {
                Op::Fail => return Err(Fault::msg("as planned")),
                Op::Watch(to) => match peer(to) {
                    Some(peer) => cx.watch(&peer),
                    None => self.party.saw("none to watch", id),
                },
                Op::Aside(to) => {
                    if let Some(peer) = peer(to) {
                        cx.spawn(async move { drop(peer.tell(Msg { id, hops, reply: None }).await) });
                    }
                }
                // Its own clock, not that of the body.
                Op::Sleep(ms) => cx.sleep(Duration::from_millis(ms)).await,
                Op::Now => self.party.saw("time", cx.now().as_millis() as u64),
                op => self.party.perform(op, id, hops, peer, &mut kept).await,
            }
        }
        for (id, permit) in kept {
            self.party.saw(told(&permit.send(Msg { id, hops, reply: None })), id);
        }
        Ok(())
    }
}

type Kept = Vec<(u64, Permit<Msg>)>;

impl Party {
    /// Does what anybody can do.
    async fn perform(
        &self,
        op: Op,
        id: u64,
        hops: u8,
        peer: impl FnOnce(usize) -> Option<ActorRef<Msg>> + Send,
        kept: &mut Kept,
    ) {
        let note = Msg { id, hops, reply: None };
        let question = move |reply| Msg { id, hops, reply: Some(reply) };
        let to = match op {
            Op::Sleep(ms) => return self.sim.sleep(Duration::from_millis(ms)).await,
            Op::Now => return self.saw("time", self.sim.now().as_millis() as u64),
            Op::Choose(n) => return self.saw("chose", self.sim.choose(n) as u64),
            Op::Tell(to)
            | Op::TryTell(to)
            | Op::TellWithin(to, _)
            | Op::Ask(to)
            | Op::AskWithin(to, _)
            | Op::Reserve(to)
            | Op::Look(to)
            | Op::Stop(to)
            | Op::Drain(to)
            | Op::Kill(to)
            | Op::Mode(to, _)
            | Op::Ended(to)
            | Op::Watch(to)
            | Op::Aside(to) => to,
            Op::Fail => return,
        };
        let Some(peer) = peer(to) else { return self.saw("nobody", id) };
        match op {
            Op::Tell(_) => self.saw(told(&peer.tell(note).await), id),
            Op::TryTell(_) => self.saw(told(&peer.try_tell(note)), id),
            Op::TellWithin(_, ms) => match peer.tell_within(Duration::from_millis(ms), note).await {
                Err(TellWithinError::Timeout(_)) => self.saw("not told in time", id),
                Err(TellWithinError::Refused(error)) => self.saw(told::<()>(&Err(error)), id),
                Ok(admission) => self.saw(told(&Ok(admission)), id),
            },
            Op::Ask(_) => self.answered(peer.ask(question).await, id),
            Op::AskWithin(_, ms) => self.answered(peer.ask_within(Duration::from_millis(ms), question).await, id),
            Op::Reserve(_) => match peer.reserve().await {
                Ok(permit) => kept.push((id, permit)),
                Err(_) => self.saw("no permit", id),
            },
            Op::Look(_) => self.saw("waiting", peer.len() as u64 * 2 + u64::from(peer.is_closed())),
            Op::Stop(_) => peer.stop(),
            Op::Drain(_) => peer.drain(),
            Op::Kill(_) => peer.kill(),
            Op::Mode(_, setting) => peer.reconfigure(setting),
            Op::Ended(_) => {
                let ended = peer.stopped();
                drop(peer);
                self.saw(ended.await.name(), id);
            }
            _ => {}
        }
    }

    fn answered(&self, answer: Result<u64, AskError<Msg>>, id: u64) {
        match answer {
            Ok(answer) => self.saw("answer", answer),
            Err(AskError::Refused(error)) => self.saw(told::<()>(&Err(error)), id),
            Err(AskError::NoReply) => self.saw("no answer", id),
            Err(AskError::Timeout(message)) => self.saw("no answer in time", id * 2 + u64::from(message.is_some())),
            Err(AskError::Deadlock(_)) => self.saw("deadlock", id),
        }
    }
}

fn told<T: fmt::Debug + 'static>(result: &Result<T, SendError<Msg>>) -> &'static str {
    match result {
        Ok(_) => "told",
        Err(SendError::Full(_)) => "full",
        Err(SendError::NoDemand(_)) => "no demand",
        Err(SendError::Closed(_)) => "closed",
        Err(SendError::Overflowed(_)) => "overflowed",
        Err(SendError::Deadlock(_)) => "deadlock",
    }
}

/// Runs a program, until its clients are done.
pub(super) async fn play(program: Arc<Program>, sim: Sim, book: Book) {
    let peers = Peers::default();
    let actors: Vec<_> =
        program.actors.iter().enumerate().map(|(me, plan)| spawn(&sim, &book, &peers, me, plan)).collect();
    let _ = peers.set(actors.iter().map(ActorRef::downgrade).collect());
    if program.settles {
        sim.settled().await;
    }
    // Before there is anything whose steps could count.
    let is_done = (program.counts && !program.clients.is_empty()).then(|| counted(&sim, &book, actors.len()));
    let clients: Vec<_> = program
        .clients
        .iter()
        .enumerate()
        .map(|(n, script)| {
            let party = Party { sim: sim.clone(), book: book.clone(), me: actors.len() + n };
            let client = client(party, script.clone(), program.hops, actors.clone());
            let is_done = is_done.clone().filter(|_| n == 0);
            sim.spawn(&format!("client-{n}"), async move {
                client.await;
                if let Some(is_done) = is_done {
                    is_done.set(true);
                }
            })
        })
        .collect();
    drop(actors);
    for client in clients {
        client.await;
    }
}

/// How many steps there are before it is said that somebody is done, they see.
fn counted(sim: &Sim, book: &Book, who: usize) -> Shared<bool> {
    let is_done = Shared::new(false);
    let party = Party { sim: sim.clone(), book: book.clone(), me: who };
    let (looked, mut steps) = (is_done.clone(), 0);
    sim.eventually("the first client is done", 1_000_000, move || {
        steps += 1;
        if looked.get() {
            party.saw("steps", steps);
        }
        looked.get()
    });
    is_done
}

fn spawn(sim: &Sim, book: &Book, peers: &Peers, me: usize, plan: &Plan) -> ActorRef<Msg> {
    let party = Party { sim: sim.clone(), book: book.clone(), me };
    let (peers, does): (_, Arc<[Op]>) = (Arc::clone(peers), plan.does.as_slice().into());
    let make = move || Player { party: party.clone(), peers: Arc::clone(&peers), does: Arc::clone(&does), handled: 0 };
    let restart = if plan.restarts { Restart::on_failure() } else { Restart::never() };
    sim.system().build(make).named(me.to_string()).mailbox(plan.mailbox).restart(restart).spawn()
}

async fn client(party: Party, script: Vec<Op>, hops: u8, actors: Vec<ActorRef<Msg>>) {
    let mut actors: Vec<_> = actors.into_iter().map(Some).collect();
    let mut kept = Vec::new();
    for (n, op) in script.into_iter().enumerate() {
        let id = party.me as u64 * 10 + n as u64;
        if let Op::Ended(to) = op {
            let Some(actor) = actors[to].take() else { continue };
            party.perform(op, id, hops, move |_| Some(actor), &mut kept).await;
        } else {
            party.perform(op, id, hops, |to| actors[to].clone(), &mut kept).await;
        }
    }
    for (id, permit) in kept {
        party.saw(told(&permit.send(Msg { id, hops, reply: None })), id);
    }
}

impl From<Setting> for Mailbox<Msg> {
    fn from(setting: Setting) -> Self {
        match setting {
            Setting::Push(n) => Push::bounded(n).into(),
            Setting::PushOldest(n) => Push::bounded(n).overflow(Overflow::DropOldest).into(),
            Setting::PushReject(n) => Push::bounded(n).overflow(Overflow::Reject).into(),
            Setting::PullOne => Pull::one_by_one().into(),
            Setting::PullWindow(n) => Pull::window(n).into(),
        }
    }
}
