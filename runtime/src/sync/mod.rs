//! Floor 1: the only module with `unsafe` and with atomics.
//!
//! | file | what it is |
//! |---|---|
//! | [`shim`] | std outside models, loom inside |
//! | [`words`] | the two words of the gate, and their arithmetic |
//! | [`ring`] | slots: where accepted messages wait |
//! | [`queue`] | the gate over them: claims, limit, storage, terms |
//! | [`waiters`] | senders that wait, first in, first out |
//! | [`watch`] | the level of pressure, with hysteresis |
//! | [`wait_cell`] | wakes the one receiver |
//! | [`lane`] | the control lane |
//! | [`reply`] | a slot for one answer |
//! | [`counter`] | counts, handles, flags |
//! | `stamp` | moments, for people |
//! | `modelled` | runs a model, ours or a user's |
//! | [`access`] | what a step of an explored program touches |
//!
//! Every ordering says what it pairs with and names the model that fails when
//! it is weakened; [`mutants`] lists the weakenings, and `cargo xtask model
//! --mutants` sees each of them fail.

pub(crate) mod access;
#[cfg(all(test, feature = "explore", not(tidegate_loom)))]
pub(crate) mod audit;
pub(crate) mod counter;
pub(crate) mod lane;
#[cfg(all(any(test, feature = "testkit"), tidegate_loom))]
pub(crate) mod modelled;
#[cfg(all(test, tidegate_loom))]
pub(crate) mod modelling;
#[cfg(tidegate_loom)]
pub(crate) mod mutants;
#[cfg(all(feature = "explore", not(tidegate_loom)))]
pub(crate) mod planted;
pub(crate) mod queue;
pub(crate) mod reply;
pub(crate) mod ring;
pub(crate) mod shim;
#[cfg(feature = "metrics")]
pub(crate) mod stamp;
pub(crate) mod wait_cell;
pub(crate) mod waiters;
pub(crate) mod watch;
pub(crate) mod words;
