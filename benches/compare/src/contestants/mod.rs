//! Who takes part. Each library is used in its own file and in its own way.

mod actix;
mod channel;
mod channels;
mod crossbeam;
mod kameo;
mod ractor;
#[cfg(feature = "tidegate")]
mod tidegate;
#[cfg(feature = "tidegate")]
mod tidegate_mailbox;
mod xtra;

use crate::lineup::Lineup;

/// All of them, in the order of the tables.
pub(crate) fn lineups() -> Vec<Lineup> {
    let mut all = Vec::new();
    #[cfg(feature = "tidegate")]
    {
        all.extend(tidegate::lineups());
        all.push(tidegate_mailbox::lineup());
    }
    all.extend([actix::lineup(), ractor::lineup(), kameo::lineup(), xtra::lineup()]);
    all.extend(channels::lineups());
    all.push(crossbeam::lineup());
    all
}
