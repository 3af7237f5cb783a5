//! Patterns, delivery and mailboxes explored: one of all orders that differ in
//! what matters leads to what every order leads to.
//!
//! Each program is run in every order there is, and again by the reduction,
//! without a look at random after it. What comes out must be the same, and all
//! that has to be possible must come out.
#![cfg(feature = "explore")]
// What was looked at is said.
#![allow(clippy::print_stdout)]

mod explore_patterns {
    mod support;

    mod delivery;
    mod mailboxes;
    mod patterns;
    mod routers;
    mod steps;
}
