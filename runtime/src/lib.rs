//! Actors whose mailboxes push, pull, or do both: how messages are delivered
//! is a setting of the mailbox, not a property of the architecture.
//!
//! # Choose a mailbox
//!
//! | you have | take | a sender without a grant |
//! |---|---|---|
//! | a consumer that keeps up, latency first | [`Push::bounded(n)`](Push::bounded) | waits |
//! | work that is slow, or varies; several workers | [`Pull::window(n)`](Pull::window), [`Pull::one_by_one()`](Pull::one_by_one) | waits |
//! | a load that swings | [`Adaptive::window(n)`](Adaptive::window) | waits |
//! | only the newest matters | [`Overflow::Latest`], [`Mailbox::conflate`] | goes on; older messages go |
//! | a source that cannot wait, loss acceptable | [`Overflow::DropOldest`], [`Overflow::DropNewest`] | goes on; drops are counted |
//! | somebody else who decides | [`Overflow::Reject`] | gets the message back |
//!
//! The same actor, handler and [`ActorRef`] run under each of them, and a
//! mailbox can be changed from one to another [while it
//! runs](ActorRef::reconfigure).
//!
//! # One number
//! Every accepted message has a sequence number, and a sender may claim
//! sequence `t` only while `t < min(requested, taken + capacity)`. Push is
//! demand without end; pull is demand that the actor moves; adaptive changes
//! between them.
//!
//! # An actor
//! ```
//! use tidegate::prelude::*;
//!
//! #[derive(Default)]
//! struct Counter { total: u64 }
//!
//! #[actor]
//! impl Counter {
//!     #[message] async fn add(&mut self, n: u64) { self.total += n }
//!     #[message] fn total(&self) -> u64 { self.total }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let system = System::new();
//!     let counter = system.spawn(Counter::default(), Push::bounded(1024));
//!     counter.add(2).await?;
//!     assert_eq!(counter.total().await?, 2);
//!     Ok(())
//! }
//! ```
//!
//! # Around it
//!
//! | you need | see |
//! |---|---|
//! | actors that fail and begin anew, children, strategies, links | [`supervision`], [`Restart`], [`Context::build_child`], [`Context::watch`] |
//! | several of a kind, by name, by turn or by key | [`System::register`], [`Group`], [`pattern::Router`], [`System::pool`] |
//! | news for all who want it | [`pattern::Topic`] |
//! | work that must be done, and done once | [`pattern::Courier`], [`pattern::Dedup`], [`pattern::Workers`] |
//! | something outside that fails | [`pattern::CircuitBreaker`] |
//! | demand through a whole pipeline | [`flow`], [`System::subscribe`], [`flow::Source`], [`flow::Demand`] |
//! | messages for later | [`Context::stash`], [`Context::timers`], [`Deadline`] |
//! | states that handle messages differently | [`pattern::Behavior`] |
//! | actors that block, or are not `Send` | [`Spawn::on`] and the feature `thread` |
//! | an end in order | [`System::shutdown_in_phases`] |
//! | to know what goes on | [`System::inspect`], [`System::explain`], [`DeadLetters`] |
//! | tests that do not sleep | [`ManualExecutor`], the feature `testkit` |
//! | tests in every order | the feature `explore`, its attribute `explore_test` |
//!
//! # Features
//! `tokio` and `macros` are on by default. `serde`: mailboxes from
//! configuration files. `tracing`: a span for each actor and each message, and
//! events. `metrics`: counters, gauges and histograms, and how long messages
//! wait and take. `thread`: actors on threads of their own, for what blocks, and
//! actors that are not `Send`.
//! `actix`: actors on actix arbiters, and bridges both ways. `futures` and `tower`:
//! [bridges](interop) to sinks and services; streams are [sources](flow::Source)
//! without any feature. `testkit`: probes,
//! virtual time and faults for the tests of your actors. `explore`: model checking
//! of your actors, in every order of their steps; `proptest`: commands for it, made at
//! random. `signal`: a shutdown on Ctrl-C.
//!
//! # What is promised
//! - **At most once**, within a process: a message that was accepted is
//!   handled, or counted among the dead letters with its reason. At least once
//!   with a [`Courier`](pattern::Courier), and once in effect with
//!   [`Dedup`](pattern::Dedup).
//! - **Order of each sender**: messages of one sender are handled in the order
//!   in which they were accepted, under every mode and policy. Between senders
//!   no order is promised.
//! - **Bounded memory**, unless `unbounded` is written.
//! - **Control first**: stops, kills, deaths, timers and reconfiguration pass
//!   every queued message, and no policy can drop or delay them.
//!
//! Not promised: delivery across a crash of the process; that an error
//! returned by a handler reaches the sender; fairness between senders beyond
//! first in, first out among those that wait.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod actor;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub mod explore;
pub mod flow;
#[cfg(any(feature = "actix", feature = "futures", feature = "tower"))]
pub mod interop;
pub mod mailbox;
pub mod pattern;
pub mod supervision;
mod sync;
pub mod system;
#[cfg(feature = "testkit")]
pub mod testkit;

pub use actor::{
    Activity, Actor, ActorId, ActorPath, ActorRef, AnswerFuture, AskError, BoxTask, Context, Deadline, Deadlocks,
    Escalated, Executor, Fault, InFlight, LinkFailed, Missed, Panic, Reply, StashFull, StopReason, Stopped, TellRef,
    Terminated, TimerHandle, Timers, Waiting, WaitingFor, WeakActorRef,
};
pub use mailbox::{
    Adaptive, Admission, Closed, Cycle, DeadLetter, DeadLetterSubscription, DeadLetters, Deadlock, DropCounts,
    DropReason, Histogram, Level, Mailbox, MailboxStats, Mode, ModeSwitch, Overflow, Permit, Permits, Pressure, Pull,
    Push, ReserveError, ReserveManyError, SendError, Strategy, SwitchReason, TellWithinError, Thresholds, Timing,
    TryReserveError, Watermarks,
};
#[cfg(feature = "serde")]
pub use mailbox::{ConfigError, MailboxConfig};
pub use supervision::{Backoff, OnLimit, Restart, Supervision};
#[cfg(feature = "thread")]
pub use system::ThreadExecutor;
#[cfg(feature = "tokio")]
pub use system::TokioExecutor;
pub use system::{
    ActorInspection, ChangeSubscription, Explanation, FlowInspection, Group, GroupEvent, Inspection, LateActor,
    LookupError, ManualExecutor, NameEvent, NameTaken, Named, Phase, PhaseReport, Registration, Shutdown,
    ShutdownReport, Spawn, StartError, System, SystemBuilder, block_on,
};
#[cfg(any(feature = "thread", feature = "actix"))]
pub use system::{Local, LocalActor, LocalExecutor};
#[cfg(feature = "macros")]
pub use tidegate_macros::actor;
#[cfg(all(feature = "explore", feature = "macros", not(tidegate_loom)))]
pub use tidegate_macros::explore_test;

/// What most programs need.
pub mod prelude {
    #[cfg(feature = "macros")]
    pub use crate::actor;
    pub use crate::{
        Actor, ActorRef, Adaptive, Admission, AskError, Context, Fault, Mailbox, Overflow, Pull, Push, Reply, Restart,
        SendError, StopReason, System, Terminated, Watermarks,
    };
}

/// The examples of the README, compiled and run.
#[cfg(all(doctest, feature = "tokio", feature = "macros"))]
#[doc = include_str!("../../README.md")]
struct Readme;
