//! Several sources as one: fan-in that keeps to demand.
//!
//! Each input is subscribed to with a window of its own, which is all that is
//! read ahead of it; an item is taken out of a window only for demand downstream.
//! So nothing is read from any input beyond its window while nobody asks.
//!
//! | | emits when | completes when | fails when |
//! |---|---|---|---|
//! | [`merge`] | any input has an item; in turn | all have completed | the first fails |
//! | [`merge_by_priority`] | any has; of several, the first in order | all have completed | the first fails |
//! | [`zip`] | both have | either has completed and what it had is paired | either fails |
//!
//! Whatever ends it cancels the other inputs. Items that a failed input had sent
//! come before its failure; items of the others that lie in their windows by then
//! do not come any more, as Reactive Streams has it for `onError`.

mod merge;
mod zip;

pub use self::merge::{Merge, merge, merge_by_priority};
pub use self::zip::{Zip, zip};
