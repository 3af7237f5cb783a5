//! What may go wrong around a program: faults, of which a run has a few.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::executor::{Begins, SimExecutor};
use super::properties::Sightings;
use super::run::{Chooser, choose};
use super::trace::{Failure, Trace};
use crate::actor::fate::{self, Fate, Judge};
use crate::mailbox::current;
use crate::sync::access::{self, Access, Note, Object};
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
/// Answers, permits, subscriptions and what timers send are not touched: that work was
/// done and its answer comes too late is for [`any_time`](super::Explorer::any_time).
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

    /// From some moment until a later one every message between the two groups
    /// is lost, and no answer is. To a group belong the actors at its paths and those below them,
    /// and the tasks of the body by their names.
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
        self.planned.is_empty() && self.messages.is_empty()
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
        let nth = (0..self.planned.len() + self.messages.len()).find(|nth| !sightings.has_fault(*nth))?;
        let (fault, missing) = match self.planned.get(nth) {
            Some(fault @ (Planned::Crash(path) | Planned::Kill(path))) => {
                (fault.to_string(), format!("an actor at {path}"))
            }
            Some(fault) => (fault.to_string(), String::from("a message between the two groups")),
            None => {
                let (path, fate, _) = &self.messages[nth - self.planned.len()];
                let (fault, of_type) = match fate {
                    Fate::Twice => ("a duplicate of a message", " of the type that is named"),
                    Fate::Late => ("a delay of a message", ""),
                    _ => ("the loss of a message", ""),
                };
                (format!("{fault} to {path}"), format!("a message to {path}{of_type}"))
            }
        };
        Some(Failure::Vacuous(format!("{fault}, and none of {schedules} schedules has {missing}")))
    }

    /// For the first step of a program: chooses which of those that need no
    /// message will happen, and readies them.
    pub(crate) fn begin(&self, system: &System, executor: &SimExecutor, chooser: &Chooser, sightings: &Arc<Sightings>) {
        if self.is_empty() {
            return;
        }
        let network = Rc::new(Network {
            faults: self.clone(),
            executor: executor.clone(),
            chooser: chooser.clone(),
            left: Cell::new(self.most),
            budget: Object::new("faults left"),
            cut: self.planned.iter().map(|_| Cell::new(0)).collect(),
            wire: Object::new("network"),
            sightings: Arc::clone(sightings),
        });
        let mut least = 0;
        for slot in 0..self.most {
            // In the order in which they are named: which comes first, the
            // schedule says. The last is none.
            let options = self.planned.len() - least + 1;
            let chosen = choose(executor, chooser, options);
            if chosen == 0 {
                break;
            }
            least += chosen - 1;
            network.left.set(network.left.get() - 1);
            network.ready(slot, least, system);
        }
        fate::put_judge(network);
    }
}

/// What the program does not see of its faults.
struct Network {
    faults: Faults,
    executor: SimExecutor,
    chooser: Chooser,
    /// How many more there may be.
    left: Cell<usize>,
    budget: Object,
    /// How often each of the planned partitions is in force.
    cut: Vec<Cell<usize>>,
    wire: Object,
    /// Of all runs.
    sightings: Arc<Sightings>,
}

impl Network {
    /// A task of its own brings a fault about, when its turn comes.
    fn ready(&self, slot: usize, nth: usize, system: &System) {
        let fault = self.faults.planned[nth].clone();
        let told = fault.to_string();
        access::note(|| Note::Said(format!("{told} is to happen")));
        let (executor, system) = (self.executor.clone(), system.clone());
        let begins = match &fault {
            Planned::Crash(path) | Planned::Kill(path) => Begins::With(path.clone()),
            Planned::Partition(..) | Planned::Jump(_) => Begins::Now,
        };
        if let Planned::Crash(path) = &fault {
            fate::doom(path);
        }
        let task = async move {
            access::note(|| Note::Said(told));
            match fault {
                Planned::Crash(path) => {
                    fate::strike(&path);
                    if let Some(actor) = find(&system, &path) {
                        actor.poke();
                    }
                }
                Planned::Kill(path) => {
                    if let Some(actor) = find(&system, &path) {
                        actor.halt(crate::actor::reference::Halt::Kill);
                    }
                }
                Planned::Jump(by) => executor.jump(by),
                Planned::Partition(..) => {
                    fate::change_partition(nth, true);
                    next_step().await;
                    fate::change_partition(nth, false);
                }
            }
        };
        self.executor.0.spawn_apart(&format!("fault {}", slot + 1), slot, Box::pin(task), begins);
    }

    /// Whether a partition lies between the sender and `to`.
    fn is_cut(&self, to: &str) -> bool {
        let mut sender = None;
        self.faults.planned.iter().zip(&self.cut).enumerate().any(|(nth, (fault, cut))| {
            let Planned::Partition(one, other) = fault else { return false };
            let from = sender.get_or_insert_with(|| self.sender());
            let between = (belongs(from, one) && belongs(to, other)) || (belongs(from, other) && belongs(to, one));
            if between {
                self.sightings.note_fault(nth);
                self.wire.touch(Access::Read);
            }
            between && cut.get() > 0
        })
    }

    /// The actor that runs, or the task.
    fn sender(&self) -> String {
        if let Some(actor) = current() {
            return actor.to_string();
        }
        let state = self.executor.0.state.lock();
        state.current.map(|task| state.trace.tasks[task].name.clone()).unwrap_or_default()
    }
}

impl Judge for Network {
    fn judge(&self, to: &str, message: TypeId) -> Fate {
        if self.is_cut(to) {
            access::note(|| Note::Said(format!("the partition swallows a message to {to}")));
            return Fate::Lost;
        }
        let messages = self.faults.messages.iter().enumerate();
        let fates = messages.filter(|(_, (path, _, of))| path == to && of.is_none_or(|of| of == message));
        let fates = fates.map(|(nth, (_, fate, _))| {
            self.sightings.note_fault(self.faults.planned.len() + nth);
            *fate
        });
        let fates: Vec<Fate> = fates.collect();
        if fates.is_empty() {
            return Fate::Delivered;
        }
        self.budget.touch(Access::Read);
        if self.left.get() == 0 {
            return Fate::Delivered;
        }
        let chosen = choose(&self.executor, &self.chooser, fates.len() + 1);
        let Some(fate) = chosen.checked_sub(1).map(|chosen| fates[chosen]) else { return Fate::Delivered };
        self.budget.touch(Access::Write);
        self.left.set(self.left.get() - 1);
        access::note(|| Note::Said(format!("a message to {to} is {fate:?}").to_lowercase()));
        fate
    }

    fn copy(&self, message: &dyn Any) -> Option<Box<dyn Any + Send>> {
        self.faults.copies.iter().find_map(|copy| copy(message))
    }

    fn change_partition(&self, nth: usize, begins: bool) {
        self.wire.touch(Access::Write);
        let cut = &self.cut[nth];
        cut.set(if begins { cut.get() + 1 } else { cut.get() - 1 });
    }
}

/// Whether an actor or task is in a group.
fn belongs(who: &str, group: &[String]) -> bool {
    group
        .iter()
        .any(|path| who.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn find(system: &System, path: &str) -> Option<Arc<dyn crate::actor::Child>> {
    system.world().actors().into_iter().find(|actor| actor.life().path.as_str() == path)
}

/// Ends this step.
async fn next_step() {
    let mut ended = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut ended, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
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
            .finish_non_exhaustive()
    }
}
