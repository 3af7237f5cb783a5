//! What a subscriber owes its publisher: chapter 2, and 3.8 and 3.9 from its side.

use super::SubscriberSuite;
use crate::flow::verify::line::{Call, End, is_cancelled};
use crate::flow::verify::report::{Stop, Verdict, ensure};

/// The most items that are sent to a subscriber that wants any number.
const MANY: u64 = 256;

impl<T: 'static> SubscriberSuite<T> {
    /// Asked for, sent, arrived, over.
    pub(super) fn exercise_happy_path(&self) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            for _ in 0..4 {
                line.want(1);
                if line.demand() > 0 {
                    line.next();
                }
            }
            line.settle();
            line.end(End::Complete);
            line.settle();
            line.returned_normally()?;
            if let Some(seen) = line.seen() {
                let arrived = seen.items == line.sent() && seen.completed && !seen.failed;
                ensure!(arrived, "the end is complete, and it has seen {seen:?}; {line}");
            }
            Ok(())
        })
    }

    pub(super) fn spec201_must_signal_demand_via_subscription_request(&self) -> Verdict {
        self.with(|mut line| line.is_asked())
    }

    /// One that neither asks for more nor cancels waits for ever, and so does its
    /// publisher: 2.6 has it cancel if it wants no more.
    pub(super) fn spec201_must_go_on_requesting_or_cancel(&self) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            for _ in 0..8 {
                for _ in 0..line.demand().min(MANY) {
                    line.next();
                }
                line.want(1);
                if line.is_cancelled() {
                    break;
                }
                ensure!(line.demand() > 0, "all that it requested has come, and it does not go on; {line}");
            }
            line.returned_normally()
        })
    }

    pub(super) fn spec202_should_asynchronously_dispatch(&self) -> Verdict {
        self.with(|mut line| {
            let (true, Some(before)) = (line.is_asynchronous(), line.seen()) else {
                return Err(Stop::Skipped("it does not claim to, or does not say what it has seen".to_owned()));
            };
            line.is_asked()?;
            line.next();
            let during = line.seen().unwrap_or_default();
            ensure!(during == before, "on_next has handled its item before it returned: {during:?}");
            line.settle();
            let after = line.seen().unwrap_or_default();
            ensure!(after.items == before.items + 1, "an item was sent, and it has seen {after:?}");
            Ok(())
        })
    }

    pub(super) fn spec203_must_not_call_methods_on_subscription_in_on_complete(&self) -> Verdict {
        self.calls_nothing_in(End::Complete)
    }

    pub(super) fn spec203_must_not_call_methods_on_subscription_in_on_error(&self) -> Verdict {
        self.calls_nothing_in(End::Fail)
    }

    /// Dropping its subscription there is no call.
    fn calls_nothing_in(&self, end: End) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            let before = line.calls().len();
            line.end(end);
            let calls = line.calls().split_off(before);
            ensure!(calls.iter().all(|call| *call == Call::Drop), "in {end} it called {calls:?}");
            Ok(())
        })
    }

    pub(super) fn spec204_must_consider_the_subscription_as_cancelled_after_on_complete(&self) -> Verdict {
        self.requests_nothing_after(End::Complete)
    }

    pub(super) fn spec204_must_consider_the_subscription_as_cancelled_after_on_error(&self) -> Verdict {
        self.requests_nothing_after(End::Fail)
    }

    fn requests_nothing_after(&self, end: End) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            line.next();
            line.end(end);
            let before = line.calls().len();
            line.settle();
            line.want(1);
            let calls = line.calls().split_off(before);
            let requests = calls.iter().filter(|call| matches!(call, Call::Request(_))).count();
            ensure!(requests == 0, "after {end} it called {calls:?}");
            Ok(())
        })
    }

    /// In so many words, or by dropping it.
    pub(super) fn spec205_must_cancel_a_second_subscription_and_keep_the_first(&self) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            let second = line.subscribe_again();
            line.settle();
            line.returned_normally()?;
            ensure!(is_cancelled(&second), "it has not cancelled its second subscription");
            let used = second.lock().iter().any(|call| matches!(call, Call::Request(_)));
            ensure!(!used, "it has requested items from its second subscription");
            ensure!(!line.is_cancelled(), "it has cancelled its first subscription; {line}");
            // Which is in use as before.
            line.is_asked()?;
            line.next();
            line.settle();
            line.returned_normally()?;
            if let Some(seen) = line.seen() {
                ensure!(seen.items == 1, "it has seen {} items of its first subscription; {line}", seen.items);
            }
            Ok(())
        })
    }

    pub(super) fn spec206_must_cancel_its_subscription_if_it_is_no_longer_needed(&self) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            if !line.stop() {
                return Err(Stop::Skipped("nobody has said how to have it cancel".to_owned()));
            }
            ensure!(line.is_cancelled(), "it wants no more, and has not cancelled; {line}");
            Ok(())
        })
    }

    pub(super) fn spec206_must_release_its_subscription_when_it_is_dropped(&self) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            line.end(End::Abandon);
            line.settle();
            line.returned_normally()?;
            ensure!(line.is_cancelled(), "it was dropped, and its subscription is still kept; {line}");
            Ok(())
        })
    }

    /// Within what it had requested; and the end, which may have been on its way too.
    pub(super) fn spec208_must_be_prepared_to_receive_on_next_after_having_cancelled(&self) -> Verdict {
        for end in [End::Complete, End::Fail, End::Abandon] {
            self.with(|mut line| {
                line.want(2);
                line.is_asked()?;
                let late = line.demand().min(2);
                if !line.stop() {
                    return Err(Stop::Skipped("nobody has said how to have it cancel".to_owned()));
                }
                for _ in 0..late {
                    line.next();
                    line.settle();
                }
                line.end(end);
                line.settle();
                line.returned_normally()
            })?;
        }
        Ok(())
    }

    pub(super) fn spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call(&self) -> Verdict {
        self.bears(End::Complete, true)
    }

    pub(super) fn spec209_must_be_prepared_to_receive_on_complete_without_preceding_request_call(&self) -> Verdict {
        self.bears(End::Complete, false)
    }

    pub(super) fn spec210_must_be_prepared_to_receive_on_error_with_preceding_request_call(&self) -> Verdict {
        self.bears(End::Fail, true)
    }

    pub(super) fn spec210_must_be_prepared_to_receive_on_error_without_preceding_request_call(&self) -> Verdict {
        self.bears(End::Fail, false)
    }

    /// The end comes, and arrives as what it is.
    fn bears(&self, end: End, requested: bool) -> Verdict {
        self.with(|mut line| {
            if requested {
                line.is_asked()?;
            }
            line.end(end);
            line.settle();
            line.returned_normally()?;
            if let Some(seen) = line.seen() {
                let told = (end == End::Complete, end == End::Fail);
                ensure!((seen.completed, seen.failed) == told, "{end} came, and it has seen {seen:?}");
            }
            Ok(())
        })
    }

    pub(super) fn spec213_signals_must_return_normally(&self) -> Verdict {
        for end in [End::Complete, End::Fail, End::Abandon] {
            self.with(|mut line| {
                line.want(2);
                line.is_asked()?;
                for _ in 0..line.demand().min(2) {
                    line.next();
                }
                line.end(end);
                line.settle();
                line.returned_normally()
            })?;
        }
        Ok(())
    }

    /// All that it asked for at once, with nothing run in between: it must have
    /// room for what it requests.
    pub(super) fn spec308_must_bear_as_many_elements_as_it_has_requested(&self) -> Verdict {
        self.with(|mut line| {
            line.want(3);
            line.is_asked()?;
            for _ in 0..line.demand().min(MANY) {
                line.next();
            }
            line.settle();
            line.returned_normally()?;
            if let Some(seen) = line.seen() {
                ensure!(seen.items == line.sent(), "it has seen {} items; {line}", seen.items);
            }
            Ok(())
        })
    }

    pub(super) fn spec309_must_not_request_zero(&self) -> Verdict {
        self.with(|mut line| {
            line.is_asked()?;
            for _ in 0..64 {
                line.want(1);
                if line.demand() > 0 {
                    line.next();
                }
            }
            line.settle();
            ensure!(!line.calls().contains(&Call::Request(0)), "it has requested 0 items; {line}");
            Ok(())
        })
    }
}
