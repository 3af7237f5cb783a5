use std::future::poll_fn;
use std::task::Poll;

use loom::thread;

use super::{Lane, Rank};
use crate::sync::modelling::{Ledger, Message, block_on, model, model_unbounded};
use crate::sync::shim::Arc;
use crate::sync::wait_cell::WaitCell;

type Shared = Arc<(Lane<Message>, WaitCell)>;

fn new() -> Shared {
    Arc::new((Lane::new(), WaitCell::new()))
}

fn next(shared: &Shared) -> Message {
    block_on(poll_fn(|cx| {
        loop {
            if let Some(signal) = shared.0.next() {
                return Poll::Ready(signal);
            }
            shared.1.register(cx.waker());
            if !shared.0.is_pending() {
                return Poll::Pending;
            }
        }
    }))
}

/// Two send and one receives: each signal comes once, and wakes a sleeper.
/// Two senders, since the first to be taken lowers the flag that the second
/// has raised; an order and news, which lie apart. Three threads.
#[test]
fn no_signal_is_slept_through() {
    model(|| {
        let ledger = Ledger::new();
        let shared = new();
        let senders = [(1, Rank::Order), (2, Rank::News)].map(|(id, rank)| {
            let (shared, signal) = (Arc::clone(&shared), ledger.message(id));
            thread::spawn(move || assert!(shared.0.send(signal, rank, &shared.1).is_ok()))
        });
        let mut got = [next(&shared).id(), next(&shared).id()];
        got.sort_unstable();
        assert_eq!(got, [1, 2]);
        for sender in senders {
            sender.join().unwrap();
        }
        ledger.close();
    });
}

/// Of a signal and a close one comes first: the signal is handed back, or is
/// among those left. Two threads.
#[test]
fn a_closed_lane_hands_signals_back() {
    model_unbounded(|| {
        let ledger = Ledger::new();
        let shared = new();
        let sender = thread::spawn({
            let (shared, signal) = (Arc::clone(&shared), ledger.message(1));
            move || shared.0.send(signal, Rank::News, &shared.1).is_err()
        });
        let left = shared.0.close();
        let refused = sender.join().unwrap();
        assert_eq!(left.len() + usize::from(refused), 1, "in one place");
        drop(left);
        ledger.close();
    });
}
