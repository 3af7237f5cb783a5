//! When an actor does nothing for a while: it sleeps, or lets others run.

use std::future::poll_fn;
use std::task::Poll;

use super::super::{Actor, Doing};
use super::Cell;
use crate::sync::access;

impl<A: Actor> Cell<A> {
    /// Sleeps until there is something to do.
    pub(super) async fn settle_down(&mut self, look: access::Look) {
        if !self.enlisted && self.rx.holds_storage() {
            self.enlist();
        }
        if self.rx.is_adaptive() {
            self.observe(0);
        }
        self.cx.life().note(Doing::Parked);
        let mut asleep = false;
        poll_fn(|cx| {
            // Woken without a message, there may be more to ask for.
            asleep = !asleep && self.rx.park(cx.waker());
            if asleep {
                // With a message there, the step would have ended before it.
                look.sleeps();
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        self.cx.life().note(Doing::Working);
        self.fresh = true;
    }

    /// Gives up the thread for a turn, between two messages.
    #[cold]
    pub(crate) async fn let_others_run(&mut self) {
        self.rx.publish();
        // Explored, a step in which there is nothing to do would be one more to
        // put in every order.
        if access::is_exploring() {
            let look = access::look();
            let quiet = self.is_quiet();
            // Gone to sleep or not, it does the same with what comes.
            look.is_nothing();
            if quiet {
                return;
            }
            // And nobody can tell the one from the other.
            self.cx.life().note(Doing::Parked);
            self.give_way().await;
            self.cx.life().note(Doing::Working);
            return;
        }
        self.give_way().await;
    }

    /// The same between two lives.
    #[cold]
    pub(crate) async fn let_others_run_first(&mut self) {
        self.rx.publish();
        if !access::is_exploring() || !self.is_quiet() {
            self.give_way().await;
        }
    }

    fn is_quiet(&self) -> bool {
        self.rx.is_quiet() && !self.core().lane.is_pending() && !self.cx.attention
    }

    async fn give_way(&mut self) {
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.fresh = true;
    }
}
