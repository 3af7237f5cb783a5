//! Waiting for demand in a handler, in the sight of others: it can be part of a
//! circle.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Outlet;
use crate::actor::Life;
use crate::actor::waits::{Wait, Waited, is_watched_here};
use crate::flow::emitter::Lacking;
use crate::flow::error::Unwanted;

/// A wait for demand that nobody can end but the subscriber by its work: known to
/// those who look for circles. With several subscribers it is not, since any of
/// them may end it, nor if somebody else may ask or let go.
#[derive(Default)]
pub(super) struct Patience {
    seen: Option<(Wait, Arc<Life>, Lacking)>,
}

impl Patience {
    pub(super) fn poll<T: Send + 'static>(
        &mut self,
        outlet: &mut Outlet<T>,
        item: Option<&T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<NonZeroU64, Unwanted>> {
        let on = outlet.waits_for();
        self.seen.take_if(|(_, life, lacking)| {
            !on.as_ref().is_some_and(|(on, lacks)| Arc::ptr_eq(on, life) && lacks == lacking)
        });
        let Some((wait, ..)) = &self.seen else {
            let polled = outlet.poll_ready_for(item, cx);
            if polled.is_pending()
                && let Some((life, lacking)) = outlet.waits_for().filter(|(life, _)| is_watched_here(&life.world))
            {
                let wait = match lacking {
                    Lacking::Demand => Wait::for_demand(&life, cx),
                    Lacking::Room => Wait::for_room(&life, 1, cx),
                };
                self.seen = Some((wait, life, lacking));
            }
            return polled;
        };
        let Poll::Ready(waited) = wait.poll(cx, |cx| outlet.poll_ready_for(item, cx)) else { return Poll::Pending };
        self.seen = None;
        Poll::Ready(match waited {
            Waited::Done(ready) => ready,
            Waited::Deadlock(cycle) => Err(Unwanted::Deadlock(cycle)),
        })
    }
}
