//! What comes later: put aside, or set for a time.

use tidegate::TimerHandle;
use tidegate::explore::Sim;
use tidegate::prelude::*;

use super::support::{Item, Log, MS, assert_accounted, assert_in_order, reduced, sampled};

enum Early {
    Work(Item),
    Open,
}

/// Puts work aside until it is opened.
struct Stashing {
    open: bool,
    log: Log<Item>,
}

impl Actor for Stashing {
    type Msg = Early;

    async fn handle(&mut self, msg: Early, cx: &mut Context<Self>) -> Result<(), Fault> {
        match msg {
            Early::Open => {
                self.open = true;
                cx.unstash_all();
            }
            Early::Work(item) if self.open => self.log.push(item),
            early => {
                if let Err(full) = cx.stash(early)
                    && let Early::Work(item) = full.into_inner()
                {
                    self.log.push((item.0 + 10, item.1));
                }
            }
        }
        Ok(())
    }
}

#[test]
fn what_was_put_aside_comes_before_what_is_queued_and_in_its_order() {
    sampled(&["all were early", "none was early", "one was too many"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Stashing { open: false, log: log.clone() }, Push::bounded(2));
        let senders = [0, 1].map(|from| {
            let to = actor.clone();
            sim.spawn(&format!("sender-{from}"), async move {
                for n in 0..2 {
                    to.tell(Early::Work((from, n))).await.unwrap();
                }
            })
        });
        let to = actor.clone();
        let opener = sim.spawn("opener", async move { to.tell(Early::Open).await.unwrap() });
        for sender in senders {
            sender.await;
        }
        opener.await;
        actor.drain();
        assert!(matches!(actor.stopped().await, StopReason::Drained));
        let items = log.all();
        let late: Vec<Item> = items.iter().filter(|item| item.0 < 10).copied().collect();
        assert_in_order(&late);
        assert_eq!(items.len(), 4);
        assert_accounted(&actor.stats(), 5);
        seen.saw_if(late.len() < 4, "one was too many");
        seen.saw_if(items[0].0 < 10 && late.len() == 4, "none was early");
        seen.saw_if(items[0].0 >= 10 || late.len() == 4, "all were early");
    });
}

enum Beat {
    /// Sets the timer again.
    Again,
    Cancel,
    Tick(usize),
}

#[derive(Default)]
struct Timed {
    set: usize,
    cancelled: bool,
    ticks: Option<Log<usize>>,
    once: Option<TimerHandle>,
}

impl Actor for Timed {
    type Msg = Beat;

    async fn handle(&mut self, beat: Beat, cx: &mut Context<Self>) -> Result<(), Fault> {
        match beat {
            Beat::Again => {
                self.set += 1;
                self.cancelled = false;
                let set = self.set;
                cx.timers().after("beat", MS, Beat::Tick(set));
            }
            Beat::Cancel => {
                cx.timers().cancel("beat");
                if let Some(handle) = self.once.take() {
                    handle.cancel();
                }
                self.cancelled = true;
            }
            Beat::Tick(of) => {
                assert_eq!(of, self.set, "a timer that was replaced");
                assert!(!self.cancelled, "a timer that was cancelled");
                if let Some(ticks) = &self.ticks {
                    ticks.push(of);
                }
            }
        }
        Ok(())
    }
}

#[test]
fn a_timer_that_is_replaced_or_cancelled_does_not_come() {
    reduced(&["[1]", "[1, 2]", "[2]", "[]"], |sim: Sim, seen| async move {
        let ticks = Log::new();
        let timed = Timed { ticks: Some(ticks.clone()), ..Timed::default() };
        let actor = sim.system().spawn(timed, Push::bounded(1));
        actor.tell(Beat::Again).await.unwrap();
        // At the moment when it is due.
        let (to, clock) = (actor.clone(), sim.clone());
        let again = sim.spawn("again", async move {
            clock.sleep(MS).await;
            to.tell(Beat::Again).await.unwrap();
        });
        let (to, clock) = (actor.clone(), sim.clone());
        let cancel = sim.spawn("cancel", async move {
            clock.sleep(MS * (1 + clock.choose(2) as u32)).await;
            to.tell(Beat::Cancel).await.unwrap();
        });
        again.await;
        cancel.await;
        sim.sleep(3 * MS).await;
        seen.saw(format!("{:?}", ticks.all()));
        actor.drain();
        assert!(matches!(actor.stopped().await, StopReason::Drained));
    });
}
