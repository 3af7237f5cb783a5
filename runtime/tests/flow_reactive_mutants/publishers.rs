//! A publisher written by hand, and what can be wrong with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use tidegate::flow::reactive::{InvalidDemand, Publisher, Subscriber, Subscription};
use tidegate::flow::verify::{PublisherSuite, Subscribers};
use tidegate::{Executor, Fault, ManualExecutor};

/// One thing that is wrong, and all else right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    Nothing,
    /// Makes one item less than it was told.
    OneTooFew,
    /// Sends one item more than was requested.
    AheadOfDemand,
    /// Completes only when no demand is left over.
    CompletesWithoutDemandOnly,
    FailsSilently,
    FailsAsCompletion,
    NeverCompletes,
    EmptyNeverCompletes,
    PanicsOnRequestAfterTheEnd,
    PanicsOnCancelAfterTheEnd,
    CompletesWhenCancelled,
    FailsWhenCancelledAtOnce,
    EmptyHasNoSubscription,
    PanicsForTheSecond,
    RefusesWithoutSubscription,
    RefusesTheSecond,
    IgnoresTheSecond,
    SharesItems,
    ReversesForTheSecond,
    IgnoresTheDropOfASubscription,
    SubscribesAgain,
    KeepsWhoPanics,
    LosesReentrantRequests,
    SendsInRequest,
    FlushesInCancel,
    PanicsOnAnotherThread,
    RevivesOnRequest,
    AnswersZeroAfterCancel,
    CountsEachCancel,
    ReplacesDemand,
    IgnoresZero,
    FailsOnZeroWithoutReason,
    LooksForCancelWithoutDemandOnly,
    KeepsTheCancelled,
    PanicsOnSecondCancel,
    PanicsOnTooMuchDemand,
    TakesDemandForSigned,
    WrapsAround,
    FailsOnTooMuchDemand,
    /// Rounds a large demand up to whole batches.
    SendsWholeBatches,
    /// Sends to all what the quickest has requested.
    FollowsTheQuickest,
    /// Puts back who has cancelled in a signal.
    KeepsWhoCancelsInASignal,
    RevivesInASignal,
    PanicsWhenDroppedInASignal,
    /// Takes much demand beyond its end for a mistake, and waits.
    WaitsWithMuchDemandLeft,
    PanicsOnTheSecondCancelAfterTheEnd,
    LosesOneRequestedInOnNext,
    /// Of requests that it has not served yet, the largest counts.
    TakesTheLargestRequest,
    IgnoresACancelInAFlood,
    /// Cancelled twice before it takes notice.
    PanicsOnACancelInAHurry,
}

/// What becomes of a subscription.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// That many items, and the end.
    Items(u64),
    /// One item, and a failure.
    Fails,
    Refused,
}

pub(crate) struct Reference {
    flaw: Flaw,
    fate: Fate,
    executor: ManualExecutor,
    house: Arc<House>,
}

/// What all subscriptions of a publisher share.
#[derive(Default)]
struct House {
    desk: Mutex<Desk>,
    graves: Mutex<Vec<Box<dyn Subscriber<u64>>>>,
}

#[derive(Default)]
struct Desk {
    subscribed: usize,
    active: i64,
    /// The last of many has cancelled: the publisher is shut down (3.14).
    shut: bool,
    shared: u64,
    /// The most that anybody has requested.
    most: u64,
    wakers: Vec<Waker>,
}

struct Line {
    flaw: Flaw,
    fate: Fate,
    index: usize,
    house: Arc<House>,
    thread: ThreadId,
    state: Mutex<State>,
    /// Empty while a signal is on its way.
    slot: Mutex<Option<Box<dyn Subscriber<u64>>>>,
}

#[derive(Default)]
struct State {
    requested: u64,
    sent: u64,
    cancelled: bool,
    invalid: bool,
    too_much: bool,
    over: bool,
    cancelled_after_the_end: bool,
    in_signal: bool,
    waker: Option<Waker>,
}

enum Step {
    Wait,
    LetGo,
    Invalid,
    TooMuch,
    Complete,
    Fail,
    Item(u64),
}

pub(crate) fn suite(flaw: Flaw) -> PublisherSuite<u64> {
    let make = move |fate| {
        move |env: &tidegate::flow::verify::Environment| {
            let executor = env.executor().expect("it is manual").clone();
            Reference { flaw, fate, executor, house: Arc::default() }
        }
    };
    PublisherSuite::new(move |env, n| make(Fate::Items(n))(env))
        .failing(make(Fate::Fails))
        .rejecting(make(Fate::Refused))
        .serves(Subscribers::Same)
}

impl Publisher for Reference {
    type Item = u64;

    fn subscribe(&self, mut subscriber: Box<dyn Subscriber<u64>>) {
        let index = {
            let mut desk = self.house.desk.lock().unwrap();
            desk.subscribed += 1;
            desk.active += 1;
            desk.subscribed
        };
        let empty = self.fate == Fate::Items(0);
        match self.flaw {
            Flaw::RefusesWithoutSubscription if self.fate == Fate::Refused => {
                return subscriber.on_error(Fault::msg("refused"));
            }
            Flaw::EmptyHasNoSubscription if empty => return subscriber.on_complete(),
            Flaw::PanicsForTheSecond => assert!(index == 1, "there is one already"),
            _ => {}
        }
        let line = Arc::new(Line {
            flaw: self.flaw,
            fate: self.fate,
            index,
            house: Arc::clone(&self.house),
            thread: thread::current().id(),
            state: Mutex::default(),
            slot: Mutex::new(None),
        });
        line.state.lock().unwrap().in_signal = true;
        subscriber.on_subscribe(Box::new(Requests(Arc::clone(&line))));
        line.state.lock().unwrap().in_signal = false;
        if self.fate == Fate::Refused || (index > 1 && self.flaw == Flaw::RefusesTheSecond) {
            return subscriber.on_error(Fault::msg("refused"));
        }
        *line.slot.lock().unwrap() = Some(subscriber);
        self.executor.spawn(
            "reference",
            Box::pin(std::future::poll_fn(move |cx| {
                line.state.lock().unwrap().waker = Some(cx.waker().clone());
                line.house.desk.lock().unwrap().wakers.push(cx.waker().clone());
                line.pump();
                if line.slot.lock().unwrap().is_none() { Poll::Ready(()) } else { Poll::Pending }
            })),
        );
    }
}

impl Line {
    /// Sends what may be sent. Does nothing while a signal is on its way.
    fn pump(&self) {
        loop {
            let Some(mut subscriber) = self.slot.lock().unwrap().take() else { return };
            match self.next_step() {
                Step::Wait => {
                    *self.slot.lock().unwrap() = Some(subscriber);
                    return;
                }
                Step::LetGo => return self.let_go(subscriber),
                Step::Invalid if self.flaw == Flaw::FailsOnZeroWithoutReason => {
                    return subscriber.on_error(Fault::msg("no"));
                }
                Step::Invalid => return subscriber.on_error(Fault::from(InvalidDemand)),
                Step::TooMuch => return subscriber.on_error(Fault::msg("too much")),
                Step::Complete if self.flaw == Flaw::NeverCompletes => return,
                Step::Complete => return subscriber.on_complete(),
                Step::Fail => match self.flaw {
                    Flaw::FailsSilently => return,
                    Flaw::FailsAsCompletion => return subscriber.on_complete(),
                    _ => return subscriber.on_error(Fault::msg("broken")),
                },
                Step::Item(item) => {
                    if item == 0 && self.flaw == Flaw::SubscribesAgain {
                        struct Nobody;
                        impl Subscription for Nobody {
                            fn request(&mut self, _: u64) {}
                            fn cancel(&mut self) {}
                        }
                        subscriber.on_subscribe(Box::new(Nobody));
                    }
                    self.state.lock().unwrap().in_signal = true;
                    let told = catch_unwind(AssertUnwindSafe(|| subscriber.on_next(item)));
                    self.state.lock().unwrap().in_signal = false;
                    if told.is_err() && self.flaw != Flaw::KeepsWhoPanics {
                        return;
                    }
                    if self.flaw == Flaw::KeepsWhoCancelsInASignal && self.state.lock().unwrap().cancelled {
                        return self.house.graves.lock().unwrap().push(subscriber);
                    }
                    *self.slot.lock().unwrap() = Some(subscriber);
                }
            }
        }
    }

    fn next_step(&self) -> Step {
        let flaw = self.flaw;
        let mut state = self.state.lock().unwrap();
        let mut desk = self.house.desk.lock().unwrap();
        let mut may_send = state.sent < state.requested || state.requested == u64::MAX;
        if state.cancelled && !(may_send && flaw == Flaw::LooksForCancelWithoutDemandOnly) {
            return Step::LetGo;
        }
        if state.invalid {
            state.over = true;
            return Step::Invalid;
        }
        if state.too_much {
            state.over = true;
            return Step::TooMuch;
        }
        if self.index > 1 && flaw == Flaw::IgnoresTheSecond {
            return Step::Wait;
        }
        let total = match self.fate {
            Fate::Items(n) => n.saturating_sub((flaw == Flaw::OneTooFew).into()),
            Fate::Fails | Fate::Refused => 1,
        };
        let sent = if flaw == Flaw::SharesItems { desk.shared } else { state.sent };
        if desk.shut || sent == total {
            if self.fate == Fate::Fails {
                state.over = true;
                return Step::Fail;
            }
            let left = state.requested.saturating_sub(state.sent);
            let waits = flaw == Flaw::EmptyNeverCompletes && total == 0
                || flaw == Flaw::WaitsWithMuchDemandLeft && (4..100).contains(&left)
                || flaw == Flaw::CompletesWithoutDemandOnly && state.sent < state.requested;
            if waits {
                return Step::Wait;
            }
            state.over = true;
            return Step::Complete;
        }
        may_send |= flaw == Flaw::FollowsTheQuickest && state.sent < desk.most;
        may_send |= flaw == Flaw::SendsWholeBatches && state.requested > 32 && !state.sent.is_multiple_of(16);
        may_send |= flaw == Flaw::AheadOfDemand && state.requested > 0 && state.sent == state.requested;
        if !may_send {
            return Step::Wait;
        }
        state.sent += 1;
        desk.shared += 1;
        let reversed = flaw == Flaw::ReversesForTheSecond && self.index > 1 && state.requested > state.sent;
        Step::Item(if reversed { total - 1 - sent } else { sent })
    }

    /// The subscriber has cancelled.
    fn let_go(&self, subscriber: Box<dyn Subscriber<u64>>) {
        let sent = self.state.lock().unwrap().sent;
        match self.flaw {
            Flaw::KeepsTheCancelled => self.house.graves.lock().unwrap().push(subscriber),
            Flaw::CompletesWhenCancelled if sent > 0 => subscriber.on_complete(),
            Flaw::FailsWhenCancelledAtOnce if sent == 0 && self.fate == Fate::Fails => {
                subscriber.on_error(Fault::msg("broken"));
            }
            _ => drop(subscriber),
        }
    }

    fn wake(&self) {
        let waker = self.state.lock().unwrap().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Requests(Arc<Line>);

impl Subscription for Requests {
    fn request(&mut self, n: u64) {
        let line = &*self.0;
        let flaw = line.flaw;
        {
            let mut state = line.state.lock().unwrap();
            if state.over {
                drop(state);
                assert!(flaw != Flaw::PanicsOnRequestAfterTheEnd, "it is over");
                return;
            }
            if state.cancelled && flaw == Flaw::AnswersZeroAfterCancel && n == 0 {
                (state.cancelled, state.invalid) = (false, true);
            }
            let revives = flaw == Flaw::RevivesOnRequest || state.in_signal && flaw == Flaw::RevivesInASignal;
            if state.cancelled && !revives {
                return;
            }
            let loses = flaw == Flaw::LosesReentrantRequests
                || flaw == Flaw::LosesOneRequestedInOnNext && state.sent > 0 && n == 1;
            if state.in_signal && loses {
                return;
            }
            state.cancelled = false;
            let signed = flaw == Flaw::TakesDemandForSigned && n as i64 <= 0;
            if n == 0 && flaw == Flaw::IgnoresZero {
                return;
            }
            if n == 0 || signed {
                state.invalid = true;
            }
            let sum = state.requested.checked_add(n);
            {
                let mut desk = line.house.desk.lock().unwrap();
                desk.most = desk.most.max(sum.unwrap_or(u64::MAX));
            }
            if sum.is_none() && flaw == Flaw::PanicsOnTooMuchDemand {
                drop(state);
                panic!("too much demand");
            }
            state.too_much |= sum.is_none() && flaw == Flaw::FailsOnTooMuchDemand;
            state.requested = match flaw {
                Flaw::ReplacesDemand => state.sent + n.min(u64::MAX - state.sent),
                Flaw::TakesTheLargestRequest => state.requested.max(state.sent.saturating_add(n)),
                Flaw::WrapsAround => state.requested.wrapping_add(n),
                _ => sum.unwrap_or(u64::MAX),
            };
        }
        if flaw == Flaw::FollowsTheQuickest {
            let wakers = std::mem::take(&mut line.house.desk.lock().unwrap().wakers);
            wakers.into_iter().for_each(Waker::wake);
        }
        line.wake();
        if flaw == Flaw::SendsInRequest {
            line.pump();
        }
    }

    fn cancel(&mut self) {
        let line = &*self.0;
        let flaw = line.flaw;
        let first = {
            let mut state = line.state.lock().unwrap();
            if state.over {
                let second = std::mem::replace(&mut state.cancelled_after_the_end, true);
                drop(state);
                assert!(flaw != Flaw::PanicsOnCancelAfterTheEnd, "it is over");
                assert!(!second || flaw != Flaw::PanicsOnTheSecondCancelAfterTheEnd, "it is over");
                return;
            }
            let first = !state.cancelled;
            if state.in_signal && state.requested > 100 && flaw == Flaw::IgnoresACancelInAFlood {
                return;
            }
            drop(state);
            let in_a_hurry = !first && line.slot.lock().unwrap().is_some();
            assert!(!in_a_hurry || flaw != Flaw::PanicsOnACancelInAHurry, "it is being cancelled");
            assert!(first || flaw != Flaw::PanicsOnSecondCancel, "it is cancelled");
            let elsewhere = thread::current().id() != line.thread;
            assert!(!elsewhere || flaw != Flaw::PanicsOnAnotherThread, "not on this thread");
            if flaw == Flaw::FlushesInCancel {
                line.pump();
            }
            line.state.lock().unwrap().cancelled = true;
            first
        };
        if first || flaw == Flaw::CountsEachCancel {
            let wakers = {
                let mut desk = line.house.desk.lock().unwrap();
                desk.active -= 1;
                desk.shut = desk.active <= 0 && desk.subscribed > 1;
                std::mem::take(&mut desk.wakers)
            };
            wakers.into_iter().for_each(Waker::wake);
        }
        line.wake();
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        if self.0.flaw == Flaw::PanicsWhenDroppedInASignal
            && self.0.state.lock().unwrap().in_signal
            && !thread::panicking()
        {
            self.cancel();
            panic!("not like that");
        }
        let ignored = match self.0.flaw {
            Flaw::IgnoresTheDropOfASubscription => true,
            // Theirs is a panic of their own, not one on the way out.
            Flaw::PanicsOnSecondCancel | Flaw::PanicsOnACancelInAHurry => self.0.state.lock().unwrap().cancelled,
            Flaw::PanicsOnCancelAfterTheEnd | Flaw::PanicsOnTheSecondCancelAfterTheEnd => {
                self.0.state.lock().unwrap().over
            }
            // A drop is no second cancel.
            Flaw::CountsEachCancel => self.0.state.lock().unwrap().cancelled,
            _ => thread::panicking(),
        };
        if self.0.flaw == Flaw::IgnoresACancelInAFlood {
            self.0.state.lock().unwrap().cancelled = true;
            return self.0.wake();
        }
        if !ignored {
            self.cancel();
        }
    }
}

/// Each flaw, and what notices it.
pub(crate) const MUTANTS: &[(Flaw, &[&str])] = &[
    (
        Flaw::OneTooFew,
        &[
            "create_1_must_produce_a_stream_of_exactly_1_element",
            "create_3_must_produce_a_stream_of_exactly_3_elements",
            "spec102_may_signal_less_than_requested_and_terminate_subscription",
            "spec105_must_signal_on_complete_when_finite_stream_terminates",
            "spec106_must_consider_subscription_cancelled_after_on_complete",
            "spec108_cancelled_subscription_should_not_receive_terminal_signals",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec212_must_not_call_on_subscribe_more_than_once",
            "spec302_must_allow_synchronous_request_calls_from_on_next_and_on_subscribe",
            "spec304_request_should_not_perform_heavy_computations",
            "spec316_request_must_not_panic",
            "spec317_must_not_signal_on_error_when_pending_above_the_maximum",
            "spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum",
            "spec317_must_support_a_pending_element_count_up_to_the_maximum",
        ],
    ),
    (
        Flaw::AheadOfDemand,
        &[
            "spec101_subscription_request_must_result_in_the_correct_number_of_produced_elements",
            "spec108_cancelled_subscription_should_not_receive_terminal_signals",
            "spec111_must_not_send_to_one_subscriber_what_another_has_requested",
            "spec305_cancel_must_be_possible_from_another_thread",
            "spec305_cancel_must_not_synchronously_perform_heavy_computations",
            "spec308_requests_must_add_up",
            "spec309_request_zero_must_signal_invalid_demand",
            "spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber",
        ],
    ),
    (
        Flaw::CompletesWithoutDemandOnly,
        &[
            "spec102_may_signal_less_than_requested_and_terminate_subscription",
            "spec106_must_consider_subscription_cancelled_after_on_complete",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
            "spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops",
            "spec315_cancel_must_not_panic",
            "spec316_request_must_not_panic",
            "spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum",
            "spec317_must_support_a_pending_element_count_up_to_the_maximum",
        ],
    ),
    (
        Flaw::FailsSilently,
        &["spec104_must_signal_on_error_when_it_fails", "spec106_must_consider_subscription_cancelled_after_on_error"],
    ),
    (
        Flaw::FailsAsCompletion,
        &["spec104_must_signal_on_error_when_it_fails", "spec106_must_consider_subscription_cancelled_after_on_error"],
    ),
    (
        Flaw::NeverCompletes,
        &[
            "spec102_may_signal_less_than_requested_and_terminate_subscription",
            "spec105_empty_stream_must_terminate_by_signalling_on_complete",
            "spec105_must_signal_on_complete_when_finite_stream_terminates",
            "spec106_must_consider_subscription_cancelled_after_on_complete",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops",
            "spec315_cancel_must_not_panic",
            "spec316_request_must_not_panic",
            "spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum",
            "spec317_must_support_a_pending_element_count_up_to_the_maximum",
        ],
    ),
    (Flaw::EmptyNeverCompletes, &["spec105_empty_stream_must_terminate_by_signalling_on_complete"]),
    (
        Flaw::PanicsOnRequestAfterTheEnd,
        &[
            "spec106_must_consider_subscription_cancelled_after_on_complete",
            "spec106_must_consider_subscription_cancelled_after_on_error",
            "spec316_request_must_not_panic",
        ],
    ),
    (
        Flaw::PanicsOnCancelAfterTheEnd,
        &[
            "spec106_must_consider_subscription_cancelled_after_on_complete",
            "spec106_must_consider_subscription_cancelled_after_on_error",
            "spec315_cancel_must_not_panic",
        ],
    ),
    (
        Flaw::CompletesWhenCancelled,
        &[
            "spec108_cancelled_subscription_should_not_receive_terminal_signals",
            "spec206_a_dropped_subscription_must_count_as_cancelled",
            "spec305_cancel_must_be_possible_from_another_thread",
            "spec306_after_subscription_is_cancelled_request_must_be_nops",
            "spec312_cancel_must_make_the_publisher_eventually_stop_signaling",
        ],
    ),
    (Flaw::FailsWhenCancelledAtOnce, &["spec108_cancelled_subscription_should_not_receive_terminal_signals"]),
    (Flaw::EmptyHasNoSubscription, &["spec109_must_issue_on_subscribe_before_all_other_signals"]),
    (
        Flaw::PanicsForTheSecond,
        &[
            "spec109_subscribe_must_return_normally",
            "spec111_may_support_multi_subscribe",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec111_must_not_send_to_one_subscriber_what_another_has_requested",
            "spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals",
            "spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops",
        ],
    ),
    (Flaw::RefusesWithoutSubscription, &["spec109_rejection_must_trigger_on_error_after_on_subscribe"]),
    (
        Flaw::RefusesTheSecond,
        &[
            "spec111_may_support_multi_subscribe",
            "spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
            "spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops",
        ],
    ),
    (
        Flaw::IgnoresTheSecond,
        &[
            "spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
        ],
    ),
    (
        Flaw::SharesItems,
        &[
            "spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one",
            "spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront",
        ],
    ),
    (Flaw::ReversesForTheSecond, &["spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront"]),
    (
        Flaw::IgnoresTheDropOfASubscription,
        &[
            "spec206_a_dropped_subscription_must_count_as_cancelled",
            "spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber",
        ],
    ),
    (Flaw::SubscribesAgain, &["spec212_must_not_call_on_subscribe_more_than_once"]),
    (Flaw::KeepsWhoPanics, &["spec213_a_subscriber_that_panics_must_count_as_cancelled"]),
    (
        Flaw::LosesReentrantRequests,
        &[
            "spec206_a_dropped_subscription_must_count_as_cancelled",
            "spec213_a_subscriber_that_panics_must_count_as_cancelled",
            "spec302_must_allow_synchronous_request_calls_from_on_next_and_on_subscribe",
            "spec306_after_subscription_is_cancelled_request_must_be_nops",
            "spec312_cancel_must_make_the_publisher_eventually_stop_signaling",
            "spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber",
            "spec315_cancel_must_not_panic",
            "spec317_must_not_signal_on_error_when_pending_above_the_maximum",
        ],
    ),
    (Flaw::SendsInRequest, &["spec304_request_should_not_perform_heavy_computations"]),
    (Flaw::FlushesInCancel, &["spec305_cancel_must_not_synchronously_perform_heavy_computations"]),
    (Flaw::PanicsOnAnotherThread, &["spec305_cancel_must_be_possible_from_another_thread"]),
    (Flaw::RevivesOnRequest, &["spec306_after_subscription_is_cancelled_request_must_be_nops"]),
    (Flaw::AnswersZeroAfterCancel, &["spec306_after_subscription_is_cancelled_request_must_be_nops"]),
    (Flaw::CountsEachCancel, &["spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops"]),
    (
        Flaw::ReplacesDemand,
        &["spec308_requests_must_add_up", "spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum"],
    ),
    (Flaw::IgnoresZero, &["spec309_request_zero_must_signal_invalid_demand"]),
    (Flaw::FailsOnZeroWithoutReason, &["spec309_request_zero_must_signal_invalid_demand"]),
    (
        Flaw::LooksForCancelWithoutDemandOnly,
        &[
            "spec108_cancelled_subscription_should_not_receive_terminal_signals",
            "spec206_a_dropped_subscription_must_count_as_cancelled",
            "spec312_cancel_must_make_the_publisher_eventually_stop_signaling",
        ],
    ),
    (
        Flaw::KeepsTheCancelled,
        &[
            "spec305_cancel_must_be_possible_from_another_thread",
            "spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber",
        ],
    ),
    (
        Flaw::PanicsOnSecondCancel,
        &[
            "spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops",
            "spec315_cancel_must_not_panic",
        ],
    ),
    (Flaw::PanicsOnTooMuchDemand, &["spec316_request_must_not_panic"]),
    (
        Flaw::TakesDemandForSigned,
        &[
            "spec317_must_not_signal_on_error_when_pending_above_the_maximum",
            "spec317_must_support_a_pending_element_count_up_to_the_maximum",
        ],
    ),
    (Flaw::WrapsAround, &["spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum"]),
    (
        Flaw::FailsOnTooMuchDemand,
        &[
            "spec317_must_not_signal_on_error_when_pending_above_the_maximum",
            "spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum",
        ],
    ),
    (Flaw::SendsWholeBatches, &["spec101_subscription_request_must_result_in_the_correct_number_of_produced_elements"]),
    (Flaw::FollowsTheQuickest, &["spec111_must_not_send_to_one_subscriber_what_another_has_requested"]),
    (
        Flaw::KeepsWhoCancelsInASignal,
        &["spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber"],
    ),
    (Flaw::RevivesInASignal, &["spec306_after_subscription_is_cancelled_request_must_be_nops"]),
    (Flaw::WaitsWithMuchDemandLeft, &["spec102_may_signal_less_than_requested_and_terminate_subscription"]),
    (
        Flaw::PanicsOnTheSecondCancelAfterTheEnd,
        &[
            "spec106_must_consider_subscription_cancelled_after_on_complete",
            "spec106_must_consider_subscription_cancelled_after_on_error",
        ],
    ),
    (Flaw::LosesOneRequestedInOnNext, &["spec302_must_allow_synchronous_request_calls_from_on_next_and_on_subscribe"]),
    (Flaw::TakesTheLargestRequest, &["spec308_requests_must_add_up"]),
    (Flaw::IgnoresACancelInAFlood, &["spec312_cancel_must_make_the_publisher_eventually_stop_signaling"]),
    (Flaw::PanicsOnACancelInAHurry, &["spec315_cancel_must_not_panic"]),
    (Flaw::PanicsWhenDroppedInASignal, &["spec206_a_dropped_subscription_must_count_as_cancelled"]),
];
