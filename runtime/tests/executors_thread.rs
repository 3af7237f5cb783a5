//! Actors on threads of their own, and plain threads that talk to actors.

#![cfg(all(feature = "thread", feature = "tokio", not(tidegate_loom)))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use support::{Job, Log, Worker, lock, manual, ms};
use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor, ThreadExecutor, TokioExecutor, block_on};

/// Says which thread its handler runs on, or blocks it.
struct Blocker;

enum Order {
    Where(Reply<(ThreadId, Option<String>)>),
    /// Blocks the thread until the sender sends or has gone.
    Wait(mpsc::Receiver<u64>, Reply<Option<u64>>),
    /// Sends when the thread ends.
    AtEnd(mpsc::Sender<()>),
    Child(Reply<ActorRef<Order>>),
    Sleep(Duration, Reply<Duration>),
    Panicking(Reply<()>),
}

/// Sends when it is dropped, with its thread.
struct Last(#[allow(dead_code)] mpsc::Sender<()>);

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

impl Actor for Blocker {
    type Msg = Order;

    async fn handle(&mut self, order: Order, cx: &mut Context<Self>) -> Result<(), Fault> {
        match order {
            Order::Where(reply) => {
                let here = thread::current();
                let _ = reply.send((here.id(), here.name().map(str::to_owned)));
            }
            Order::Wait(from, reply) => drop(reply.send(from.recv().ok())),
            Order::AtEnd(sender) => LAST.with(|last| *last.borrow_mut() = Some(Last(sender))),
            Order::Child(reply) => drop(reply.send(cx.spawn_child(Blocker, Push::bounded(4)))),
            Order::Sleep(how_long, reply) => {
                let before = cx.now();
                cx.sleep(how_long).await;
                let _ = reply.send(cx.now() - before);
            }
            Order::Panicking(reply) => cx.spawn(async move {
                let _reply = reply;
                panic!("on purpose");
            }),
        }
        Ok(())
    }
}

fn on_thread(system: &System, name: &str) -> ActorRef<Order> {
    system.build(|| Blocker).named(name).on_thread().spawn()
}

#[test]
fn a_handler_that_blocks_its_thread_blocks_nobody_else() {
    // One thread for all others: were it blocked, nobody could end the wait.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let system = System::new();
        let blocker = on_thread(&system, "blocker");
        let (sender, receiver) = mpsc::channel();
        let (reply, waited) = Reply::channel();
        blocker.tell(Order::Wait(receiver, reply)).await.unwrap();
        let other = system.spawn(Worker::new(&Log::default()), Push::bounded(4));
        other.tell(Job::Note(1)).await.unwrap();
        sender.send(other.ask(Job::Count).await.unwrap()).unwrap();
        assert_eq!(waited.await, Some(Some(1)));
        assert!(system.shutdown(Duration::from_secs(20)).await.is_clean());
    });
}

#[test]
fn each_has_a_thread_that_is_named_after_it_and_ends_with_it() {
    let (_executor, system) = manual();
    let (one, two) = (on_thread(&system, "one"), on_thread(&system, "two"));
    let (first, name) = one.blocking_ask(Order::Where).unwrap();
    let (second, _) = two.blocking_ask(Order::Where).unwrap();
    assert_eq!(name.as_deref(), Some("/one"));
    assert!(first != second && first != thread::current().id());
    assert_eq!(one.blocking_ask(Order::Where).unwrap().0, first, "always the same");
    let (sender, ended) = mpsc::channel();
    one.blocking_tell(Order::AtEnd(sender)).unwrap();
    one.stop();
    block_on(one.stopped());
    // The reference does not keep the thread: the sender goes with it.
    assert!(ended.recv().is_err());
    assert!(two.blocking_ask(Order::Where).is_ok());
    two.stop();
    block_on(two.stopped());
}

#[test]
fn senders_see_how_far_an_actor_came_that_blocks() {
    let (_executor, system) = manual();
    let blocker = system.build(|| Blocker).mailbox(Push::bounded(4)).on_thread().spawn();
    let (senders, waits): (Vec<_>, Vec<_>) = (0..4)
        .map(|_| {
            let ((sender, receiver), (reply, waited)) = (mpsc::channel(), Reply::channel());
            blocker.try_tell(Order::Wait(receiver, reply)).unwrap();
            (sender, waited)
        })
        .unzip();
    let mut waits = waits.into_iter();
    senders[0].send(1).unwrap();
    assert_eq!(block_on(waits.next().unwrap()), Some(Some(1)));
    // It blocks on the second of four, or will; the place of the first is free.
    drop(block_on(blocker.reserve()).unwrap());
    drop(senders);
    for waited in waits {
        assert_eq!(block_on(waited), Some(None));
    }
    blocker.stop();
    block_on(blocker.stopped());
}

#[test]
fn children_run_where_the_system_does() {
    let (executor, system) = manual();
    let parent = on_thread(&system, "parent");
    let child = parent.blocking_ask(Order::Child).unwrap();
    let (reply, place) = Reply::channel();
    child.try_tell(Order::Where(reply)).unwrap();
    executor.run_until_idle();
    assert_eq!(block_on(place).unwrap().0, thread::current().id());
    // A child whose executor is stepped by hand ends when it is.
    parent.stop();
    while parent.stop_reason().is_none() {
        executor.run_until_idle();
        thread::yield_now();
    }
    assert!(child.stop_reason().is_some());
}

#[test]
fn the_clock_of_an_actor_is_its_systems() {
    let (executor, system) = manual();
    let blocker = on_thread(&system, "blocker");
    let hour = Duration::from_secs(3600);
    let (reply, slept) = Reply::channel();
    blocker.try_tell(Order::Sleep(hour, reply)).unwrap();
    // Answered once the handler waits: signals are seen only then.
    let mut slept = std::pin::pin!(slept);
    let slept = loop {
        if let std::task::Poll::Ready(slept) = support::poll_once(slept.as_mut()) {
            break slept;
        }
        executor.advance(hour);
        thread::yield_now();
    };
    assert!(slept.unwrap() >= hour, "an hour that nobody waited for");
    blocker.stop();
    block_on(blocker.stopped());
}

#[test]
fn a_thread_has_the_timers_of_the_runtime_its_actor_was_spawned_from() {
    // The system was made outside of every runtime.
    let system = System::with_executor(TokioExecutor::new());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let blocker = on_thread(&system, "blocker");
        let slept = blocker.ask(|reply| Order::Sleep(ms(2), reply)).await.unwrap();
        assert!(slept >= ms(2));
        // No deadline here: a paused clock runs ahead of what other threads do.
        blocker.stop();
        let reason = blocker.stopped().await;
        assert!(matches!(reason, StopReason::Stopped), "{reason}");
    });
}

#[test]
fn a_task_that_panics_takes_nobody_with_it() {
    let executor = ThreadExecutor::new("panics");
    let system = System::with_executor(executor.clone());
    let actor = system.spawn(Blocker, Push::bounded(4));
    let none = actor.blocking_ask(Order::Panicking);
    assert!(matches!(none, Err(AskError::NoReply)));
    assert!(actor.blocking_ask(Order::Where).is_ok());
    assert!(block_on(system.shutdown(Duration::from_secs(20))).is_clean());
    executor.join();
}

#[test]
fn join_waits_for_what_runs_and_refuses_what_comes() {
    let executor = ThreadExecutor::new("joined");
    let other = executor.clone();
    let system = System::with_executor(executor.clone());
    let actor = system.spawn(Blocker, Push::bounded(4));
    let (sender, receiver) = mpsc::channel();
    let (reply, waited) = Reply::channel();
    actor.try_tell(Order::Wait(receiver, reply)).unwrap();
    actor.drain();
    let another = executor.clone();
    let joining = [thread::spawn(move || other.join()), thread::spawn(move || another.join())];
    sender.send(7).unwrap();
    joining.into_iter().for_each(|joining| joining.join().unwrap());
    assert!(matches!(actor.stop_reason(), Some(StopReason::Drained)), "joined, so it has ended");
    assert_eq!(block_on(waited), Some(Some(7)));
    let late = system.spawn(Blocker, Push::bounded(4));
    assert!(matches!(block_on(late.stopped()), StopReason::Abandoned));
    // Nobody is there to wait with.
    block_on(executor.sleep(Duration::from_secs(3600)));
    executor.join();
}

#[test]
fn a_thread_does_not_wait_for_its_own_end() {
    let executor = ThreadExecutor::new("itself");
    let itself = executor.clone();
    let (reply, caught) = Reply::channel();
    executor.spawn(
        "itself",
        Box::pin(async move {
            let joined = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| itself.join()));
            let _ = reply.send(joined.is_err());
        }),
    );
    assert_eq!(block_on(caught), Some(true));
    executor.join();
}

#[test]
fn timers_of_a_thread_fire_in_their_order() {
    let executor = ThreadExecutor::new("timers");
    let (sender, fired) = mpsc::channel();
    for n in [3u64, 1, 2] {
        let (sleep, sender) = (executor.sleep(ms(4 * n)), sender.clone());
        executor.spawn(
            "timer",
            Box::pin(async move {
                sleep.await;
                sender.send(n).unwrap();
            }),
        );
    }
    drop(sender);
    // One that is given up does not keep the thread.
    let mut never = executor.sleep(Duration::from_secs(3600));
    assert!(support::poll_once(never.as_mut()).is_pending());
    let joined = thread::spawn(move || executor.join());
    assert_eq!(fired.iter().collect::<Vec<_>>(), [1, 2, 3]);
    drop(never);
    joined.join().unwrap();
}

#[test]
fn a_sleep_for_ever_harms_nobody_on_its_thread() {
    let executor = ThreadExecutor::new("patient");
    let mut for_ever = executor.sleep(Duration::MAX);
    assert!(support::poll_once(for_ever.as_mut()).is_pending());
    // Each time the thread comes to wait for that sleep alone.
    for _ in 0..5 {
        block_on(executor.sleep(ms(1)));
        let (sender, ran) = mpsc::channel();
        executor.spawn("task", Box::pin(async move { sender.send(()).unwrap() }));
        ran.recv().expect("the thread is there");
    }
    drop(for_ever);
    executor.join();
}

#[test]
fn a_plain_thread_waits_for_room() {
    let (executor, system) = manual();
    let log = Log::default();
    let worker = system.spawn(Worker::new(&log), Push::bounded(2));
    let to = worker.clone();
    let sender = thread::spawn(move || {
        for n in 0..50 {
            to.blocking_tell(Job::Note(n)).unwrap();
        }
        to.blocking_ask(Job::Count).unwrap()
    });
    while !sender.is_finished() {
        executor.run_until_idle();
        thread::yield_now();
    }
    assert_eq!(sender.join().unwrap(), 50);
    assert_eq!(log.numbers(), (0..50).collect::<Vec<_>>());
    assert_eq!(worker.stats().high_water.min(3), worker.stats().high_water, "never more than its bound");
}

#[test]
fn a_plain_thread_hears_of_the_end() {
    let (executor, system) = manual();
    let worker = system.spawn(Worker::new(&Log::default()), Push::bounded(1));
    worker.try_tell(Job::Note(1)).unwrap();
    let to = worker.clone();
    let sender = thread::spawn(move || to.blocking_tell(Job::Note(2)));
    while worker.stats().waiting_senders == 0 {
        thread::yield_now();
    }
    worker.kill();
    executor.run_until_idle();
    assert!(matches!(sender.join().unwrap(), Err(SendError::Closed(Job::Note(2)))));
}

#[test]
fn waiting_on_a_plain_thread_misses_no_wake() {
    // Woken before it sleeps, while it is polled, and from another thread.
    let mut polls = 0;
    let woken = std::future::poll_fn(|cx| {
        polls += 1;
        match polls {
            1 => cx.waker().wake_by_ref(),
            2 => {
                let waker = cx.waker().clone();
                thread::spawn(move || waker.wake());
            }
            _ => return std::task::Poll::Ready(polls),
        }
        std::task::Poll::Pending
    });
    assert!(block_on(woken) >= 3);
}

#[test]
fn an_actor_on_an_executor_that_is_dropped_lives_on() {
    let system = System::with_executor(ManualExecutor::new());
    let executor = ThreadExecutor::new("kept");
    let actor = system.build(|| Blocker).on(executor.clone()).spawn();
    drop(executor);
    assert!(actor.blocking_ask(Order::Where).is_ok());
    actor.stop();
    block_on(actor.stopped());
}

#[test]
fn no_wake_is_lost_between_threads() {
    const WAKES: u64 = 20_000;
    let executor = ThreadExecutor::new("woken");
    let state: Arc<Mutex<(u64, Option<std::task::Waker>)>> = Arc::default();
    let seen = Arc::clone(&state);
    let (reply, finished) = Reply::channel();
    let task = std::future::poll_fn(move |cx| {
        let mut state = lock(&seen);
        if state.0 == 4 * WAKES {
            return std::task::Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        std::task::Poll::Pending
    });
    executor.spawn(
        "woken",
        Box::pin(async move {
            task.await;
            let _ = reply.send(());
        }),
    );
    let wakers: Vec<_> = (0..4)
        .map(|_| {
            let state = Arc::clone(&state);
            thread::spawn(move || {
                for _ in 0..WAKES {
                    let waker = {
                        let mut state = lock(&state);
                        state.0 += 1;
                        state.1.clone()
                    };
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                }
            })
        })
        .collect();
    assert_eq!(block_on(finished), Some(()));
    wakers.into_iter().for_each(|waker| waker.join().unwrap());
    executor.join();
}
