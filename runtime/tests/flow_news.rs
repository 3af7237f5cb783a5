//! Notify, then fetch: whatever becomes of the notices, what is stored is
//! delivered once and in order, or reported as a gap; and no more than was
//! asked for.

#![cfg(not(tidegate_loom))]

#[path = "flow_news/follower.rs"]
mod follower;
#[path = "flow_news/log.rs"]
mod log;
#[path = "flow_news/subscription.rs"]
mod subscription;
