//! The producer: hands every event in at its time, or as soon after as it can.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tidegate::{Admission, Permit, prelude::*};
use tokio::sync::watch;

use super::{meter::Meter, worker::Job};
use crate::{
    measure::{Fate, Record},
    workload::{Dispatch, Event},
};

pub(super) struct Producer {
    pub(super) consumers: Vec<ActorRef<Job>>,
    pub(super) dispatch: Dispatch,
    /// Whether the mailboxes make senders wait.
    pub(super) waits: bool,
    pub(super) meter: Arc<Meter>,
    /// The consumer whose turn it is.
    pub(super) turn: usize,
}

/// Which events a producer hands in: every `step`-th, beginning with `first`.
#[derive(Clone, Copy)]
pub(super) struct Share {
    pub(super) first: usize,
    pub(super) step: usize,
}

impl Producer {
    /// Plays a share of the plan; returns what happened to each of its events.
    ///
    /// Ends early when `stop` turns true: what is left is then missing.
    pub(super) async fn play(
        mut self,
        events: Arc<Vec<Event>>,
        share: Share,
        begin: Instant,
        mut stop: watch::Receiver<bool>,
        done: impl Fn(u64) + Sync,
    ) -> Vec<(usize, Record)> {
        let mut records = Vec::with_capacity(events.len() / share.step + 1);
        let all = async {
            for (i, event) in events.iter().enumerate().skip(share.first).step_by(share.step) {
                let due = begin + event.at;
                let slept = due > Instant::now();
                if slept {
                    tokio::time::sleep_until(due.into()).await;
                } else if records.len() % 64 == 63 {
                    // Behind the plan: the other producers are to have their turn.
                    tokio::task::yield_now().await;
                }
                let (fate, waited) = self.offer(i, event).await;
                self.meter.note();
                done(1);
                let decided = begin.elapsed();
                records.push((i, Record { fate, decided, waited, slept, handled: None }));
            }
        };
        tokio::select! {
            () = all => {}
            _ = stop.wait_for(|s| *s) => {}
        }
        records
    }

    /// Hands one event in.
    async fn offer(&mut self, index: usize, event: &Event) -> (Fate, bool) {
        let n = self.consumers.len();
        let in_turn = match self.dispatch {
            Dispatch::Key => event.key as usize % n,
            Dispatch::Ready | Dispatch::Turn => self.turn % n,
        };
        if self.waits {
            let (permit, target, waited) = match self.free(in_turn) {
                Some((permit, target)) => (Some(permit), target, false),
                None if self.dispatch == Dispatch::Ready => {
                    let (permit, target) = self.first_of_all().await;
                    (permit, target, true)
                }
                None => (self.consumers[in_turn].reserve().await.ok(), in_turn, true),
            };
            self.turn = target + 1;
            let sent = permit.is_some_and(|p| p.send(self.job(index, event)).is_ok());
            return (if sent { Fate::Accepted } else { Fate::NotOffered }, waited);
        }
        let target = match self.dispatch {
            // A policy acts only where every mailbox is full.
            Dispatch::Ready => (0..n).map(|k| (in_turn + k) % n).find(|i| self.consumers[*i].free() > 0),
            Dispatch::Turn | Dispatch::Key => None,
        }
        .unwrap_or(in_turn);
        self.turn = target + 1;
        let fate = match self.consumers[target].tell(self.job(index, event)).await {
            Ok(Admission::Queued | Admission::Displaced) => Fate::Accepted,
            Ok(Admission::Conflated) => Fate::Merged,
            Ok(Admission::Dropped) => Fate::Dropped,
            Ok(Admission::Diverted) => Fate::Diverted,
            Ok(_) => Fate::Accepted,
            Err(e) if e.is_transient() => Fate::Rejected,
            Err(_) => Fate::NotOffered,
        };
        (fate, false)
    }

    fn job(&self, index: usize, event: &Event) -> Job {
        Job {
            // A plan holds at most five million events.
            event: index as u32,
            key: event.key,
            service: event.service,
            load: self.meter.load(event.bytes),
        }
    }

    /// A grant that is there now: of the one in turn, or with
    /// [`Dispatch::Ready`] of the first after it that has one.
    fn free(&self, in_turn: usize) -> Option<(Permit<Job>, usize)> {
        let n = self.consumers.len();
        let tries = if self.dispatch == Dispatch::Ready { n } else { 1 };
        (0..tries).map(|k| (in_turn + k) % n).find_map(|i| Some((self.consumers[i].try_reserve().ok()?, i)))
    }

    /// Waits at every consumer at once, and takes the first grant that comes.
    ///
    /// The other places in the queues are given up, which loses nothing: a
    /// reservation that is dropped spends no grant.
    async fn first_of_all(&self) -> (Option<Permit<Job>>, usize) {
        let mut waiting: Vec<Pin<Box<_>>> = self.consumers.iter().map(|c| Box::pin(c.reserve())).collect();
        poll_fn(|cx| {
            for (i, reserve) in waiting.iter_mut().enumerate() {
                if let Poll::Ready(permit) = reserve.as_mut().poll(cx) {
                    return Poll::Ready((permit.ok(), i));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// How long after the last arrival the consumers may still take.
///
/// Work that a mailbox makes wait has to be done some time; past twice the run
/// and five seconds the configuration plainly cannot keep up.
pub(super) fn patience(span: Duration) -> Duration {
    span * 2 + Duration::from_secs(5)
}
