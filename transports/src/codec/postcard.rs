//! postcard, compact and with a written wire format.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::reason;
use super::{Codec, DecodeError, EncodeError, Limits, bounded};

/// postcard 1: compact, and its wire format is written down and stable.
///
/// Not self-describing: both ends need the same type, and serde attributes that
/// look at the data first (`untagged`, `flatten`, `skip_serializing_if`) do not
/// work. Not for recursive types from peers that are not trusted; see
/// [the module](super#what-a-limit-cannot-stop).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard {
    limits: Limits,
}

impl Postcard {
    /// Makes the codec with the default [`Limits`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the codec with limits of your own.
    #[must_use]
    pub const fn with_limits(limits: Limits) -> Self {
        Self { limits }
    }
}

impl<M: Serialize + DeserializeOwned> Codec<M> for Postcard {
    fn media_type(&self) -> &'static str {
        "application/x.tidegate+postcard"
    }

    fn encode(&self, message: &M, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        bounded::encode(self.limits, out, |writer| ::postcard::to_io(message, writer).map(|_| ()))
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, DecodeError> {
        self.limits.check(bytes)?;
        match ::postcard::take_from_bytes(bytes) {
            Ok((message, [])) => Ok(message),
            Ok((_, rest)) => Err(DecodeError::TrailingBytes { extra: rest.len() }),
            Err(::postcard::Error::DeserializeUnexpectedEnd) => Err(DecodeError::Truncated),
            Err(error) => Err(DecodeError::Invalid { reason: reason(&error) }),
        }
    }
}
