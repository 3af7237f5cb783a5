//! Orders that the reduction must not take for others: what comes out of all of
//! them comes out of those that it runs.
#![cfg(feature = "explore")]

#[path = "explore_orders/all_is_seen.rs"]
mod all_is_seen;
#[path = "explore_orders/lives.rs"]
mod lives;
#[path = "explore_orders/looks.rs"]
mod looks;
#[path = "explore_orders/quiet.rs"]
mod quiet;
