//! Questions: a value that is read and written back, and peers that ask each
//! other.

use tidegate::explore::{Explorer, Sim, Strategy};
use tidegate::prelude::*;

use super::support::{Takes, Version, hunt, is_deadlock, says, sure};

enum Account {
    Balance(Reply<u64>),
    Set(u64),
    Deposit(u64),
}

struct Bank(u64);

impl Actor for Bank {
    type Msg = Account;

    async fn handle(&mut self, order: Account, _: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Account::Balance(reply) => drop(reply.send(self.0)),
            Account::Set(balance) => self.0 = balance,
            Account::Deposit(amount) => self.0 += amount,
        }
        Ok(())
    }
}

/// Two clients read the balance and write back what they make of it. Put right,
/// the actor adds.
async fn lost_update(sim: Sim, version: Version) {
    let bank = sim.system().spawn(Bank(0), Push::bounded(4));
    let clients = [1, 2].map(|amount| {
        let bank = bank.clone();
        sim.spawn("client", async move {
            if version.is_fixed() {
                sure(bank.tell(Account::Deposit(amount)).await);
            } else {
                let balance = sure(bank.ask(Account::Balance).await);
                sure(bank.tell(Account::Set(balance + amount)).await);
            }
        })
    });
    for client in clients {
        client.await;
    }
    assert_eq!(sure(bank.ask(Account::Balance).await), 3, "a deposit is lost");
}

#[test]
fn a_lost_update() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(0), says("a deposit is lost"), lost_update);
}

enum Peer {
    Meet(ActorRef<Peer>),
    /// Compares notes with the other.
    Compare,
    Notes(Reply<u64>),
}

struct Notes {
    own: u64,
    other: Option<ActorRef<Peer>>,
    version: Version,
}

impl Actor for Notes {
    type Msg = Peer;

    async fn handle(&mut self, msg: Peer, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Peer::Meet(other) => self.other = Some(other),
            Peer::Compare => {
                let Some(other) = self.other.clone() else { return Ok(()) };
                let ask = async move { drop(other.ask(Peer::Notes).await) };
                if self.version.is_fixed() {
                    // Beside the handler: meanwhile it answers others.
                    cx.spawn(ask);
                } else {
                    ask.await;
                }
            }
            Peer::Notes(reply) => drop(reply.send(self.own)),
        }
        Ok(())
    }
}

/// Two peers that are told to compare notes ask each other in their handlers.
async fn ask_in_a_circle(sim: Sim, version: Version) {
    let [one, two] = [1, 2].map(|own| sim.system().spawn(Notes { own, other: None, version }, Push::bounded(4)));
    sure(one.tell(Peer::Meet(two.clone())).await);
    sure(two.tell(Peer::Meet(one.clone())).await);
    let kicks = [one.clone(), two.clone()].map(|peer| {
        sim.spawn("kick", async move {
            sure(peer.tell(Peer::Compare).await);
        })
    });
    for kick in kicks {
        kick.await;
    }
    let sum = sure(one.ask(Peer::Notes).await) + sure(two.ask(Peer::Notes).await);
    assert_eq!(sum, 3);
    // Each holds the other.
    one.stop();
    two.stop();
}

#[test]
fn a_circle_of_questions() {
    hunt(&Explorer::new(Strategy::Exhaustive), Takes(0), is_deadlock, ask_in_a_circle);
}
