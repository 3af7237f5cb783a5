//! What comes of a program: what each of those in it has seen, in order.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Who has seen what.
type Lists = BTreeMap<String, Vec<String>>;

/// Where all write down what they see. Each writes to a list of its own, and
/// none of them reads, so that nobody learns anything of others by it.
///
/// It is an outcome by what is in it when the run is over: a body whose clock moves
/// whenever it likes returns while others have something left to do.
#[derive(Clone, Default)]
pub(crate) struct Book(Arc<Mutex<Lists>>);

impl Book {
    pub(crate) fn note(&self, who: &str, what: String) {
        self.with(who, |list| list.push(what));
    }

    /// Of many who have no names of their own, and come in any order.
    pub(crate) fn note_of_many(&self, who: &str, what: String) {
        self.with(who, |list| {
            let place = list.partition_point(|other| *other <= what);
            list.insert(place, what);
        });
    }

    /// If it is something else than before.
    pub(crate) fn note_change(&self, who: &str, what: String) {
        self.with(who, |list| {
            if list.last() != Some(&what) {
                list.push(what);
            }
        });
    }

    fn read(&self) -> Lists {
        self.0.lock().expect("nobody panics with it").clone()
    }

    fn with(&self, who: &str, change: impl FnOnce(&mut Vec<String>)) {
        let mut lists = self.0.lock().expect("nobody panics with it");
        change(lists.entry(who.to_owned()).or_default());
    }
}

impl Ord for Book {
    fn cmp(&self, other: &Self) -> Ordering {
        // Of one and the same, only one can be locked.
        if Arc::ptr_eq(&self.0, &other.0) { Ordering::Equal } else { self.read().cmp(&other.read()) }
    }
}

impl PartialOrd for Book {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Book {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Book {}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read().fmt(f)
    }
}
