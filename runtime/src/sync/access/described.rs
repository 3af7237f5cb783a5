//! Messages in words.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

/// Tells what is in a message of a type.
type Describer = fn(&dyn Any) -> String;

thread_local! {
    static DESCRIBERS: RefCell<BTreeMap<TypeId, Describer>> = const { RefCell::new(BTreeMap::new()) };
}

/// A message in words: what was registered for it, or its type.
pub(crate) fn describe<M: 'static>(message: &M) -> String {
    let known = DESCRIBERS.with_borrow(|known| known.get(&TypeId::of::<M>()).copied());
    known.map_or_else(type_name::<M>, |describe| describe(message))
}

/// Has messages of this type described by what is in them.
pub(crate) fn describe_by_debug<M: fmt::Debug + 'static>() {
    let describe = |message: &dyn Any| message.downcast_ref::<M>().map_or_else(String::new, |m| format!("{m:?}"));
    DESCRIBERS.with_borrow_mut(|known| known.insert(TypeId::of::<M>(), describe));
}

/// The name of a type without the modules that it and its parts are in.
pub(crate) fn type_name<T>() -> String {
    let mut short = String::new();
    for part in std::any::type_name::<T>().split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        short.push_str(part.rsplit_once("::").map_or(part, |(_, last)| last));
    }
    short
}
