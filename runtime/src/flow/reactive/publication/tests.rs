use std::sync::Arc;
use std::task::Wake as WakeUp;

use super::*;
use crate::sync::counter::Counter;

/// Keeps its subscription where the test can reach it.
struct Probe {
    hold: Arc<Mutex<Option<Box<dyn Subscription>>>>,
    heard: Arc<Mutex<Vec<String>>>,
    /// What it does in each `on_next`.
    then: fn(&mut dyn Subscription, u64),
}

impl Subscriber<u64> for Probe {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        *self.hold.lock() = Some(subscription);
    }

    fn on_next(&mut self, item: u64) {
        self.heard.lock().push(item.to_string());
        if let Some(subscription) = &mut *self.hold.lock() {
            (self.then)(&mut **subscription, item);
        }
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        self.heard.lock().push(fault.to_string());
    }

    fn on_complete(self: Box<Self>) {
        self.heard.lock().push("complete".to_owned());
    }
}

type Hold = Arc<Mutex<Option<Box<dyn Subscription>>>>;
type Heard = Arc<Mutex<Vec<String>>>;

fn open(then: fn(&mut dyn Subscription, u64)) -> (Publication<u64>, Hold, Heard) {
    let (hold, heard) = (Hold::default(), Heard::default());
    let probe = Probe { hold: Arc::clone(&hold), heard: Arc::clone(&heard), then };
    (Publication::open(Box::new(probe)), hold, heard)
}

fn with(hold: &Hold, f: impl FnOnce(&mut dyn Subscription)) {
    f(&mut **hold.lock().as_mut().expect("it is subscribed"));
}

struct Woken(Counter);

impl WakeUp for Woken {
    fn wake(self: Arc<Self>) {
        self.0.add(1);
    }
}

#[test]
fn nothing_is_sent_without_demand_and_the_item_comes_back() {
    let (mut to, hold, heard) = open(|_, _| {});
    assert_eq!(to.try_send(7), Err(PublishError::NoDemand(7)));
    with(&hold, |s| s.request(1));
    assert_eq!(to.try_send(7), Ok(()));
    assert_eq!(to.try_send(8), Err(PublishError::NoDemand(8)));
    with(&hold, |s| s.cancel());
    assert_eq!(to.try_send(8), Err(PublishError::Cancelled(8)));
    assert_eq!(*heard.lock(), ["7"]);
}

#[test]
fn unbounded_demand_is_never_used_up() {
    let (mut to, hold, _) = open(|_, _| {});
    with(&hold, |s| s.request(1));
    to.try_send(0).unwrap();
    with(&hold, |s| s.request(u64::MAX - 1));
    for n in 0..10 {
        to.try_send(n).unwrap();
    }
    assert_eq!(to.demand(), u64::MAX);
}

#[test]
fn a_request_from_inside_a_signal_counts_and_wakes() {
    let (mut to, hold, heard) = open(|s, _| s.request(2));
    let woken = Arc::new(Woken(Counter::new()));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    assert!(to.poll_ready(&mut cx).is_pending());
    with(&hold, |s| s.request(1));
    assert_eq!(woken.0.get(), 1);
    to.try_send(1).unwrap();
    assert_eq!(*heard.lock(), ["1"], "and no more than that");
    assert_eq!(to.demand(), 2);
}

#[test]
fn a_cancel_wakes_who_waits_for_demand_and_who_has_some() {
    let woken = Arc::new(Woken(Counter::new()));
    let waker = Waker::from(Arc::clone(&woken));
    let mut cx = Context::from_waker(&waker);
    let (mut to, hold, _) = open(|_, _| {});
    assert!(to.poll_ready(&mut cx).is_pending());
    with(&hold, |s| s.cancel());
    assert_eq!(woken.0.get(), 1);
    assert_eq!(to.poll_ready(&mut cx), Poll::Ready(Err(PublishError::Cancelled(()))));

    let (mut to, hold, heard) = open(|_, _| {});
    with(&hold, |s| s.request(1));
    assert!(to.poll_cancelled(&mut cx).is_pending());
    hold.lock().take();
    assert_eq!(woken.0.get(), 2, "dropping it cancels");
    assert!(to.poll_cancelled(&mut cx).is_ready());
    assert_eq!(Arc::strong_count(&heard), 1, "the subscriber is gone");
}

#[test]
fn an_invalid_demand_is_told_once_and_ends_it() {
    let (mut to, hold, heard) = open(|_, _| {});
    with(&hold, |s| {
        s.request(5);
        s.request(0);
        s.request(1);
    });
    assert_eq!(to.demand(), 0);
    assert_eq!(to.try_send(1), Err(PublishError::Cancelled(1)));
    to.complete();
    assert_eq!(*heard.lock(), [InvalidDemand.to_string()]);
}

#[test]
fn a_cancel_before_the_end_silences_it() {
    for end in [Publication::complete, |to: Publication<u64>| to.fail(Fault::msg("broken")), drop] {
        let (to, hold, heard) = open(|_, _| {});
        with(&hold, |s| s.cancel());
        end(to);
        assert!(heard.lock().is_empty());
        assert_eq!(Arc::strong_count(&heard), 1);
    }
}

#[test]
fn who_goes_away_without_a_word_has_failed() {
    let (to, _hold, heard) = open(|_, _| {});
    drop(to);
    assert_eq!(*heard.lock(), [Abandoned.to_string()]);
}

#[test]
fn a_subscriber_that_panics_is_dropped_and_told_nothing() {
    let (mut to, hold, heard) = open(|_, _| panic!("no"));
    with(&hold, |s| s.request(9));
    to.try_send(1).unwrap();
    assert_eq!(to.try_send(2), Err(PublishError::Cancelled(2)));
    to.complete();
    assert_eq!(*heard.lock(), ["1"]);
}
