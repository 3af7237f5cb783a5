//! What is quiet, and what is an end.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tidegate::Reply;
use tidegate::explore::{Coverage, Explorer, Shared, Strategy};

use crate::all_is_seen::all_is_seen;

/// The answer comes in a step: who waits for it is ready then, and nothing is
/// quiet before that.
#[test]
fn polled_again_is_not_settled() {
    let explorers = [Explorer::default().cross_check(0), Explorer::new(Strategy::Exhaustive)];
    for explorer in explorers {
        let (report, outcomes) = explorer.outcomes(|sim| async move {
            let (reply, mut answer) = Reply::<()>::channel();
            let here = sim.clone();
            let waiter = sim.spawn("waiter", async move {
                let mut settled = pin!(here.settled());
                poll_fn(|cx| {
                    if settled.as_mut().poll(cx).is_ready() {
                        return Poll::Ready("quiet");
                    }
                    Pin::new(&mut answer).poll(cx).map(|_| "answered")
                })
                .await
            });
            drop(sim.spawn("leaver", async move { drop(reply) }));
            waiter.await
        });
        report.assert_clean();
        assert_eq!(outcomes, ["answered"].into());
    }
}

#[test]
fn who_waits_no_more_for_quiet_is_not_woken() {
    all_is_seen(|sim| async move {
        let (one, other) = (Shared::new(0), Shared::new(0));
        let here = sim.clone();
        let (set, read) = (one.clone(), other.clone());
        let waiter = sim.spawn("waiter", async move {
            let mut settled = Box::pin(here.settled());
            assert!(poll_fn(|cx| Poll::Ready(settled.as_mut().poll(cx).is_pending())).await);
            drop(settled);
            set.set(1);
            read.get()
        });
        let setter = sim.spawn("setter", async move {
            other.set(1);
            one.get()
        });
        (waiter.await, setter.await)
    });
}

#[test]
fn what_was_too_long_is_not_exhausted() {
    for strategy in [Strategy::Exhaustive, Strategy::Reduced, Strategy::Delays(9)] {
        let report = Explorer::new(strategy).steps(20).run(|sim| async move {
            for _ in 0..50 {
                sim.sleep(Duration::from_millis(1)).await;
            }
        });
        assert_eq!((report.coverage, report.is_clean()), (Coverage::Bounded, false), "{report}");
    }
}
