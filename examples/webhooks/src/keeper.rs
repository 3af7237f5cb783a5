//! The keeper of the state: takes deliveries in the order in which they
//! happened, each once, whatever the order in which they are learned.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate::flow::news::Gap;
use tidegate::prelude::*;

use crate::remote::Happening;
use crate::source::Source;
use crate::state::State;
use crate::worker::Job;

/// What a worker has learned.
#[derive(Debug)]
pub struct Learned {
    /// What.
    pub what: What,
    /// Its place in the window, until it is in the state.
    pub job: Job,
}

/// What there is to learn.
#[derive(Debug)]
pub enum What {
    /// What the delivery with this number is.
    Happened(u64, Happening),
    /// That some deliveries are not to be had, and why.
    Missing(Gap, String),
}

/// What the keeper takes.
#[derive(Debug)]
pub enum ToKeeper {
    /// Something that a worker has learned.
    Learned(Learned),
    /// Everything below which number is in the state?
    Reach(Reply<u64>),
    /// What has been kept so far?
    Show(Reply<Kept>),
}

/// The state, and how it came about.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The state.
    pub state: State,
    /// Everything below this number is in it.
    pub reach: u64,
    /// Deliveries that were not to be had, and why. The state goes on behind
    /// them.
    pub missing: Vec<(Gap, String)>,
    /// What was learned twice.
    pub again: u64,
    /// The most deliveries that waited for one before them.
    pub most_early: usize,
    /// From happening to being in the state, of each delivery.
    pub ages: Vec<Duration>,
}

/// The actor. Its mailbox and the window bound what it holds: a delivery waits
/// here for those before it, and all of them hold a place in the window.
#[derive(Debug)]
pub struct Keeper {
    kept: Kept,
    early: BTreeMap<u64, Learned>,
    /// For its clock.
    source: Source,
}

impl Keeper {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(source: Source) -> Self {
        Self { kept: Kept::default(), early: BTreeMap::new(), source }
    }

    fn learn(&mut self, learned: Learned) {
        let first = match &learned.what {
            What::Happened(number, _) => *number,
            What::Missing(gap, _) => gap.from,
        };
        if first < self.kept.reach || self.early.contains_key(&first) {
            self.kept.again += 1;
            return;
        }
        self.early.insert(first, learned);
        self.kept.most_early = self.kept.most_early.max(self.early.len());
        while let Some(next) = self.early.remove(&self.kept.reach) {
            match next.what {
                What::Happened(number, happening) => {
                    self.kept.state.apply(number, &happening.facts);
                    self.kept.ages.push(self.source.age(happening.at));
                    self.kept.reach = number + 1;
                }
                What::Missing(gap, why) => {
                    self.kept.reach = gap.to;
                    self.kept.missing.push((gap, why));
                }
            }
            // Here the job goes, and makes room for another.
        }
    }
}

impl Actor for Keeper {
    type Msg = ToKeeper;

    async fn handle(&mut self, message: ToKeeper, _: &mut Context<Self>) -> Result<(), Fault> {
        match message {
            ToKeeper::Learned(learned) => self.learn(learned),
            // Who does not wait any more need not know.
            ToKeeper::Reach(reply) => drop(reply.send(self.kept.reach)),
            ToKeeper::Show(reply) => drop(reply.send(self.kept.clone())),
        }
        Ok(())
    }
}
