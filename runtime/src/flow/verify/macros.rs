//! One test for each check. The names of the checks stand here and nowhere
//! else: the tables of the suites are made from the same lists.

/// Hands the names of all checks of publishers to a macro, behind some arguments.
#[doc(hidden)]
#[macro_export]
macro_rules! __publisher_checks {
    ([$($then:tt)*] [$($args:tt)*]) => {
        $($then)* { [$($args)*]
            create_1_must_produce_a_stream_of_exactly_1_element
            create_3_must_produce_a_stream_of_exactly_3_elements
            spec101_subscription_request_must_result_in_the_correct_number_of_produced_elements
            spec102_may_signal_less_than_requested_and_terminate_subscription
            spec104_must_signal_on_error_when_it_fails
            spec105_must_signal_on_complete_when_finite_stream_terminates
            spec105_empty_stream_must_terminate_by_signalling_on_complete
            spec106_must_consider_subscription_cancelled_after_on_complete
            spec106_must_consider_subscription_cancelled_after_on_error
            spec108_cancelled_subscription_should_not_receive_terminal_signals
            spec109_must_issue_on_subscribe_before_all_other_signals
            spec109_subscribe_must_return_normally
            spec109_rejection_must_trigger_on_error_after_on_subscribe
            spec111_may_support_multi_subscribe
            spec111_registered_subscribers_must_receive_on_next_or_on_complete_signals
            spec111_must_not_send_to_one_subscriber_what_another_has_requested
            spec111_multicast_must_produce_the_same_elements_when_requesting_one_by_one
            spec111_multicast_must_produce_the_same_elements_when_requesting_many_upfront
            spec206_a_dropped_subscription_must_count_as_cancelled
            spec212_must_not_call_on_subscribe_more_than_once
            spec213_a_subscriber_that_panics_must_count_as_cancelled
            spec302_must_allow_synchronous_request_calls_from_on_next_and_on_subscribe
            spec304_request_should_not_perform_heavy_computations
            spec305_cancel_must_not_synchronously_perform_heavy_computations
            spec305_cancel_must_be_possible_from_another_thread
            spec306_after_subscription_is_cancelled_request_must_be_nops
            spec307_after_subscription_is_cancelled_additional_cancellations_must_be_nops
            spec308_requests_must_add_up
            spec309_request_zero_must_signal_invalid_demand
            spec312_cancel_must_make_the_publisher_eventually_stop_signaling
            spec313_cancel_must_make_the_publisher_eventually_drop_all_references_to_the_subscriber
            spec315_cancel_must_not_panic
            spec316_request_must_not_panic
            spec317_must_support_a_pending_element_count_up_to_the_maximum
            spec317_must_support_a_cumulative_pending_element_count_up_to_the_maximum
            spec317_must_not_signal_on_error_when_pending_above_the_maximum
        }
    };
}

/// The same for subscribers.
#[doc(hidden)]
#[macro_export]
macro_rules! __subscriber_checks {
    ([$($then:tt)*] [$($args:tt)*]) => {
        $($then)* { [$($args)*]
            exercise_happy_path
            spec201_must_signal_demand_via_subscription_request
            spec201_must_go_on_requesting_or_cancel
            spec202_should_asynchronously_dispatch
            spec203_must_not_call_methods_on_subscription_in_on_complete
            spec203_must_not_call_methods_on_subscription_in_on_error
            spec204_must_consider_the_subscription_as_cancelled_after_on_complete
            spec204_must_consider_the_subscription_as_cancelled_after_on_error
            spec205_must_cancel_a_second_subscription_and_keep_the_first
            spec206_must_cancel_its_subscription_if_it_is_no_longer_needed
            spec206_must_release_its_subscription_when_it_is_dropped
            spec208_must_be_prepared_to_receive_on_next_after_having_cancelled
            spec209_must_be_prepared_to_receive_on_complete_with_preceding_request_call
            spec209_must_be_prepared_to_receive_on_complete_without_preceding_request_call
            spec210_must_be_prepared_to_receive_on_error_with_preceding_request_call
            spec210_must_be_prepared_to_receive_on_error_without_preceding_request_call
            spec213_signals_must_return_normally
            spec308_must_bear_as_many_elements_as_it_has_requested
            spec309_must_not_request_zero
        }
    };
}

/// The same for processors, beyond those of publishers and subscribers.
#[doc(hidden)]
#[macro_export]
macro_rules! __processor_checks {
    ([$($then:tt)*] [$($args:tt)*]) => {
        $($then)* { [$($args)*]
            spec104_must_call_on_error_on_all_its_subscribers
            spec206_must_cancel_upstream_when_nobody_is_left_downstream
            spec401_must_request_from_upstream_for_elements_that_have_been_requested_long_ago
            spec401_must_send_on_all_that_it_has_requested
            spec402_must_immediately_pass_on_on_error_events
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __verify_tests {
    ([$suite:expr] $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $crate::flow::verify::Suite::assert(&$suite, stringify!($check));
            }
        )*
    };
}

/// A module of tests: one for each check of publishers, on what the
/// [`PublisherSuite`](crate::flow::verify::PublisherSuite) makes, which is made
/// anew for each of them.
///
/// ```
/// use tidegate::flow::reactive::from_iter;
/// use tidegate::flow::verify::PublisherSuite;
///
/// tidegate::verify_publisher!(ranges, PublisherSuite::new(|env, n| from_iter(env.system(), 0..n)));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! verify_publisher {
    ($name:ident, $suite:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::__publisher_checks!([$crate::__verify_tests!][$suite]);
        }
    };
}

/// A module of tests: one for each check of subscribers, on what the
/// [`SubscriberSuite`](crate::flow::verify::SubscriberSuite) makes.
///
/// ```
/// use tidegate::Fault;
/// use tidegate::flow::reactive::{Subscriber, Subscription};
/// use tidegate::flow::verify::{Subject, SubscriberSuite};
///
/// #[derive(Default)]
/// struct Sum { total: u64, subscription: Option<Box<dyn Subscription>> }
/// impl Subscriber<u64> for Sum {
///     fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) {
///         if self.subscription.is_none() {
///             subscription.request(u64::MAX);
///             self.subscription = Some(subscription);
///         }
///     }
///     fn on_next(&mut self, item: u64) { self.total += item }
///     fn on_error(self: Box<Self>, _: Fault) {}
///     fn on_complete(self: Box<Self>) {}
/// }
///
/// tidegate::verify_subscriber!(sums, SubscriberSuite::new(|_env| Subject::new(Sum::default()), |n| n));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! verify_subscriber {
    ($name:ident, $suite:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            $crate::__subscriber_checks!([$crate::__verify_tests!][$suite]);
        }
    };
}

/// A module of tests: one for each check of processors, on what the
/// [`ProcessorSuite`](crate::flow::verify::ProcessorSuite) makes. In it, those of
/// publishers and of subscribers are in modules of their own.
///
/// ```
/// use tidegate::flow::verify::ProcessorSuite;
/// # use tidegate::flow::reactive::{Publisher, Subscriber, Processor};
/// # struct Halve;
/// # impl Processor<u64> for Halve {
/// #     type Out = u64;
/// #     fn split(self) -> (Box<dyn Subscriber<u64>>, Box<dyn Publisher<Item = u64>>) { unimplemented!() }
/// # }
/// tidegate::verify_processor!(halves, ProcessorSuite::new(|_env| Halve, |n| n));
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! verify_processor {
    ($name:ident, $suite:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            mod as_publisher {
                #[allow(unused_imports)]
                use super::*;
                $crate::__publisher_checks!([$crate::__verify_tests!][$suite.as_publisher()]);
            }
            mod as_subscriber {
                #[allow(unused_imports)]
                use super::*;
                $crate::__subscriber_checks!([$crate::__verify_tests!][$suite.as_subscriber()]);
            }
            $crate::__processor_checks!([$crate::__verify_tests!][$suite]);
        }
    };
}
