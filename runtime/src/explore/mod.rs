//! Floor 7: model checking of programs made of actors.

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
pub use self::sim::{Sim, Task};
pub use self::trace::Failure;
