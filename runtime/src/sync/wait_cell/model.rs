use std::future::poll_fn;
use std::task::Poll;

use loom::thread;

use super::WaitCell;
use crate::sync::modelling::{Wakes, block_on, model, model_unbounded};
use crate::sync::shim::{Arc, AtomicBool, Ordering::Relaxed};

/// News that orders nothing by itself, so that the cell has to.
fn tell(news: &AtomicBool, cell: &WaitCell) {
    news.store(true, Relaxed);
    cell.wake();
}

/// The receiver's side of the contract: look, register, look again.
fn wait_for(cell: &WaitCell, come: impl Fn() -> bool) {
    block_on(poll_fn(|cx| {
        if come() {
            return Poll::Ready(());
        }
        cell.register(cx.waker());
        if come() { Poll::Ready(()) } else { Poll::Pending }
    }));
}

/// One registers while another wakes: the receiver sees the news or is woken.
/// Two threads, so without a bound.
#[test]
fn a_wake_is_never_lost() {
    model_unbounded(|| {
        let shared = Arc::new((AtomicBool::new(false), WaitCell::new()));
        let waker = thread::spawn({
            let shared = Arc::clone(&shared);
            move || tell(&shared.0, &shared.1)
        });
        wait_for(&shared.1, || shared.0.load(Relaxed));
        waker.join().unwrap();
    });
}

/// A task that is polled with another waker, as when it is moved to another
/// executor: whoever is told later is the one registered last. The first is
/// registered before anybody wakes, so replacing it meets a reader.
#[test]
fn the_latest_waker_is_woken() {
    model_unbounded(|| {
        let shared = Arc::new((AtomicBool::new(false), WaitCell::new()));
        let (_, first) = Wakes::new();
        shared.1.register(&first);
        let waker = thread::spawn({
            let shared = Arc::clone(&shared);
            move || tell(&shared.0, &shared.1)
        });
        wait_for(&shared.1, || shared.0.load(Relaxed));
        waker.join().unwrap();
    });
}

/// Two wake at once, with different news: the receiver hears of both, although
/// one of the two only leaves word with the other. Three threads.
#[test]
fn two_wakes_at_once_both_count() {
    model(|| {
        let shared = Arc::new((AtomicBool::new(false), AtomicBool::new(false), WaitCell::new()));
        let wakers = [false, true].map(|second| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || tell(if second { &shared.1 } else { &shared.0 }, &shared.2))
        });
        wait_for(&shared.2, || shared.0.load(Relaxed) && shared.1.load(Relaxed));
        for waker in wakers {
            waker.join().unwrap();
        }
    });
}

/// What the cell holds is dropped, and cloned no more often than kept.
#[test]
fn a_waker_is_kept_once_and_dropped() {
    model_unbounded(|| {
        let (first_wakes, first) = Wakes::new();
        let (second_wakes, second) = Wakes::new();
        let cell = Arc::new(WaitCell::new());
        cell.register(&first);
        let waker = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.wake()
        });
        cell.register(&second);
        waker.join().unwrap();
        assert!(first_wakes.count() + second_wakes.count() >= 1, "somebody was woken");
        drop(cell);
        drop((first, second));
        assert_eq!(std::sync::Arc::strong_count(&first_wakes), 1, "the first waker has leaked");
        assert_eq!(std::sync::Arc::strong_count(&second_wakes), 1, "the second waker has leaked");
    });
}
