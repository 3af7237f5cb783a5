//! A random program as one on the runtime: real actors, real mailboxes.

use std::sync::Arc;
use std::time::Duration;

use tidegate::explore::{Shared, Sim};
use tidegate::mailbox::{self, Receiver};
use tidegate::{ActorRef, Phase, Reply};

use crate::book::Book;
use crate::party::{Hands, Msg, Party, Peers, Stage, Turn};
use crate::player::Player;
use crate::program::{Handle, Op, Plan, Program, Property, Slot};
use crate::settings::{of_actor, of_channel, restart};

/// Long enough for all that comes to an end, and for a timer to ring twice.
const LONG: Duration = Duration::from_secs(1000);

/// Runs a program, and returns what comes of it, which goes on for as long as the run.
pub(crate) async fn play(program: Arc<Program>, sim: Sim) -> Book {
    let book = Book::default();
    let cells = [Shared::new(0), Shared::new(0)];
    let stage = Stage { sim, book, peers: Peers::default(), cells };
    let actors: Vec<_> =
        program.actors.iter().enumerate().map(|(n, plan)| spawn(&stage, n, plan, program.hops)).collect();
    let _ = stage.peers.set(actors.iter().map(ActorRef::downgrade).collect());
    if let Some(property) = program.property {
        look_after_each_step(&stage, property);
    }
    if program.settles {
        stage.sim.settled().await;
    }
    begin(&program, &stage, &actors);
    // Only the clients have them now.
    drop(actors);
    stage.sim.sleep(LONG).await;
    stage.book
}

fn spawn(stage: &Stage, n: usize, plan: &Plan, hops: u8) -> ActorRef<Msg> {
    let (makes, plan) = (stage.clone(), Arc::new(plan.clone()));
    let (mailbox, restart, phase) = (of_actor(plan.mailbox), restart(plan.restarts), Phase::new(plan.phase));
    let make = move || Player::new(&makes, &format!("actor {n}"), &plan, hops);
    stage.sim.system().build(make).named(n.to_string()).mailbox(mailbox).restart(restart).phase(phase).spawn()
}

/// Part of what comes of a program is what is seen from outside, step by step.
fn look_after_each_step(stage: &Stage, property: Property) {
    let (peers, book, cell) = (Arc::clone(&stage.peers), stage.book.clone(), stage.cells[0].clone());
    let system = stage.sim.system().clone();
    stage.sim.always("it is looked at", move || {
        let seen = match property {
            Property::Stats => {
                let actor = peers.get().and_then(|peers| peers.first()?.upgrade());
                format!("{:?}", actor.map(|actor| (actor.stats().handled, actor.len())))
            }
            Property::Count => system.len().to_string(),
            Property::Cell => cell.get().to_string(),
            Property::Inspected => {
                let inspected = system.inspect();
                format!("{:?}", inspected.actors.iter().map(|actor| actor.mailbox.len).collect::<Vec<_>>())
            }
        };
        book.note_change("property", seen);
        Ok(())
    });
}

/// Begins the clients, who have all that there is among them: what belongs to one
/// only is with the first that needs it.
fn begin(program: &Program, stage: &Stage, actors: &[ActorRef<Msg>]) {
    let (sender, receiver) = mailbox::channel(of_channel(program.channel));
    let mut receiver = Some(receiver);
    let (mut replies, mut answers) = ([None, None], [None, None]);
    for (reply, answer) in replies.iter_mut().zip(&mut answers) {
        let (one, other) = Reply::channel();
        (*reply, *answer) = (Some(one), Some(other));
    }
    for (n, script) in program.clients.iter().enumerate() {
        let mut hands = Hands {
            actors: actors.iter().cloned().enumerate().collect(),
            sender: Some(sender.clone()),
            receiver: receiver.take_if(|_: &mut Receiver<u64>| has(script, receives)),
            ..Hands::default()
        };
        for slot in 0..2 {
            if has(script, |op| matches!(op, Op::Slot(of, Slot::Send | Slot::Drop | Slot::IsUnwanted) if *of == slot)) {
                hands.replies[slot] = replies[slot].take();
            }
            if has(script, |op| matches!(op, Op::Slot(of, Slot::Wait | Slot::Leave) if *of == slot)) {
                hands.answers[slot] = answers[slot].take();
            }
        }
        let name = format!("client-{n}");
        let party = Party::new(stage, &name, false, hands);
        let client = client(party, script.clone(), Turn { id: (n as u64 + 1) * 10, hops: program.hops }, program.keeps);
        drop(stage.sim.spawn(&name, client));
    }
}

fn receives(op: &Op) -> bool {
    use Handle::{DropReceiver, Recv, RecvMany, Request, TryRecv};
    matches!(op, Op::Channel(Recv | TryRecv | RecvMany | Request | DropReceiver))
}

/// Whether one of the operations that it does in its own task is such a one.
fn has(script: &[Op], is: impl Fn(&Op) -> bool + Copy) -> bool {
    script.iter().any(|op| {
        let is_elsewhere = matches!(op, Op::Spawn(_) | Op::SpawnAndWait(_));
        is(op) || !is_elsewhere && op.parts().into_iter().any(is)
    })
}

async fn client(party: Party, script: Vec<Op>, first: Turn, keeps: bool) {
    for (n, op) in script.into_iter().enumerate() {
        let what = format!("{op:?}");
        let seen = party.perform(op, Turn { id: first.id + n as u64, ..first }).await;
        party.saw(what, seen);
    }
    if keeps {
        std::future::pending::<()>().await;
    }
    // Dropped one after the other, with nothing locked.
    let hands = party.hands(std::mem::take);
    drop(hands);
}
