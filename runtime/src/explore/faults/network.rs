//! What lies between the actors of a program with faults: what is asked about every
//! message and every answer, and the tasks that bring about what needs none.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use super::{Faults, Planned};
use crate::actor::fate::{self, Fate, Judge};
use crate::explore::executor::{Begins, SimExecutor};
use crate::explore::properties::Sightings;
use crate::explore::run::{Chooser, choose};
use crate::mailbox::current;
use crate::sync::access::{self, Access, Note, Object};
use crate::system::System;

/// For the first step of a program: chooses which of the faults that need no message
/// will happen, and readies them.
pub(super) fn begin(
    faults: &Faults,
    system: &System,
    executor: &SimExecutor,
    chooser: &Chooser,
    sightings: &Arc<Sightings>,
) {
    let network = Rc::new(Network {
        faults: faults.clone(),
        executor: executor.clone(),
        chooser: chooser.clone(),
        left: Cell::new(faults.most),
        budget: Object::new("faults left"),
        cut: faults.planned.iter().map(|_| Cell::new(0)).collect(),
        wire: Object::new("network"),
        sightings: Arc::clone(sightings),
    });
    let mut least = 0;
    for slot in 0..faults.most {
        // In the order in which they are named: which comes first, the
        // schedule says. The last is none.
        let options = faults.planned.len() - least + 1;
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

    /// Whether it happens now: one of `options`, if so.
    fn happens(&self, options: usize) -> Option<usize> {
        self.budget.touch(Access::Read);
        if self.left.get() == 0 {
            return None;
        }
        let chosen = choose(&self.executor, &self.chooser, options + 1).checked_sub(1)?;
        self.budget.touch(Access::Write);
        self.left.set(self.left.get() - 1);
        Some(chosen)
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
        let Some(chosen) = self.happens(fates.len()) else { return Fate::Delivered };
        let fate = fates[chosen];
        access::note(|| Note::Said(format!("a message to {to} is {fate:?}").to_lowercase()));
        fate
    }

    fn copy(&self, message: &dyn Any) -> Option<Box<dyn Any + Send>> {
        self.faults.copies.iter().find_map(|copy| copy(message))
    }

    fn asker(&self) -> Option<Box<str>> {
        let partitioned = self.faults.planned.iter().any(|fault| matches!(fault, Planned::Partition(..)));
        (partitioned || !self.faults.answers.is_empty()).then(|| self.sender().into())
    }

    fn loses_answer(&self, asker: &str) -> bool {
        if self.is_cut(asker) {
            access::note(|| Note::Said(format!("the partition swallows an answer to {asker}")));
            return true;
        }
        if self.faults.answers.is_empty() {
            return false;
        }
        let from = self.sender();
        let mut may = false;
        for (nth, path) in self.faults.answers.iter().enumerate() {
            if *path == from {
                self.sightings.note_fault(self.faults.planned.len() + self.faults.messages.len() + nth);
                may = true;
            }
        }
        let lost = may && self.happens(1).is_some();
        if lost {
            access::note(|| Note::Said(format!("an answer of {from} to {asker} is lost")));
        }
        lost
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
