//! What has to hold while a program runs, and when it is done.

use std::fmt;

use super::executor::SimExecutor;
use super::trace::Failure;
use crate::sync::shim::Mutex;

/// The properties of one run.
#[derive(Default)]
pub(crate) struct Monitors {
    always: Mutex<Vec<Always>>,
}

struct Always {
    name: String,
    holds: Box<dyn FnMut() -> Result<(), String> + Send>,
}

impl Monitors {
    pub(crate) fn always(&self, name: &str, holds: impl FnMut() -> Result<(), String> + Send + 'static) {
        self.always.lock().push(Always { name: name.to_owned(), holds: Box::new(holds) });
    }

    /// Looks at everything that has to hold after each step.
    pub(crate) fn after_step(&self, _executor: &SimExecutor) -> Option<Failure> {
        for always in self.always.lock().iter_mut() {
            if let Err(message) = (always.holds)() {
                return Some(Failure::Violated { property: always.name.clone(), message });
            }
        }
        None
    }

    /// The body is done and nothing can run: what has to hold now.
    pub(crate) fn at_end(&self, _executor: &SimExecutor) -> Option<Failure> {
        None
    }
}

impl fmt::Debug for Monitors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitors").finish_non_exhaustive()
    }
}
