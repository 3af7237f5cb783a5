//! A buffer that stops growing at the limit.

use std::fmt;
use std::io;

use super::Limits;
use super::error::{EncodeError, reason};

/// Appends to the caller's buffer, at most as much as the limit allows.
///
/// Stopping while writing, rather than measuring afterwards, keeps a message that
/// is far too large from being built in full before it is refused.
struct Bounded<'a> {
    out: &'a mut Vec<u8>,
    left: usize,
    overrun: bool,
}

impl io::Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.left {
            self.overrun = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.left -= bytes.len();
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `write` with a bounded writer onto `out`, and undoes it if it fails.
pub(super) fn encode<E: fmt::Display>(
    limits: Limits,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut dyn io::Write) -> Result<(), E>,
) -> Result<(), EncodeError> {
    let before = out.len();
    let mut bounded = Bounded { out, left: limits.size(), overrun: false };
    let Err(error) = write(&mut bounded) else {
        return Ok(());
    };
    // The encoders wrap an io error each in their own way; the flag does not
    // depend on it.
    let overrun = bounded.overrun;
    out.truncate(before);
    Err(if overrun {
        EncodeError::TooLarge { limit: limits.size() }
    } else {
        EncodeError::Invalid { reason: reason(&error) }
    })
}
