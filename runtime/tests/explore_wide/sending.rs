//! What is done to an actor: messages, permits, looks, and its life.

use tidegate::{ActorRef, Admission, AskError, Reply, SendError, TellWithinError};

use crate::party::{Msg, Party, Turn, nothing, seen};
use crate::program::{Life, Look, Sending};
use crate::settings::{ms, of_actor};

/// What is seen of something sent. The message that comes back is the own one.
pub(crate) fn told<T: std::fmt::Debug, M>(result: Result<T, SendError<M>>) -> String {
    match result {
        Ok(admission) => seen(admission),
        Err(SendError::Full(_)) => String::from("full"),
        Err(SendError::NoDemand(_)) => String::from("no demand"),
        Err(SendError::Closed(_)) => String::from("closed"),
        Err(SendError::Overflowed(_)) => String::from("overflowed"),
        Err(_) => String::from("deadlock"),
    }
}

fn answered(result: Result<u64, AskError<Msg>>) -> String {
    match result {
        Ok(answer) => seen(answer),
        Err(AskError::Refused(error)) => told::<Admission, _>(Err(error)),
        Err(AskError::NoReply) => String::from("no reply"),
        Err(AskError::Timeout(message)) => format!("no answer in time, not sent: {}", message.is_some()),
        Err(_) => String::from("deadlock"),
    }
}

impl Party {
    pub(crate) async fn send(&self, actor: &ActorRef<Msg>, sending: Sending, turn: Turn) -> String {
        let question = move |reply| Msg::question(turn, reply);
        match sending {
            Sending::Tell => told(actor.tell(Msg::note(turn)).await),
            Sending::TryTell => told(actor.try_tell(Msg::note(turn))),
            Sending::TellWithin(time) => match actor.tell_within(ms(time), Msg::note(turn)).await {
                Ok(admission) => seen(admission),
                Err(TellWithinError::Refused(error)) => told::<Admission, _>(Err(error)),
                Err(_) => String::from("not told in time"),
            },
            Sending::Ask => answered(actor.ask(question).await),
            Sending::AskWithin(time) => answered(actor.ask_within(ms(time), question).await),
            Sending::AskAndLeave => {
                let (reply, answer) = Reply::channel();
                drop(answer);
                told(actor.tell(question(reply)).await)
            }
            Sending::AskAndKeep => {
                let (reply, answer) = Reply::channel();
                let told = told(actor.tell(question(reply)).await);
                self.hands(|hands| hands.kept.push(answer));
                told
            }
            _ => self.reserve(actor, sending).await,
        }
    }

    async fn reserve(&self, actor: &ActorRef<Msg>, sending: Sending) -> String {
        let permit = match sending {
            Sending::TryReserve => match actor.try_reserve() {
                Ok(permit) => Some(permit),
                Err(error) => return seen(error),
            },
            Sending::ReserveAndDrop => return seen(actor.reserve().await.is_ok()),
            // Of two, one is kept.
            Sending::ReserveTwo if actor.capacity().is_some_and(|most| most < 2) => return nothing(),
            Sending::ReserveTwo => match actor.reserve_many(2).await {
                Ok(mut permits) => permits.next(),
                Err(error) => return seen(error),
            },
            _ => match actor.reserve().await {
                Ok(permit) => Some(permit),
                Err(error) => return seen(error),
            },
        };
        self.hands(|hands| hands.permits.extend(permit));
        String::from("kept")
    }

    /// By the last permit that there is.
    pub(crate) fn send_kept(&self, turn: Turn) -> String {
        if let Some(permit) = self.hands(|hands| hands.permits.pop()) {
            return told(permit.send(Msg::note(turn)));
        }
        let permit = self.hands(|hands| hands.channel_permits.pop());
        permit.map_or_else(nothing, |permit| told(permit.send(turn.id)))
    }

    pub(crate) fn drop_kept(&self) -> String {
        let kept = self.hands(|hands| (hands.permits.pop(), hands.channel_permits.pop()));
        seen((kept.0.is_some(), kept.1.is_some()))
    }

    pub(crate) fn look(&self, to: usize, look: Look) -> String {
        if look == Look::Upgrade {
            return seen(self.weak(to).map(|actor| actor.upgrade().is_some()));
        }
        let Some(actor) = self.actor(to) else { return nothing() };
        match look {
            Look::Len => seen(actor.len()),
            Look::Free => seen(actor.free()),
            Look::IsClosed => seen(actor.is_closed()),
            Look::Mode => seen(actor.mode()),
            Look::Handled => seen(actor.stats().handled),
            Look::Stashed => {
                let stats = actor.stats();
                seen((stats.len, stats.stashed))
            }
            Look::Waiting => {
                let stats = actor.stats();
                seen((stats.waiting_senders, stats.permits))
            }
            Look::Drops => {
                let stats = actor.stats();
                seen((stats.drops.total(), stats.taken, stats.requested))
            }
            Look::StopReason => seen(actor.stop_reason().map(|reason| reason.name())),
            Look::Level => seen(actor.pressure().level()),
            Look::Upgrade => String::new(),
        }
    }

    pub(crate) async fn live(&self, to: usize, life: Life) -> String {
        if life == Life::LetGo {
            return seen(self.hands(|hands| hands.actors.remove(&to)).is_some());
        }
        let Some(actor) = self.actor(to) else { return nothing() };
        match life {
            Life::Reconfigure(setting) => actor.reconfigure(of_actor(setting)),
            Life::AwaitPressure => {
                let mut pressure = actor.pressure();
                return seen(pressure.changed().await);
            }
            Life::Stop => actor.stop(),
            Life::Drain => actor.drain(),
            Life::Kill => actor.kill(),
            Life::AwaitEnd => {
                let end = actor.stopped();
                drop(actor);
                return seen(end.await.name());
            }
            Life::LetGo => {}
        }
        String::new()
    }
}
