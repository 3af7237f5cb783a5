//! How a subscription begins, and for how many: 1.9, 1.11, 2.12.

use std::fmt::Debug;

use super::{PublisherSuite, Subscribers};
use crate::flow::verify::probe::{Probe, Signal};
use crate::flow::verify::report::{Verdict, ensure};

impl<T: Debug + PartialEq + Send + 'static> PublisherSuite<T> {
    pub(super) fn spec109_must_issue_on_subscribe_before_all_other_signals(&self) -> Verdict {
        for n in [1, 0] {
            self.with(n, |env, publisher| {
                let probe = Probe::subscribe(env, publisher);
                ensure!(probe.is_subscribed_first(), "subscribed to {n} items, and there came {probe}");
                Ok(())
            })?;
        }
        Ok(())
    }

    pub(super) fn spec109_subscribe_must_return_normally(&self) -> Verdict {
        self.with(1, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            ensure!(probe.panics().is_empty(), "{probe}");
            ensure!(probe.is_subscribed_first(), "subscribed, and there came {probe}");
            // Also for who comes when it does not suit.
            let second = Probe::subscribe(env, publisher);
            ensure!(second.panics().is_empty(), "the second subscriber: {second}");
            Ok(())
        })
    }

    pub(super) fn spec109_rejection_must_trigger_on_error_after_on_subscribe(&self) -> Verdict {
        self.with_rejecting(|env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            let rejected = probe.is_subscribed_first() && probe.failed_with(|_| true) && probe.items() == 0;
            ensure!(rejected, "refused, and there came {probe}");
            Ok(())
        })
    }

    pub(super) fn spec111_may_support_multi_subscribe(&self) -> Verdict {
        self.serves_at_least(Subscribers::Many)?;
        self.with(1, |env, publisher| {
            let probes = [Probe::subscribe(env, publisher), Probe::subscribe(env, publisher)];
            for probe in probes {
                let accepted = probe.is_subscribed_first() && !probe.failed_with(|_| true);
                ensure!(accepted, "it serves many, and of two subscribers one was told {probe}");
            }
            Ok(())
        })
    }

    pub(super) fn spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals(&self) -> Verdict {
        self.serves_at_least(Subscribers::Many)?;
        self.with(4, |env, publisher| {
            let probes = [Probe::subscribe(env, publisher), Probe::subscribe(env, publisher)];
            for _ in 0..5 {
                probes.iter().for_each(|probe| probe.request(1));
                env.settle();
            }
            for probe in probes {
                ensure!(probe.items() > 0 || probe.is_complete(), "5 of 4 items were requested, there came {probe}");
            }
            Ok(())
        })
    }

    /// 1.1 is about each subscription: one that is quick has no say in what others get.
    pub(super) fn spec111_must_not_send_to_one_subscriber_what_another_has_requested(&self) -> Verdict {
        self.serves_at_least(Subscribers::Many)?;
        self.with(4, |env, publisher| {
            let [quick, slow] = [Probe::subscribe(env, publisher), Probe::subscribe(env, publisher)];
            quick.request(4);
            env.settle();
            ensure!(slow.is_subscribed_first(), "subscribed, and there came {slow}");
            ensure!(slow.items() == 0, "nothing was requested, and 4 items by another, and there came {slow}");
            slow.request(1);
            env.settle();
            let (quick_has, slow_has) = (quick.items(), slow.items());
            ensure!(slow_has <= 1, "1 item was requested, and 4 by another, and there came {slow}");
            ensure!(quick_has + slow_has > 0, "4 items and 1 were requested, and none came: {quick}; {slow}");
            Ok(())
        })
    }

    pub(super) fn spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one(&self) -> Verdict {
        self.serves_the_same([1; 6])
    }

    pub(super) fn spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront(&self) -> Verdict {
        self.serves_the_same([6])
    }

    fn serves_the_same<const N: usize>(&self, requests: [u64; N]) -> Verdict {
        self.serves_at_least(Subscribers::Same)?;
        self.with(5, |env, publisher| {
            let probes = [0; 3].map(|_| Probe::subscribe(env, publisher));
            for n in requests {
                // Not in the same order each time.
                probes.iter().rev().for_each(|probe| probe.request(n));
                env.settle();
            }
            let [first, others @ ..] = &probes;
            ensure!(first.items() == 5 && first.is_complete(), "6 of 5 items were requested, there came {first}");
            for probe in others {
                ensure!(probe.items() == 5 && probe.is_complete(), "6 of 5 items were requested, there came {probe}");
                ensure!(probe.agrees_with(first), "one was sent {first}, another {probe}");
            }
            Ok(())
        })
    }

    /// Neither at once nor when it begins to send.
    pub(super) fn spec212_must_not_call_on_subscribe_more_than_once(&self) -> Verdict {
        self.with(3, |env, publisher| {
            let probe = Probe::subscribe(env, publisher);
            probe.request(1);
            env.settle();
            probe.request(3);
            env.settle();
            probe.has_begun_with(3)?;
            let times = probe.count(|signal| matches!(signal, Signal::Subscribed));
            ensure!(times == 1, "subscribed once, and on_subscribe came {times} times: {probe}");
            Ok(())
        })
    }
}
