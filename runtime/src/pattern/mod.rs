//! Floor 6: patterns, built from actors and mailboxes alone.
//!
//! Nothing here can do what a program could not do by itself: each is a way of
//! using the floors below that is worth having once, tested.
//!
//! | to | take |
//! |---|---|
//! | send to one of several actors | [`Router`] |
//! | have several workers of one kind | [`Pool`], to which messages are pushed; [`Workers`], which pull them |
//! | tell everybody who cares | [`Topic`] |
//! | lose no message to a worker that fails | [`Courier`], [`Workers`] |
//! | do nothing twice | [`Dedup`] |
//! | leave alone what does not answer | [`CircuitBreaker`] |
//! | have an actor change what it does | [`Behavior`] |

mod behavior;
mod breaker;
mod dedup;
mod delivery;
mod pool;
mod router;
mod topic;
mod workers;

pub use self::behavior::{Behaving, Behavior};
pub use self::breaker::{BreakerBuilder, BreakerCounts, BreakerError, BreakerPass, BreakerState, CircuitBreaker};
pub use self::dedup::{Claim, Dedup, Novelty};
pub use self::delivery::courier::{Courier, CourierBuilder};
pub use self::delivery::keys::KeyStats;
pub use self::delivery::quarantine::{Quarantine, Quarantined};
pub use self::delivery::targets::WorkerStats;
pub use self::delivery::terms::DeliveryStats;
pub use self::delivery::{Delivery, DeliveryId, Receipt};
pub use self::pool::{Pool, PoolBuilder};
pub use self::router::{Members, RouteAskError, RouteError, Router, Routing};
pub use self::topic::{Lag, Lagged, Published, SubscriberStats, Subscription, Topic};
pub use self::workers::{Workers, WorkersBuilder};
