//! Mailboxes: order, conservation, and changes of their terms while messages
//! flow.

use tidegate::explore::{Sim, Task};
use tidegate::prelude::*;
use tidegate::{Mode, Thresholds};

use super::support::{
    Item, Log, MS, Msg, Scribe, Seen, assert_accounted, assert_in_order, explored, pause, reduced, sampled,
};

/// Sends `n` items, waiting for room; returns how many went in.
fn sender(sim: &Sim, to: &ActorRef<Msg>, from: usize, n: usize) -> Task<usize> {
    let to = to.clone();
    sim.spawn(&format!("sender-{from}"), async move {
        let mut accepted = 0;
        for n in 0..n {
            accepted += usize::from(to.tell(Msg::Item((from, n))).await.is_ok());
        }
        accepted
    })
}

/// Drains it and returns what it has written down, with everything accounted
/// for.
async fn drained(actor: ActorRef<Msg>, log: &Log<Item>, accepted: usize) -> Vec<Item> {
    actor.drain();
    assert!(matches!(actor.stopped().await, StopReason::Drained));
    let (items, stats) = (log.all(), actor.stats());
    assert_in_order(&items);
    assert_accounted(&stats, accepted);
    assert_eq!(stats.waiting_senders, 0);
    items
}

#[test]
fn two_senders_for_one_place_are_both_served_in_order() {
    explored(&["the first comes first", "the other comes first", "by turns"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let senders = [0, 1].map(|from| sender(&sim, &actor, from, 2));
        for sender in senders {
            assert_eq!(sender.await, 2);
        }
        let items = drained(actor, &log, 4).await;
        assert_eq!(items.len(), 4);
        seen.saw_if(items[..2] == [(0, 0), (0, 1)], "the first comes first");
        seen.saw_if(items[..2] == [(1, 0), (1, 1)], "the other comes first");
        seen.saw_if(items[0].0 != items[1].0, "by turns");
    });
}

/// Two senders while the terms change twice: nothing is lost and nobody stays
/// behind.
async fn switched(sim: Sim, first: Mailbox<Msg>, terms: [Mailbox<Msg>; 2], each: usize) -> (Vec<Item>, Vec<Mode>) {
    let log = Log::new();
    let actor = sim.system().spawn(Scribe::new(&log), first);
    let senders = [0, 1].map(|from| sender(&sim, &actor, from, each));
    let to = actor.clone();
    let switcher = sim.spawn("switcher", async move {
        let mut modes = Vec::new();
        for terms in terms {
            to.reconfigure(terms);
            pause().await;
            modes.push(to.mode());
        }
        modes
    });
    let mut accepted = 0;
    for sender in senders {
        accepted += sender.await;
    }
    assert_eq!(accepted, 2 * each);
    let modes = switcher.await;
    (drained(actor, &log, 2 * each).await, modes)
}

#[test]
fn from_push_to_pull_and_back_nothing_is_lost() {
    sampled(&["pull was in force", "pull was not yet in force"], |sim, seen| async move {
        let (push, pull) = (Push::bounded(1), Pull::window(1));
        let (items, modes) = switched(sim, push.into(), [pull.into(), push.into()], 2).await;
        assert_eq!(items.len(), 4);
        seen.saw_if(modes[0] == Mode::Pull, "pull was in force");
        seen.saw_if(modes[0] == Mode::Push, "pull was not yet in force");
    });
}

#[test]
fn from_pull_to_push_and_back_nobody_is_stranded() {
    sampled(&["push was in force"], |sim, seen| async move {
        let (push, pull) = (Push::bounded(2), Pull::one_by_one());
        let (items, modes) = switched(sim, pull.into(), [push.into(), pull.into()], 2).await;
        assert_eq!(items.len(), 4);
        seen.saw_if(modes[0] == Mode::Push, "push was in force");
    });
}

#[test]
fn a_capacity_that_shrinks_and_grows_loses_nothing() {
    sampled(&["four in a row of one", "by turns"], |sim, seen| async move {
        let terms = [Push::bounded(1).into(), Push::bounded(4).into()];
        let (items, _) = switched(sim, Push::bounded(2).into(), terms, 2).await;
        assert_eq!(items.len(), 4);
        seen.saw_if(items[0].0 == items[1].0, "four in a row of one");
        seen.saw_if(items[0].0 != items[1].0, "by turns");
    });
}

#[test]
fn into_the_buffer_and_out_again_all_are_accounted_for() {
    sampled(&["some were displaced", "none was displaced"], |sim, seen| async move {
        let terms = [Push::bounded(1).overflow(Overflow::DropOldest).into(), Push::bounded(1).into()];
        let (items, _) = switched(sim, Push::bounded(1).into(), terms, 2).await;
        seen.saw_if(items.len() < 4, "some were displaced");
        seen.saw_if(items.len() == 4, "none was displaced");
    });
}

#[test]
fn who_waits_when_the_policy_changes_goes_in() {
    explored(&["some were given back", "all went in"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let senders = [0, 1].map(|from| sender(&sim, &actor, from, 2));
        actor.reconfigure(Push::bounded(1).overflow(Overflow::Reject));
        let mut accepted = 0;
        for sender in senders {
            accepted += sender.await;
        }
        let items = drained(actor, &log, accepted).await;
        assert_eq!(items.len(), accepted);
        seen.saw_if(accepted < 4, "some were given back");
        seen.saw_if(accepted == 4, "all went in");
    });
}

#[test]
fn a_mailbox_that_overflows_fails_once_and_handles_what_it_took() {
    explored(&["overflowed", "kept up"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1).overflow(Overflow::Fail));
        let senders = [0, 1].map(|from| {
            let to = actor.clone();
            sim.spawn(&format!("sender-{from}"), async move {
                let (mut accepted, mut overflowed) = (0, 0);
                for n in 0..2 {
                    match to.tell(Msg::Item((from, n))).await {
                        Ok(_) => accepted += 1,
                        Err(SendError::Overflowed(_)) => overflowed += 1,
                        Err(SendError::Closed(_)) => {}
                        Err(other) => panic!("{other}"),
                    }
                }
                (accepted, overflowed)
            })
        });
        let (mut accepted, mut overflowed) = (0, 0);
        for sender in senders {
            let (one, two) = sender.await;
            accepted += one;
            overflowed += two;
        }
        actor.drain();
        let reason = actor.stopped().await;
        assert_eq!(matches!(reason, StopReason::Overflowed), overflowed > 0, "{reason}");
        assert!(overflowed <= 1, "{overflowed} messages were one too many");
        let items = log.all();
        assert_in_order(&items);
        assert_eq!(items.len(), accepted);
        assert_accounted(&actor.stats(), accepted);
        seen.saw(if overflowed > 0 { "overflowed" } else { "kept up" });
    });
}

#[test]
fn the_newest_is_never_lost_where_only_the_latest_is_kept() {
    explored(&["one was handled", "all were handled"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1).overflow(Overflow::Latest));
        assert_eq!(sender(&sim, &actor, 0, 3).await, 3);
        let items = drained(actor, &log, 3).await;
        assert_eq!(items.last(), Some(&(0, 2)));
        seen.saw_if(items.len() == 1, "one was handled");
        seen.saw_if(items.len() == 3, "all were handled");
    });
}

#[test]
fn an_adaptive_mailbox_switches_under_load_and_loses_nothing() {
    explored(&["it pulled", "it pushed again", "one was refused for want of demand"], |sim, seen| async move {
        let log = Log::new();
        let mut thresholds = Thresholds::default();
        (thresholds.overloaded_for, thresholds.relieved_for, thresholds.dwell) = (MS, 2 * MS, MS);
        let terms = Adaptive::window(2).pull_window(1).thresholds(thresholds);
        let actor = sim.system().spawn(Scribe::new(&log), terms);
        let to = actor.clone();
        let steady = sim.spawn("steady", async move {
            for n in 0..3 {
                to.tell(Msg::Takes(MS, (0, n))).await.unwrap();
            }
        });
        let (to, clock, refused) = (actor.clone(), sim.clone(), seen.clone());
        let hasty = sim.spawn("hasty", async move {
            let mut accepted = 0;
            for n in 0..3 {
                clock.sleep(MS).await;
                match to.try_tell(Msg::Item((1, n))) {
                    Ok(_) => accepted += 1,
                    Err(SendError::NoDemand(_)) => refused.saw("one was refused for want of demand"),
                    Err(_) => {}
                }
            }
            accepted
        });
        steady.await;
        let accepted = 5 + hasty.await;
        // Relief is seen when something comes.
        for n in 0..2 {
            sim.sleep(5 * MS).await;
            actor.tell(Msg::Item((2, n))).await.unwrap();
        }
        sim.settled().await;
        let switches: Vec<Mode> = actor.stats().switches.iter().map(|switch| switch.to).collect();
        let items = drained(actor, &log, accepted).await;
        assert_eq!(items.len(), accepted);
        seen.saw_if(switches.contains(&Mode::Pull), "it pulled");
        seen.saw_if(switches.contains(&Mode::Push), "it pushed again");
    });
}

/// Asks for one more whenever it is told to by a timer, which no demand holds up.
struct ByHand(Log<Item>);

impl Actor for ByHand {
    type Msg = Msg;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.request(1);
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        let Msg::Item(item) = msg else { unreachable!("only items are sent") };
        self.0.push(item);
        pause().await;
        cx.request(1);
        Ok(())
    }
}

#[test]
fn no_more_is_handed_over_than_was_asked_for() {
    explored(&["no demand", "demand"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(ByHand(log.clone()), Pull::manual());
        let (stats, to) = (actor.clone(), actor.clone());
        sim.always("as many as were asked for", move || {
            let stats = stats.stats();
            let asked = stats.requested.unwrap_or(u64::MAX);
            if stats.taken <= asked { Ok(()) } else { Err(format!("{} of {asked}", stats.taken)) }
        });
        let hasty = sim.spawn("hasty", async move { to.try_tell(Msg::Item((1, 0))) });
        assert_eq!(sender(&sim, &actor, 0, 2).await, 2);
        let hasty = match hasty.await {
            Ok(_) => {
                seen.saw("demand");
                1
            }
            Err(SendError::NoDemand(_)) => {
                seen.saw("no demand");
                0
            }
            // Others wait, and are first.
            Err(SendError::Full(_)) => 0,
            Err(other) => panic!("{other}"),
        };
        let items = drained(actor, &log, 2 + hasty).await;
        assert_eq!(items.len(), 2 + hasty);
    });
}

#[test]
fn a_permit_is_used_once_or_comes_back_once() {
    reduced(&["sent", "closed before it was used", "closed before it was had"], |sim, seen: Seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let holders = [0, 1].map(|from| {
            let (to, seen) = (actor.clone(), seen.clone());
            sim.spawn(&format!("holder-{from}"), async move {
                let Ok(permit) = to.reserve().await else {
                    seen.saw("closed before it was had");
                    return 0;
                };
                pause().await;
                match permit.send(Msg::Item((from, 0))) {
                    Ok(()) => {
                        seen.saw("sent");
                        1
                    }
                    Err(_) => {
                        seen.saw("closed before it was used");
                        0
                    }
                }
            })
        });
        let dropper = {
            let to = actor.clone();
            sim.spawn("dropper", async move { drop(to.reserve().await) })
        };
        let stopper = {
            let to = actor.clone();
            sim.spawn("stopper", async move { to.stop() })
        };
        let mut accepted = 0;
        for holder in holders {
            accepted += holder.await;
        }
        dropper.await;
        stopper.await;
        assert!(matches!(actor.stopped().await, StopReason::Stopped));
        let stats = actor.stats();
        assert_accounted(&stats, accepted);
        assert_eq!((stats.permits, stats.waiting_senders), (0, 0));
        assert_in_order(&log.all());
    });
}
