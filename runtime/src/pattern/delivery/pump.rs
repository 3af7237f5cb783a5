//! The task that sends, sends again, and keeps the deadlines.

mod waits;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use self::waits::{Granted, Waits};
use super::desk::Desk;
use super::ledger::Ledger;
use super::targets::Picked;
use crate::actor::{ActorRef, BoxTask};
use crate::mailbox::{ReserveError, TryReserveError};
use crate::sync::access;

/// How many messages are sent in one poll, before others run.
const BUDGET: usize = 128;

/// Sends what is ready to whoever has a free slot and a mailbox that lets it in,
/// if it was not sent when it was [accepted](Desk::accept).
///
/// Ends when it is to drain and everything is settled.
pub(crate) struct Pump<M: Send + 'static> {
    desk: Arc<Desk<M>>,
    /// Told to drain once there is nobody left to send to.
    me: ActorRef<M>,
    until_settled: bool,
    waits: Waits<M>,
    sleep: Option<(Duration, BoxTask)>,
}

// Nothing in it is pinned: what has to be is boxed.
impl<M: Send + 'static> Unpin for Pump<M> {}

impl<M: Send + 'static> Pump<M> {
    pub(crate) fn new(desk: Arc<Desk<M>>, me: ActorRef<M>, until_settled: bool) -> Self {
        Self { desk, me, until_settled, waits: Waits::new(), sleep: None }
    }

    /// Sends what can be sent now. `true`: the budget is used up. Explored, a
    /// step sends one.
    fn send_ready(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..BUDGET {
            if access::has_acted() && access::unseen(|| self.desk.read(Ledger::can_send)) {
                break;
            }
            let Some(picked) = self.desk.with(|ledger, _| ledger.pick()) else { return false };
            let Picked { target, actor, wait } = picked;
            if wait {
                if let Poll::Ready(granted) = self.waits.begin(target, actor, cx) {
                    self.granted(target, granted);
                }
                continue;
            }
            match actor.try_reserve() {
                Ok(permit) => self.granted(target, Ok(permit)),
                Err(TryReserveError::Closed) => self.granted(target, Err(ReserveError::Closed)),
                Err(_) => self.desk.with(|ledger, _| ledger.targets.refused(target)),
            }
        }
        true
    }

    fn granted(&self, target: u64, granted: Granted<M>) {
        match granted {
            Ok(permit) => {
                self.desk.send(target, permit);
                self.desk.with(|ledger, _| ledger.targets.landed(target));
            }
            Err(ReserveError::Closed) => {
                self.desk.leave(target);
            }
            // To be tried again.
            Err(ReserveError::Deadlock(_)) => self.desk.with(|ledger, after| {
                ledger.targets.landed(target);
                ledger.wake(after);
            }),
        }
    }

    /// Whether those that let nothing in before do so now. `true`: it has acted,
    /// and there are more.
    fn look_at_waits(&mut self, cx: &mut Context<'_>) -> bool {
        let shut = self.desk.with(|ledger, _| std::mem::take(&mut ledger.targets.shut));
        if self.waits.is_empty() {
            return false;
        }
        // Those that have left since, or are to get no more, are waited for no longer.
        for target in shut {
            if self.waits.end(target).is_some() {
                self.desk.with(|ledger, _| ledger.targets.landed(target));
            }
        }
        self.waits.listen(cx.waker());
        while !access::has_acted()
            && let Some(target) = self.waits.next_woken()
        {
            if let Poll::Ready(granted) = self.waits.poll(target) {
                self.granted(target, granted);
            }
        }
        self.waits.has_woken()
    }

    /// Nothing is ready: nobody needs to be waited for.
    fn stop_waiting(&mut self) {
        for target in self.waits.end_all() {
            // Something may have come for it meanwhile.
            self.desk.with(|ledger, after| ledger.landed(target, after));
        }
    }

    /// When it is to wake by itself, if the next deadline is at `next`. One that
    /// it has set already and that is earlier does as well: most deadlines are
    /// those of jobs that are done in time, and nothing is set anew for each.
    fn alarm(&self, next: Option<Duration>) -> Option<Duration> {
        let set = self.sleep.as_ref().map(|(at, _)| *at);
        set.into_iter().chain(next).min()
    }

    /// Sleeps until `alarm`. `true`: it has come.
    fn is_due(&mut self, alarm: Option<Duration>, cx: &mut Context<'_>) -> bool {
        let Some(alarm) = alarm else { return false };
        if self.sleep.as_ref().is_none_or(|(at, _)| *at != alarm) {
            self.sleep = Some((alarm, self.desk.sleep(alarm.saturating_sub(self.desk.now()))));
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
            if this.look_at_waits(cx) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let now = this.desk.now();
            this.desk.with(|ledger, after| ledger.expire(now, || this.desk.random(), after));
            if this.send_ready(cx) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let (ready, orphan, settled, alarm) = this.desk.with(|ledger, _| {
                let alone = ledger.targets.len() == 0 && (ledger.terms.needs_target || this.until_settled);
                ledger.alarm = this.alarm(ledger.next_timer());
                (ledger.has_ready(), alone && !ledger.closed, ledger.stats().unsettled == 0, ledger.alarm)
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
            if !this.is_due(alarm, cx) {
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
