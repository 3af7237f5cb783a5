//! Actors that wait for each other: a circle is named and broken, and what is no
//! circle is let alone.

use tidegate::explore::Explorer;
use tidegate::prelude::*;
use tidegate::{AskError, Deadlocks};

use super::support::{Log, MS, pause, sampled_by};

/// Asks the next, if there is one, before it answers.
enum Ring {
    Next(ActorRef<Ring>),
    Ask(u32, Reply<Result<u32, String>>),
    /// Tells the next so many notes, waiting for room.
    Flood(u32),
    Note,
}

struct Node {
    next: Option<ActorRef<Ring>>,
    log: Log<String>,
}

impl Actor for Node {
    type Msg = Ring;

    async fn handle(&mut self, msg: Ring, _: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Ring::Next(next) => self.next = Some(next),
            Ring::Ask(hops, reply) => {
                let answer = match &self.next {
                    Some(next) if hops > 0 => match next.ask(|reply| Ring::Ask(hops - 1, reply)).await {
                        Ok(answer) => answer,
                        Err(AskError::Deadlock(cycle)) => Err(cycle.to_string()),
                        Err(AskError::Refused(SendError::Deadlock(deadlock))) => Err(deadlock.cycle.to_string()),
                        Err(other) => Err(format!("{other}")),
                    },
                    _ => Ok(hops),
                };
                drop(reply.send(answer));
            }
            Ring::Flood(notes) => {
                let Some(next) = &self.next else { return Ok(()) };
                for _ in 0..notes {
                    match next.tell(Ring::Note).await {
                        Ok(_) => {}
                        Err(SendError::Deadlock(deadlock)) => self.log.push(deadlock.cycle.to_string()),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
            Ring::Note => self.log.push("note".into()),
        }
        Ok(())
    }
}

fn breaking(strategy: tidegate::explore::Strategy) -> Explorer {
    Explorer::new(strategy).deadlocks(Deadlocks::broken().after(MS))
}

/// Two nodes, `a` and `b`, that know each other.
async fn two(system: &System) -> ([ActorRef<Ring>; 2], [Log<String>; 2]) {
    let logs = [Log::new(), Log::new()];
    let nodes = [0, 1].map(|n| {
        let log = logs[n].clone();
        let make = move || Node { next: None, log: log.clone() };
        system.build(make).named(["a", "b"][n]).mailbox(Push::bounded(1)).spawn()
    });
    for n in 0..2 {
        nodes[n].tell(Ring::Next(nodes[1 - n].clone())).await.unwrap();
    }
    (nodes, logs)
}

#[test]
fn a_circle_of_questions_is_named_and_broken_once() {
    let possible = ["no circle", "/a -> /b -> /a", "/b -> /a -> /b"];
    sampled_by(breaking, &possible, |sim, seen| async move {
        let (nodes, _) = two(sim.system()).await;
        let askers = [0, 1].map(|n| {
            let to = nodes[n].clone();
            sim.spawn(&format!("asker-{n}"), async move { to.ask(|reply| Ring::Ask(1, reply)).await.unwrap() })
        });
        let mut cycles = Vec::new();
        for asker in askers {
            match asker.await {
                Ok(0) => {}
                Ok(other) => panic!("{other}"),
                Err(cycle) => cycles.push(cycle),
            }
        }
        assert_eq!(sim.system().deadlocks(), cycles.len() as u64);
        assert!(cycles.len() <= 1, "{cycles:?}");
        seen.saw(cycles.pop().unwrap_or_else(|| "no circle".into()));
        for node in nodes {
            node.stop();
            node.stopped().await;
        }
    });
}

#[test]
fn a_circle_of_full_mailboxes_is_named_and_broken_and_nothing_else_is_lost() {
    sampled_by(breaking, &["no circle", "a circle"], |sim, seen| async move {
        let (nodes, logs) = two(sim.system()).await;
        let floods = [0, 1].map(|n| {
            let to = nodes[n].clone();
            sim.spawn(&format!("flood-{n}"), async move { to.tell(Ring::Flood(2)).await.unwrap() })
        });
        for flood in floods {
            flood.await;
        }
        sim.sleep(100 * MS).await;
        sim.settled().await;
        for node in nodes {
            node.drain();
            node.stopped().await;
        }
        let (notes, cycles): (Vec<_>, Vec<_>) =
            logs.iter().flat_map(Log::all).partition(|entry| entry.as_str() == "note");
        assert_eq!(sim.system().deadlocks(), cycles.len() as u64);
        // Who was broken off got its note back, and all others went in.
        assert_eq!(notes.len() + cycles.len(), 4, "{cycles:?}");
        for cycle in &cycles {
            assert!(["/a -> /b -> /a", "/b -> /a -> /b"].contains(&cycle.as_str()), "{cycle}");
        }
        seen.saw(if cycles.is_empty() { "no circle" } else { "a circle" });
    });
}

#[test]
fn what_only_looks_like_a_circle_is_let_alone() {
    sampled_by(breaking, &["answered"], |sim, seen| async move {
        let (nodes, _) = two(sim.system()).await;
        // Each waits for the other now and then, and never both.
        for _ in 0..2 {
            let to = nodes[0].clone();
            let asker = sim.spawn("asker", async move { to.ask(|reply| Ring::Ask(1, reply)).await.unwrap() });
            let to = nodes[1].clone();
            let other = sim.spawn("other", async move {
                pause().await;
                to.ask(|reply| Ring::Ask(0, reply)).await.unwrap()
            });
            assert_eq!((asker.await, other.await), (Ok(0), Ok(0)));
        }
        assert_eq!(sim.system().deadlocks(), 0);
        seen.saw("answered");
        for node in nodes {
            node.stop();
            node.stopped().await;
        }
    });
}
