//! How a subscription ends by itself: 1.4 to 1.8.

use std::fmt::Debug;

use super::PublisherSuite;
use crate::flow::reactive::Publisher;
use crate::flow::verify::environment::Environment;
use crate::flow::verify::probe::Probe;
use crate::flow::verify::report::{Verdict, ensure};

impl<T: Debug + PartialEq + Send + 'static> PublisherSuite<T> {
    pub(super) fn spec104_must_signal_on_error_when_it_fails(&self) -> Verdict {
        self.with_failing(|env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(17);
            env.settle();
            ensure!(probe.failed_with(|_| true), "it fails, and does not end by on_error: {probe}");
            Ok(())
        })
    }

    pub(super) fn spec105_must_signal_on_complete_when_finite_stream_terminates(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            for _ in 0..3 {
                probe.request(1);
                env.settle();
                ensure!(probe.items() == 3 || !probe.is_over(), "over before its 3 items had come: {probe}");
            }
            // A publisher may have to be asked for one more to see that there is none.
            probe.request(1);
            env.settle();
            ensure!(probe.items() == 3 && probe.is_complete(), "3 items, and no on_complete behind them: {probe}");
            Ok(())
        })
    }

    pub(super) fn spec105_empty_stream_must_terminate_by_signalling_on_complete(&self) -> Verdict {
        self.with(0, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            env.settle();
            ensure!(probe.items() == 0 && probe.is_complete(), "there are no items, and no on_complete: {probe}");
            Ok(())
        })
    }

    pub(super) fn spec106_must_consider_subscription_cancelled_after_on_complete(&self) -> Verdict {
        self.with(1, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(2);
            env.settle();
            probe.has_begun_with(1)?;
            ensure!(probe.is_complete(), "it did not come to its end: {probe}");
            Self::is_as_cancelled(env, &probe)
        })
    }

    pub(super) fn spec106_must_consider_subscription_cancelled_after_on_error(&self) -> Verdict {
        self.with_failing(|env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(17);
            env.settle();
            ensure!(probe.failed_with(|_| true), "it did not fail: {probe}");
            Self::is_as_cancelled(env, &probe)
        })
    }

    /// As 3.6 and 3.7 say of one that is cancelled.
    fn is_as_cancelled(env: &Environment, probe: &Probe<T>) -> Verdict {
        let (signals, panics) = (probe.signals(), probe.panics().len());
        probe.with(|subscription| {
            subscription.request(1);
            subscription.request(0);
            subscription.cancel();
            subscription.cancel();
            subscription.request(1);
            subscription.release();
        });
        env.settle();
        let same = probe.signals() == signals && probe.panics().len() == panics;
        ensure!(same, "request and cancel after the terminal were no NOPs: {probe}");
        Ok(())
    }

    /// When all is quiet, so that no terminal can be on its way; and from within
    /// the very first signal.
    pub(super) fn spec108_cancelled_subscription_should_not_receive_terminal_signals(&self) -> Verdict {
        self.with(2, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            env.settle();
            probe.has_begun_with(1)?;
            probe.cancel();
            env.settle();
            ensure!(!probe.is_over(), "cancelled in the middle, and then: {probe}");
            Ok(())
        })?;
        let cancelled_at_once = |env: &Environment, publisher: &dyn Publisher<Item = T>| {
            let probe = Probe::reacting(env, publisher, |at, subscription| {
                if at == 0 {
                    subscription.request(17);
                    subscription.cancel();
                }
            });
            ensure!(probe.is_subscribed_first(), "subscribed, and there came {probe}");
            ensure!(!probe.is_over(), "cancelled in on_subscribe, and then: {probe}");
            Ok(())
        };
        self.with(2, cancelled_at_once)?;
        match &self.failing {
            Some(_) => self.with_failing(cancelled_at_once),
            None => Ok(()),
        }
    }
}
