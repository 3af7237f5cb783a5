//! A subscriber written by hand, and what can be wrong with it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use tidegate::flow::reactive::{Subscriber, Subscription};
use tidegate::flow::verify::{Seen, Subject, SubscriberSuite};
use tidegate::{Executor, Fault};

/// One thing that is wrong, and all else right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Nothing,
    LosesEveryOther,
    NeverRequests,
    HandlesInTheSignal,
    RequestsInOnComplete,
    CancelsInOnError,
    RefillsAfterTheEnd,
    TakesTheSecond,
    KeepsTheSecond,
    StopsWithoutCancel,
    LeaksItsSubscription,
    PanicsOnLateItems,
    LosesTheEndBeforeItRuns,
    LosesTheEndWithoutItems,
    PanicsOnCompletionWithoutItems,
    PanicsOnTheSecondInARow,
    HasRoomForLess,
    RequestsZero,
    /// Which cancels, as it is dropped.
    ForgetsToKeepItsSubscription,
    /// Asks for its first window and for no other.
    NeverRefills,
    PanicsOnALateEnd,
    IgnoresTheFirstForTheSecond,
    LosesCompletionBehindItems,
    TakesCompletionForFailure,
    TakesFailureForCompletion,
    PanicsOnFailureBehindItems,
}

/// Asks for that many ahead.
const WINDOW: u64 = 4;

/// What the signals leave to a task, which handles it.
#[derive(Default)]
struct Shared {
    flaw: Option<Flaw>,
    subscription: Option<Box<dyn Subscription>>,
    had_second: bool,
    second: Option<Box<dyn Subscription>>,
    queue: VecDeque<u64>,
    received: u64,
    runs: bool,
    stopped: bool,
    end: Option<bool>,
    seen: Seen,
    waker: Option<Waker>,
}

struct Reference(Arc<Mutex<Shared>>);

pub(crate) fn suite(flaw: Flaw) -> SubscriberSuite<u64> {
    SubscriberSuite::new(
        move |env| {
            let shared = Arc::new(Mutex::new(Shared { flaw: Some(flaw), ..Shared::default() }));
            let (task, stop, seen) = (Arc::clone(&shared), Arc::clone(&shared), Arc::clone(&shared));
            env.executor().expect("it is manual").spawn(
                "reference",
                Box::pin(std::future::poll_fn(move |cx| {
                    let mut shared = task.lock().unwrap();
                    shared.waker = Some(cx.waker().clone());
                    shared.runs = true;
                    shared.handle();
                    Poll::Pending
                })),
            );
            Subject::new(Reference(shared))
                .seen(move || seen.lock().unwrap().seen)
                .cancels(move || stop.lock().unwrap().stop())
                .asynchronous()
        },
        |n| n,
    )
}

impl Shared {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
        if !self.has(Flaw::StopsWithoutCancel) {
            self.subscription = None;
        }
    }

    fn handle(&mut self) {
        while let Some(item) = self.queue.pop_front() {
            if !(self.has(Flaw::LosesEveryOther) && item % 2 == 1) {
                self.seen.items += 1;
            }
            let over = self.end.is_some() && !self.has(Flaw::RefillsAfterTheEnd);
            let zero = self.has(Flaw::RequestsZero);
            if let Some(subscription) = &mut self.subscription
                && !over
                && self.flaw != Some(Flaw::NeverRefills)
            {
                subscription.request(1);
                if zero {
                    subscription.request(0);
                }
            }
        }
        match self.end {
            Some(true) => self.seen.completed = true,
            Some(false) => self.seen.failed = true,
            None => {}
        }
    }

    /// The last signal has come. What was held is dropped by the caller.
    #[must_use]
    fn end(&mut self, completed: bool) -> Option<Box<dyn Subscription>> {
        let lost = self.has(Flaw::LosesCompletionBehindItems) && completed && self.received > 1
            || self.has(Flaw::LosesTheEndBeforeItRuns) && !self.runs
            || self.has(Flaw::LosesTheEndWithoutItems) && self.runs && self.received == 0;
        if !lost {
            let reversed = self.received == 0
                && self.has(if completed { Flaw::TakesCompletionForFailure } else { Flaw::TakesFailureForCompletion });
            self.end = Some(completed != reversed);
        }
        self.wake();
        if self.has(Flaw::RefillsAfterTheEnd) { None } else { self.subscription.take() }
    }
}

impl Subscriber<u64> for Reference {
    fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) {
        let mut shared = self.0.lock().unwrap();
        if shared.subscription.is_some() {
            if shared.has(Flaw::KeepsTheSecond) {
                shared.second = Some(subscription);
                return;
            }
            if !shared.has(Flaw::TakesTheSecond) {
                shared.had_second = true;
                return;
            }
        }
        if !shared.has(Flaw::NeverRequests) {
            subscription.request(WINDOW);
        }
        if shared.has(Flaw::ForgetsToKeepItsSubscription) {
            // Its drop is the publisher's code.
            drop(shared);
            return drop(subscription);
        }
        shared.subscription = Some(subscription);
    }

    fn on_next(&mut self, item: u64) {
        let mut shared = self.0.lock().unwrap();
        if shared.stopped {
            let panics = shared.has(Flaw::PanicsOnLateItems);
            drop(shared);
            assert!(!panics, "cancelled, and still they come");
            return;
        }
        if shared.had_second && shared.has(Flaw::IgnoresTheFirstForTheSecond) {
            return;
        }
        let full = shared.queue.len() as u64 >= WINDOW / 2 && shared.has(Flaw::HasRoomForLess);
        let panics = !shared.queue.is_empty() && shared.has(Flaw::PanicsOnTheSecondInARow);
        if panics {
            drop(shared);
            panic!("one by one, please");
        }
        if !full {
            shared.queue.push_back(item);
        }
        shared.received += 1;
        if shared.has(Flaw::HandlesInTheSignal) {
            shared.handle();
        }
        shared.wake();
    }

    fn on_error(self: Box<Self>, _fault: Fault) {
        let mut shared = self.0.lock().unwrap();
        let held = shared.end(false);
        if shared.received > 1 && shared.has(Flaw::PanicsOnFailureBehindItems) {
            drop(shared);
            drop(held);
            panic!("so near the end");
        }
        if shared.has(Flaw::CancelsInOnError) {
            held.into_iter().for_each(|mut subscription| subscription.cancel());
        }
    }

    fn on_complete(self: Box<Self>) {
        let mut shared = self.0.lock().unwrap();
        let held = shared.end(true);
        let panics = shared.received == 0 && shared.has(Flaw::PanicsOnCompletionWithoutItems)
            || shared.stopped && shared.has(Flaw::PanicsOnALateEnd);
        if shared.has(Flaw::RequestsInOnComplete) {
            held.into_iter().for_each(|mut subscription| subscription.request(1));
        }
        drop(shared);
        assert!(!panics, "complete, already");
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let mut shared = self.0.lock().unwrap();
        let refills = shared.has(Flaw::RefillsAfterTheEnd) && shared.end.is_some();
        if !shared.has(Flaw::LeaksItsSubscription) && !refills {
            shared.subscription = None;
        }
    }
}

/// Each flaw, and what notices it.
pub(crate) const MUTANTS: &[(Flaw, &[&str])] = &[
    (Flaw::LosesEveryOther, &["exercise_happy_path", "spec308_must_bear_as_many_elements_as_it_has_requested"]),
    (
        Flaw::NeverRequests,
        &[
            "exercise_happy_path",
            "spec201_must_go_on_requesting_or_cancel",
            "spec201_must_signal_demand_via_subscription_request",
            "spec202_should_asynchronously_dispatch",
            "spec203_must_not_call_methods_on_subscription_in_on_complete",
            "spec203_must_not_call_methods_on_subscription_in_on_error",
            "spec204_must_consider_the_subscription_as_cancelled_after_on_complete",
            "spec204_must_consider_the_subscription_as_cancelled_after_on_error",
            "spec205_must_cancel_a_second_subscription_and_keep_the_first",
            "spec206_must_cancel_its_subscription_if_it_is_no_longer_needed",
            "spec206_must_release_its_subscription_when_it_is_dropped",
            "spec208_must_be_prepared_to_receive_on_next_after_having_cancelled",
            "spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call",
            "spec210_must_be_prepared_to_receive_on_error_with_preceding_request_call",
            "spec213_signals_must_return_normally",
            "spec308_must_bear_as_many_elements_as_it_has_requested",
            "spec309_must_not_request_zero",
        ],
    ),
    (Flaw::HandlesInTheSignal, &["spec202_should_asynchronously_dispatch"]),
    (Flaw::RequestsInOnComplete, &["spec203_must_not_call_methods_on_subscription_in_on_complete"]),
    (Flaw::CancelsInOnError, &["spec203_must_not_call_methods_on_subscription_in_on_error"]),
    (
        Flaw::RefillsAfterTheEnd,
        &[
            "spec204_must_consider_the_subscription_as_cancelled_after_on_complete",
            "spec204_must_consider_the_subscription_as_cancelled_after_on_error",
        ],
    ),
    (Flaw::TakesTheSecond, &["spec205_must_cancel_a_second_subscription_and_keep_the_first"]),
    (Flaw::KeepsTheSecond, &["spec205_must_cancel_a_second_subscription_and_keep_the_first"]),
    (Flaw::StopsWithoutCancel, &["spec206_must_cancel_its_subscription_if_it_is_no_longer_needed"]),
    (Flaw::LeaksItsSubscription, &["spec206_must_release_its_subscription_when_it_is_dropped"]),
    (Flaw::PanicsOnLateItems, &["spec208_must_be_prepared_to_receive_on_next_after_having_cancelled"]),
    (
        Flaw::LosesTheEndBeforeItRuns,
        &[
            "spec209_must_be_prepared_to_receive_on_complete_without_preceding_request_call",
            "spec210_must_be_prepared_to_receive_on_error_without_preceding_request_call",
        ],
    ),
    (
        Flaw::LosesTheEndWithoutItems,
        &[
            "spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call",
            "spec210_must_be_prepared_to_receive_on_error_with_preceding_request_call",
        ],
    ),
    (
        Flaw::PanicsOnCompletionWithoutItems,
        &[
            "spec208_must_be_prepared_to_receive_on_next_after_having_cancelled",
            "spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call",
            "spec209_must_be_prepared_to_receive_on_complete_without_preceding_request_call",
        ],
    ),
    (
        Flaw::PanicsOnTheSecondInARow,
        &[
            "spec201_must_go_on_requesting_or_cancel",
            "spec213_signals_must_return_normally",
            "spec308_must_bear_as_many_elements_as_it_has_requested",
        ],
    ),
    (Flaw::HasRoomForLess, &["spec308_must_bear_as_many_elements_as_it_has_requested"]),
    (Flaw::RequestsZero, &["spec309_must_not_request_zero"]),
    (
        Flaw::ForgetsToKeepItsSubscription,
        &[
            "exercise_happy_path",
            "spec201_must_go_on_requesting_or_cancel",
            "spec201_must_signal_demand_via_subscription_request",
            "spec202_should_asynchronously_dispatch",
            "spec203_must_not_call_methods_on_subscription_in_on_complete",
            "spec203_must_not_call_methods_on_subscription_in_on_error",
            "spec204_must_consider_the_subscription_as_cancelled_after_on_complete",
            "spec204_must_consider_the_subscription_as_cancelled_after_on_error",
            "spec205_must_cancel_a_second_subscription_and_keep_the_first",
            "spec206_must_cancel_its_subscription_if_it_is_no_longer_needed",
            "spec206_must_release_its_subscription_when_it_is_dropped",
            "spec208_must_be_prepared_to_receive_on_next_after_having_cancelled",
            "spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call",
            "spec210_must_be_prepared_to_receive_on_error_with_preceding_request_call",
            "spec213_signals_must_return_normally",
            "spec308_must_bear_as_many_elements_as_it_has_requested",
            "spec309_must_not_request_zero",
        ],
    ),
    (Flaw::LosesCompletionBehindItems, &["exercise_happy_path"]),
    (
        Flaw::TakesCompletionForFailure,
        &[
            "spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call",
            "spec209_must_be_prepared_to_receive_on_complete_without_preceding_request_call",
        ],
    ),
    (
        Flaw::TakesFailureForCompletion,
        &[
            "spec210_must_be_prepared_to_receive_on_error_with_preceding_request_call",
            "spec210_must_be_prepared_to_receive_on_error_without_preceding_request_call",
        ],
    ),
    (Flaw::PanicsOnFailureBehindItems, &["spec213_signals_must_return_normally"]),
    (Flaw::NeverRefills, &["spec201_must_go_on_requesting_or_cancel"]),
    (Flaw::PanicsOnALateEnd, &["spec208_must_be_prepared_to_receive_on_next_after_having_cancelled"]),
    (Flaw::IgnoresTheFirstForTheSecond, &["spec205_must_cancel_a_second_subscription_and_keep_the_first"]),
];
