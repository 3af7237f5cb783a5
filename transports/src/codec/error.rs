//! Errors of encoding and decoding, one type for each.

use std::error::Error;
use std::fmt;

/// Error returned by [`Codec::encode`](super::Codec::encode).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The message needs more bytes than the limit allows. Permanent for this
    /// message: make it smaller, or raise the limit on both ends.
    TooLarge {
        /// The most bytes that the limit allows.
        limit: usize,
    },
    /// The format cannot express this message. Permanent: the message type and
    /// the format do not fit (a JSON object whose keys are no strings, say).
    Invalid {
        /// What the encoder said.
        reason: String,
    },
}

/// Error returned by [`Codec::decode`](super::Codec::decode). Every variant is
/// permanent: the same bytes fail the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// There are more bytes than the limit allows; none of them was decoded.
    TooLarge {
        /// How many bytes there were.
        size: usize,
        /// The most bytes that the limit allows.
        limit: usize,
    },
    /// The bytes end before the message does, or claim a length that they cannot
    /// back up.
    Truncated,
    /// The message ends before the bytes do.
    TrailingBytes {
        /// How many bytes were left over.
        extra: usize,
    },
    /// The bytes are no such message.
    Invalid {
        /// What the decoder said. It may quote the peer: control characters in it
        /// are escaped and it is cut to a line, so that it is safe to log.
        reason: String,
    },
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => {
                write!(f, "the message does not fit into {limit} bytes, the limit of this codec")
            }
            Self::Invalid { reason } => write!(f, "the message cannot be encoded: {reason}"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { size, limit } => {
                write!(f, "{size} bytes are more than the limit of {limit}; nothing was decoded")
            }
            Self::Truncated => f.write_str("the bytes end before the message does"),
            Self::TrailingBytes { extra } => {
                write!(f, "{extra} bytes are left over behind the message")
            }
            Self::Invalid { reason } => write!(f, "the bytes are no such message: {reason}"),
        }
    }
}

impl Error for EncodeError {}
impl Error for DecodeError {}

/// The longest reason that an error carries, in characters.
#[cfg(any(feature = "json", feature = "postcard", feature = "bincode"))]
const LONGEST_REASON: usize = 200;

/// Writes down what an encoder or decoder said, safe to print: a peer's text can
/// neither move the cursor of a terminal nor fill a log.
#[cfg(any(feature = "json", feature = "postcard", feature = "bincode"))]
pub(super) fn reason(said: &dyn fmt::Display) -> String {
    let said = said.to_string();
    let mut safe = String::new();
    for (count, c) in said.chars().enumerate() {
        if count == LONGEST_REASON {
            safe.push_str("...");
            break;
        }
        if c.is_control() {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(all(test, any(feature = "json", feature = "postcard", feature = "bincode")))]
mod tests {
    use super::{LONGEST_REASON, reason};

    #[test]
    fn a_reason_cannot_move_the_cursor() {
        assert_eq!(reason(&"a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
    }

    #[test]
    fn a_reason_is_cut() {
        assert_eq!(reason(&"x".repeat(LONGEST_REASON)), "x".repeat(LONGEST_REASON));
        assert_eq!(reason(&"x".repeat(LONGEST_REASON + 1)), "x".repeat(LONGEST_REASON) + "...");
    }
}
