//! What stands between the receiver and those who fetch: merges notices.

use std::sync::{Arc, Mutex, PoisonError};

use tidegate::flow::news::Notifier;
use tidegate::pattern::{Dedup, Novelty};
use tidegate::prelude::*;

use crate::delivery::DeliveryId;

/// A webhook was accepted.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// Of which delivery.
    pub id: DeliveryId,
}

/// What came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notified {
    /// Deliveries that were told of for the first time.
    pub notices: u64,
    /// Those that had been told of.
    pub duplicates: u64,
}

/// Hears of accepted webhooks, and nudges whoever follows the source.
///
/// It says that there is news, and not up to where: the ids are not signed. Of
/// any number of nudges one is pending until the follower looks.
pub struct Intake {
    notifier: Notifier,
    told: Dedup<DeliveryId>,
    notified: Arc<Mutex<Notified>>,
}

/// As many ids are remembered. What comes again after so many others costs one
/// look at the source, and no more.
const REMEMBERED: usize = 4096;

impl Intake {
    /// Nudges through `notifier`, and counts in `notified`.
    #[must_use]
    pub fn new(notifier: Notifier, notified: Arc<Mutex<Notified>>) -> Self {
        Self { notifier, told: Dedup::with_sources(1, REMEMBERED), notified }
    }
}

impl Actor for Intake {
    type Msg = Told;

    async fn handle(&mut self, Told { id }: Told, _: &mut Context<Self>) -> Result<(), Fault> {
        let mut notified = self.notified.lock().unwrap_or_else(PoisonError::into_inner);
        // An id has one number: there is only the question whether it is known.
        match self.told.claim(id, 0) {
            Novelty::First(claim) => {
                notified.notices += 1;
                self.notifier.nudge();
                claim.done();
            }
            Novelty::Done | Novelty::Underway | Novelty::Unknown => notified.duplicates += 1,
        }
        Ok(())
    }
}
