//! Flow under exploration: the reduction leaves out no outcome of a subscription,
//! an outlet, a stage, a follower of news, a link.
#![cfg(feature = "explore")]
#![allow(clippy::print_stdout)]

#[path = "explore_flow/grain.rs"]
mod grain;
#[path = "explore_flow/outlets.rs"]
mod outlets;
#[path = "explore_flow/stores.rs"]
mod stores;
#[path = "explore_flow/subscriptions.rs"]
mod subscriptions;
#[path = "explore_flow/support.rs"]
mod support;
