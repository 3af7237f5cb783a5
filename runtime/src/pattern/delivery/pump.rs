//! The task that sends, sends again, and keeps the deadlines.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::desk::Desk;
use super::{Custody, Delivery, Return};
use crate::actor::panic::contained;
use crate::actor::{ActorRef, BoxTask};
use crate::mailbox::{Permit, ReserveError, TryReserveError};

/// How many messages are sent in one poll, before others run.
const BUDGET: usize = 128;

type Reserving<M> = Pin<Box<dyn Future<Output = Result<Permit<Delivery<M>>, ReserveError>> + Send>>;

/// Sends what is ready to whoever has a free slot and a mailbox that lets it in.
///
/// Ends when it is to drain and everything is settled.
pub(crate) struct Pump<M: Send + 'static> {
    desk: Arc<Desk<M>>,
    /// Told to drain once there is nobody left to send to.
    me: ActorRef<M>,
    until_settled: bool,
    waits: Vec<(u64, Reserving<M>)>,
    sleep: Option<(Duration, BoxTask)>,
}

// Nothing in it is pinned: what has to be is boxed.
impl<M: Send + 'static> Unpin for Pump<M> {}

impl<M: Send + 'static> Pump<M> {
    pub(crate) fn new(desk: Arc<Desk<M>>, me: ActorRef<M>, until_settled: bool) -> Self {
        Self { desk, me, until_settled, waits: Vec::new(), sleep: None }
    }

    /// Uses a permit for the next message that is ready.
    fn send(&self, target: u64, permit: Permit<Delivery<M>>) {
        let now = self.desk.now();
        let (sending, copy) = self.desk.with(|ledger, _| {
            let sending = ledger.send(target, now);
            if sending.is_none() {
                ledger.targets.not_now(target);
            }
            (sending, ledger.terms.copy)
        });
        let Some(sending) = sending else { return };
        let slip = sending.slip;
        if let Some(copy) = copy {
            // Foreign code: not under the lock, and its panic is a failed attempt.
            match contained(|| copy(&sending.message)) {
                Ok(copied) => self.desk.with(|ledger, after| ledger.keep(slip, copied, after)),
                Err(_) => return self.desk.take_back(slip, Some(sending.message), Return::Nack, true),
            }
        }
        let custody: Arc<dyn Custody<M>> = Arc::clone(&self.desk) as _;
        // If it comes back at once, dropping it does what is to be done.
        drop(permit.send(Delivery::new(sending.message, slip, custody)));
    }

    /// Sends what can be sent now. `true`: the budget is used up.
    fn send_ready(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..BUDGET {
            let now = self.desk.now();
            let picked = self.desk.with(|ledger, after| {
                ledger.expire(now, || self.desk.random(), after);
                if ledger.closed || !ledger.has_ready() { None } else { ledger.pick() }
            });
            let Some((target, actor)) = picked else { return false };
            match actor.try_reserve() {
                Ok(permit) => self.send(target, permit),
                Err(TryReserveError::Closed) => {
                    self.desk.leave(target);
                }
                Err(_) => {
                    let mut reserving: Reserving<M> = Box::pin(async move { actor.reserve().await });
                    match reserving.as_mut().poll(cx) {
                        Poll::Ready(granted) => self.granted(target, granted),
                        Poll::Pending => self.waits.push((target, reserving)),
                    }
                }
            }
        }
        true
    }

    fn granted(&self, target: u64, granted: Result<Permit<Delivery<M>>, ReserveError>) {
        match granted {
            Ok(permit) => self.send(target, permit),
            Err(ReserveError::Closed) => {
                self.desk.leave(target);
            }
            // To be tried again.
            Err(ReserveError::Deadlock(_)) => self.desk.with(|ledger, after| {
                ledger.targets.not_now(target);
                ledger.wake(after);
            }),
        }
    }

    /// Whether those that let nothing in before do so now.
    fn look_at_waits(&mut self, cx: &mut Context<'_>) {
        if self.waits.is_empty() {
            return;
        }
        // Those that have left since, or are to get no more, are waited for no longer.
        let left = self.desk.with(|ledger, _| {
            let gone = |(target, _): &mut (u64, Reserving<M>)| !ledger.targets.is_open(*target);
            let left: Vec<_> = self.waits.extract_if(.., gone).collect();
            left.iter().for_each(|(target, _)| ledger.targets.not_now(*target));
            left
        });
        // Not under the lock: others are woken by it.
        drop(left);
        let mut at = 0;
        while let Some((target, reserving)) = self.waits.get_mut(at) {
            let target = *target;
            match reserving.as_mut().poll(cx) {
                Poll::Ready(granted) => {
                    drop(self.waits.swap_remove(at));
                    self.granted(target, granted);
                }
                Poll::Pending => at += 1,
            }
        }
    }

    /// Nothing is ready: nobody needs to be waited for.
    fn stop_waiting(&mut self) {
        for (target, reserving) in self.waits.drain(..) {
            drop(reserving);
            self.desk.with(|ledger, _| ledger.targets.not_now(target));
        }
    }

    /// Sleeps until the next deadline. `true`: it has come.
    fn is_due(&mut self, next: Option<Duration>, cx: &mut Context<'_>) -> bool {
        let Some(next) = next else {
            self.sleep = None;
            return false;
        };
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != next) {
            self.sleep = Some((next, self.desk.sleep(next.saturating_sub(self.desk.now()))));
        }
        let due = self.sleep.as_mut().is_some_and(|(_, sleep)| sleep.as_mut().poll(cx).is_ready());
        if due {
            self.sleep = None;
        }
        due
    }
}

impl<M: Send + 'static> Future for Pump<M> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            // First: what happens from here on is seen, or wakes.
            let before = this.desk.with(|ledger, _| {
                ledger.draining = this.until_settled;
                ledger.pump.replace(cx.waker().clone())
            });
            drop(before);
            this.look_at_waits(cx);
            if this.send_ready(cx) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let (ready, orphan, settled, next) = this.desk.read(|ledger| {
                let alone = ledger.targets.len() == 0 && (ledger.terms.needs_target || this.until_settled);
                (ledger.has_ready(), alone && !ledger.closed, ledger.stats().unsettled == 0, ledger.next_timer())
            });
            if !ready {
                this.stop_waiting();
            }
            if orphan {
                this.desk.close();
                this.me.drain();
                continue;
            }
            if this.until_settled && settled {
                return Poll::Ready(());
            }
            if !this.is_due(next, cx) {
                return Poll::Pending;
            }
        }
    }
}

impl<M: Send + 'static> Drop for Pump<M> {
    fn drop(&mut self) {
        self.stop_waiting();
        // Another may be there by now, and finds them free.
        self.desk.with(|ledger, after| ledger.wake(after));
    }
}
