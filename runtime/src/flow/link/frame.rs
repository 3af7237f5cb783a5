//! What the two ends say to each other.
//!
//! One enum for each direction, so that the types already say who creates what:
//! demand comes from the consumer and from nobody else (S6).

use crate::mailbox::Mode;

/// What a consumer says. All numbers are absolute, so a frame that arrives twice,
/// late or before an older one does no harm, and one that is lost is replaced by
/// whichever comes next.
///
/// The enums of this module are exhaustive, for codecs written by hand: a further
/// frame would be a further protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum ToProducer {
    /// What has arrived, and up to where more may come.
    Grant(Grant),
    /// Nothing more is wanted. Said until [`ToConsumer::Cancelled`] is heard.
    Cancel {
        /// Of which link.
        link: u64,
    },
    /// All items and the terminal have arrived. Said again whenever one of them
    /// arrives again.
    Finished {
        /// Of which link.
        link: u64,
    },
}

/// All that a producer has to know of its consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Grant {
    /// Of which link.
    pub link: u64,
    /// How often the mode has been switched.
    pub epoch: u64,
    /// Who asks for more in this epoch.
    pub mode: Mode,
    /// Items below this number have arrived.
    pub confirmed: u64,
    /// Items beyond `confirmed` that have arrived: bit `i` stands for item
    /// `confirmed + 1 + i`. What arrived further beyond is not told, and is sent
    /// once more.
    pub early: u64,
    /// Items below this number may be sent; `u64::MAX` is all.
    pub limit: u64,
}

/// What a producer says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum ToConsumer<T> {
    /// One item.
    Item {
        /// Of which link.
        link: u64,
        /// The how manieth, from 0.
        sequence: u64,
        /// The item itself.
        item: T,
    },
    /// There are no items from `at` on. Needs no demand (S8, L6).
    Ended {
        /// Of which link.
        link: u64,
        /// How many items there are.
        at: u64,
        /// How it ended.
        end: End,
    },
    /// The answer to [`ToProducer::Cancel`].
    Cancelled {
        /// Of which link.
        link: u64,
    },
}

/// How a producer ends, as it is told over the network.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum End {
    /// It had no more.
    Completed,
    /// It could not go on, and why: errors do not travel, their text does.
    Failed(String),
}

impl ToProducer {
    /// Of which link this is.
    #[must_use]
    pub const fn link(&self) -> u64 {
        match *self {
            Self::Grant(Grant { link, .. }) | Self::Cancel { link } | Self::Finished { link } => link,
        }
    }
}

impl<T> ToConsumer<T> {
    /// Of which link this is.
    #[must_use]
    pub const fn link(&self) -> u64 {
        match *self {
            Self::Item { link, .. } | Self::Ended { link, .. } | Self::Cancelled { link } => link,
        }
    }
}

// By hand, since a mode has no order of its own. For sets of frames, nothing more.
impl Ord for Grant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |g: &Self| (g.link, g.epoch, g.mode == Mode::Pull, g.confirmed, g.early, g.limit);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Grant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
