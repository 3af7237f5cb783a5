//! Which of the objects are alive that were made while something was explored on this
//! thread.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::recorder::ObjectId;

/// What people call objects: their kind, or a name.
type Names = BTreeMap<ObjectId, String>;

thread_local! {
    static LIVING: Cell<i64> = const { Cell::new(0) };
    /// Of those that are alive, if anybody wants to know.
    static NAMES: RefCell<Option<Names>> = const { RefCell::new(None) };
}

pub(super) fn begin(object: ObjectId, kind: &str) {
    LIVING.set(LIVING.get() + 1);
    NAMES.with_borrow_mut(|names| {
        if let Some(names) = names {
            names.insert(object, kind.to_owned());
        }
    });
}

pub(super) fn name(object: ObjectId, name: &impl Fn() -> String) {
    if NAMES.with_borrow(Option::is_none) {
        return;
    }
    let name = name();
    NAMES.with_borrow_mut(|names| {
        if let Some(known) = names.as_mut().and_then(|names| names.get_mut(&object)) {
            *known = name;
        }
    });
}

pub(super) fn end(object: ObjectId) {
    // A thread that is being torn down explores nothing.
    let _ = LIVING.try_with(|living| living.set(living.get() - 1));
    let _ = NAMES.try_with(|names| {
        if let Some(names) = names.borrow_mut().as_mut() {
            names.remove(&object);
        }
    });
}

/// How many there are.
pub(crate) fn living() -> i64 {
    LIVING.get()
}

/// Forgets those that are alive: they have been told of. What is made from now on is
/// kept by name, or not.
pub(crate) fn forget_living(named: bool) {
    LIVING.set(0);
    NAMES.set(named.then(Names::new));
}

/// What people call those that are alive, each once.
pub(crate) fn names_of_living() -> Vec<String> {
    let names = NAMES.take().unwrap_or_default();
    let mut names: Vec<String> = names.into_values().collect();
    names.sort_unstable();
    names.dedup();
    names
}
