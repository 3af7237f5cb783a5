//! Notify, then fetch: a store says that there is news, and whoever follows it
//! fetches as much as it wants, when it wants.
//!
//! Items do not travel with the notice. A notice is a number, *everything below
//! `up_to` is stored*, and only the highest known one matters: one that is
//! lost, doubled, late or out of order does no harm, and of a million there is
//! one pending. The items are fetched by cursor, at most as many as were asked
//! for, and a fetch can be repeated, so one that failed is.
//!
//! | file | what it is |
//! |---|---|
//! | `page` | [`Fetch`], [`Page`], [`Gap`], [`News`]: what is asked for and what comes back |
//! | `settings` | [`Follow`]: from where, how much at once, how often, how long to try |
//! | `follower` | [`Follower`]: when to fetch, arm, wait: a state machine without a clock |
//! | `bell` | [`Notifier`] and [`Notices`]: the highest number told, and who is to be woken |
//! | `retained` | [`Retained`]: numbered items, the oldest of which go |
//! | `log` | [`Log`]: the same, shared, with a bell |
//! | `source` | [`follow`]: all of it, as the source of a subscription |
//!
//! # The races, and what answers them
//!
//! *News comes between an empty fetch and the moment at which the follower can
//! be told again.* So it arms first and looks at the number after that, and only
//! then sleeps: the discipline of network drivers that poll under load (Linux
//! NAPI: interrupts on, then look once more).
//!
//! *A notice is lost on its way.* So the follower fetches now and then without
//! one: the safety poll.
//!
//! *The notice is ahead of the store*, which answers from a cache or from a
//! replica that lags. The follower knows the number, so it knows that the empty
//! page is not the end of it; it tries again, with growing waits, and not in a
//! loop.
//!
//! *The store has dropped what was not fetched yet.* Then the follower delivers
//! a [`Gap`] in its place.

mod bell;
mod follower;
mod log;
mod page;
mod retained;
mod settings;
mod source;

pub use self::bell::{Notices, Notifier, notices};
pub use self::follower::{Follower, MalformedPage, Step};
pub use self::log::Log;
pub use self::page::{Fetch, FetchError, Gap, News, Page};
pub use self::retained::{CursorAhead, LogClosed, Retained};
pub use self::settings::Follow;
pub use self::source::{Following, follow};
