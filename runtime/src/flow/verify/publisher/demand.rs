//! What `request` does: 3.2, 3.4, 3.8, 3.9, 3.16, 3.17, and with them 1.1, 1.2.

use std::fmt::Debug;

use super::PublisherSuite;
use crate::flow::reactive::InvalidDemand;
use crate::flow::verify::probe::{Probe, Signal};
use crate::flow::verify::report::{Stop, Verdict, ensure};

impl<T: Debug + PartialEq + Send + 'static> PublisherSuite<T> {
    pub(super) fn create_1_must_produce_a_stream_of_exactly_1_element(&self) -> Verdict {
        self.produces_exactly(1)
    }

    pub(super) fn create_3_must_produce_a_stream_of_exactly_3_elements(&self) -> Verdict {
        self.produces_exactly(3)
    }

    fn produces_exactly(&self, n: u64) -> Verdict {
        self.with(n, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(n + 1);
            env.settle();
            ensure!(probe.items() as u64 == n, "made with {n} items, and sent {}: {probe}", probe.items());
            Ok(())
        })
    }

    /// In steps, so that too many are seen, and too few.
    pub(super) fn spec101_subscription_request_must_result_in_the_correct_number_of_produced_elements(
        &self,
    ) -> Verdict {
        self.with(8, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            ensure!(probe.items() == 0, "nothing was requested, and there came {probe}");
            let mut requested = 0;
            for n in [1, 2, 3] {
                probe.request(n);
                requested += n;
                env.settle();
                let items = probe.items() as u64;
                ensure!(items == requested, "{requested} of 8 items were requested, {items} came: {probe}");
            }
            Ok(())
        })?;
        // Nor by its own batches, if it has any: they are smaller than that.
        self.with_many(|env, publisher, n| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(n / 2 + 1);
            env.settle();
            let (wanted, items) = (n / 2 + 1, probe.items() as u64);
            ensure!(items == wanted, "{wanted} of {n} items were requested, {items} came");
            Ok(())
        })
    }

    pub(super) fn spec102_may_signal_less_than_requested_and_terminate_subscription(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(10);
            env.settle();
            ensure!(probe.items() == 3 && probe.is_complete(), "10 of 3 items were requested, there came {probe}");
            Ok(())
        })
    }

    /// The subscriber asks for each item from inside the signal before it.
    pub(super) fn spec302_must_allow_synchronous_request_calls_from_on_next_and_on_subscribe(&self) -> Verdict {
        self.with(5, |env, publisher| {
            let probe = Probe::reacting(env, publisher, |_, subscription| subscription.request(1));
            ensure!(probe.items() == 5, "5 items were requested one by one, each in the signal before; {probe}");
            Ok(())
        })
    }

    pub(super) fn spec304_request_should_not_perform_heavy_computations(&self) -> Verdict {
        if self.emits_in_request {
            return Err(Stop::Skipped("its request sends items, as 3.10 permits".to_owned()));
        }
        self.with_many(|env, publisher, n| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(n);
            let items = probe.items();
            ensure!(items == 0, "request({n}) had sent {items} items before it returned");
            env.settle();
            ensure!(probe.items() as u64 == n, "of {n} items requested at once, {} came", probe.items());
            Ok(())
        })
    }

    /// Several before any is served.
    pub(super) fn spec308_requests_must_add_up(&self) -> Verdict {
        self.with(8, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.with(|subscription| {
                subscription.request(3);
                subscription.request(1);
                subscription.request(2);
            });
            env.settle();
            ensure!(probe.items() == 6, "3 + 1 + 2 of 8 items were requested, {} came: {probe}", probe.items());
            Ok(())
        })
    }

    pub(super) fn spec309_request_zero_must_signal_invalid_demand(&self) -> Verdict {
        self.with(5, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            env.settle();
            probe.has_begun_with(1)?;
            probe.request(0);
            env.settle();
            let is_invalid =
                probe.failed_with(|fault| fault.source().is_some_and(|source| source.is::<InvalidDemand>()));
            ensure!(is_invalid, "request(0) was not answered by on_error with InvalidDemand: {probe}");
            Ok(())
        })
    }

    /// In every state: new, in demand, in a signal, over, cancelled.
    pub(super) fn spec316_request_must_not_panic(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::reacting(env, publisher, |_, subscription| {
                subscription.request(1);
                subscription.request(u64::MAX);
            });
            probe.request(1);
            env.settle();
            probe.request(u64::MAX);
            probe.request(0);
            env.settle();
            ensure!(probe.is_subscribed_first(), "subscribed, and there came {probe}");
            ensure!(probe.panics().is_empty(), "{probe}");
            Ok(())
        })?;
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            probe.cancel();
            for n in [1, u64::MAX, 0] {
                probe.request(n);
                env.settle();
            }
            ensure!(probe.is_subscribed_first(), "subscribed, and there came {probe}");
            ensure!(probe.panics().is_empty(), "{probe}");
            Ok(())
        })?;
        self.with(1, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(2);
            env.settle();
            probe.has_begun_with(1)?;
            ensure!(probe.is_complete(), "it did not come to its end: {probe}");
            for n in [1, u64::MAX, 0] {
                probe.request(n);
                env.settle();
            }
            ensure!(probe.panics().is_empty(), "{probe}");
            Ok(())
        })
    }

    pub(super) fn spec317_must_support_a_pending_element_count_up_to_the_maximum(&self) -> Verdict {
        self.requested_without_bound(|probe| probe.request(u64::MAX))
    }

    /// By one more than there are numbers, before anything is sent.
    pub(super) fn spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum(&self) -> Verdict {
        self.requested_without_bound(|probe| {
            probe.with(|subscription| {
                subscription.request(u64::MAX / 2);
                subscription.request(u64::MAX / 2);
                subscription.request(1);
                subscription.request(1);
            });
        })
    }

    fn requested_without_bound(&self, request: impl FnOnce(&Probe<T>)) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            request(&probe);
            env.settle();
            ensure!(probe.items() == 3 && probe.is_complete(), "u64::MAX items were requested, there came {probe}");
            Ok(())
        })
    }

    pub(super) fn spec317_must_not_signal_on_error_when_pending_above_the_maximum(&self) -> Verdict {
        self.with(8, |env, publisher| {
            let probe = Probe::reacting(env, publisher, |at, subscription| {
                subscription.request(if at == 0 { 1 } else { u64::MAX - 1 });
                if at > 0 {
                    subscription.request(u64::MAX - 1);
                }
            });
            let failed = probe.count(|signal| matches!(signal, Signal::Error(_))) > 0;
            ensure!(!failed && probe.items() == 8, "demand went beyond u64::MAX, and there came {probe}");
            Ok(())
        })
    }
}
