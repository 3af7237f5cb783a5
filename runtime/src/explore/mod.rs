//! Floor 7: model checking of programs made of actors.
//!
//! A program is run again and again, each time in another order: the same actors,
//! unmodified, on an executor that chooses who runs next wherever there is a
//! choice, with a clock of its own. What goes wrong in one order of a million is
//! found, made short, told as a chart, and can be run again.
//!
//! ```
//! use tidegate::explore::{Coverage, Explorer, Failure, Sim, Strategy};
//! use tidegate::prelude::*;
//!
//! struct Account(u64);
//! enum Order { Balance(Reply<u64>), Set(u64), Deposit(u64) }
//! impl Actor for Account {
//!     type Msg = Order;
//!     async fn handle(&mut self, order: Order, _: &mut Context<Self>) -> Result<(), Fault> {
//!         match order {
//!             Order::Balance(reply) => drop(reply.send(self.0)),
//!             Order::Set(balance) => self.0 = balance,
//!             Order::Deposit(amount) => self.0 += amount,
//!         }
//!         Ok(())
//!     }
//! }
//!
//! /// Two clients pay in; `careful` ones leave the sum to the account.
//! async fn pay_in(sim: Sim, careful: bool) {
//!     let account = sim.system().spawn(Account(0), Push::bounded(4));
//!     let clients = [1, 2].map(|amount| {
//!         let account = account.clone();
//!         sim.spawn("client", async move {
//!             if careful {
//!                 account.tell(Order::Deposit(amount)).await.unwrap();
//!             } else {
//!                 let balance = account.ask(Order::Balance).await.unwrap();
//!                 account.tell(Order::Set(balance + amount)).await.unwrap();
//!             }
//!         })
//!     });
//!     for client in clients {
//!         client.await;
//!     }
//!     assert_eq!(account.ask(Order::Balance).await.unwrap(), 3);
//! }
//!
//! let report = Explorer::new(Strategy::Reduced).run(|sim| pay_in(sim, false));
//! assert!(matches!(report.finding.unwrap().failure, Failure::Panicked { .. }));
//!
//! let report = Explorer::new(Strategy::Reduced).run(|sim| pay_in(sim, true));
//! report.assert_clean();
//! assert_eq!(report.coverage, Coverage::Exhausted);
//! ```
//!
//! # Where to begin
//! | for | see |
//! |---|---|
//! | a test that is explored, and run on a real runtime too | [`explore_test`](crate::explore_test) |
//! | everything that can be set | [`Explorer`], [`Strategy`] |
//! | what a body can do, and properties | [`Sim`] |
//! | what may go wrong around it | [`Faults`] |
//! | what came of it | [`Report`], [`Finding`] |
//! | whether the reduction can be trusted | [`selftest`] |
//!
//! # What a step is
//! A step is one poll of one task. Explored, an actor handles one message in a
//! step, and a step ends before its second visible thing that is awaited: a `tell`,
//! an `ask`, a `reserve`, an item that is sent, each copy of one that is broadcast, a
//! page that is fetched. What is not awaited cannot be cut: two `try_tell` in a row
//! are one step, so nothing comes between them here, as it might on
//! several threads; between a `try_tell` and a `tell` others do come.
//!
//! Patterns do as much in a step. A [router](crate::pattern::Router) chooses in
//! one and sends in another, to each member in one of its own; a
//! [topic](crate::pattern::Topic) with `publish_waiting` gives each subscriber its copy in
//! a step; a courier takes a message in one and delivers it in another. `publish`
//! and a `try_tell` of a router are one step, however many they reach.
//!
//! A step is ended as tokio's cooperative budget ends one: what could go on says
//! [`Poll::Pending`](std::task::Poll::Pending) and wakes its task. Who asks a future only
//! once (`now_or_never`, a `select` that prefers one side) may hear that, too, of what
//! is there; `try_recv` and the like tell the truth.
//!
//! # What is not seen
//! - Memory that is shared past the runtime, an `Arc<Mutex<_>>` in two handlers: runs
//!   are right, but [`Strategy::Reduced`] does not know that their order matters, and
//!   only its [cross-check](Explorer::cross_check) may find out. [`Shared`] is seen.
//! - Orders of single memory accesses: that is loom's business.
//! - Time that passes while something can run, unless
//!   [`any_time`](Explorer::any_time) is said: a handler takes no time.
//! - Numbers that measure how things were delivered and are part of no rule:
//!   [`polls`](crate::MailboxStats::polls), [`high_water`](crate::MailboxStats::high_water),
//!   times. No order is run by [`Strategy::Reduced`] for their sake.
//! - What a future of your own remembers of a single look in vain. Whether a step
//!   that looked at one thing, did not find it, and went to sleep comes before or
//!   after another makes no difference to an `.await`, a `select` or a `join`, so it is
//!   not tried; to a `poll_fn` that counts its polls it does.
//! - Threads, sockets, other runtimes: using one is found and named, where it wakes
//!   or panics. One that is blocked on inside a step, a thread that is joined,
//!   `thread::sleep`, a runtime's `block_on`, only takes real time, and a loop that never
//!   awaits has a step without an end. Who catches panics keeps what they say to himself.
//! - Time of `std::time` and random numbers from elsewhere, until the program does
//!   something else for them than the last time: the first and the last schedule are run
//!   twice, and so is what is found.

pub mod against;
#[cfg(all(test, not(tidegate_loom)))]
mod audit;
mod clock;
mod escape;
mod executor;
mod explorer;
mod faults;
#[doc(hidden)]
pub mod harness;
mod leaks;
mod monitor;
#[cfg(feature = "tokio")]
mod on_tokio;
mod properties;
// Any runtime would do; tokio is the one there is.
#[cfg_attr(not(feature = "tokio"), allow(dead_code))]
mod real;
mod report;
mod run;
mod sameness;
mod schedule;
pub mod selftest;
mod shared;
mod shrink;
mod sim;
mod story;
mod strategy;
mod trace;

pub use self::explorer::{Explorer, Outcome, Strategy};
pub use self::faults::Faults;
pub use self::monitor::Flaw;
pub use self::report::{Coverage, Finding, Report};
pub use self::schedule::{NoSchedule, Schedule};
pub use self::shared::Shared;
pub use self::sim::{Sim, Task};
pub use self::trace::Failure;
