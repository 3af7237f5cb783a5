//! Nothing of it: no program is explored in this build.

use std::task::{Context, Poll};

use super::Access;

/// Nothing: no program is explored in this build.
#[derive(Debug, Default)]
pub(crate) struct Object;

impl Object {
    #[inline(always)]
    pub(crate) const fn new(_kind: &'static str) -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) const fn none() -> Self {
        Self
    }

    #[inline(always)]
    pub(crate) fn touch(&self, _access: Access) {}

    #[inline(always)]
    pub(crate) fn name(&self, _name: impl Fn() -> String) {}
}

/// See the other one: nothing is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look;

#[inline(always)]
pub(crate) const fn look() -> Look {
    Look
}

impl Look {
    #[inline(always)]
    pub(crate) const fn as_one(self) -> Self {
        self
    }

    #[inline(always)]
    pub(crate) fn waits(self) {}

    #[inline(always)]
    pub(crate) fn waits_even_so(self) {}

    #[inline(always)]
    pub(crate) fn sleeps(self) {}

    #[inline(always)]
    pub(crate) fn repeats(self) {}

    #[inline(always)]
    pub(crate) fn is_nothing(self) {}
}

#[inline(always)]
pub(crate) const fn has_acted() -> bool {
    false
}

#[inline(always)]
pub(crate) fn unseen<R>(look: impl FnOnce() -> R) -> R {
    look()
}

#[inline(always)]
pub(crate) fn note_answer(_slot: &Object, _what: impl FnOnce() -> String) {}

#[inline(always)]
pub(crate) fn note_left(_slot: &Object) {}

#[inline(always)]
pub(crate) fn note_wait(_on: &Object, _what: &str) {}

#[inline(always)]
pub(crate) fn type_name<T>() -> String {
    std::any::type_name::<T>().to_owned()
}

#[inline(always)]
pub(crate) const fn new_actor() -> Option<u64> {
    None
}

pub(crate) fn actor_name(id: u64) -> impl std::fmt::Display {
    id
}

#[inline(always)]
pub(crate) const fn is_exploring() -> bool {
    false
}

#[inline(always)]
pub(crate) const fn takes_time() -> bool {
    false
}

#[inline(always)]
pub(crate) fn act() {}

#[inline(always)]
pub(crate) fn pass(_cx: &mut Context<'_>) -> Poll<()> {
    Poll::Ready(())
}
