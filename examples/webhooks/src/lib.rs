//! GitHub's webhooks as notices, and what they are about pulled over REST.
//!
//! A hybrid of push and pull, on real deliveries and real HTTP, in one process:
//!
//! ```text
//!  source ──────── webhook ───────▶ receiver ─▶ intake ─ ─ nudge ─ ─┐
//!  (deliveries,   lost, doubled,    signature   merges              ▼
//!   in order)     shuffled, forged  room                        follower
//!     ▲                                                            │ one page at a time,
//!     │ GET /deliveries?cursor=                                    │ no more than the window
//!     ├────────────────────────────────────────────────────────────┤
//!     │ GET /deliveries/{id}                                       ▼
//!     └──────────────────────────────────────────────── workers ◀─ jobs
//!                                                          │
//!                                        in their order ▶ keeper of the state
//! ```
//!
//! What travels with the push is *that* something happened. It is cheap, may be
//! lost, and is merged with others. What happened is pulled: in order, by cursor,
//! as much as there is demand for, and again if it failed.
//!
//! | file | what it is |
//! |---|---|
//! | [`corpus`], [`delivery`], [`rng`] | the real deliveries, their ids, and chance |
//! | [`source`], [`api`], [`cursor`], [`faults`] | the service that has them |
//! | [`sender`] | what becomes of webhooks on the way |
//! | [`signature`], [`receiver`], [`intake`] | taking them in |
//! | [`remote`], [`worker`] | fetching |
//! | [`facts`], [`state`], [`keeper`] | what is made of it |
//! | [`service`] | these actors, wired |
//! | [`run`], [`outcome`], [`cli`] | all of it together, and what came of it |
//! | [`client`], [`server`] | HTTP |
#![deny(unsafe_code)]

pub mod api;
pub mod cli;
pub mod client;
pub mod corpus;
pub mod cursor;
pub mod delivery;
pub mod facts;
pub mod faults;
pub mod intake;
pub mod keeper;
pub mod outcome;
pub mod receiver;
pub mod remote;
pub mod rng;
pub mod run;
pub mod sender;
pub mod server;
pub mod service;
pub mod signature;
pub mod source;
pub mod state;
pub mod worker;
