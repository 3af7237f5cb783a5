//! What was answered, when, and whether the model could have said so.

use std::fmt;
use std::sync::Arc;

use super::Model;
use crate::sync::access::{Access, Object};
use crate::sync::shim::Mutex;

/// One command that was given and answered.
pub(super) struct Call<T> {
    pub(super) given: u64,
    pub(super) answer: T,
    pub(super) answered: u64,
}

/// Numbers what happens to the commands of one run.
///
/// All that is told by these numbers is which command was answered before which
/// was given. So two that give one may change places, and two that hear an answer.
#[derive(Clone)]
pub(super) struct History(Arc<(Mutex<u64>, Object)>);

impl History {
    pub(super) fn new() -> Self {
        Self(Arc::new((Mutex::untouched(0), Object::new("history"))))
    }

    pub(super) fn given(&self) -> u64 {
        self.next(Access::Read)
    }

    pub(super) fn answered(&self) -> u64 {
        self.next(Access::Update)
    }

    fn next(&self, access: Access) -> u64 {
        let (last, object) = &*self.0;
        object.touch(access);
        let mut last = last.lock();
        *last += 1;
        *last
    }
}

/// Why the model could not have said so; for people, as it is.
pub(super) struct Unexplained(String);

impl fmt::Debug for Unexplained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Finds an order of the commands of all clients in which the model gives these
/// answers, and none comes after one that was given when it was answered already.
pub(super) fn explain<M: Model>(
    model: &M,
    commands: &[Vec<M::Command>],
    calls: &[Vec<Call<M::Answer>>],
) -> Result<(), Unexplained> {
    let mut search = Search { commands, calls, hopeless: Vec::new(), order: Vec::new(), best: None };
    let mut done = vec![0; calls.len()];
    if search.goes_on(model, &mut done) { Ok(()) } else { Err(search.unexplained()) }
}

/// Where clients stand, how many of the commands of each are done; and the model.
type Place<M> = (Vec<usize>, M);

/// An order, and what the model says behind it to the next of a client who has
/// heard something else.
type Furthest<T> = (Vec<usize>, Vec<(usize, T)>);

struct Search<'a, M: Model> {
    commands: &'a [Vec<M::Command>],
    calls: &'a [Vec<Call<M::Answer>>],
    /// From here it does not go on.
    hopeless: Vec<Place<M>>,
    /// The clients whose commands were taken so far.
    order: Vec<usize>,
    /// The longest order there was.
    best: Option<Furthest<M::Answer>>,
}

impl<M: Model> Search<'_, M> {
    fn goes_on(&mut self, model: &M, done: &mut Vec<usize>) -> bool {
        let next = |client: usize, done: &[usize]| self.calls[client].get(done[client]);
        // Nothing comes before what was answered when it was given.
        let Some(first) = (0..done.len()).filter_map(|client| Some(next(client, done)?.answered)).min() else {
            return true;
        };
        let open: Vec<usize> =
            (0..done.len()).filter(|&client| next(client, done).is_some_and(|call| call.given < first)).collect();
        if self.hopeless.iter().any(|(at, state)| at == done && state == model) {
            return false;
        }
        let mut otherwise = Vec::new();
        for client in open {
            let at = done[client];
            let mut after = model.clone();
            let answer = after.apply(&self.commands[client][at]);
            if answer != self.calls[client][at].answer {
                otherwise.push((client, answer));
                continue;
            }
            done[client] += 1;
            self.order.push(client);
            let found = self.goes_on(&after, done);
            self.order.pop();
            done[client] -= 1;
            if found {
                return true;
            }
        }
        if !otherwise.is_empty() && self.best.as_ref().is_none_or(|(longest, _)| longest.len() < self.order.len()) {
            self.best = Some((self.order.clone(), otherwise));
        }
        self.hopeless.push((done.clone(), model.clone()));
        false
    }

    fn unexplained(&self) -> Unexplained {
        let mut lines = vec![String::from("no order of the commands gives these answers:")];
        for (client, calls) in self.calls.iter().enumerate() {
            for (command, Call { given, answer, answered }) in self.commands[client].iter().zip(calls) {
                lines.push(format!("  client-{client}, {given} to {answered}: {command:?} -> {answer:?}"));
            }
        }
        if let Some((order, otherwise)) = &self.best {
            let mut done = vec![0; self.calls.len()];
            let mut behind = String::from("At first");
            for &client in order {
                let so_far = if done.iter().all(|&n| n == 0) { "After " } else { ", " };
                if so_far == "After " {
                    behind.clear();
                }
                behind += &format!("{so_far}{:?}", self.commands[client][done[client]]);
                done[client] += 1;
            }
            for (client, answer) in otherwise {
                let command = &self.commands[*client][done[*client]];
                lines.push(format!("{behind} the model says {command:?} -> {answer:?}"));
            }
        }
        Unexplained(lines.join("\n"))
    }
}
