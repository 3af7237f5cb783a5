//! Floor 6: demand that travels through a whole pipeline, so that a slow last step
//! holds back the first, without a buffer in between that has no bound.
//!
//! A subscription joins a [`Source`] and an actor. The source is polled as far as
//! the subscriber has asked ([`Demand`]) and its mailbox has room, and no
//! further; the mailbox is the only place where items wait. What a subscriber
//! asks for and what it is sent are two absolute counts, as for a mailbox
//! ([`Ledger`]).

mod conversion;
mod demand;
mod dispatch;
mod emitter;
mod end;
mod error;
mod held;
mod inlet;
mod items;
pub mod join;
mod ledger;
mod line;
pub mod link;
pub mod news;
mod outlet;
mod rate;
pub mod reactive;
pub mod source;
pub mod stage;
mod subscription;
mod target;
#[cfg(feature = "testkit")]
pub mod verify;

pub use self::conversion::Conversion;
pub use self::demand::Demand;
pub use self::emitter::Emitter;
pub use self::end::End;
pub use self::error::{EmitError, Unwanted};
pub use self::held::Held;
pub use self::inlet::Inlet;
pub use self::items::Items;
pub use self::ledger::{Ledger, UNBOUNDED};
pub use self::outlet::{Demanded, Outlet, Port, Sending, Unheard};
pub use self::source::{Source, Spawner};
pub use self::subscription::Subscription;
