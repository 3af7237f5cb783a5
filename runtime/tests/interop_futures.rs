//! Streams into actors, mailboxes as streams, actors as sinks: nothing is
//! polled, taken or kept ahead of a grant.

#![cfg(all(feature = "futures", not(tidegate_loom)))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, Waker};

use futures_sink::Sink;
use futures_util::{SinkExt, StreamExt, stream};
use support::{lock, manual, poll_once, start};
use tidegate::flow::{Demand, End};
use tidegate::interop::futures::ActorSink;
use tidegate::mailbox;
use tidegate::prelude::*;

/// Keeps what it handles, and asks for as many more as it is told.
struct Keeper(Arc<std::sync::Mutex<Vec<u64>>>);

impl Actor for Keeper {
    type Msg = u64;

    async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> {
        lock(&self.0).push(n);
        Ok(())
    }
}

fn kept() -> (Arc<std::sync::Mutex<Vec<u64>>>, Keeper) {
    let kept = Arc::default();
    (Arc::clone(&kept), Keeper(kept))
}

/// Counts how often the stream was asked for an item.
fn counted(upto: u64) -> (Arc<AtomicU64>, impl futures_core::Stream<Item = u64> + Send) {
    let polled = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&polled);
    let stream = stream::iter(0..upto).map(move |n| {
        count.fetch_add(1, Ordering::Relaxed);
        n
    });
    (polled, stream)
}

#[test]
fn a_stream_is_polled_only_as_far_as_the_actor_grants() {
    let (executor, system) = manual();
    let (kept, keeper) = kept();
    let actor = system.spawn(keeper, Pull::manual());
    let (polled, stream) = counted(100);
    let subscription = system.subscribe(stream, &actor, Demand::unbounded());
    executor.run_until_idle();
    assert_eq!(polled.load(Ordering::Relaxed), 0, "nothing was asked for");
    actor.reconfigure(Pull::one_by_one());
    executor.run_until_idle();
    assert_eq!(polled.load(Ordering::Relaxed), 100);
    assert!(subscription.end().is_some_and(|end| end.is_completed()));
    assert_eq!(*lock(&kept), (0..100).collect::<Vec<_>>());
}

#[test]
fn a_quiet_stream_keeps_what_comes_after_its_consumer_has_ended() {
    let (executor, system) = manual();
    let (_, keeper) = kept();
    let actor = system.spawn(keeper, Push::bounded(8));
    let (source, items) = mailbox::channel::<u64>(Push::bounded(8));
    let items = Arc::new(std::sync::Mutex::new(items));
    let from = Arc::clone(&items);
    let quiet = stream::poll_fn(move |cx| lock(&from).poll_next_unpin(cx));
    let subscription = system.subscribe(quiet, &actor, Demand::unbounded());
    executor.run_until_idle();
    actor.stop();
    executor.run_until_idle();
    assert!(matches!(subscription.end(), Some(End::Cancelled)), "it is told without another item");
    source.try_tell(1).unwrap();
    executor.run_until_idle();
    assert_eq!(lock(&items).try_recv(), Ok(1), "which is nobody else's");
}

#[test]
fn a_stream_is_never_ahead_of_a_stopped_consumer() {
    let (executor, system) = manual();
    // Handles nothing: it waits in its `started` hook for ever.
    struct Stuck;
    impl Actor for Stuck {
        type Msg = u64;
        async fn started(&mut self, _: &mut Context<Self>) -> Result<(), Fault> {
            std::future::pending().await
        }
        async fn handle(&mut self, _: u64, _: &mut Context<Self>) -> Result<(), Fault> {
            unreachable!("it never starts")
        }
    }
    let actor = system.spawn(Stuck, Push::bounded(3));
    let (polled, stream) = counted(100);
    let subscription = system.subscribe(stream, &actor, Demand::unbounded());
    executor.run_until_idle();
    assert_eq!(polled.load(Ordering::Relaxed), 3, "as many as may wait");
    actor.kill();
    executor.run_until_idle();
    assert!(matches!(subscription.end(), Some(End::Cancelled)));
    assert_eq!(polled.load(Ordering::Relaxed), 3);
    assert_eq!(system.dead_letters().counts().total(), 3);
}

#[test]
fn the_messages_of_a_mailbox_are_a_stream_that_ends_when_it_closes() {
    let (executor, _system) = manual();
    let (tx, rx) = mailbox::channel(Push::bounded(2));
    let got = start(&executor, rx.collect::<Vec<u64>>());
    let sent = start(&executor, async move {
        for n in 0..10 {
            tx.tell(n).await.unwrap();
        }
    });
    executor.run_until_idle();
    assert_eq!(sent.take(), Some(()));
    assert_eq!(got.take(), Some((0..10).collect()));
}

#[test]
fn a_sink_waits_for_a_grant_and_gives_it_back_when_closed() {
    let (executor, system) = manual();
    let (kept, keeper) = kept();
    let actor = system.spawn(keeper, Push::bounded(1));
    let mut sink = ActorSink::new(actor.clone());
    let cx = &mut TaskContext::from_waker(Waker::noop());
    assert!(matches!(Pin::new(&mut sink).poll_ready(cx), Poll::Ready(Ok(()))));
    assert!(matches!(Pin::new(&mut sink).poll_ready(cx), Poll::Ready(Ok(()))), "one grant, however often asked");
    assert!(actor.try_tell(0).is_err(), "the sink holds the one grant");
    assert!(matches!(Pin::new(&mut sink).poll_close(cx), Poll::Ready(Ok(()))));
    actor.try_tell(1).unwrap();
    let mut other = ActorSink::new(actor);
    assert!(Pin::new(&mut other).poll_ready(cx).is_pending(), "the mailbox is full");
    executor.run_until_idle();
    assert!(matches!(Pin::new(&mut other).poll_ready(cx), Poll::Ready(Ok(()))));
    Pin::new(&mut other).start_send(2).unwrap();
    executor.run_until_idle();
    assert_eq!(*lock(&kept), [1, 2]);
}

#[test]
fn a_sink_hands_its_item_back_when_the_actor_has_gone() {
    let (executor, system) = manual();
    let actor = system.spawn(kept().1, Push::bounded(2));
    let mut sink = ActorSink::new(actor.clone());
    let cx = &mut TaskContext::from_waker(Waker::noop());
    assert!(Pin::new(&mut sink).poll_ready(cx).is_ready());
    actor.kill();
    executor.run_until_idle();
    let refused = Pin::new(&mut sink).start_send(7).unwrap_err();
    assert_eq!(refused, SendError::Closed(Some(7)));
    let mut sending = pin!(sink.send(8));
    assert_eq!(poll_once(sending.as_mut()), Poll::Ready(Err(SendError::Closed(None))));
}
