//! What is done with the system, with a mailbox that no actor has, and with
//! questions that no message carries.

use tidegate::mailbox::TryRecvError;
use tidegate::{Phase, Shutdown};

use crate::party::{Msg, Party, Turn, nothing, seen};
use crate::program::{Handle, Slot, Wide};
use crate::sending::told;
use crate::settings::{ms, of_channel};

/// The name and the group that all go for.
const NAME: &str = "known";

impl Party {
    pub(crate) async fn widely(&self, what: Wide) -> String {
        let system = self.stage.sim.system();
        // Looked up only where it is needed: that touches what all groups share, and would
        // hide what the others touch.
        let group = || system.group::<Msg>(NAME);
        match what {
            Wide::Lookup => seen(system.lookup::<Msg>(NAME).ok().map(|actor| actor.path().to_string())),
            Wide::Members => seen(group().members().iter().map(|actor| actor.path().to_string()).collect::<Vec<_>>()),
            Wide::Count => seen(system.len()),
            Wide::DeadLetters => seen(system.dead_letters().counts().total()),
            Wide::Inspect => {
                let inspected = system.inspect();
                let actors = inspected.actors.iter();
                seen(actors.map(|actor| (actor.mailbox.len, actor.mailbox.handled)).collect::<Vec<_>>())
            }
            Wide::Unregister => seen(self.hands(|hands| hands.registrations.pop()).is_some()),
            Wide::Shutdown(time) => seen(system.shutdown(ms(time)).await),
            Wide::ShutdownInPhases => {
                let phases = Shutdown::new().phase(Phase::new(0), ms(1)).phase(Phase::new(1), ms(2));
                seen(system.shutdown_in_phases(phases).await)
            }
            Wide::Register(who) | Wide::Join(who) | Wide::Leave(who) => {
                let Some(actor) = self.actor(who) else { return nothing() };
                match what {
                    Wide::Join(_) => seen(group().join(&actor)),
                    Wide::Leave(_) => seen(group().leave(&actor)),
                    _ => {
                        let registered = system.register(NAME, &actor).ok();
                        let is_registered = registered.is_some();
                        self.hands(|hands| hands.registrations.extend(registered));
                        seen(is_registered)
                    }
                }
            }
        }
    }

    pub(crate) async fn handle(&self, what: Handle, turn: Turn) -> String {
        match what {
            Handle::Recv | Handle::TryRecv | Handle::RecvMany | Handle::Request => return self.receive(what).await,
            Handle::DropSender => return seen(self.hands(|hands| hands.sender.take()).is_some()),
            Handle::DropReceiver => return seen(self.hands(|hands| hands.receiver.take()).is_some()),
            _ => {}
        }
        let Some(sender) = self.hands(|hands| hands.sender.clone()) else { return nothing() };
        match what {
            Handle::Tell => told(sender.tell(turn.id).await),
            Handle::TryTell => told(sender.try_tell(turn.id)),
            Handle::Reserve => match sender.reserve().await {
                Ok(permit) => {
                    self.hands(|hands| hands.channel_permits.push(permit));
                    String::from("kept")
                }
                Err(error) => seen(error),
            },
            Handle::Len => seen((sender.len(), sender.free())),
            Handle::IsClosed => seen(sender.is_closed()),
            Handle::AwaitPressure => {
                let mut pressure = sender.pressure();
                seen(pressure.changed().await)
            }
            Handle::Reconfigure(setting) => {
                sender.reconfigure(of_channel(setting));
                String::new()
            }
            _ => {
                sender.close();
                String::new()
            }
        }
    }

    /// If it is the one who has the receiver, and is not about to receive.
    async fn receive(&self, what: Handle) -> String {
        let Some(mut receiver) = self.hands(|hands| hands.receiver.take()) else { return nothing() };
        let received = match what {
            Handle::Recv => seen(receiver.recv().await),
            Handle::RecvMany => {
                let mut messages = Vec::new();
                receiver.recv_many(&mut messages, 2).await;
                seen(messages)
            }
            Handle::TryRecv => match receiver.try_recv() {
                Ok(message) => seen(message),
                Err(TryRecvError::Empty) => String::from("empty"),
                Err(_) => String::from("closed"),
            },
            _ => {
                receiver.request(1);
                String::new()
            }
        };
        self.hands(|hands| hands.receiver = Some(receiver));
        received
    }

    pub(crate) async fn slot(&self, slot: usize, what: Slot, turn: Turn) -> String {
        match what {
            Slot::Wait => match self.hands(|hands| hands.answers[slot].take()) {
                Some(answer) => seen(answer.await),
                None => nothing(),
            },
            Slot::Leave => seen(self.hands(|hands| hands.answers[slot].take()).is_some()),
            Slot::Send | Slot::Drop | Slot::IsUnwanted => {
                let Some(reply) = self.hands(|hands| hands.replies[slot].take()) else { return nothing() };
                match what {
                    Slot::Send => seen(reply.send(turn.id).is_ok()),
                    Slot::Drop => String::new(),
                    _ => {
                        let is_unwanted = reply.is_unwanted();
                        self.hands(|hands| hands.replies[slot] = Some(reply));
                        seen(is_unwanted)
                    }
                }
            }
        }
    }
}
