//! Flow: what is asked for, sent, held, announced, fetched.

use std::future::poll_fn;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;

use super::audited;
use crate::explore::shared::Shared;
use crate::explore::sim::Sim;
use crate::flow::link::{Consumer, Producer, Signal, Timing, ToConsumer, ToProducer};
use crate::flow::news::{Follow, Log, News, follow, notices};
use crate::flow::stage::{self, Prefetch};
use crate::flow::{Conversion, Demand, Demanded, Held, Inlet, Items, Outlet, join, source};
use crate::mailbox::Mode;
use crate::pattern::Lag;
use crate::prelude::*;

/// Takes what comes, and keeps it.
struct Sink(Shared<Vec<u32>>);

impl Actor for Sink {
    type Msg = u32;

    async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
        self.0.with(|got| got.push(n));
        Ok(())
    }
}

fn sink(sim: &Sim, room: usize) -> ActorRef<u32> {
    sim.system().spawn(Sink(Shared::new(Vec::new())), Push::bounded(room))
}

async fn next<T: Send + 'static>(items: &mut Items<T>) -> Option<Result<T, Fault>> {
    poll_fn(|cx| Pin::new(&mut *items).poll_next(cx)).await
}

/// A window beside another who sends, and a look at its numbers.
#[test]
fn windows_are_seen() {
    audited(|sim| async move {
        let actor = sink(&sim, 1);
        let subscription = sim.system().subscribe(source::iter(0..3_u32), &actor, Demand::window(2));
        let to = actor.clone();
        let other = sim.spawn("other", async move {
            let _ = to.tell(9).await;
            let _ = to.try_tell(8);
        });
        let looker = sim.spawn("looker", async move {
            let sent = subscription.inspect().sent;
            let end = subscription.ended().await;
            (sent, end.is_completed(), subscription.end().is_some())
        });
        assert!(looker.await.1);
        other.await;
        actor.drain();
        actor.stopped().await;
        assert!(sim.system().inspect().actors.len() < 9);
    });
}

/// What is asked for by hand, by two, and cancelled.
#[test]
fn demand_by_hand_is_seen() {
    audited(|sim| async move {
        let actor = sink(&sim, 2);
        let subscription =
            std::sync::Arc::new(sim.system().subscribe(source::iter(0..9_u32), &actor, Demand::manual()));
        let askers: Vec<_> = (0..3)
            .map(|n| {
                let subscription = subscription.clone();
                sim.spawn("asker", async move {
                    subscription.request(1);
                    if n == 2 {
                        subscription.cancel();
                    }
                    subscription.ended().await
                })
            })
            .collect();
        for asker in askers {
            assert!(asker.await.fault().is_none());
        }
        actor.stop();
        actor.stopped().await;
    });
}

/// Items read by a task, of a source that looks before it sends, and given up.
#[test]
fn items_are_seen() {
    audited(|sim| async move {
        let by_hand = source::from_fn(|mut emitter| async move {
            for n in 0..3_u32 {
                if emitter.ready().await.is_err() {
                    return;
                }
                let _ = (emitter.demand(), emitter.is_cancelled(), emitter.try_send(n));
            }
            emitter.cancelled().await;
        });
        let mut items = sim.system().items(by_hand, Demand::window(2));
        let mut others = sim.system().items(source::iter(0..2_u32), Demand::window(1));
        let reader = sim.spawn("reader", async move {
            let first = next(&mut items).await.is_some();
            let second = next(&mut items).await.is_some();
            drop(items);
            first && second
        });
        while next(&mut others).await.is_some() {}
        assert!(reader.await);
    });
}

/// Held items, each let go when the next comes, and an actor that dies.
#[test]
fn held_items_are_seen() {
    struct Holder(Option<Held<u32>>);
    impl Actor for Holder {
        type Msg = Held<u32>;
        async fn handle(&mut self, item: Held<u32>, _: &mut Context<Self>) -> Result<(), Fault> {
            self.0 = Some(item);
            Ok(())
        }
    }
    audited(|sim| async move {
        let actor = sim.system().spawn(Holder(None), Push::bounded(2));
        let inlet = Inlet::holding(&actor, |held| held);
        let subscription = sim.system().subscribe(source::iter(0..4_u32), inlet, Demand::max_in_flight(2));
        let doomed = actor.clone();
        let killer = sim.spawn("killer", async move { doomed.stop() });
        let _ = subscription.ended().await;
        killer.await;
        actor.stopped().await;
    });
}

/// Shared by demand, and by copies; one of the two leaves.
#[test]
fn outlets_are_seen() {
    struct Relay(Outlet<u32>);
    impl Actor for Relay {
        type Msg = u32;
        async fn handle(&mut self, n: u32, _: &mut Context<Self>) -> Result<(), Fault> {
            let _ = self.0.demand();
            self.0.send(n).await?;
            self.0.send(n + 1).await?;
            Ok(())
        }
    }
    for lag in [None, Some(Lag::Wait), Some(Lag::Skip), Some(Lag::Disconnect)] {
        audited(move |sim| async move {
            let (one, other) = (sink(&sim, 1), sink(&sim, 2));
            let out = if lag.is_some() { Outlet::broadcast() } else { Outlet::new() };
            let port = out.port();
            let mine = sim.system().subscribe(port.clone().lag(lag.unwrap_or(Lag::Wait)), &one, Demand::window(1));
            let others = sim.system().subscribe(port.clone(), &other, Demand::window(2));
            let relay = sim.system().spawn(Relay(out), Push::bounded(1));
            let (to, doomed) = (relay.clone(), relay.clone());
            let client = sim.spawn("client", async move {
                let _ = to.tell(1).await;
                let _ = to.tell(3).await;
            });
            let leaver = sim.spawn("leaver", async move {
                mine.cancel();
                mine
            });
            let late = sim.spawn("late", async move { port.of(&doomed) });
            client.await;
            let mine = leaver.await;
            let third = sim.system().subscribe(late.await, &one, Demand::window(1));
            relay.drain();
            for subscription in [mine, others, third] {
                let _ = subscription.ended().await;
            }
            relay.stopped().await;
        });
    }
}

/// An actor that is told of demand.
#[test]
fn announcements_are_seen() {
    struct Count(u32, Outlet<u32>);
    impl Actor for Count {
        type Msg = Demanded;
        async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
            self.1.announce(cx, |demanded| demanded);
            Ok(())
        }
        async fn handle(&mut self, _: Demanded, _: &mut Context<Self>) -> Result<(), Fault> {
            while self.0 < 4 && self.1.demand() > 0 {
                self.1.try_send(self.0)?;
                self.0 += 1;
            }
            if self.0 == 4 {
                self.1.complete();
            }
            Ok(())
        }
    }
    audited(|sim| async move {
        let out = Outlet::new();
        let port = out.port();
        let count = sim.system().spawn(Count(0, out), Push::bounded(1));
        let readers: Vec<_> = (0..2)
            .map(|n| {
                let mut items = sim.system().items(port.clone(), Demand::window(1 + n));
                sim.spawn("reader", async move { while let Some(Ok(_)) = next(&mut items).await {} })
            })
            .collect();
        for reader in readers {
            reader.await;
        }
        count.stop();
        count.stopped().await;
    });
}

/// A pipeline: a stage that begins anew, another that makes several of one, one that waits, a
/// consumer.
#[test]
fn stages_are_seen() {
    audited(|sim| async move {
        let twice = stage::map(|n: u32| async move { if n == 1 { Err(Fault::msg("as told")) } else { Ok(2 * n) } });
        let first = sim
            .system()
            .stage(source::iter(0..3_u32), twice, Prefetch::window(2))
            .restart(Restart::on_failure())
            .spawn();
        let both = stage::expand(|n: u32| async move { Ok([n, n + 1]) });
        let second = sim.system().stage(first, both, Prefetch::none(Conversion::expand(2))).spawn();
        let pairs = stage::batch(2, Some(Duration::from_millis(1)));
        let third = sim.system().stage(second, pairs, Prefetch::none(Conversion::batch(2))).spawn();
        let done = sim.system().consume(third, stage::for_each(|_: Vec<u32>| async { Ok(()) }), 1).spawn();
        assert!(done.ended().await.is_completed());
    });
}

/// A stage that is stopped while it works.
#[test]
fn a_stage_that_stops_is_seen() {
    audited(|sim| async move {
        let same = stage::map(|n: u32| async move { Ok(n) });
        let stage = sim.system().stage(source::iter(0..3_u32), same, Prefetch::window(1)).spawn();
        let mut items = sim.system().items(stage.clone(), Demand::window(1));
        let stopper = sim.spawn("stopper", async move {
            stage.stop();
            stage.ended().await
        });
        while let Some(Ok(_)) = next(&mut items).await {}
        let _ = stopper.await;
    });
}

#[test]
fn joins_are_seen() {
    audited(|sim| async move {
        let merged = join::merge(1).and(source::iter(0..2_u32)).and(source::iter(5..7));
        let pairs = join::zip(merged, source::iter(0..2_u32), 1);
        let mut items = sim.system().items(pairs, Demand::window(1));
        let mut many = 0;
        while let Some(Ok(_)) = next(&mut items).await {
            many += 1;
        }
        assert_eq!(many, 2);
    });
}

/// A log with two who follow, one of whom is an actor; and notices that carry no number.
#[test]
fn news_are_seen() {
    struct Reader;
    impl Actor for Reader {
        type Msg = News<std::sync::Arc<u32>>;
        async fn handle(&mut self, _: Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
            Ok(())
        }
    }
    audited(|sim| async move {
        let store = Log::retaining(2);
        let reader = sim.system().spawn(Reader, Push::bounded(1));
        let settings = Follow::from_start().page(1).poll_every(Duration::from_millis(1));
        let subscription =
            sim.system().subscribe(follow(store.clone(), store.notices(), settings), &reader, Demand::window(1));
        let (notifier, heard) = notices();
        let kept = store.clone();
        let fetch = move |cursor, n: NonZeroU64| {
            let page = kept.fetch(cursor, n);
            async move { Ok(page?) }
        };
        let mut items = sim.system().items(follow(fetch, heard, settings), Demand::window(2));
        let appenders: Vec<_> = (0..2)
            .map(|n| {
                let (store, notifier) = (store.clone(), notifier.clone());
                sim.spawn("appender", async move {
                    store.append(n).unwrap();
                    notifier.nudge();
                })
            })
            .collect();
        for appender in appenders {
            appender.await;
        }
        store.close();
        notifier.close(store.end());
        while let Some(Ok(_)) = next(&mut items).await {}
        assert!(subscription.ended().await.is_completed());
        reader.stop();
        reader.stopped().await;
    });
}

enum Told {
    Where(ActorRef<ToConsumer<u32>>),
    Frame(ToProducer),
}

/// The producer's end of a link, in an actor.
struct Sends(Producer<u32>, Option<ActorRef<ToConsumer<u32>>>, u32);

impl Actor for Sends {
    type Msg = Told;

    async fn handle(&mut self, told: Told, _: &mut Context<Self>) -> Result<(), Fault> {
        match told {
            Told::Where(to) => self.1 = Some(to),
            Told::Frame(frame) => self.0.handle_frame(frame, Duration::ZERO),
        }
        let Some(to) = &self.1 else { return Ok(()) };
        while self.0.allowance() > 0 && self.2 > 0 {
            self.2 -= 1;
            let _ = self.0.try_send(self.2, Duration::ZERO);
        }
        if self.2 == 0 {
            self.0.complete(Duration::ZERO);
        }
        while let Some(frame) = self.0.poll_frame() {
            let _ = to.tell(frame).await;
        }
        Ok(())
    }
}

/// The consumer's.
struct Gets(Consumer<u32>, ActorRef<Told>);

impl Actor for Gets {
    type Msg = ToConsumer<u32>;

    async fn started(&mut self, _: &mut Context<Self>) -> Result<(), Fault> {
        while let Some(frame) = self.0.poll_frame() {
            let _ = self.1.tell(Told::Frame(frame)).await;
        }
        Ok(())
    }

    async fn handle(&mut self, frame: ToConsumer<u32>, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0.handle_frame(frame, Duration::ZERO);
        while let Some(signal) = self.0.poll_signal() {
            if !matches!(signal, Signal::Item { .. }) {
                cx.stop();
            }
        }
        self.started(cx).await
    }
}

#[test]
fn links_are_seen() {
    audited(|sim| async move {
        let window = NonZeroU64::MIN;
        let sends = Sends(Producer::new(7, window, Timing::default()), None, 3);
        let sends = sim.system().spawn(sends, Push::bounded(2));
        let end = Consumer::new(7, Mode::Push, window, Timing::default(), Duration::ZERO);
        let gets = sim.system().spawn(Gets(end, sends.clone()), Push::bounded(2));
        sends.tell(Told::Where(gets.clone())).await.unwrap();
        gets.stopped().await;
        sends.stop();
        sends.stopped().await;
    });
}
