//! A look at some orders at random, after the reduction has found nothing.

use super::{Coverage, Explorer, Finding, Search, Strategy, strategy};
use crate::explore::trace::Failure;

/// How many, unless something else is said.
pub(super) const SCHEDULES: u64 = 1_000;

const UNSEEN: &str = "The reduction had found nothing: it cannot see all that this program shares. Memory that is \
                      shared past the runtime, an `Arc<Mutex<_>>` for one, belongs in an `explore::Shared`; or explore \
                      by another strategy.";

impl Explorer {
    /// After a [reduced](Strategy::Reduced) search that has run all there is and
    /// found nothing, so many schedules are run at random: 1,000 by default, none for 0.
    ///
    /// They look for what the reduction cannot know, as it cannot see it: that two
    /// steps share memory past the runtime. What they find
    /// [says so](Finding::unseen). They are not counted among the budget of
    /// schedules, but end when the time is up.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use tidegate::explore::{Explorer, Sim};
    /// // Which of the two is first? There is nothing to tell the explorer that it matters.
    /// let body = |sim: Sim| async move {
    ///     let last = Arc::new(Mutex::new(0));
    ///     let tasks = [1, 2].map(|n| {
    ///         let last = last.clone();
    ///         sim.spawn("writer", async move { *last.lock().unwrap() = n })
    ///     });
    ///     for task in tasks {
    ///         task.await;
    ///     }
    ///     assert_eq!(*last.lock().unwrap(), 2);
    /// };
    /// Explorer::default().cross_check(0).run(body).assert_clean();
    /// let finding = Explorer::default().run(body).finding.unwrap();
    /// assert!(finding.unseen.contains("explore::Shared"));
    /// ```
    pub fn cross_check(mut self, schedules: u64) -> Self {
        self.cross_check = schedules;
        self
    }

    /// What looks at what a search has missed that has found nothing.
    pub(super) fn crossed(&self, coverage: Coverage) -> Option<Box<dyn Search>> {
        let is_due = self.strategy == Strategy::Reduced && coverage == Coverage::Exhausted && self.cross_check > 0;
        is_due.then(|| Box::new(strategy::Random::new(self.cross_check, self.seed)) as Box<dyn Search>)
    }
}

/// By [`Strategy::Reduced`], with a [cross-check](Explorer::cross_check).
impl Default for Explorer {
    fn default() -> Self {
        Self::new(Strategy::Reduced)
    }
}

/// Says of a finding that the reduction should have made it.
pub(super) fn tell(finding: &mut Finding) {
    if !matches!(finding.failure, Failure::Escaped(_) | Failure::Nondeterministic(_)) && !finding.chart.is_empty() {
        UNSEEN.clone_into(&mut finding.unseen);
    }
}
