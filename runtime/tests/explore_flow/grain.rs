//! A step does one thing: others come in between any two items.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use futures_util::StreamExt;
use tidegate::explore::{Coverage, Explorer, Shared, Sim, Strategy};
use tidegate::flow::news::{Follow, Page, follow, notices};
use tidegate::flow::stage::{self, Prefetch};
use tidegate::flow::{Conversion, Demand, Outlet, reactive, source};
use tidegate::prelude::*;

use super::support::{pause, scribe, settle};

/// All that may come of it.
#[track_caller]
fn all<T: Ord + Send + 'static, Fut: Future<Output = T> + Send + 'static>(program: impl Fn(Sim) -> Fut) -> BTreeSet<T> {
    let (report, outcomes) = Explorer::new(Strategy::Reduced).outcomes(program);
    report.assert_clean();
    assert_eq!(report.coverage, Coverage::Exhausted);
    outcomes
}

/// What a task sees of how many items were sent of a subscription that `begin` begins.
async fn seen_of<F>(sim: Sim, begin: F) -> u64
where
    F: FnOnce(&Sim, &ActorRef<u32>) -> tidegate::flow::Subscription,
{
    let (actor, _) = scribe(&sim, 4);
    let subscription = begin(&sim, &actor);
    pause().await;
    let seen = subscription.inspect().sent;
    subscription.ended().await;
    settle(actor).await;
    seen
}

#[test]
fn each_item_of_a_source_is_a_step() {
    let sources =
        all(|sim| seen_of(sim, |sim, actor| sim.system().subscribe(source::iter(0..3_u32), actor, Demand::window(4))));
    assert_eq!(sources, [0, 1, 2, 3].into());
    let produced = source::produce;
    let mut pages = all(move |sim| {
        seen_of(sim, move |sim, actor| {
            let mut left = Some(vec![1_u32, 2, 3]);
            let source = produced(move |_| {
                let page = left.take();
                async move { Ok(page) }
            });
            sim.system().subscribe(source, actor, Demand::window(4))
        })
    });
    assert_eq!(std::mem::take(&mut pages), [0, 1, 2, 3].into());
    let published = all(|sim| {
        seen_of(sim, |sim, actor| {
            let numbers = reactive::from_iter(sim.system(), 0..3_u32);
            sim.system().subscribe(reactive::from_publisher(numbers), actor, Demand::window(4))
        })
    });
    assert_eq!(published, [0, 1, 2, 3].into());
}

#[test]
fn each_item_that_waits_for_ready_is_a_step() {
    let by_hand = all(|sim| {
        seen_of(sim, |sim, actor| {
            let source = source::from_fn(|mut emitter| async move {
                for n in 0..3_u32 {
                    if emitter.ready().await.is_err() || emitter.try_send(n).is_err() {
                        return;
                    }
                }
                emitter.complete();
            });
            sim.system().subscribe(source, actor, Demand::window(4))
        })
    });
    assert_eq!(by_hand, [0, 1, 2, 3].into());
}

#[test]
fn each_item_that_a_stage_makes_is_a_step() {
    // In all orders it takes long.
    let sampled = Explorer::new(Strategy::Random { schedules: 500, seed: 7 });
    let (report, made) = sampled.outcomes(|sim| {
        seen_of(sim, |sim, actor| {
            let thrice = stage::expand(|n: u32| async move { Ok([n, n + 1, n + 2]) });
            let stage =
                sim.system().stage(source::iter([0_u32]), thrice, Prefetch::none(Conversion::expand(3))).spawn();
            sim.system().subscribe(stage, actor, Demand::window(4))
        })
    });
    report.assert_clean();
    assert_eq!(made, [0, 1, 2, 3].into());
}

/// Tells another of what it gets.
struct Forwards(ActorRef<u32>);

impl Actor for Forwards {
    type Msg = u32;

    async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(self.0.tell(10 + n).await.map(drop)?)
    }
}

#[test]
fn each_copy_of_a_broadcast_is_a_step() {
    let orders = all(|sim: Sim| async move {
        let (second, log) = scribe(&sim, 4);
        let first = sim.system().spawn(Forwards(second.clone()), Push::bounded(4));
        let mut out = Outlet::<u32>::broadcast();
        let port = out.port();
        let one = sim.system().subscribe(port.clone(), &first, Demand::window(2));
        let other = sim.system().subscribe(port, &second, Demand::window(2));
        out.send(1).await.unwrap();
        out.complete();
        one.ended().await;
        other.ended().await;
        settle(first).await;
        settle(second).await;
        log.get()
    });
    assert_eq!(
        orders,
        [vec![1, 11], vec![11, 1]].into(),
        "the first may have its copy, and pass it on, before the second"
    );
}

/// Stopped in the middle of a broadcast, the sender has sent all the same.
#[test]
fn a_broadcast_is_not_sent_by_half() {
    struct Sender(Outlet<u32>);
    impl Actor for Sender {
        type Msg = u32;
        async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(self.0.send(n).await?)
        }
    }
    let got = all(|sim: Sim| async move {
        let (one, log) = scribe(&sim, 4);
        let (other, others) = scribe(&sim, 4);
        let out = Outlet::broadcast();
        let port = out.port();
        let first = sim.system().subscribe(port.clone(), &one, Demand::window(2));
        let second = sim.system().subscribe(port, &other, Demand::window(2));
        let sender = sim.system().spawn(Sender(out), Push::bounded(1));
        sender.tell(1).await.unwrap();
        pause().await;
        sender.kill();
        first.ended().await;
        second.ended().await;
        settle(one).await;
        settle(other).await;
        sender.stopped().await;
        (log.get(), others.get())
    });
    assert_eq!(got, [(vec![], vec![]), (vec![1], vec![1])].into());
}

#[test]
fn a_fetch_and_what_is_sent_of_it_are_steps() {
    let seen = all(|sim: Sim| async move {
        let (actor, _) = scribe(&sim, 4);
        let fetched = Shared::new(0);
        let fetches = fetched.clone();
        let fetch = move |cursor: u64, _: NonZeroU64| {
            let fetches = fetches.clone();
            async move {
                fetches.with(|fetched| *fetched += 1);
                let items = (cursor..2).map(|n| (n, n)).collect();
                Ok(Page::new(items, 2).closed(true))
            }
        };
        let (_notifier, heard) = notices();
        let source = follow(fetch, heard, Follow::from_start().never_poll());
        let inlet = tidegate::flow::Inlet::new(&actor, |_| 0);
        let subscription = sim.system().subscribe(source, inlet, Demand::window(4));
        pause().await;
        let seen = (fetched.get(), subscription.inspect().sent);
        subscription.ended().await;
        settle(actor).await;
        seen
    });
    assert_eq!(seen, [(0, 0), (1, 0), (1, 1), (1, 2)].into());
}

/// The race that arming is for: something is stored behind an empty page and before
/// the next notice would come through.
#[test]
fn something_is_stored_between_a_fetch_and_the_arming() {
    let fetches = all(|sim: Sim| async move {
        let stored = Shared::new(0_u64);
        let fetches = Shared::new(Vec::new());
        let (store, asked) = (stored.clone(), fetches.clone());
        let fetch = move |cursor: u64, _: NonZeroU64| {
            let (store, asked) = (store.clone(), asked.clone());
            async move {
                let end = store.get();
                asked.with(|asked| asked.push(end));
                Ok(Page::new((cursor..end).map(|n| (n, n)).collect(), end).closed(end == 1))
            }
        };
        let (notifier, heard) = notices();
        let source = follow(fetch, heard, Follow::from_start().never_poll());
        let mut items = sim.system().items(source, Demand::window(4));
        let storing = sim.spawn("storing", async move {
            stored.set(1);
            pause().await;
            notifier.notify(1);
            notifier
        });
        let mut got = 0;
        while let Some(Ok(_)) = items.next().await {
            got += 1;
        }
        storing.await;
        (got, fetches.get())
    });
    assert_eq!(fetches, [(1, vec![1]), (1, vec![0, 1])].into());
}

/// What has come before a cancel is read behind it, whatever the reader has done
/// before in the same step.
#[test]
fn an_item_is_not_passed_over_for_the_end() {
    let read = all(|sim: Sim| async move {
        let mut items = sim.system().items(source::iter(0..2_u32), Demand::window(1));
        sim.settled().await;
        let done = Shared::new(());
        items.subscription().cancel();
        done.set(());
        let mut read = 0;
        while let Some(Ok(_)) = items.next().await {
            read += 1;
        }
        read
    });
    assert_eq!(read, [1].into());
}
