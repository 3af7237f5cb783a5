//! Checks for the rules of Reactive Streams, with the feature `testkit`: for your
//! publishers, subscribers and processors as for ours.
//!
//! A port of the specification's
//! [TCK](https://github.com/reactive-streams/reactive-streams-jvm/tree/v1.0.4/tck),
//! with the names of its tests, and with checks for rules that it leaves
//! untested since on a JVM they cannot be seen: 1.6, 1.8, 2.4, 2.6, 2.13, 3.4,
//! 3.5, 3.15, 3.16. It differs in one more thing. The TCK waits 100 ms and says
//! that nothing came; here nothing runs but in [`Environment::settle`], so that
//! nothing came is a fact. Rules that the types keep have no check; [`RULES`]
//! says what keeps each.
//!
//! A subject that does nothing passes no check of what it does: one that needs an
//! item, or demand, is violated where there is none, and says what it missed.
//!
//! # Limits
//! A check sees one interleaving, that of its environment
//! ([another](Environment::shuffled) is one line away), and what crosses the
//! four traits. A publisher that is wrong for the seventeenth item only is
//! found if somebody requests seventeen.
//!
//! # Examples
//! ```
//! use tidegate::flow::reactive::from_iter;
//! use tidegate::flow::verify::PublisherSuite;
//!
//! // 36 tests, `countdown::spec101_..` to `countdown::spec317_..`:
//! tidegate::verify_publisher!(countdown, PublisherSuite::new(|env, n| from_iter(env.system(), (0..n).rev())));
//! # fn main() {}
//! ```

mod environment;
mod line;
mod macros;
mod probe;
mod processor;
mod publisher;
mod report;
mod rules;
mod subscriber;

pub use self::environment::Environment;
pub use self::processor::ProcessorSuite;
pub use self::publisher::{PublisherSuite, Subscribers};
pub use self::report::{Finding, Outcome, Report, Suite};
pub use self::rules::{Kept, RULES, Rule};
pub use self::subscriber::{Seen, Subject, SubscriberSuite};
