//! bincode 2, compact, unmaintained.

use ::bincode::config::{self, Config};
use ::bincode::serde::{decode_from_slice, encode_into_std_write};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::reason;
use super::{Codec, DecodeError, EncodeError, Limits, bounded};

/// bincode 2 in its standard configuration: little endian, variable integers.
///
/// The crate behind it has no maintainer any more (RUSTSEC-2025-0141): prefer
/// the codec `Postcard` of the feature `postcard` where you are free to choose. It is
/// pinned to 2.0.1, the last release that works.
///
/// Not self-describing: both ends need the same type, and serde attributes that
/// look at the data first (`untagged`, `flatten`, `skip_serializing_if`) do not
/// work. Not for recursive types from peers that are not trusted; see
/// [the module](super#what-a-limit-cannot-stop).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bincode {
    limits: Limits,
}

impl Bincode {
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

// bincode allocates a string as long as it claims to be before it reads it; only
// its own limit holds that back, and its limit is a constant of the type. So
// there is one for each size of message, each the smallest that no honest message
// can reach: bincode counts a value by its width in memory, and the worst case is
// a u128 of 16 bytes from one byte of message.
const WIDEST: usize = 16;
const SMALL: usize = 4 << 10;
const MEDIUM: usize = 256 << 10;
const LARGE: usize = Limits::CEILING;

impl<M: Serialize + DeserializeOwned> Codec<M> for Bincode {
    fn media_type(&self) -> &'static str {
        "application/x.tidegate+bincode"
    }

    fn encode(&self, message: &M, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        bounded::encode(self.limits, out, |mut writer| {
            encode_into_std_write(message, &mut writer, config::standard()).map(|_| ())
        })
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, DecodeError> {
        self.limits.check(bytes)?;
        let standard = config::standard();
        if bytes.len() <= SMALL {
            decode_within(bytes, standard.with_limit::<{ SMALL * WIDEST }>())
        } else if bytes.len() <= MEDIUM {
            decode_within(bytes, standard.with_limit::<{ MEDIUM * WIDEST }>())
        } else {
            decode_within(bytes, standard.with_limit::<{ LARGE * WIDEST }>())
        }
    }
}

fn decode_within<M: DeserializeOwned>(bytes: &[u8], config: impl Config) -> Result<M, DecodeError> {
    use ::bincode::error::DecodeError as Said;
    match decode_from_slice(bytes, config) {
        Ok((message, read)) if read == bytes.len() => Ok(message),
        Ok((_, read)) => Err(DecodeError::TrailingBytes { extra: bytes.len() - read }),
        // The limit is out of reach for lengths that the bytes can back up.
        Err(Said::UnexpectedEnd { .. } | Said::LimitExceeded) => Err(DecodeError::Truncated),
        Err(error) => Err(DecodeError::Invalid { reason: reason(&error) }),
    }
}
