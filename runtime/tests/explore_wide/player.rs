//! An actor of a program, and what only actors do.

use std::sync::Arc;

use tidegate::prelude::*;
use tidegate::{ActorRef, InFlight, Reply, StopReason, Terminated};

use crate::party::{Hands, Msg, Party, Stage, Turn, seen};
use crate::program::{Op, Own, Plan, Restarts, Setting};
use crate::sending::told;
use crate::settings::{ms, of_actor, restart};

/// Messages that are stashed when they come again would never come to an end.
const MOST_STASHED: u64 = 3;
const MOST_UNSTASHED: u64 = 5;

/// Above the numbers of the clients' messages.
const STARTING: u64 = 5;

pub(crate) struct Player {
    party: Party,
    plan: Arc<Plan>,
    hops: u8,
    handled: u64,
    in_flight: Vec<InFlight>,
    /// Messages whose answers it still owes.
    owed: Vec<Msg>,
    child: Option<ActorRef<Msg>>,
    is_child: bool,
}

impl Player {
    pub(crate) fn new(stage: &Stage, name: &str, plan: &Arc<Plan>, hops: u8) -> Self {
        Self {
            party: Party::new(stage, name, true, Hands::default()),
            plan: Arc::clone(plan),
            hops,
            handled: 0,
            in_flight: Vec::new(),
            owed: Vec::new(),
            child: None,
            is_child: false,
        }
    }

    async fn act(&mut self, ops: &[Op], cause: &Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        for (n, op) in ops.iter().enumerate() {
            let turn = Turn { id: cause.id * 100 + n as u64, hops: cause.hops.saturating_sub(1) };
            let seen = match op {
                Op::Own(own) => self.own(own, turn, cause, cx).await?,
                other => self.party.perform(other.clone(), turn).await,
            };
            self.party.saw(op, seen);
        }
        Ok(())
    }

    async fn own(&mut self, own: &Own, turn: Turn, cause: &Msg, cx: &mut Context<Self>) -> Result<String, Fault> {
        match own {
            Own::Stash if self.handled <= MOST_STASHED => return Ok(seen(cx.stash(cause.clone()).is_ok())),
            Own::Unstash if self.handled <= MOST_UNSTASHED => return Ok(seen(cx.unstash())),
            Own::UnstashAll if self.handled <= MOST_UNSTASHED => return Ok(seen(cx.unstash_all())),
            Own::Stash | Own::Unstash | Own::UnstashAll => {}
            Own::Fail => return Err(Fault::msg("as planned")),
            Own::Panic => panic!("as planned"),
            Own::Aside(op) => cx.spawn(self.party.aside().beside((**op).clone(), turn)),
            Own::After(time) => drop(cx.send_after(ms(*time), Msg::note(turn))),
            Own::Every(time) => drop(cx.send_every(ms(*time), move || Msg::note(turn))),
            Own::Named(time) => cx.timers().after("timer", ms(*time), Msg::note(turn)),
            Own::CancelNamed => return Ok(seen(cx.timers().cancel("timer"))),
            Own::Watch(who) | Own::Unwatch(who) | Own::Link(who) => {
                let Some(actor) = self.party.actor(*who) else { return Ok(String::from("nobody")) };
                match own {
                    Own::Watch(_) => cx.watch(&actor),
                    Own::Unwatch(_) => cx.unwatch(&actor),
                    _ => cx.link(&actor),
                }
            }
            Own::Request => cx.request(1),
            Own::TakeInFlight => self.in_flight.push(cx.in_flight()),
            Own::DropInFlight => drop(self.in_flight.pop()),
            Own::Stop => cx.stop(),
            Own::Drain => cx.drain(),
            Own::Child(op) => self.bear(op, cx),
            Own::TellChild => {
                if let Some(child) = &self.child {
                    return Ok(told(child.tell(Msg::note(turn)).await));
                }
            }
            Own::HoldReply => self.owed.push(cause.clone()),
            Own::AnswerHeld => {
                if let Some(owed) = self.owed.pop() {
                    owed.answer(turn.id);
                }
            }
            Own::Forward(to) => {
                if let Some(actor) = self.party.actor(*to) {
                    let forwarded = Msg { reply: cause.reply.clone(), ..Msg::note(turn) };
                    return Ok(told(actor.tell(forwarded).await));
                }
            }
        }
        Ok(String::new())
    }

    /// One child, which has none.
    fn bear(&mut self, does: &Op, cx: &mut Context<Self>) {
        if self.child.is_some() || self.is_child {
            return;
        }
        let (stage, name) = (self.party.stage.clone(), format!("child of {}", self.party.name));
        let plan = Arc::new(Plan {
            mailbox: Setting::Push(1),
            restarts: Restarts::OnFailureOnce,
            does: vec![does.clone()],
            starts: Vec::new(),
            phase: 0,
        });
        let (mailbox, restart) = (of_actor(plan.mailbox), restart(plan.restarts));
        let make = move || Self { is_child: true, ..Self::new(&stage, &name, &plan, 1) };
        self.child = Some(cx.build_child(make).mailbox(mailbox).restart(restart).spawn());
    }

    /// Whether somebody else is to answer, or this one later.
    fn answers_at_once(&self) -> bool {
        !self.plan.does.iter().any(|op| matches!(op, Op::Own(Own::HoldReply | Own::Forward(_) | Own::Stash)))
    }
}

impl Actor for Player {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.party.saw("started", "");
        let plan = Arc::clone(&self.plan);
        self.act(&plan.starts, &Msg::note(Turn { id: STARTING, hops: self.hops }), cx).await
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.handled += 1;
        self.party.saw("message", msg.id);
        let plan = Arc::clone(&self.plan);
        let result = if msg.hops > 0 { self.act(&plan.does, &msg, cx).await } else { Ok(()) };
        if self.answers_at_once() {
            msg.answer(msg.id * 10 + self.handled);
        }
        result
    }

    async fn terminated(&mut self, who: Terminated, _cx: &mut Context<Self>) -> Result<(), Fault> {
        self.party.saw(who.reason.name(), who.path);
        Ok(())
    }

    async fn stopped(&mut self, reason: &StopReason, _cx: &mut Context<Self>) {
        self.party.saw(reason.name(), self.handled);
    }

    fn expired(msg: &Msg) -> bool {
        let is_unwanted = |reply: &Option<Reply<u64>>| reply.as_ref().is_some_and(Reply::is_unwanted);
        msg.reply.as_ref().is_some_and(|reply| reply.read(is_unwanted))
    }
}
