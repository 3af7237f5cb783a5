//! A look in vain, which is none only if nobody can remember it.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use tidegate::explore::Shared;
use tidegate::prelude::*;
use tidegate::{Reply, mailbox};

use crate::all_is_seen::all_is_seen;

struct Idle;

impl Actor for Idle {
    type Msg = ();

    async fn handle(&mut self, (): (), _: &mut Context<Self>) -> Result<(), Fault> {
        Ok(())
    }
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

#[test]
fn who_looks_whether_an_actor_has_ended_may_remember() {
    all_is_seen(|sim| async move {
        let idle = sim.system().spawn(Idle, Push::bounded(1));
        let (reply, answer) = Reply::channel();
        let mut end = idle.stopped();
        let waiter = sim.spawn("waiter", async move {
            let early = poll_fn(|cx| Poll::Ready(Pin::new(&mut end).poll(cx).is_ready())).await;
            let _ = answer.await;
            early
        });
        drop(sim.spawn("killer", async move {
            idle.kill();
            idle.stopped().await;
            reply.send(()).is_ok()
        }));
        waiter.await
    });
}

#[test]
fn who_looks_whether_a_message_has_come_may_remember() {
    all_is_seen(|sim| async move {
        let (sender, mut receiver) = mailbox::channel::<u8>(Push::bounded(1));
        let (reply, answer) = Reply::channel();
        let waiter = sim.spawn("waiter", async move {
            let early = {
                let mut received = pin!(receiver.recv());
                poll_fn(|cx| Poll::Ready(received.as_mut().poll(cx).is_ready())).await
            };
            let _ = answer.await;
            early
        });
        let kept = sender.clone();
        drop(sim.spawn("teller", async move { sender.tell(1).await.is_ok() }));
        drop(sim.spawn("poster", async move { reply.send(()).is_ok() }));
        let early = waiter.await;
        drop(kept);
        early
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
