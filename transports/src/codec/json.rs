//! JSON, for peers in any language.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::reason;
use super::{Codec, DecodeError, EncodeError, Limits, bounded};

/// JSON (RFC 8259), for peers in any language.
///
/// Whitespace around the message is allowed, as the RFC has it; anything else
/// behind it is refused. Nesting deeper than 128 levels is an error, so recursive
/// types are safe to decode.
///
/// JSON has no infinities and no NaN: such a number is written as `null`, and the
/// receiver refuses it where it expects a number. All other floats arrive to the
/// last bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json {
    limits: Limits,
}

impl Json {
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

impl<M: Serialize + DeserializeOwned> Codec<M> for Json {
    fn media_type(&self) -> &'static str {
        "application/json"
    }

    fn encode(&self, message: &M, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        bounded::encode(self.limits, out, |writer| serde_json::to_writer(writer, message))
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, DecodeError> {
        self.limits.check(bytes)?;
        // As a stream of values rather than by `from_slice`, which reports bytes
        // left over as one more syntax error.
        let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<M>();
        let message = match values.next() {
            Some(Ok(message)) => message,
            Some(Err(error)) if error.is_eof() => return Err(DecodeError::Truncated),
            Some(Err(error)) => {
                return Err(DecodeError::Invalid { reason: reason(&error) });
            }
            None => return Err(DecodeError::Truncated),
        };
        match trim_start(&bytes[values.byte_offset()..]).len() {
            0 => Ok(message),
            extra => Err(DecodeError::TrailingBytes { extra }),
        }
    }
}

/// Drops the whitespace of JSON, which is less than that of ASCII.
fn trim_start(bytes: &[u8]) -> &[u8] {
    let blank = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
    &bytes[blank..]
}
