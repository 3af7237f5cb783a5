//! What a cancel does: 2.6, 2.13, 3.5 to 3.7, 3.12, 3.13, 3.15.

use std::fmt::Debug;

use super::{PublisherSuite, Subscribers};
use crate::actor::panic::contained;
use crate::flow::verify::probe::{Handle, Probe};
use crate::flow::verify::report::{Verdict, ensure};

impl<T: Debug + PartialEq + Send + 'static> PublisherSuite<T> {
    pub(super) fn spec206_a_dropped_subscription_must_count_as_cancelled(&self) -> Verdict {
        self.stops_after("its subscription was dropped", Handle::release)
    }

    pub(super) fn spec312_cancel_must_make_the_publisher_eventually_stop_signaling(&self) -> Verdict {
        self.stops_after("it cancelled", Handle::cancel)
    }

    /// In the first of many items, all of which were requested.
    fn stops_after(&self, what: &str, stop: fn(&mut Handle)) -> Verdict {
        self.with_many(|env, publisher, n| {
            let probe = Probe::reacting(env, publisher, move |at, subscription| match at {
                0 => subscription.request(n),
                1 => stop(subscription),
                _ => {}
            });
            let items = probe.items() as u64;
            ensure!(items > 0, "{n} items were requested, and none came: {probe}");
            ensure!(items < n && !probe.is_over(), "{what} in its first item, and there came {probe}");
            ensure!(probe.panics().is_empty(), "{what} in its first item: {probe}");
            Ok(())
        })
    }

    /// The environment may see the panic too, since it is to be raised there; what
    /// counts is what the publisher does then.
    pub(super) fn spec213_a_subscriber_that_panics_must_count_as_cancelled(&self) -> Verdict {
        self.with_many(|env, publisher, n| {
            let probe = Probe::reacting(env, publisher, move |at, subscription| match at {
                0 => subscription.request(n),
                1 => subscription.panic(),
                _ => {}
            });
            drop(contained(|| env.settle()));
            let items = probe.items();
            ensure!(items > 0, "{n} items were requested, and none came: {probe}");
            ensure!(items == 1 && !probe.is_over(), "it panicked in its first item, and was told more: {probe}");
            ensure!(probe.is_released(), "it panicked in its first item, and is still kept");
            Ok(())
        })
    }

    pub(super) fn spec305_cancel_must_not_synchronously_perform_heavy_computations(&self) -> Verdict {
        self.with_many(|env, publisher, n| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            env.settle();
            probe.has_begun_with(1)?;
            // Work is there to be done when the cancel comes.
            if !self.emits_in_request {
                probe.request(n - 1);
            }
            let before = probe.signals();
            probe.cancel();
            let signals = probe.signals() - before;
            ensure!(signals == 0, "cancel() had made {signals} signals before it returned: {probe}");
            Ok(())
        })
    }

    pub(super) fn spec305_cancel_must_be_possible_from_another_thread(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            env.settle();
            probe.with(Handle::cancel_elsewhere);
            env.settle();
            probe.request(1);
            env.settle();
            let stopped = probe.items() == 1 && !probe.is_over() && probe.panics().is_empty();
            ensure!(stopped, "cancelled on another thread after 1 item, and then: {probe}");
            ensure!(probe.is_released(), "cancelled on another thread, and the subscriber is still kept");
            Ok(())
        })
    }

    /// Before the publisher can have taken notice of the cancel, and after; and from
    /// inside a signal.
    pub(super) fn spec306_after_subscription_is_cancelled_request_must_be_nops(&self) -> Verdict {
        for n in [1, u64::MAX, 0] {
            self.with(3, |env, publisher| {
                let probe = Probe::subscribe(env, publisher);
                probe.with(|subscription| {
                    subscription.cancel();
                    subscription.request(n);
                });
                env.settle();
                probe.request(n);
                env.settle();
                ensure!(probe.signals() == 1, "request({n}) after a cancel, and there came {probe}");
                Ok(())
            })?;
            self.with(3, |env, publisher| {
                let probe = Probe::reacting(env, publisher, move |at, subscription| match at {
                    0 => subscription.request(1),
                    _ => {
                        subscription.cancel();
                        subscription.request(n);
                    }
                });
                let quiet = probe.items() == 1 && !probe.is_over();
                ensure!(quiet, "request({n}) after a cancel, both in the first item, and there came {probe}");
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Nor does it reach another subscription, where there may be one.
    pub(super) fn spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let other = (self.subscribers != Subscribers::One).then(|| Probe::subscribe(env, publisher));
            let probe = Probe::subscribe(env, publisher);
            probe.has_begun_with(0)?;
            for _ in 0..3 {
                probe.cancel();
                env.settle();
            }
            let signals = probe.signals();
            probe.request(2);
            env.settle();
            let quiet = probe.signals() == signals && signals == 1 && probe.panics().is_empty();
            ensure!(quiet, "cancelled three times, and there came {probe}");
            if let Some(other) = other {
                other.request(4);
                env.settle();
                let served = other.items() > 0 && other.is_complete();
                ensure!(served, "another cancelled three times, and there came {other}");
            }
            Ok(())
        })
    }

    /// Whoever keeps the subscription, and whether there was demand or not.
    pub(super) fn spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber(
        &self,
    ) -> Verdict {
        for requested in [0, 1] {
            self.with(3, |env, publisher| {
                let probe = Probe::subscribe(env, publisher);
                if requested > 0 {
                    probe.request(requested);
                    env.settle();
                }
                probe.has_begun_with(requested as usize)?;
                ensure!(!probe.is_released(), "the subscriber was dropped before it cancelled: {probe}");
                probe.cancel();
                env.settle();
                ensure!(probe.is_released(), "cancelled after {requested} items, and still kept");
                Ok(())
            })?;
            // While the publisher is in the middle of a signal to it.
            for stop in [Handle::cancel, Handle::release] {
                self.with(3, |env, publisher| {
                    let probe = Probe::reacting(env, publisher, move |at, subscription| {
                        if at as u64 == requested {
                            stop(subscription);
                        } else {
                            subscription.request(1);
                        }
                    });
                    probe.has_begun_with(requested as usize)?;
                    ensure!(probe.is_released(), "cancelled in signal {requested}, and still kept: {probe}");
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// In every state: new, in a signal, cancelled, over.
    pub(super) fn spec315_cancel_must_not_panic(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.cancel();
            probe.cancel();
            env.settle();
            probe.cancel();
            ensure!(probe.is_subscribed_first(), "subscribed, and there came {probe}");
            ensure!(probe.panics().is_empty(), "{probe}");
            Ok(())
        })?;
        self.with(3, |env, publisher| {
            let probe = Probe::reacting(env, publisher, |at, subscription| match at {
                0 => subscription.request(2),
                _ => subscription.cancel(),
            });
            ensure!(probe.items() > 0, "2 items were requested, and there came {probe}");
            ensure!(probe.panics().is_empty(), "{probe}");
            Ok(())
        })?;
        self.with(1, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(2);
            env.settle();
            ensure!(probe.is_complete(), "it did not come to its end: {probe}");
            probe.cancel();
            ensure!(probe.panics().is_empty(), "{probe}");
            Ok(())
        })
    }
}
