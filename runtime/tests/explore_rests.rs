//! Orders that a look in vain must not hide.
#![cfg(feature = "explore")]

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tidegate::Reply;
use tidegate::explore::{Coverage, Explorer, Shared, Sim, Strategy};

/// Expects the reduction to see all that can come out.
#[track_caller]
fn all_is_seen<T, F>(body: fn(Sim) -> F)
where
    T: Ord + Debug + Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (in_full, all) = Explorer::new(Strategy::Exhaustive).outcomes(body);
    let (report, reduced) = Explorer::new(Strategy::Reduced).cross_check(0).outcomes(body);
    assert_eq!((in_full.coverage, report.coverage), (Coverage::Exhausted, Coverage::Exhausted));
    assert!(all.len() > 1, "nothing depends on the order: {all:?}");
    assert_eq!(all, reduced);
}

#[test]
fn what_is_done_before_a_look_in_vain_is_seen_alone() {
    all_is_seen(|sim| async move {
        let (x, y) = (Shared::new(0u64), Shared::new(0u64));
        let (reply, answer) = Reply::channel();
        let poster = sim.spawn("poster", async move { reply.send(()).is_ok() });
        let (mine, yours) = (x.clone(), y.clone());
        let waiter = sim.spawn("waiter", async move {
            mine.set(1);
            let _ = answer.await;
            yours.set(1);
        });
        let watcher = sim.spawn("watcher", async move { (x.get(), y.get()) });
        poster.await;
        waiter.await;
        watcher.await
    });
}

#[test]
fn who_looks_once_and_waits_for_another_may_remember() {
    all_is_seen(|sim| async move {
        let ((one, mut first), (other, second)) = (Reply::channel(), Reply::channel());
        let waiter = sim.spawn("waiter", async move {
            let early = poll_fn(|cx| Poll::Ready(Pin::new(&mut first).poll(cx).is_ready())).await;
            let _ = second.await;
            early
        });
        for (name, reply) in [("one", one), ("other", other)] {
            drop(sim.spawn(name, async move { reply.send(()).is_ok() }));
        }
        waiter.await
    });
}

/// Which of three is asked first changes with every poll.
#[test]
fn who_asks_in_turns_may_have_been_asked_before() {
    all_is_seen(|sim| async move {
        let channels = [(); 3].map(|()| Reply::channel());
        let (replies, mut answers): (Vec<_>, Vec<_>) = channels.into_iter().unzip();
        let waiter = sim.spawn("waiter", async move {
            let mut turn = 0;
            poll_fn(|cx| {
                for at in (turn..turn + 3).map(|at| at % 3) {
                    if Pin::new(&mut answers[at]).poll(cx).is_ready() {
                        return Poll::Ready(at);
                    }
                }
                turn += 1;
                Poll::Pending
            })
            .await
        });
        drop(sim.spawn("poster", async move { replies.into_iter().all(|reply| reply.send(()).is_ok()) }));
        waiter.await
    });
}
