//! std outside models, loom inside.
//!
//! Everything above imports its atomics, cells, locks and `Arc` from here, so
//! that one build flag, `--cfg tidegate_loom`, puts the whole crate under the
//! model checker. The flag is ours and not the bare `loom`, because that one
//! also removes `tokio::net` from every build it touches.
//!
//! [`order!`] and [`mutant!`] name the places that a model must notice when
//! they are weakened; see [`mutants`](super::mutants).

#[cfg(all(test, feature = "explore", not(tidegate_loom)))]
pub(crate) use super::audit::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};
#[cfg(not(tidegate_loom))]
pub(crate) use std::sync::Arc;
#[cfg(not(any(tidegate_loom, all(test, feature = "explore"))))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};

#[cfg(tidegate_loom)]
pub(crate) use loom::sync::Arc;
#[cfg(tidegate_loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize};

pub(crate) use std::sync::atomic::Ordering;

use super::access::{Access, Object};

/// A cell whose accesses loom can watch. The closures mark how long each
/// access lasts, which is what lets a model see two of them overlap.
#[derive(Debug)]
pub(crate) struct UnsafeCell<T>(
    #[cfg(not(tidegate_loom))] std::cell::UnsafeCell<T>,
    #[cfg(tidegate_loom)] loom::cell::UnsafeCell<T>,
);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> Self {
        #[cfg(not(tidegate_loom))]
        return Self(std::cell::UnsafeCell::new(value));
        #[cfg(tidegate_loom)]
        return Self(loom::cell::UnsafeCell::new(value));
    }

    /// Shared access for the length of `f`.
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        #[cfg(not(tidegate_loom))]
        return f(self.0.get());
        #[cfg(tidegate_loom)]
        return self.0.with(f);
    }

    /// Exclusive access for the length of `f`.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(not(tidegate_loom))]
        return f(self.0.get());
        #[cfg(tidegate_loom)]
        return self.0.with_mut(f);
    }
}

/// A lock without poisoning: parking_lot outside models, loom's inside, where
/// parking_lot would be invisible to the checker. To an explorer each lock is a
/// shared thing, and taking it a change of it.
#[derive(Debug)]
pub(crate) struct Mutex<T> {
    #[cfg(not(tidegate_loom))]
    lock: parking_lot::Mutex<T>,
    #[cfg(tidegate_loom)]
    lock: loom::sync::Mutex<T>,
    object: Object,
}

#[cfg(not(tidegate_loom))]
pub(crate) type MutexGuard<'a, T> = parking_lot::MutexGuard<'a, T>;
#[cfg(tidegate_loom)]
pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self::with_object(value, Object::new("lock"))
    }

    /// A lock that is not touched when it is taken: whoever takes it says what it
    /// touches, or that it matters to nobody.
    pub(crate) fn untouched(value: T) -> Self {
        Self::with_object(value, Object::none())
    }

    fn with_object(value: T, object: Object) -> Self {
        #[cfg(not(tidegate_loom))]
        let lock = parking_lot::Mutex::new(value);
        #[cfg(tidegate_loom)]
        let lock = loom::sync::Mutex::new(value);
        Self { lock, object }
    }

    /// Says what people call it.
    pub(crate) fn name(&self, name: impl Fn() -> String) {
        self.object.name(name);
    }

    /// As taking it, to explorers: what is behind it was changed after a look.
    #[inline]
    pub(crate) fn touch(&self, access: Access) {
        self.object.touch(access);
    }

    #[inline]
    #[cfg_attr(test, track_caller)]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_to(Access::Write)
    }

    /// The same, for something that may change places with what others do there.
    #[inline]
    #[cfg_attr(test, track_caller)]
    pub(crate) fn lock_to(&self, access: Access) -> MutexGuard<'_, T> {
        self.object.touch(access);
        #[cfg(all(test, feature = "explore", not(tidegate_loom)))]
        super::audit::note_lock(&self.object, access != Access::Read);
        #[cfg(not(tidegate_loom))]
        return self.lock.lock();
        #[cfg(tidegate_loom)]
        return self.lock.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// Begins a part of a structure that other threads hammer on than the parts
/// before it. At least a cache line lies between two such parts; they are not
/// aligned to one, since the padding would be paid by every idle mailbox.
#[derive(Debug, Default)]
pub(crate) struct Line<T>(pub(crate) T);

/// `order!(Release, "name")` is `Ordering::Release`, except in a model build
/// with the mutant `name` switched on, where it is `Relaxed`.
macro_rules! order {
    ($strong:ident, $name:literal) => {{
        #[cfg(not(tidegate_loom))]
        {
            $crate::sync::shim::Ordering::$strong
        }
        #[cfg(tidegate_loom)]
        {
            if $crate::sync::mutants::on($name) {
                $crate::sync::shim::Ordering::Relaxed
            } else {
                $crate::sync::shim::Ordering::$strong
            }
        }
    }};
}

/// `kept!(Release)` is `Ordering::Release`: one that no model misses when it is
/// weakened, and that the argument beside it asks for nevertheless.
macro_rules! kept {
    ($strong:ident) => {
        $crate::sync::shim::Ordering::$strong
    };
}

/// `mutant!("name")` is `false`, except in a model build with the mutant
/// `name` switched on: it marks a step of a protocol that can be left out.
macro_rules! mutant {
    ($name:literal) => {{
        #[cfg(not(tidegate_loom))]
        {
            false
        }
        #[cfg(tidegate_loom)]
        {
            $crate::sync::mutants::on($name)
        }
    }};
}

pub(crate) use {kept, mutant, order};
