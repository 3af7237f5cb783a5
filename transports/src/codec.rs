//! Messages to bytes and back, under limits.
//!
//! A [`Codec`] encodes one message into one frame's payload and decodes it again.
//! Framing (where a message starts and ends) is not done here; a codec is handed
//! exactly one message's bytes, and refuses bytes left over.
//!
//! # What every codec here promises
//! The three codecs pass one suite of tests, under the same names:
//!
//! - what was encoded decodes to an equal message;
//! - a message cut off anywhere is an error, never a shorter message;
//! - bytes after the message are an error;
//! - a message over [`Limits::max_size`] is refused *before* any of it is decoded,
//!   and is not encoded in the first place;
//! - garbage is an error and never a panic;
//! - a length that the bytes cannot back up (a list that claims 2^33 elements in
//!   ten bytes) is an error, and what it makes a codec allocate is bounded by a
//!   constant (serde sets aside at most 1 MiB for a list it has not seen) or by a
//!   multiple of the bytes received.
//!
//! # What a limit cannot stop
//! **Recursive types.** A type that contains itself (`enum Tree { Leaf, Node(Box<Tree>) }`)
//! is decoded by recursion, one stack frame or more for each level, and the peer
//! chooses the number of levels. With postcard and bincode some 5 KB of message in a
//! debug build, and 15 to 45 KB in a release build, overflow a stack of 2 MiB, and
//! a stack overflow ends the *process*: it is not a panic and nobody can catch it.
//! A size limit that is of use lets such a message through. So **do not decode
//! recursive types from peers that you do not trust** with these two: flatten the
//! type (nodes in a `Vec`, indices for edges), or use [`Json`], which gives up with
//! an error at 128 levels.
//!
//! **Elements that take no bytes.** A `Vec<()>`, or a list of any type without
//! fields, may claim 2^33 elements in ten bytes, and all of them are there: that
//! costs no memory, but it costs the time to count. Keep such lists out of message
//! types.
#![cfg_attr(feature = "json", doc = "\n# Examples\n```")]
#![cfg_attr(not(feature = "json"), doc = "\n# Examples\n```ignore")]
//! use tidegate_transports::codec::{Codec, DecodeError, Json, Limits};
//!
//! let codec = Json::with_limits(Limits::max_size(16));
//! let mut bytes = Vec::new();
//! codec.encode(&vec![1_u8, 2, 3], &mut bytes)?;
//! assert_eq!(bytes, b"[1,2,3]");
//!
//! let back: Vec<u8> = codec.decode(&bytes)?;
//! assert_eq!(back, [1, 2, 3]);
//!
//! let long: Result<Vec<u8>, _> = codec.decode(&[b' '; 17]);
//! assert_eq!(long, Err(DecodeError::TooLarge { size: 17, limit: 16 }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "bincode")]
mod bincode;
#[cfg(any(feature = "json", feature = "postcard", feature = "bincode"))]
mod bounded;
mod error;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "postcard")]
mod postcard;

#[cfg(feature = "bincode")]
#[cfg_attr(docsrs, doc(cfg(feature = "bincode")))]
pub use self::bincode::Bincode;
pub use self::error::{DecodeError, EncodeError};
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub use self::json::Json;
#[cfg(feature = "postcard")]
#[cfg_attr(docsrs, doc(cfg(feature = "postcard")))]
pub use self::postcard::Postcard;

/// How one message becomes bytes, and how bytes become one message.
///
/// Implement it to bring a wire format of your own; the trait is object safe, so a
/// connection may choose among `Box<dyn Codec<M>>` when it learns what the peer
/// speaks.
pub trait Codec<M> {
    /// Names the format, as a MIME type that two peers can agree on.
    ///
    /// The types under `application/x.tidegate+` are our own and registered with
    /// nobody.
    fn media_type(&self) -> &'static str;

    /// Appends one message to `out`.
    ///
    /// What is in `out` already stays, so a caller can leave room for a header
    /// and use one buffer for many messages. After an error `out` is as it was.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] if the message needs more bytes than the limit,
    /// which a peer with the same limit would refuse anyway.
    /// [`EncodeError::Invalid`] if the format cannot express the message.
    fn encode(&self, message: &M, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads the one message that `bytes` holds, all of it and nothing else.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] if `bytes` is longer than the limit: nothing was
    /// decoded. [`DecodeError::Truncated`] if the message goes on behind the end.
    /// [`DecodeError::TrailingBytes`] if it ends before. [`DecodeError::Invalid`]
    /// if these bytes are no such message. Every one of them is permanent: the
    /// same bytes fail the same way.
    fn decode(&self, bytes: &[u8]) -> Result<M, DecodeError>;
}

/// What a codec refuses before it does any work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    max_size: usize,
}

impl Limits {
    /// The largest limit that can be set, 16 MiB.
    ///
    /// It is a ceiling because a larger message holds up every other message
    /// on its connection: send it as several.
    pub const CEILING: usize = 16 << 20;

    /// Sets the size of the largest message, in bytes of its encoded form.
    ///
    /// # Panics
    /// If `bytes` is 0, which would refuse everything, or above
    /// [`CEILING`](Self::CEILING). In a `const` that is a compile error.
    #[must_use]
    pub const fn max_size(bytes: usize) -> Self {
        assert!(bytes > 0, "a limit of 0 bytes refuses every message");
        assert!(bytes <= Self::CEILING, "a limit above Limits::CEILING (16 MiB): send a large message as several");
        Self { max_size: bytes }
    }

    /// Reports the size of the largest message, in bytes.
    #[must_use]
    pub const fn size(self) -> usize {
        self.max_size
    }

    /// Refuses bytes that are too many, before anybody decodes them.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] if there are more than the limit allows.
    pub const fn check(self, bytes: &[u8]) -> Result<(), DecodeError> {
        if bytes.len() > self.max_size {
            return Err(DecodeError::TooLarge { size: bytes.len(), limit: self.max_size });
        }
        Ok(())
    }
}

/// 1 MiB: more than a message of an actor should need, less than hurts.
impl Default for Limits {
    fn default() -> Self {
        Self { max_size: 1 << 20 }
    }
}

#[cfg(test)]
mod tests {
    use super::{DecodeError, Limits};

    #[test]
    fn a_limit_counts_to_the_byte() {
        let limits = Limits::max_size(3);
        assert_eq!(limits.check(&[0; 3]), Ok(()));
        assert_eq!(limits.check(&[0; 4]), Err(DecodeError::TooLarge { size: 4, limit: 3 }));
    }

    #[test]
    #[should_panic(expected = "refuses every message")]
    fn a_limit_of_nothing_is_a_mistake() {
        let _ = Limits::max_size(0);
    }

    #[test]
    #[should_panic(expected = "above Limits::CEILING")]
    fn a_limit_has_a_ceiling() {
        let _ = Limits::max_size(Limits::CEILING + 1);
    }
}
