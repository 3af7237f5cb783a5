//! The runtime itself, explored: each scenario in every order, or in 20,000
//! schedules and more. What has to hold is asserted in every run, and what has
//! to be possible is asserted of all runs together, so that no scenario passes
//! because nothing happens in it.
#![cfg(feature = "explore")]
// What was looked at is said.
#![allow(clippy::print_stdout)]

mod explore_runtime {
    mod support;

    mod delivery;
    mod endings;
    mod flows;
    mod later;
    mod patterns;
    mod supervision;
    mod waits;
    mod work;
}
