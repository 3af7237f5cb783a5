//! A run that failed is run again, until it explains itself.

use std::future::Future;
use std::sync::Arc;

use super::{Explorer, Outcome, Strategy};
use crate::explore::executor::SimExecutor;
use crate::explore::report::Finding;
use crate::explore::run::{Chooser, Limits};
use crate::explore::sameness::told_of_other_ends;
use crate::explore::sim::Sim;
use crate::explore::story;
use crate::explore::strategy::Replay;
use crate::explore::trace::{End, Failure};
use crate::sync::shim::Mutex;

impl Explorer {
    /// The last run has failed: why, shortly.
    pub(super) fn explained<F, Fut>(&self, executor: &SimExecutor, body: &F, found_at: u64) -> Finding
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let found = std::mem::take(&mut executor.0.state.lock().trace);
        let is_replay = matches!(self.strategy, Strategy::Replay(_));
        let mut finding = story::finding(found, found_at, !is_replay, |search, telling| {
            let again: Chooser = Arc::new(Mutex::untouched(search));
            again.lock().begin();
            let limits = Limits { steps: self.steps, until: None, touching: telling, telling };
            drop(self.once(executor, &again, body, limits));
            self.look_for_leaks(executor, body);
            std::mem::take(&mut executor.0.state.lock().trace)
        });
        finding.replay = format!("the same explorer, `.strategy(Strategy::Replay(\"{}\".parse()?))`", finding.schedule);
        finding
    }

    /// Does the last run again, if it ended well: a program that is not deterministic
    /// may end otherwise.
    pub(super) fn repeated<F, Fut>(
        &self,
        executor: &SimExecutor,
        body: &F,
        limits: Limits,
        found_at: u64,
    ) -> Option<Finding>
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        let choices = {
            let trace = &executor.0.state.lock().trace;
            let ended = trace.end == End::Done && !matches!(self.strategy, Strategy::Replay(_));
            ended.then(|| trace.decisions.iter().map(|decision| decision.chosen).collect())?
        };
        let again: Chooser = Arc::new(Mutex::untouched(Box::new(Replay::new(choices))));
        again.lock().begin();
        drop(self.once(executor, &again, body, limits));
        self.look_for_leaks(executor, body);
        let failure = match executor.0.state.lock().trace.failure()? {
            failure @ Failure::Nondeterministic(_) => failure.clone(),
            other => Failure::Nondeterministic(told_of_other_ends(other, None)),
        };
        Some(Finding::of_no_run(failure, found_at))
    }
}
