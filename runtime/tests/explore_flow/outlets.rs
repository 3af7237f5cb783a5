//! One source, several subscribers; stages and joins.

use futures_util::{StreamExt, TryStreamExt};
use tidegate::explore::{Shared, Sim};
use tidegate::flow::stage::{self, Prefetch};
use tidegate::flow::{Demand, Demanded, Outlet, join, source};
use tidegate::pattern::Lag;
use tidegate::prelude::*;

use super::support::{alike, pause, scribe, settle};

/// How a second subscriber fares besides.
#[derive(Clone, Copy, PartialEq)]
enum Other {
    Leaves,
    /// Its mailbox gets what another sends, too.
    IsTold,
}

/// What a sender of so many saw of the demand; what one subscriber read, and how many
/// it was sent by then; and what another got.
async fn to_two(
    sim: Sim,
    mut out: Outlet<u32>,
    (many, lag, fares): (u32, Lag, Other),
) -> (Vec<u64>, Vec<(u32, u64)>, Vec<u32>) {
    let (actor, log) = scribe(&sim, 1);
    let port = out.port();
    let other = sim.system().subscribe(port.clone().lag(lag), &actor, Demand::window(1));
    let mut items = sim.system().items(port, Demand::window(1));
    let sender = sim.spawn("sender", async move {
        let mut demand = Vec::new();
        for n in 1..=many {
            demand.push(out.demand());
            if out.send(n).await.is_err() {
                break;
            }
        }
        out.complete();
        demand
    });
    // The body meddles: a task more would be too many orders.
    pause().await;
    match fares {
        Other::Leaves => other.cancel(),
        Other::IsTold => drop(actor.try_tell(9)),
    }
    let mut read = Vec::new();
    while let Some(Ok(item)) = items.next().await {
        read.push((item, items.subscription().inspect().sent));
    }
    let demand = sender.await;
    settle(actor).await;
    (demand, read, log.get())
}

#[test]
fn by_demand_to_two_of_whom_one_leaves() {
    alike(|sim| to_two(sim, Outlet::new(), (2, Lag::Wait, Other::Leaves)));
}

#[test]
fn broadcast_to_two_of_whom_one_leaves() {
    alike(|sim| to_two(sim, Outlet::broadcast(), (1, Lag::Wait, Other::Leaves)));
}

#[test]
fn broadcast_to_one_who_has_no_room() {
    alike(|sim| to_two(sim, Outlet::broadcast(), (1, Lag::Wait, Other::IsTold)));
}

#[test]
fn broadcast_to_one_who_may_lag() {
    alike(|sim| to_two(sim, Outlet::broadcast(), (1, Lag::Skip, Other::IsTold)));
}

#[test]
fn an_outlet_that_announces() {
    struct Count(u32, Outlet<u32>);
    impl Actor for Count {
        type Msg = Demanded;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.1.announce(cx, |demanded| demanded);
            Ok(())
        }
        async fn handle(&mut self, _: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
            while self.0 < 2 && self.1.demand() > 0 {
                self.1.try_send(self.0)?;
                self.0 += 1;
            }
            if self.0 == 2 {
                self.1.complete();
            }
            Ok(())
        }
    }
    alike(|sim: Sim| async move {
        let (actor, log) = scribe(&sim, 2);
        let out = Outlet::new();
        let port = out.port();
        let count = sim.system().spawn(Count(0, out), Push::bounded(1));
        let subscription = sim.system().subscribe(port, &actor, Demand::manual());
        let asker = sim.spawn("asker", async move {
            subscription.request(1);
            pause().await;
            let sent = subscription.inspect().sent;
            subscription.request(1);
            (sent, subscription)
        });
        let (sent, subscription) = asker.await;
        let end = subscription.ended().await.to_string();
        count.stop();
        settle(actor).await;
        count.stopped().await;
        (sent, end, log.get())
    });
}

#[test]
fn a_stage_that_is_stopped() {
    alike(|sim: Sim| async move {
        let log = Shared::new(Vec::new());
        let seen = log.clone();
        let twice = stage::map(move |n: u32| {
            let seen = seen.clone();
            async move {
                seen.with(|log| log.push(n));
                Ok(2 * n)
            }
        });
        let running = sim.system().stage(source::iter([1_u32]), twice, Prefetch::window(1)).spawn();
        let mut items = sim.system().items(running.clone(), Demand::window(1));
        let stopper = sim.spawn("stopper", async move {
            running.stop();
            running.ended().await.to_string()
        });
        let mut read = Vec::new();
        while let Some(item) = items.next().await {
            read.push(item.map_err(|fault| fault.to_string()));
        }
        (log.get(), read, stopper.await)
    });
}

#[test]
fn two_that_are_merged() {
    let outcomes = alike(|sim: Sim| async move {
        let both = join::merge(1).and(source::iter([1_u32])).and(source::iter([2]));
        let all: Vec<u32> = sim.system().items(both, Demand::window(1)).try_collect().await.unwrap();
        all
    });
    assert_eq!(outcomes.len(), 2);
}

#[test]
fn two_that_are_zipped_and_one_that_ends() {
    alike(|sim: Sim| async move {
        let polled = Shared::new(0);
        let count = polled.clone();
        let long = [1_u32, 2].into_iter().inspect(move |_| count.with(|count| *count += 1));
        let pairs = join::zip(source::iter(long), source::iter([0_u32; 0]), 1);
        let all: Vec<(u32, u32)> = sim.system().items(pairs, Demand::window(1)).try_collect().await.unwrap();
        (all, polled.get())
    });
}
