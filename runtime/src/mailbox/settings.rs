//! Mailboxes from a configuration file: the constructors of
//! [`Push`], [`Pull`] and [`Adaptive`] as keys of a table.
//!
//! A table is read key by key into plain values first and judged as a whole
//! afterwards, so that every complaint names its key, whatever the format, and
//! a key of another mode is told apart from one that does not exist. What has
//! been read went through the constructors: code and file are one.

use std::fmt;

use super::config::{Mailbox, Overflow};
use super::modes::{Adaptive, Pull, Push};

mod read;
mod write;

/// A mailbox setting that can be read from a file, and written to one.
///
/// | key | for | value |
/// |---|---|---|
/// | `mode` | all | `"push"`, `"pull"` or `"adaptive"` |
/// | `capacity` | all | a whole number from 1 to 2^41; for push also `"unbounded"`. Pull without it takes the strategy's |
/// | `overflow` | all | `"wait"` (if not given), `"reject"`, `"drop-newest"`, `"drop-oldest"`, `"latest"`, `"divert"`, `"fail"` |
/// | `strategy` | pull | `"manual"`, `"one-by-one"`, `"window"` or `"max-in-flight"` |
/// | `window` | pull, adaptive | the size of the window or the limit in flight; of an adaptive mailbox, its window while pulling |
/// | `low` | pull, window | [`Pull::low`] |
/// | `watermarks.low`, `.high` | all | [`Watermarks`](super::Watermarks) |
/// | `thresholds.overloaded-for-ms`, `.relieved-for-ms`, `.dwell-ms`, `.slowdown` | adaptive | [`Thresholds`](super::Thresholds) |
///
/// Any other key, a key that does not belong to the mode, and an impossible
/// value are errors that name the key. Conflation needs code: it is set on the
/// [`Mailbox`] that this turns into.
///
/// Formats have to describe themselves, as TOML, JSON and YAML do.
///
/// # Examples
/// ```
/// use tidegate::mailbox::{self, MailboxConfig};
/// let config: MailboxConfig = toml::from_str(r#"
///     mode = "pull"
///     strategy = "window"
///     window = 64
///     low = 16
/// "#).unwrap();
/// let (tx, _rx) = mailbox::channel::<u32>(config);
/// assert_eq!(tx.capacity(), Some(64));
///
/// let wrong = toml::from_str::<MailboxConfig>(r#"mode = "push"
///     capacity = 0"#).unwrap_err();
/// assert!(wrong.to_string().contains("`capacity` cannot be 0"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MailboxConfig(Setting);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Setting {
    Push(Push),
    Pull(Pull),
    Adaptive(Adaptive),
}

/// Why a table is no mailbox setting. Each names the key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no such key.
    Unknown {
        /// The key, with the table that it is in.
        key: String,
        /// The keys that there are.
        known: &'static str,
    },
    /// The key is given twice.
    Repeated {
        /// The key, with the table that it is in.
        key: String,
    },
    /// The key has to be given.
    Missing {
        /// The key, with the table that it is in.
        key: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// The key exists, but says nothing about a mailbox like this one.
    Misplaced {
        /// The key, with the table that it is in.
        key: &'static str,
        /// What it belongs to.
        belongs_to: &'static str,
    },
    /// The value is of the wrong type, or impossible.
    Impossible {
        /// The key, with the table that it is in.
        key: &'static str,
        /// The value.
        value: String,
        /// What it may be.
        allowed: String,
    },
}

impl ConfigError {
    /// The key at fault, with the table that it is in: `watermarks.low`.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Unknown { key, .. } | Self::Repeated { key } => key,
            Self::Missing { key, .. } | Self::Misplaced { key, .. } | Self::Impossible { key, .. } => key,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { key, known } => write!(f, "unknown key `{key}`; there are {known}"),
            Self::Repeated { key } => write!(f, "the key `{key}` is given twice"),
            Self::Missing { key, allowed } => write!(f, "the key `{key}` is missing; it is {allowed}"),
            Self::Misplaced { key, belongs_to } => write!(f, "the key `{key}` belongs to {belongs_to}"),
            Self::Impossible { key, value, allowed } => write!(f, "`{key}` cannot be {value}; it is {allowed}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The policies by their names in a file.
const POLICIES: [(&str, Overflow); 7] = [
    ("wait", Overflow::Wait),
    ("reject", Overflow::Reject),
    ("drop-newest", Overflow::DropNewest),
    ("drop-oldest", Overflow::DropOldest),
    ("latest", Overflow::Latest),
    ("divert", Overflow::Divert),
    ("fail", Overflow::Fail),
];
/// What is as long as this, in milliseconds, or longer, is for ever: a TOML
/// integer ends here.
const FOR_EVER: u64 = i64::MAX as u64;

impl MailboxConfig {
    /// The TOML that reads as this setting: what is to be pasted into a file.
    ///
    /// ```
    /// use tidegate::{Overflow, Push, mailbox::MailboxConfig};
    /// let config = MailboxConfig::from(Push::bounded(256).overflow(Overflow::DropOldest));
    /// assert_eq!(config.to_toml(), "mode = \"push\"\ncapacity = 256\noverflow = \"drop-oldest\"\n");
    /// ```
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl From<Push> for MailboxConfig {
    fn from(push: Push) -> Self {
        Self(Setting::Push(push))
    }
}

impl From<Pull> for MailboxConfig {
    fn from(pull: Pull) -> Self {
        Self(Setting::Pull(pull))
    }
}

impl From<Adaptive> for MailboxConfig {
    fn from(adaptive: Adaptive) -> Self {
        Self(Setting::Adaptive(adaptive))
    }
}

impl<M> From<MailboxConfig> for Mailbox<M> {
    fn from(config: MailboxConfig) -> Self {
        match config.0 {
            Setting::Push(push) => push.into(),
            Setting::Pull(pull) => pull.into(),
            Setting::Adaptive(adaptive) => adaptive.into(),
        }
    }
}
