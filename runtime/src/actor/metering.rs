//! The metrics of a system's actors, by label.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::world::World;
use crate::mailbox::meter::{Meter, describe};
use crate::mailbox::observed::{Clock, Observed};
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

/// The meters in use. Actors of one label share one.
pub(super) struct Meters {
    by_label: Mutex<HashMap<Arc<str>, Weak<Meter>>>,
    /// Somebody records gauges every so often.
    recording: Flag,
}

impl Meters {
    pub(super) fn new() -> Self {
        describe();
        Self { by_label: Mutex::new(HashMap::new()), recording: Flag::new() }
    }

    fn of(&self, path: &str) -> Arc<Meter> {
        let label: Arc<str> = Meter::label(path).into();
        let mut meters = self.by_label.lock();
        if let Some(meter) = meters.get(&label).and_then(Weak::upgrade) {
            return meter;
        }
        if meters.len() >= 16 && meters.len().is_power_of_two() {
            meters.retain(|_, meter| meter.strong_count() > 0);
        }
        let meter = Arc::new(Meter::new(Arc::clone(&label)));
        meters.insert(label, Arc::downgrade(&meter));
        meter
    }

    fn all(&self) -> Vec<Arc<Meter>> {
        self.by_label.lock().values().filter_map(Weak::upgrade).collect()
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}

impl Clock for World {
    fn now(&self) -> Duration {
        self.executor.now()
    }
}

impl World {
    /// What measures the mailbox of a new actor at `path`.
    pub(crate) fn observed(self: &Arc<Self>, path: &str) -> Arc<Observed> {
        Arc::new(Observed::new(Arc::clone(self) as Arc<dyn Clock>, self.meters.of(path)))
    }

    /// Somebody has waited long for the actor at `path`.
    pub(super) fn count_long_wait(&self, path: &str) {
        self.meters.of(path).waited_long();
    }

    /// Sets the gauges to what is so at present.
    pub(crate) fn record_metrics(&self) {
        let mut sums: HashMap<*const Meter, (f64, f64)> = HashMap::new();
        for actor in self.actors() {
            if let Some(observed) = actor.observed() {
                let stats = actor.stats();
                let (queued, waiting) = sums.entry(Arc::as_ptr(&observed.meter)).or_default();
                *queued += stats.len as f64;
                *waiting += stats.waiting_senders as f64;
            }
        }
        // Also of labels whose actors have ended and are still referred to.
        for meter in self.meters.all() {
            let (queued, waiting) = sums.get(&Arc::as_ptr(&meter)).copied().unwrap_or_default();
            meter.queued.set(queued);
            meter.waiting.set(waiting);
        }
    }

    /// Begins to record the gauges every so often, if that is wanted: with the
    /// first actor, since before there may be nothing to run on.
    pub(crate) fn keep_recording(self: &Arc<Self>) {
        let Some(every) = self.settings.record_every else { return };
        if !self.meters.recording.raise() {
            return;
        }
        let (world, executor) = (Arc::downgrade(self), Arc::clone(&self.executor));
        let task = async move {
            loop {
                executor.sleep(every).await;
                let Some(world) = world.upgrade() else { return };
                world.record_metrics();
                if world.closing.is_raised() && world.actors().is_empty() {
                    return;
                }
            }
        };
        self.executor.spawn("tidegate-metrics", Box::pin(task));
    }
}
