//! Whether a program does the same again where the same is chosen.
//!
//! Every strategy takes that for granted: it goes back to where a run could have
//! gone on otherwise by choosing the same up to there. So each run is held
//! against the one before, as far as both have made the same choices: at each
//! choice the steps behind it must have been the same, by what they touched, and
//! so must be what there is to choose from. One word for each choice is kept, and
//! one for what comes after the last: the first schedule and the last are run twice
//! for its sake, as other runs never make all choices alike.

use super::trace::{End, Event, Failure, TaskId, Trace};
use crate::sync::planted::{Planted, is_planted};

/// What the last run did at its choices, and this one.
#[derive(Debug, Default)]
pub(crate) struct Sameness {
    last: Vec<Seen>,
    this: Vec<Seen>,
    /// How the last run was looked at: it says nothing of one that was looked at
    /// otherwise.
    manner: Option<(bool, bool)>,
    /// The last run came to an end of its own.
    last_ended: bool,
    /// The two runs have made different choices.
    parted: bool,
    /// Of all steps so far.
    hash: u64,
    /// Of all steps of the last run.
    last_hash: u64,
    /// At the choice that is being made.
    here: u64,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    hash: u64,
    chosen: u32,
}

impl Sameness {
    /// Begins a run in which touches are kept, or not, and things are told, or not.
    pub(crate) fn begin(&mut self, touching: bool, telling: bool) {
        let manner = Some((touching, telling));
        self.last.clear();
        if self.manner == manner {
            std::mem::swap(&mut self.last, &mut self.this);
        }
        self.this.clear();
        self.parted = self.manner != manner;
        self.manner = manner;
        self.last_hash = std::mem::take(&mut self.hash);
    }

    /// A step is over: the last of `trace`.
    pub(crate) fn stepped(&mut self, trace: &Trace) {
        let Some(Event { task, kind, touched, .. }) = trace.events.last() else { return };
        let mut hash = fold(self.hash, u64::from(task.0) << 8 | *kind as u64);
        for touch in &trace.touches[touched.start as usize..touched.end as usize] {
            hash = fold(hash, touch.object.0 << 2 | touch.access as u64);
        }
        self.hash = hash;
    }

    /// There is a choice of who runs next. `Err`: there was another, or none,
    /// the last time.
    pub(crate) fn among(&mut self, ready: &[TaskId]) -> Result<(), ()> {
        self.here = ready.iter().fold(fold(self.hash, 1), |hash, task| fold(hash, u64::from(task.0)));
        self.compare()
    }

    /// There is a choice of the program's own.
    pub(crate) fn among_data(&mut self, options: usize) -> Result<(), ()> {
        self.here = fold(fold(self.hash, 2), options as u64);
        self.compare()
    }

    fn compare(&self) -> Result<(), ()> {
        // That mistake would be noticed here, before it does any harm.
        if self.parted || is_planted(Planted::Numbers) {
            return Ok(());
        }
        match self.last.get(self.this.len()) {
            Some(seen) if seen.hash == self.here => Ok(()),
            None if !self.last_ended => Ok(()),
            _ => Err(()),
        }
    }

    /// What was chosen.
    pub(crate) fn chosen(&mut self, chosen: usize) {
        let chosen = chosen as u32;
        self.parted |= self.last.get(self.this.len()).is_none_or(|seen| seen.chosen != chosen);
        self.this.push(Seen { hash: self.here, chosen });
    }

    /// The run is over. `Err`: it has ended where the last one has not, or otherwise.
    pub(crate) fn end(&mut self, end: &End) -> Result<(), ()> {
        let both_ended = self.last_ended;
        self.last_ended = *end == End::Done;
        if *end != End::Done || self.parted || is_planted(Planted::Numbers) {
            return Ok(());
        }
        let is_other = both_ended && self.this.len() == self.last.len() && self.hash != self.last_hash;
        if is_other || self.this.len() < self.last.len() { Err(()) } else { Ok(()) }
    }
}

fn fold(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What to say of a program that does not do the same again.
pub(crate) fn told(trace: &Trace) -> String {
    let after = trace.events.last().map_or_else(
        || String::from("at its beginning"),
        |event| {
            let name = trace.tasks.iter().find(|task| task.id == event.task).map_or("the clock", |task| &task.name);
            format!("after step {}, of {name}", trace.events.len())
        },
    );
    format!("{after}, it goes on in another way than before, with the same choices. {CAUSES}")
}

/// What to say of one that failed, and does not fail so with the same choices.
pub(crate) fn told_of_other_ends(failure: &Failure, again: Option<&Failure>) -> String {
    let again = again.map_or_else(|| String::from("it ended well"), |again| format!("this came of it: {again}"));
    format!("once this came of it: {failure}; and with the same choices again {again}. {CAUSES}")
}

const CAUSES: &str = "Most often this is the order of a `HashMap` or `HashSet` (use a `BTreeMap`), the time of \
                      `std::time` (use `cx.now` and `Sim::now`), a random number (`cx.random`), `select!` (write \
                      `biased;`), a static or thread local that keeps what a run leaves, or a thread";
