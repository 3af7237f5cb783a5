//! What a panic said, and where.
//!
//! Whoever catches a panic gets its payload and nothing else: only the panic
//! hook is told the place. So a hook, put once before the one that is there,
//! leaves the place on its thread for who catches.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};
use std::thread;

/// A panic of an actor: what it said, and where it was.
///
/// Shown as what it said; `{:#}` adds where.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::ManualExecutor;
/// struct Fragile;
/// impl Actor for Fragile {
///     type Msg = u64;
///     async fn handle(&mut self, n: u64, _cx: &mut Context<Self>) -> Result<(), Fault> {
///         panic!("cannot bear {n}")
///     }
/// }
/// let executor = ManualExecutor::new();
/// let actor = System::with_executor(executor.clone()).spawn(Fragile, Push::bounded(1));
/// actor.try_tell(7).unwrap();
/// executor.run_until_idle();
/// let Some(StopReason::Panicked(panic)) = actor.stop_reason() else { panic!("it lives") };
/// assert_eq!(panic.message(), "cannot bear 7");
/// assert!(panic.location().unwrap().contains(".rs:"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Panic(Arc<Said>);

#[derive(PartialEq, Eq)]
struct Said {
    message: String,
    location: Option<String>,
}

impl Panic {
    /// What it said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// File, line and column. `None` if nobody heard: a panic hook that was
    /// set after the first system was made hides them, unless it calls the one
    /// before it.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    fn caught(payload: Box<dyn Any + Send>) -> Self {
        let message = text(&*payload).unwrap_or("a panic that carried no text").to_owned();
        // A payload may panic when it is dropped.
        drop(catch_unwind(AssertUnwindSafe(|| drop(payload))));
        let heard = LAST.try_with(|last| last.borrow_mut().take()).ok().flatten();
        // Of another panic, if this one was raised again past the hook.
        let location = heard.filter(|heard| heard.message == message).and_then(|heard| heard.location);
        let panic = Self(Arc::new(Said { message, location }));
        #[cfg(all(feature = "explore", not(tidegate_loom)))]
        if crate::sync::access::is_exploring() {
            CAUGHT.with_borrow_mut(|caught| caught.push(panic.clone()));
        }
        panic
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        match self.location() {
            Some(location) if f.alternate() => write!(f, ", at {location}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic").field("message", &self.0.message).field("location", &self.0.location).finish()
    }
}

thread_local! {
    static LAST: RefCell<Option<Said>> = const { RefCell::new(None) };
}

#[cfg(all(feature = "explore", not(tidegate_loom)))]
thread_local! {
    /// Panics that were caught while something is explored: also those that an
    /// actor's supervision has taken care of.
    static CAUGHT: RefCell<Vec<Panic>> = const { RefCell::new(Vec::new()) };
}

/// Takes what was caught since the last time, and returns the first that `of`
/// makes something of.
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub(crate) fn take_panics<T>(of: impl FnMut(&Panic) -> Option<T>) -> Option<T> {
    CAUGHT.with_borrow_mut(|caught| if caught.is_empty() { None } else { std::mem::take(caught).iter().find_map(of) })
}

/// Hears where panics are, from now on.
pub(crate) fn hear_panics() {
    static HEARING: Once = Once::new();
    // A hook cannot be changed by a thread that panics; the next system will.
    if thread::panicking() {
        return;
    }
    HEARING.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let message = text(info.payload()).unwrap_or("a panic that carried no text").to_owned();
            let location = info.location().map(ToString::to_string);
            // A thread that is being torn down has no actor to tell.
            drop(LAST.try_with(|last| last.replace(Some(Said { message, location }))));
            // What is explored fails again and again, and is told of once.
            if !crate::sync::access::is_exploring() {
                before(info);
            }
        }));
    });
}

/// Calls `f`; its panic goes no further.
pub(crate) fn contained<R>(f: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(f)).map_err(Panic::caught)
}

fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_that_of_the_panic_that_was_caught() {
        hear_panics();
        let line = line!() + 1;
        let panic = contained(|| panic!("here")).unwrap_err();
        let Some(location) = panic.location() else { panic!("nobody heard") };
        assert!(location.contains(&format!("panic.rs:{line}:")), "{location}");
        assert_eq!(format!("{panic}"), "here");
        assert_eq!(format!("{panic:#}"), format!("here, at {location}"));
    }

    #[test]
    fn a_panic_raised_again_past_the_hook_has_its_own_place_or_none() {
        hear_panics();
        drop(catch_unwind(|| panic!("another")));
        let panic = contained(|| std::panic::resume_unwind(Box::new("quiet"))).unwrap_err();
        assert_eq!((panic.message(), panic.location()), ("quiet", None));
        let panic = contained(|| std::panic::panic_any(7)).unwrap_err();
        assert_eq!(panic.message(), "a panic that carried no text");
    }
}
