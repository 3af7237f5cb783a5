//! What outlives the system that it was part of.

use std::future::Future;
use std::sync::Arc;

use super::executor::SimExecutor;
use super::explorer::{Explorer, Outcome};
use super::monitor::Flaw;
use super::run::{Chooser, Limits};
use super::schedule::Schedule;
use super::sim::Sim;
use super::strategy;
use super::trace::{End, Failure};
use crate::sync::access;
use crate::sync::shim::Mutex;

/// So many of them are named.
const FEW: usize = 4;

impl Explorer {
    /// The last run is over, and what its body returned is gone: so is
    /// everything of its system, or the run has failed.
    pub(super) fn look_for_leaks<F, Fut>(&self, executor: &SimExecutor, body: &F)
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        if access::living() <= 0 || self.allowed.contains(&Flaw::Leak) {
            return;
        }
        let end = executor.0.state.lock().trace.end.clone();
        if end != End::Done {
            return;
        }
        // What is made once, the first time that it is needed, and stays, is no
        // leak: it is not made a second time.
        let choices = Schedule::of(&executor.0.state.lock().trace).choices;
        let again: Chooser = Arc::new(Mutex::untouched(Box::new(strategy::Replay::new(choices))));
        again.lock().begin();
        drop(self.once(
            executor,
            &again,
            body,
            Limits { steps: self.steps, until: None, touching: false, telling: true },
        ));
        let left = access::living();
        let mut state = executor.0.state.lock();
        if left > 0 && state.trace.end == End::Done {
            let message = format!(
                "shared things outlive the system ({left}), {}: something that is held by what it holds, as an `Arc` \
                 around a reference to an actor that has it",
                in_words(access::names_of_living()),
            );
            state.trace.end = End::Failed(Failure::Leaked(message));
        }
    }
}

/// A few of them, mailboxes by their actors before all else.
fn in_words(names: Vec<String>) -> String {
    let (actors, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| name.starts_with('/'));
    let mut names: Vec<String> = actors.into_iter().map(|path| format!("the mailbox of {path}")).collect();
    // Those of a mailbox go without saying.
    if names.is_empty() {
        names = others;
    }
    let more = names.len().saturating_sub(FEW);
    names.truncate(FEW);
    let few = names.join(", ");
    if more > 0 { format!("{few} and {more} more") } else { few }
}
