//! Floor 6: patterns, built from actors and mailboxes alone.
//!
//! Nothing here can do what a program could not do by itself: each is a way of
//! using the floors below that is worth having once, tested.

mod breaker;
mod pool;
mod router;
mod topic;

pub use self::breaker::{BreakerBuilder, BreakerCounts, BreakerError, BreakerPass, BreakerState, CircuitBreaker};
pub use self::pool::{Pool, PoolBuilder};
pub use self::router::{Members, RouteAskError, RouteError, Router, Routing};
pub use self::topic::{Lag, Lagged, Published, SubscriberStats, Subscription, Topic};
