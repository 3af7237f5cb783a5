//! What a run did, in words: who sent what to whom, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use super::super::trace::{DecisionKind, EventKind, TaskId, Trace};
use crate::sync::access::{Note, ObjectId};

/// A run as people are told of it.
#[derive(Debug, Default)]
pub(super) struct Acts {
    /// Everybody who does something, or has something done to: tasks and
    /// mailboxes, by name.
    pub(super) lanes: Vec<String>,
    pub(super) acts: Vec<Act>,
    /// From a message's put to its taking: events.
    pub(super) carried: Vec<(usize, usize)>,
    /// How things are called that are touched.
    names: BTreeMap<ObjectId, String>,
}

/// One thing that was done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Act {
    /// The event.
    pub(super) step: usize,
    pub(super) lane: usize,
    pub(super) deed: Deed,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Spawns(Vec<String>),
    /// Lets in message `n`.
    Sends {
        n: usize,
        to: usize,
        what: String,
        asks: bool,
    },
    Refused {
        to: usize,
        what: String,
        why: String,
    },
    Takes {
        n: Option<usize>,
        what: String,
    },
    Answers {
        n: Option<usize>,
        to: usize,
        what: String,
    },
    /// Nothing will come for the one who asks.
    Silent {
        n: Option<usize>,
        to: usize,
    },
    Waits {
        what: String,
    },
    Chooses {
        chosen: u32,
        options: u32,
    },
    Says(String),
    /// The clock has moved to this.
    Time(Duration),
    Settles,
}

/// A message that lies somewhere.
struct Sent {
    to: ObjectId,
    what: String,
    n: usize,
    step: usize,
}

/// A place for an answer.
#[derive(Clone, Copy)]
struct Slot {
    asker: usize,
    n: Option<usize>,
}

#[derive(Default)]
struct Teller {
    told: Acts,
    lane_of: BTreeMap<TaskId, usize>,
    sent: Vec<Sent>,
    slots: BTreeMap<ObjectId, Slot>,
    /// The last slot that a lane has made and not yet sent.
    fresh: BTreeMap<usize, ObjectId>,
    /// Slots that are no question's: a task ends by answering there.
    ends: BTreeSet<ObjectId>,
    messages: usize,
}

impl Acts {
    /// The name of a task among those that may have been given the same.
    pub(super) fn called(&self, trace: &Trace, task: TaskId) -> &str {
        let lane = trace.tasks.iter().position(|other| other.id == task);
        lane.map_or("", |lane| &self.lanes[lane])
    }

    pub(super) fn of(trace: &Trace) -> Self {
        let mut teller = Teller::default();
        for task in &trace.tasks {
            let lane = teller.told.lanes.len();
            let known = trace.tasks[..lane].iter().filter(|other| other.name == task.name).count();
            let name = if known == 0 { task.name.clone() } else { format!("{}({})", task.name, known + 1) };
            teller.told.lanes.push(name);
            teller.lane_of.insert(task.id, lane);
        }
        for (step, event) in trace.events.iter().enumerate().filter(|(_, event)| event.kind == EventKind::Last) {
            let is_actor = trace.tasks.iter().any(|task| task.id == event.task && task.name.starts_with('/'));
            teller.ends.extend(trace.notes(step).iter().filter_map(|note| match note {
                Note::Answered { slot, .. } if !is_actor => Some(*slot),
                _ => None,
            }));
        }
        for step in 0..trace.events.len() {
            teller.tell(trace, step);
        }
        teller.told
    }

    /// What people call a thing that is touched; `None` if it has no name.
    pub(super) fn name(&self, object: ObjectId) -> Option<&str> {
        self.names.get(&object).map(String::as_str)
    }

    /// What all messages are called, if that is no more than their type.
    pub(super) fn only_kind(&self) -> Option<&str> {
        let mut kinds = self.acts.iter().filter_map(|act| match &act.deed {
            Deed::Sends { what, .. } => Some(what.as_str()),
            _ => None,
        });
        let first = kinds.next()?;
        let is_name = first.chars().all(|c| c.is_alphanumeric() || c == '_');
        let others = kinds.all(|kind| kind == first);
        (is_name && others && self.acts.len() > 2).then_some(first)
    }

    /// What a step said of itself.
    pub(super) fn said(&self, step: usize) -> Option<&str> {
        self.acts.iter().filter(|act| act.step == step).find_map(|act| match &act.deed {
            Deed::Says(what) => Some(what.as_str()),
            _ => None,
        })
    }

    /// What a step did, in a few words; `None` if there is nothing to tell.
    pub(super) fn in_words(&self, step: usize) -> Option<String> {
        let deeds: Vec<String> = self
            .acts
            .iter()
            .filter(|act| act.step == step)
            .map(|act| match &act.deed {
                Deed::Sends { to, .. } => format!("{} to {}", act.deed.text(), self.lanes[*to]),
                Deed::Refused { to, .. } => format!("{} by {}", act.deed.text(), self.lanes[*to]),
                deed => deed.text(),
            })
            .collect();
        (!deeds.is_empty()).then(|| deeds.join(", "))
    }
}

impl Teller {
    fn tell(&mut self, trace: &Trace, step: usize) {
        let event = &trace.events[step];
        match event.kind {
            EventKind::Time => return self.add(step, 0, Deed::Time(event.at)),
            EventKind::Settled => return self.add(step, 0, Deed::Settles),
            EventKind::Step | EventKind::Last => {}
        }
        let lane = self.lane_of.get(&event.task).copied().unwrap_or(0);
        let spawned: Vec<String> = (trace.tasks.iter())
            .filter(|task| task.born == Some(step))
            .filter_map(|task| self.lane_of.get(&task.id).map(|lane| self.told.lanes[*lane].clone()))
            .collect();
        if !spawned.is_empty() {
            self.add(step, lane, Deed::Spawns(spawned));
        }
        let Range { start, end } = event.decisions;
        for decision in &trace.decisions[start as usize..end as usize] {
            if decision.kind == DecisionKind::Data {
                self.add(step, lane, Deed::Chooses { chosen: decision.chosen, options: decision.options });
            }
        }
        for (at, note) in trace.notes(step).iter().enumerate() {
            let asks = trace.notes(step)[at + 1..]
                .iter()
                .take_while(|next| !matches!(next, Note::Sent { .. } | Note::Taken { .. }))
                .any(|next| matches!(next, Note::Waits { on, .. } if self.slots.contains_key(on)));
            self.note(step, lane, note, asks);
        }
    }

    fn note(&mut self, step: usize, lane: usize, note: &Note, asks: bool) {
        let deed = match note {
            Note::Made { object, kind } => {
                self.told.names.entry(*object).or_insert_with(|| (*kind).to_owned());
                if *kind == "reply" && !self.ends.contains(object) {
                    self.slots.insert(*object, Slot { asker: lane, n: None });
                    self.fresh.insert(lane, *object);
                }
                return;
            }
            Note::Named { object, name } => {
                self.told.names.insert(*object, name.clone());
                return;
            }
            Note::Sent { to, what } => {
                self.messages += 1;
                let n = self.messages;
                if let Some(slot) = self.fresh.remove(&lane).and_then(|slot| self.slots.get_mut(&slot)) {
                    slot.n = Some(n);
                }
                self.sent.push(Sent { to: *to, what: what.clone(), n, step });
                Deed::Sends { n, to: self.place(*to), what: brief(what), asks }
            }
            Note::Refused { to, what, why } => {
                let to = self.place(*to);
                if to == lane {
                    Deed::Says(format!("drops {}: {why}", brief(what)))
                } else {
                    Deed::Refused { to, what: brief(what), why: why.clone() }
                }
            }
            Note::Taken { at, what } => {
                let here = |sent: &Sent| sent.to == *at;
                let found = (self.sent.iter().position(|sent| here(sent) && sent.what == *what))
                    .or_else(|| self.sent.iter().position(here));
                let sent = found.map(|found| self.sent.remove(found));
                if let Some(sent) = &sent {
                    self.told.carried.push((sent.step, step));
                }
                Deed::Takes { n: sent.map(|sent| sent.n), what: brief(what) }
            }
            // What a task returns, to whoever waits for it.
            Note::Answered { slot, .. } if self.ends.contains(slot) => return,
            Note::Answered { slot, what } => {
                let Slot { asker, n } = self.slots.get(slot).copied().unwrap_or(Slot { asker: lane, n: None });
                if what == "nothing" && asker == lane {
                    // A question that was never let in.
                    return;
                }
                if what == "nothing" {
                    Deed::Silent { n, to: asker }
                } else {
                    Deed::Answers { n, to: asker, what: what.clone() }
                }
            }
            Note::Left { slot } => match self.slots.get(slot).and_then(|slot| slot.n) {
                Some(n) => Deed::Says(format!("waits no more for an answer to #{n}")),
                None => return,
            },
            // Told by the question.
            Note::Waits { on, .. } if self.told.name(*on) == Some("reply") => return,
            Note::Waits { on, .. } => {
                let name = self.told.name(*on).unwrap_or("somebody").to_owned();
                Deed::Waits { what: format!("room in {name}") }
            }
            Note::Said(what) => Deed::Says(what.clone()),
        };
        self.add(step, lane, deed);
    }

    fn add(&mut self, step: usize, lane: usize, deed: Deed) {
        self.told.acts.push(Act { step, lane, deed });
    }

    /// The lane of a mailbox: its actor's, or its own.
    fn place(&mut self, mailbox: ObjectId) -> usize {
        let name = self.told.name(mailbox).unwrap_or("a mailbox").to_owned();
        let lanes = &mut self.told.lanes;
        lanes.iter().position(|lane| *lane == name).unwrap_or_else(|| {
            lanes.push(name);
            lanes.len() - 1
        })
    }
}

impl Deed {
    /// Without whom it is done to.
    pub(super) fn text(&self) -> String {
        let of = |n: &Option<usize>| n.map_or_else(String::new, |n| format!("#{n} "));
        match self {
            Self::Spawns(names) => format!("spawns {}", names.join(", ")),
            Self::Sends { n, what, asks: true, .. } => format!("asks #{n} {what}"),
            Self::Sends { n, what, .. } => format!("sends #{n} {what}"),
            Self::Refused { what, why, .. } => format!("is refused {what} ({why})"),
            Self::Takes { n, what } => format!("takes {}{what}", of(n)),
            Self::Answers { n, what, .. } => format!("answers {}with {what}", of(n)),
            Self::Silent { n, .. } => format!("drops {}without an answer", of(n)),
            Self::Waits { what } => format!("waits for {what}"),
            Self::Chooses { chosen, options } => format!("chooses {chosen} of 0..{options}"),
            Self::Says(what) => what.clone(),
            Self::Time(at) => format!("nothing else can run: the clock moves to {at:?}"),
            Self::Settles => String::from("nothing else can run"),
        }
    }

    /// Where an arrow to it goes.
    pub(super) fn target(&self) -> Option<usize> {
        match self {
            Self::Sends { to, .. } | Self::Refused { to, .. } | Self::Answers { to, .. } | Self::Silent { to, .. } => {
                Some(*to)
            }
            _ => None,
        }
    }
}

/// A message without the places for answers in it, which all look alike.
fn brief(what: &str) -> String {
    what.replace(", Reply { .. }", "").replace("(Reply { .. })", "")
}
