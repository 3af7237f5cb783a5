//! Liveness: from wherever the network and the timers have led, a network that is
//! fair from then on leads to the goal.
//!
//! stateright's `eventually` looks at the ends of paths: it misses a path that
//! goes round in a circle, and can take a state reached in two ways for one that
//! has met its goal (both are in its documentation). Here every state has circles,
//! since a timer that goes off and changes nothing is one. So nothing of that is
//! used. Instead, an `always` property plays, from every reachable state, a closing
//! phase in which frames arrive and timers go off, and asks for the goal at its
//! end. It is played three times, with what was on its way at first lost,
//! delivered, or delivered backwards and twice.
//!
//! That says more than it seems to. Of what the closing phase needs, nothing can be
//! undone by another order of events: what was confirmed, received, granted and
//! taken only ever grows. So whatever else a fair scheduler does in between, it
//! gets there too.

use tidegate::flow::link::State;

use super::broken::Broken;
use super::witness::Witnesses;
use super::world::{Frame, Link, Plan, World};

/// More than any chain of events that does not repeat itself in models this small.
const ROUNDS: usize = 24;

/// Who still does something in a closing phase, besides network and timers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Doing {
    /// The handler takes what there is.
    pub(crate) takes: bool,
    /// The handler asks for all the rest, in pull.
    pub(crate) asks: bool,
    /// The source sends what it has.
    pub(crate) sends: bool,
    /// The source ends.
    pub(crate) ends: bool,
}

/// What becomes of the frames that are on their way when the closing begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum First {
    Lost,
    Delivered,
    BackwardsTwice,
}

const FIRST: [First; 3] = [First::Lost, First::Delivered, First::BackwardsTwice];

/// Whether every closing of one link ends well. The other links stand still.
pub(crate) fn closes(
    plan: &Plan,
    broken: Option<Broken>,
    world: &World,
    of: usize,
    doing: Doing,
    well: fn(&Plan, &Link) -> bool,
) -> bool {
    FIRST.iter().all(|&first| {
        let mut link = world.links[of].clone();
        let blocked = broken == Some(Broken::HeadOfLine) && of > 0 && world.links[of - 1].consumer.buffered() > 0;
        if !blocked {
            close(plan, broken, &mut link, first, doing);
        }
        well(plan, &link)
    })
}

fn close(plan: &Plan, broken: Option<Broken>, link: &mut Link, first: First, doing: Doing) {
    let seen = Witnesses::default();
    let frames = std::mem::take(&mut link.network).into_keys();
    match first {
        First::Lost => {}
        First::Delivered => frames.for_each(|frame| link.deliver(frame, broken, &seen)),
        First::BackwardsTwice => {
            for frame in frames.rev() {
                link.deliver(frame.clone(), broken, &seen);
                link.deliver(frame, broken, &seen);
            }
        }
    }
    if doing.asks && link.record.pulls {
        let _ = link.consumer.request(plan.items.into());
    }
    let mut told = link.producer.limit();
    for _ in 0..ROUNDS {
        let before = link.clone();
        if doing.takes {
            for _ in 0..=plan.items {
                link.take(broken, &seen);
            }
        }
        // A source that has been told of demand once, and acts on that alone.
        let served =
            if broken == Some(Broken::ForgetsDemand) { u8::from(told < link.producer.limit()) } else { plan.items };
        told = link.producer.limit();
        for _ in 0..served {
            if doing.sends && link.record.accepted < plan.items && link.producer.allowance() > 0 {
                let _ = link.producer.try_send(link.record.accepted, std::time::Duration::ZERO);
                link.record.accepted += 1;
            }
        }
        if doing.ends && !link.record.ended && (!doing.sends || link.record.accepted == plan.items) {
            link.record.ended = true;
            link.producer.complete(std::time::Duration::ZERO);
        }
        link.flush(broken);
        let sent = std::mem::take(&mut link.network).into_keys();
        let quiet = sent.len() == 0;
        for frame in sent {
            let answered = !matches!(frame, Frame::Down(tidegate::flow::link::ToConsumer::Cancelled { .. }));
            if answered || broken != Some(Broken::CancelUnanswered) {
                link.deliver(frame, broken, &seen);
            }
        }
        link.consumer_timer(broken);
        link.producer_timer(broken);
        link.flush(broken);
        if quiet && *link == before {
            return;
        }
    }
}

/// Whether the link has not been cut short, by its handler or by a forger.
pub(crate) fn goes_on(link: &Link) -> bool {
    !link.record.cancelled && !link.record.violated
}

/// L1: what was sent is handled.
pub(crate) fn all_sent_is_taken(_: &Plan, link: &Link) -> bool {
    !goes_on(link) || link.record.taken == link.record.accepted
}

/// L2: a source with more to send can send it, to a handler that goes on.
pub(crate) fn all_is_admitted(plan: &Plan, link: &Link) -> bool {
    !goes_on(link) || link.record.ended || link.record.accepted == plan.items
}

/// L3: the producer knows of all that was asked for and has room, and of the mode.
/// S10: and of no less, so no credit has leaked.
pub(crate) fn demand_is_known(_: &Plan, link: &Link) -> bool {
    let (producer, consumer) = (&link.producer, &link.consumer);
    let over = link.record.ended || consumer.is_over();
    over || !goes_on(link)
        || (producer.limit() == consumer.limit()
            && producer.mode() == Some(consumer.mode())
            && producer.sent() + producer.demand() == consumer.limit())
}

/// L4: after a cancel, and after a violation, nobody says anything any more.
pub(crate) fn falls_silent(_: &Plan, link: &Link) -> bool {
    let silent = link.consumer.is_silent() && link.consumer.deadline().is_none() && link.producer.deadline().is_none();
    let stopped = matches!(link.producer.state(), State::Cancelled | State::Finished);
    goes_on(link) || (silent && stopped)
}

/// L6: the terminal arrives, although nobody asks for anything, and both ends rest.
pub(crate) fn terminal_arrives(_: &Plan, link: &Link) -> bool {
    let rest = link.producer.state() == State::Finished && link.producer.deadline().is_none();
    !goes_on(link) || (link.record.terminals == 1 && rest)
}

/// L8: everything, from the first item to the terminal.
pub(crate) fn all_is_done(plan: &Plan, link: &Link) -> bool {
    terminal_arrives(plan, link) && all_sent_is_taken(plan, link) && all_is_admitted(plan, link)
}
