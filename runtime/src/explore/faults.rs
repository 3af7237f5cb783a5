//! What may go wrong around a program: faults, of which a run has a few.

mod network;

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::executor::SimExecutor;
use super::properties::Sightings;
use super::run::Chooser;
use super::trace::{Failure, Trace};
use crate::actor::fate::Fate;
use crate::system::System;

/// The faults that a program is explored with: none or one or more of them, up
/// to a number, in every way and at every moment that the strategy tries.
///
/// The program as it is when nothing goes wrong is always among what is
/// explored, as the first of it. Each fault that is named may happen as often as
/// there may be faults. Paths are those of [actors](crate::ActorPath). A fault that
/// there was nothing for in any run, since no actor has that path or no such message
/// was sent to it, is found at the end as [`Vacuous`](super::Failure::Vacuous): it
/// would make a check look stricter than it is. [`optional`](Self::optional) allows
/// that.
///
/// Messages meet theirs when they are sent by a reference: by `tell`,
/// `try_tell`, `ask` and what is made of those, and so do the deliveries of a
/// [`Courier`](crate::pattern::Courier) and of [`Workers`](crate::pattern::Workers).
/// Answers meet theirs when they are [sent](crate::Reply::send): work was done, and who
/// asked for it does not know. An answer that comes too late, and is not lost, is for
/// [`any_time`](super::Explorer::any_time). Permits, subscriptions and what timers send
/// are not touched, and that there will be no answer is always told.
///
/// ```
/// use std::time::Duration;
/// use tidegate::explore::{Explorer, Failure, Faults, Sim, Strategy};
/// use tidegate::prelude::*;
/// struct Bank(u64);
/// enum Order { Pay(u64, Reply<()>), Balance(Reply<u64>) }
/// impl Actor for Bank {
///     type Msg = Order;
///     async fn handle(&mut self, order: Order, _: &mut Context<Self>) -> Result<(), Fault> {
///         match order {
///             Order::Pay(n, reply) => { self.0 += n; let _ = reply.send(()); }
///             Order::Balance(reply) => drop(reply.send(self.0)),
///         }
///         Ok(())
///     }
/// }
/// // What is paid is kept in the memory of an actor, which begins anew.
/// let body = |sim: Sim| async move {
///     let restart = Restart::on_failure().limit(3, Duration::from_secs(1));
///     let bank = sim.system().build(|| Bank(0)).named("bank").restart(restart).spawn();
///     if bank.ask(|reply| Order::Pay(5, reply)).await.is_ok() {
///         assert_eq!(bank.ask(Order::Balance).await.unwrap_or(5), 5);
///     }
/// };
/// let explorer = Explorer::new(Strategy::Exhaustive);
/// explorer.run(body).assert_clean();
/// let report = explorer.faults(Faults::at_most(1).crash("/bank")).run(body);
/// assert!(matches!(report.finding.unwrap().failure, Failure::Panicked { .. }));
/// ```
#[derive(Clone, Default)]
#[must_use = "faults happen when an `Explorer` has them"]
pub struct Faults {
    most: usize,
    planned: Vec<Planned>,
    /// To whom, what becomes of them, and of which type they are if that matters.
    messages: Vec<(String, Fate, Option<TypeId>)>,
    /// Whose answers are lost.
    answers: Vec<String>,
    copies: Vec<Copy>,
    is_optional: bool,
}

/// Copies a message of one type.
type Copy = fn(&dyn Any) -> Option<Box<dyn Any + Send>>;

/// What happens to the program at some moment, without its doing.
#[derive(Clone, Debug)]
enum Planned {
    Crash(String),
    Kill(String),
    Partition(Vec<String>, Vec<String>),
    Jump(Duration),
}

impl Faults {
    /// At most so many in one run, of those that are named then.
    pub fn at_most(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// The actor at `path` fails, as by a panic of its handler: between two
    /// messages, or where its handler waits. Its supervision decides what
    /// follows.
    pub fn crash(mut self, path: impl Into<String>) -> Self {
        self.planned.push(Planned::Crash(path.into()));
        self
    }

    /// The actor at `path` is [killed](crate::ActorRef::kill).
    pub fn kill(mut self, path: impl Into<String>) -> Self {
        self.planned.push(Planned::Kill(path.into()));
        self
    }

    /// A message to the actor at `path` is lost, as in a network: the sender
    /// takes it for sent, and who asks hears nothing at all.
    pub fn drop(mut self, path: impl Into<String>) -> Self {
        self.messages.push((path.into(), Fate::Lost, None));
        self
    }

    /// An answer that the actor at `path` gives is lost, as in a network: it takes it
    /// for given, and who asks hears nothing at all. Tasks of the body have a name for
    /// a path.
    ///
    /// It finds work that is done again since nobody heard that it was done:
    /// ```
    /// use std::time::Duration;
    /// use tidegate::explore::{Explorer, Faults, Sim, Strategy};
    /// use tidegate::prelude::*;
    /// struct Till(u64);
    /// impl Actor for Till {
    ///     type Msg = Reply<u64>;
    ///     async fn handle(&mut self, paid: Reply<u64>, _: &mut Context<Self>) -> Result<(), Fault> {
    ///         self.0 += 5;
    ///         let _ = paid.send(self.0);
    ///         Ok(())
    ///     }
    /// }
    /// let body = |sim: Sim| async move {
    ///     let till = sim.system().build(|| Till(0)).named("till").spawn();
    ///     let second = Duration::from_secs(1);
    ///     let mut paid = till.ask_within(second, |paid| paid).await;
    ///     if paid.is_err() {
    ///         paid = till.ask_within(second, |paid| paid).await; // again, with no key to know it by
    ///     }
    ///     assert_eq!(paid.unwrap_or(5), 5, "paid twice");
    /// };
    /// let explorer = Explorer::new(Strategy::Exhaustive);
    /// explorer.clone().faults(Faults::at_most(1).drop("/till")).run(body).assert_clean();
    /// assert!(explorer.faults(Faults::at_most(1).drop_answer("/till")).run(body).finding.is_some());
    /// ```
    pub fn drop_answer(mut self, path: impl Into<String>) -> Self {
        self.answers.push(path.into());
        self
    }

    /// A message to the actor at `path` is sent at some later moment, and may be
    /// overtaken.
    pub fn delay(mut self, path: impl Into<String>) -> Self {
        self.messages.push((path.into(), Fate::Late, None));
        self
    }

    /// A message of type `M` to the actor at `path` arrives a second time, at
    /// some later moment.
    pub fn duplicate<M: Clone + Send + 'static>(mut self, path: impl Into<String>) -> Self {
        self.messages.push((path.into(), Fate::Twice, Some(TypeId::of::<M>())));
        self.copies.push(|message| {
            message.downcast_ref::<M>().map(|message| Box::new(message.clone()) as Box<dyn Any + Send>)
        });
        self
    }

    /// From some moment until a later one every message between the two groups is
    /// lost, and every answer. To a group belong the actors at its paths and those below
    /// them, and the tasks of the body by their names. An answer goes from who gives it to
    /// who asked, whoever else passed the question on.
    pub fn partition<P: Into<String>, Q: Into<String>>(
        mut self,
        one: impl IntoIterator<Item = P>,
        other: impl IntoIterator<Item = Q>,
    ) -> Self {
        let (one, other) = (one.into_iter().map(Into::into), other.into_iter().map(Into::into));
        self.planned.push(Planned::Partition(one.collect(), other.collect()));
        self
    }

    /// The clock jumps ahead by so much, while things go on.
    pub fn clock_jump(mut self, by: Duration) -> Self {
        self.planned.push(Planned::Jump(by));
        self
    }

    /// There may be nothing for some of them, which is no finding then: for faults
    /// that several programs share.
    pub fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.most == 0 || self.names_none()
    }

    /// Whether some are allowed, and no kind is named.
    pub(crate) fn is_pointless(&self) -> bool {
        self.most > 0 && self.names_none()
    }

    fn names_none(&self) -> bool {
        self.planned.is_empty() && self.messages.is_empty() && self.answers.is_empty()
    }

    /// After a run: notes the faults for whose actors there were tasks.
    pub(crate) fn look_at(&self, trace: &Trace, sightings: &Sightings) {
        for (nth, fault) in self.planned.iter().enumerate() {
            let is_met = match fault {
                // The body and its tasks have names without a slash.
                Planned::Crash(path) | Planned::Kill(path) if path.starts_with('/') => {
                    !sightings.has_fault(nth) && trace.tasks.iter().any(|task| task.name == *path)
                }
                // What lies between groups is looked at when messages are sent.
                Planned::Crash(_) | Planned::Kill(_) | Planned::Partition(..) => false,
                Planned::Jump(_) => true,
            };
            if is_met {
                sightings.note_fault(nth);
            }
        }
    }

    /// One that there was nothing for in any of `schedules` runs.
    pub(crate) fn vacuous(&self, sightings: &Sightings, schedules: u64) -> Option<Failure> {
        if self.is_empty() || self.is_optional {
            return None;
        }
        let all = self.planned.len() + self.messages.len() + self.answers.len();
        let nth = (0..all).find(|nth| !sightings.has_fault(*nth))?;
        let messages = nth.wrapping_sub(self.planned.len());
        let (fault, missing) = if let Some(fault) = self.planned.get(nth) {
            let missing = match fault {
                Planned::Crash(path) | Planned::Kill(path) => format!("an actor at {path}"),
                _ => String::from("a message or an answer between the two groups"),
            };
            (fault.to_string(), missing)
        } else if let Some((path, fate, _)) = self.messages.get(messages) {
            let (fault, of_type) = match fate {
                Fate::Twice => ("a duplicate of a message", " of the type that is named"),
                Fate::Late => ("a delay of a message", ""),
                _ => ("the loss of a message", ""),
            };
            (format!("{fault} to {path}"), format!("a message to {path}{of_type}"))
        } else {
            let path = &self.answers[messages - self.messages.len()];
            (format!("the loss of an answer of {path}"), format!("an answer of {path}"))
        };
        Some(Failure::Vacuous(format!("{fault}, and none of {schedules} schedules has {missing}")))
    }

    /// For the first step of a program: chooses which of those that need no
    /// message will happen, and readies them.
    pub(crate) fn begin(&self, system: &System, executor: &SimExecutor, chooser: &Chooser, sightings: &Arc<Sightings>) {
        if !self.is_empty() {
            network::begin(self, system, executor, chooser, sightings);
        }
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash(path) => write!(f, "a crash of {path}"),
            Self::Kill(path) => write!(f, "a kill of {path}"),
            Self::Partition(one, other) => write!(f, "a partition of {} and {}", one.join(", "), other.join(", ")),
            Self::Jump(by) => write!(f, "a jump of the clock by {by:?}"),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faults")
            .field("most", &self.most)
            .field("planned", &self.planned)
            .field("messages", &self.messages)
            .field("answers", &self.answers)
            .finish_non_exhaustive()
    }
}
