//! Demand: subscriptions, outlets, stages, notify-then-fetch.

use std::num::NonZeroU64;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt};
use tidegate::explore::Sim;
use tidegate::flow::news::{Follow, Log as Store, News, follow, notices};
use tidegate::flow::stage::{self, Prefetch};
use tidegate::flow::{Conversion, Demand, Demanded, End, Held, Inlet, Outlet, Subscription, source};
use tidegate::pattern::Lag;
use tidegate::prelude::*;

use super::support::{Item, Log, MS, Msg, Scribe, assert_accounted, assert_in_order, explored, pause, reduced};

/// Whether no more is out than `window` allows, after every step.
fn within(sim: &Sim, subscription: &Arc<Subscription>, window: u64) {
    let watched = Arc::downgrade(subscription);
    sim.always("no more is out than was asked for", move || {
        let Some(subscription) = watched.upgrade() else { return Ok(()) };
        let flow = subscription.inspect();
        if flow.sent - flow.done <= window { Ok(()) } else { Err(flow.to_string()) }
    });
}

#[test]
fn a_window_is_kept_while_others_send_too() {
    explored(&["the item of another was among them", "it was behind"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let items = source::iter((0..3).map(|n| (0, n)));
        let subscription = Arc::new(sim.system().subscribe(items, Inlet::new(&actor, Msg::Item), Demand::window(2)));
        within(&sim, &subscription, 2);
        let to = actor.clone();
        let other = sim.spawn("other", async move { to.tell(Msg::Item((1, 0))).await.unwrap() });
        assert!(subscription.ended().await.is_completed());
        let seen_by_then: Vec<Item> = log.all().into_iter().filter(|item| item.0 == 0).collect();
        assert_eq!(seen_by_then.len(), 3, "the end comes after all items");
        other.await;
        actor.drain();
        actor.stopped().await;
        let items = log.all();
        assert_in_order(&items);
        assert_eq!(items.len(), 4);
        seen.saw(if items[3].0 == 0 { "the item of another was among them" } else { "it was behind" });
    });
}

#[test]
fn after_a_cancel_comes_what_was_on_its_way_and_no_more() {
    reduced(&["0", "1", "2", "3"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Scribe::new(&log), Push::bounded(1));
        let items = source::iter((0..3).map(|n| (0, n)));
        let subscription = sim.system().subscribe(items, Inlet::new(&actor, Msg::Slow), Demand::window(1));
        let canceller = sim.spawn("canceller", async move {
            subscription.cancel();
            (subscription.inspect().sent, subscription)
        });
        for _ in 0..4 {
            pause().await;
        }
        let (sent, subscription) = canceller.await;
        let end = subscription.ended().await;
        sim.settled().await;
        let sent_at_last = subscription.inspect().sent;
        assert!(sent_at_last <= sent + 1, "{sent} were sent, and then {sent_at_last}");
        assert!(matches!(end, End::Cancelled) || sent_at_last == 3, "{end}");
        assert_eq!(log.all(), (0..sent_at_last as usize).map(|n| (0, n)).collect::<Vec<_>>());
        actor.drain();
        actor.stopped().await;
        assert_accounted(&actor.stats(), sent_at_last as usize);
        seen.saw(sent_at_last.to_string());
    });
}

#[test]
fn a_subscriber_that_begins_anew_goes_on_where_it_was() {
    explored(&["nothing was lost", "the one in the handler was lost"], |sim, seen| async move {
        let log = Log::new();
        let kept = log.clone();
        let actor = sim
            .system()
            .build(move || Scribe::new(&kept))
            .mailbox(Push::bounded(1))
            .restart(Restart::on_failure())
            .spawn();
        let items = source::iter((0..3).map(|n| (0, n)));
        let subscription = sim.system().subscribe(items, Inlet::new(&actor, Msg::Item), Demand::window(1));
        let panics = sim.choose(2) == 0;
        let to = actor.clone();
        let trouble = sim.spawn("trouble", async move {
            let message = if panics { Msg::Panic } else { Msg::Fail((1, 0)) };
            to.tell(message).await.unwrap();
        });
        assert!(subscription.ended().await.is_completed());
        trouble.await;
        actor.drain();
        actor.stopped().await;
        let items: Vec<Item> = log.all().into_iter().filter(|item| item.0 == 0).collect();
        assert_eq!(items, [(0, 0), (0, 1), (0, 2)]);
        seen.saw(if panics { "the one in the handler was lost" } else { "nothing was lost" });
    });
}

/// Counts as far as it is asked to.
struct Count {
    next: usize,
    most: usize,
    out: Outlet<usize>,
}

impl Actor for Count {
    type Msg = Demanded;

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.out.announce(cx, |demanded| demanded);
        Ok(())
    }

    async fn handle(&mut self, _: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
        while self.next < self.most && self.out.demand() > 0 {
            self.out.try_send(self.next)?;
            self.next += 1;
        }
        if self.next == self.most {
            self.out.complete();
        }
        Ok(())
    }
}

/// Two subscribers of one outlet; what each got, and how each subscription
/// ended. The first is killed by a task of its own if that is wanted.
async fn two_of(sim: &Sim, out: Outlet<usize>, lags: [Lag; 2], kill: bool) -> ([Vec<Item>; 2], [End; 2]) {
    let logs = [Log::new(), Log::new()];
    let actors = [0, 1].map(|n| sim.system().spawn(Scribe::new(&logs[n]), Push::bounded(2)));
    let port = out.port();
    let subscriptions = [0, 1].map(|n| {
        let inlet = Inlet::new(&actors[n], |n| Msg::Slow((0, n)));
        sim.system().subscribe(port.clone().lag(lags[n]), inlet, Demand::window(1))
    });
    let count = sim.system().spawn(Count { next: 0, most: 3, out }, Push::bounded(1));
    let doomed = actors[0].clone();
    let killer = sim.spawn("killer", async move {
        if kill {
            doomed.kill();
        }
    });
    let ends = [subscriptions[0].ended().await, subscriptions[1].ended().await];
    killer.await;
    for actor in actors {
        actor.drain();
        actor.stopped().await;
    }
    count.stop();
    count.stopped().await;
    (logs.map(|log| log.all()), ends)
}

#[test]
fn shared_by_demand_each_item_goes_to_one() {
    reduced(&["two and one", "one and two"], |sim, seen| async move {
        let ([one, other], ends) = two_of(&sim, Outlet::new(), [Lag::Wait; 2], false).await;
        assert!(ends.iter().all(End::is_completed));
        assert_in_order(&one);
        assert_in_order(&other);
        let mut all: Vec<Item> = one.iter().chain(&other).copied().collect();
        all.sort_unstable();
        assert_eq!(all, [(0, 0), (0, 1), (0, 2)]);
        seen.saw(if one.len() > other.len() { "two and one" } else { "one and two" });
    });
}

#[test]
fn broadcast_to_one_that_dies_and_one_that_lives_reaches_the_one_that_lives() {
    reduced(&["it had some", "it had none", "it had all"], |sim, seen| async move {
        let ([dead, alive], ends) = two_of(&sim, Outlet::broadcast(), [Lag::Wait; 2], true).await;
        assert!(ends[1].is_completed(), "{}", ends[1]);
        assert_eq!(alive, [(0, 0), (0, 1), (0, 2)]);
        assert_eq!(dead[..], alive[..dead.len()]);
        seen.saw(match dead.len() {
            0 => "it had none",
            3 => "it had all",
            _ => "it had some",
        });
    });
}

#[test]
fn a_pipeline_whose_stage_begins_anew_loses_the_item_in_the_handler_only() {
    reduced(&["completed"], |sim, seen| async move {
        let log = Log::new();
        let system = sim.system();
        let twice = stage::map(|n: usize| async move {
            pause().await;
            if n == 0 { Err(Fault::msg("told to")) } else { Ok(2 * n) }
        });
        let written = log.clone();
        let write = stage::for_each(move |n: usize| {
            let written = written.clone();
            async move {
                written.push((0, n));
                Ok(())
            }
        });
        let doubled = system
            .stage(source::iter(0..2), twice, Prefetch::window(2))
            .named("twice")
            .restart(Restart::on_failure())
            .spawn();
        let writing = system.consume(doubled, write, 1).named("write").spawn();
        let end = writing.ended().await;
        assert!(end.is_completed(), "{end}");
        assert_eq!(log.all(), [(0, 2)]);
        seen.saw("completed");
    });
}

#[test]
fn a_batch_is_asked_for_as_it_is_wanted_and_comes_whole() {
    explored(&["completed"], |sim, seen| async move {
        let system = sim.system();
        let batches =
            system.stage(source::iter(0..3), stage::batch(2, None), Prefetch::none(Conversion::batch(2))).spawn();
        let items: Vec<Vec<usize>> = system.items(batches, Demand::window(1)).try_collect().await.unwrap();
        assert_eq!(items, [vec![0, 1], vec![2]]);
        seen.saw("completed");
    });
}

/// Writes numbers down, and where it would go on.
struct Follower(Log<(u64, u64)>);

impl Actor for Follower {
    type Msg = News<Arc<u64>>;

    async fn handle(&mut self, news: Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        let cursor = news.cursor();
        let Some(item) = news.into_item() else { return Err(Fault::msg("nothing is missing")) };
        self.0.push((*item, cursor));
        Ok(())
    }
}

#[test]
fn who_is_notified_and_fetches_gets_everything_once() {
    reduced(&["a notice was lost", "none was lost"], |sim, seen| async move {
        let log = Log::new();
        let follower = sim.system().spawn(Follower(log.clone()), Push::bounded(1));
        let store = Store::retaining(10);
        let (notifier, heard) = notices();
        let lost = sim.choose(2) == 0;
        let kept = store.clone();
        let fetch = move |cursor, n: NonZeroU64| {
            let page = kept.fetch(cursor, n);
            async move {
                // Something may be appended after the look and before the answer.
                pause().await;
                Ok(page?)
            }
        };
        let settings = Follow::from_start().poll_every(MS).page(2);
        let subscription = sim.system().subscribe(follow(fetch, heard, settings), &follower, Demand::window(2));
        let appending = sim.spawn("appending", async move {
            for n in 0..2 {
                let number = store.append(n).unwrap();
                if !lost {
                    notifier.notify(number + 1);
                }
                pause().await;
            }
            store.close();
            (store, notifier)
        });
        let (_store, notifier) = appending.await;
        if !lost {
            notifier.close(2);
        }
        let end = subscription.ended().await;
        assert!(end.is_completed(), "{end}");
        assert_eq!(log.all(), [(0, 1), (1, 2)]);
        seen.saw(if lost { "a notice was lost" } else { "none was lost" });
        follower.stop();
        follower.stopped().await;
    });
}

#[test]
fn notices_of_a_store_that_cannot_be_lost_need_no_poll() {
    explored(&["closed early", "closed late"], |sim, seen| async move {
        let store = Store::retaining(10);
        let source = follow(store.clone(), store.notices(), Follow::from_start().never_poll().page(1));
        let mut items = sim.system().items(source, Demand::window(1));
        let appending = sim.spawn("appending", async move {
            for n in 0..2u64 {
                store.append(n).unwrap();
                pause().await;
            }
            store.close();
        });
        let mut got = Vec::new();
        while got.len() < 2 {
            let news = items.next().await.expect("two were appended").unwrap();
            got.push(*news.into_item().unwrap());
        }
        assert_eq!(got, [0, 1]);
        appending.await;
        seen.saw(if items.subscription().end().is_some() { "closed early" } else { "closed late" });
        assert!(items.next().await.is_none());
    });
}

/// Holds what it gets until the next comes.
struct Holding {
    held: Option<Held<usize>>,
    log: Log<usize>,
}

impl Actor for Holding {
    type Msg = Held<usize>;

    async fn handle(&mut self, item: Held<usize>, _: &mut Context<Self>) -> Result<(), Fault> {
        self.log.push(*item);
        self.held = Some(item);
        Ok(())
    }
}

#[test]
fn what_is_held_counts_until_it_is_let_go() {
    explored(&["two are out"], |sim, seen| async move {
        let log = Log::new();
        let actor = sim.system().spawn(Holding { held: None, log: log.clone() }, Push::bounded(4));
        let inlet = Inlet::holding(&actor, |held| held);
        let subscription = Arc::new(sim.system().subscribe(source::iter(0..4), inlet, Demand::max_in_flight(2)));
        within(&sim, &subscription, 2);
        sim.settled().await;
        // One is held, and as each that comes lets go of one, all come.
        assert_eq!(log.all(), [0, 1, 2, 3]);
        seen.saw_if(subscription.inspect().sent == 4, "two are out");
        actor.kill();
        actor.stopped().await;
        drop(subscription);
    });
}
