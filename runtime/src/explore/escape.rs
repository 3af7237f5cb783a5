//! What leaves the program that is explored: other runtimes, other threads.
//!
//! Tasks, timers and sockets of tokio panic where there is no runtime, with words
//! that name neither the place in the program nor what to use; these are
//! recognised and said anew, wherever the panic ended. A thread of the program's
//! own is noticed when it wakes somebody.

use crate::actor::panic::Panic;
use crate::sync::access;

/// What to use in place of what leaves the program.
const INSTEAD: &str = "in an actor `cx.spawn`, `cx.sleep`, `cx.timers()` and `cx.now`, in the body `Sim::spawn`, \
                       `Sim::sleep` and `Sim::now`";

/// What another runtime says where there is none of it, and what it is called.
const FOREIGN: [(&str, &str); 7] = [
    ("there is no reactor running", "tokio"),
    ("not currently running on the Tokio runtime", "tokio"),
    ("must be called from the context of a Tokio", "tokio"),
    ("can call blocking only when running on the multi-threaded runtime", "tokio"),
    ("called from outside of a `task::LocalSet`", "tokio"),
    ("Tokio context thread-local variable has been destroyed", "tokio"),
    ("System is not running", "actix"),
];

/// What a panic says if it comes of leaving the program, in words of ours.
pub(crate) fn translated(task: &str, panic: &Panic) -> Option<String> {
    let (_, runtime) = FOREIGN.iter().find(|(words, _)| panic.message().contains(words))?;
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    Some(format!(
        "{task} called {runtime}{place}, for a task, a timer, a socket or a blocking call, and there is no {runtime} \
         where orders are chosen. Use instead {INSTEAD}; and something in memory for sockets and files"
    ))
}

/// A thread or a runtime of its own has woken a task.
pub(crate) fn woken_from_outside(task: &str) -> String {
    format!(
        "{task} was woken from outside of the program, by a thread or runtime of its own, whose order nobody chooses. \
         Use instead of threads and of what starts them {INSTEAD}"
    )
}

/// Why nothing can be explored here: within a runtime, what leaves the program
/// would end there, and be noticed by nobody; and a thread explores one program.
pub(crate) fn surrounded() -> Option<String> {
    if access::is_exploring() {
        return Some(String::from(
            "it is called within a program that is explored. Explore one after the other, or on a thread of its own",
        ));
    }
    #[cfg(feature = "tokio")]
    if ::tokio::runtime::Handle::try_current().is_ok() {
        return Some(String::from(
            "it is called within a tokio runtime, where tasks and timers of tokio would escape unseen. Explore in a \
             `#[test]` instead of a `#[tokio::test]`, or on a thread of its own",
        ));
    }
    None
}
