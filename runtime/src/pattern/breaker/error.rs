//! What a breaker says instead of an outcome.

use std::fmt;
use std::time::Duration;

/// Why a call through a [`CircuitBreaker`](super::CircuitBreaker) has no result.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerError<E, I = ()> {
    /// The call was not made: the breaker is open, or half-open with its probes
    /// out. Transient.
    Open {
        /// What was to be sent, if the call takes something.
        input: I,
        /// In how long it may be tried again, as far as is known now.
        retry_in: Duration,
    },
    /// The call was made, and failed.
    Failed(E),
    /// The call was made, and took longer than it may.
    Timeout,
}

// No bound on `I`: it may be a message.
impl<E: fmt::Debug, I> fmt::Debug for BreakerError<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { retry_in, .. } => f.debug_struct("Open").field("retry_in", retry_in).finish_non_exhaustive(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Self::Timeout => f.write_str("Timeout"),
        }
    }
}

impl<E: fmt::Display, I> fmt::Display for BreakerError<E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { retry_in, .. } => write!(f, "the circuit is open; to be tried again in {retry_in:?}"),
            Self::Failed(error) => error.fmt(f),
            Self::Timeout => f.write_str("the call took too long"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display, I> std::error::Error for BreakerError<E, I> {}
