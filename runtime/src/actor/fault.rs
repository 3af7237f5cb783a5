//! What went wrong in a handler.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// An error that a handler returns: the supervisor's business, never the
/// sender's.
///
/// Made from any error by `?`, or from a text by [`msg`](Self::msg). It does
/// not implement [`Error`] itself, which is what lets `?` take every error.
///
/// ```
/// use tidegate::Fault;
/// fn parse(text: &str) -> Result<u16, Fault> { Ok(text.parse()?) }
/// assert!(parse("seven").unwrap_err().to_string().contains("invalid digit"));
/// assert_eq!(Fault::msg("no such account").to_string(), "no such account");
/// ```
#[derive(Clone)]
pub struct Fault(Kind);

#[derive(Clone)]
enum Kind {
    Error(Arc<dyn Error + Send + Sync>),
    Text(Cow<'static, str>),
}

impl Fault {
    /// A fault that is a text.
    pub fn msg(text: impl Into<Cow<'static, str>>) -> Self {
        Self(Kind::Text(text.into()))
    }

    /// The error behind it, if it was made from one.
    #[must_use]
    pub fn source(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.0 {
            Kind::Error(error) => Some(&**error),
            Kind::Text(_) => None,
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(Kind::Error(Arc::new(error)))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Text(text) => f.write_str(text),
            Kind::Error(error) => {
                write!(f, "{error}")?;
                let mut source = error.source();
                while let Some(error) = source {
                    write!(f, ": {error}")?;
                    source = error.source();
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Text(text) => f.debug_tuple("Fault").field(text).finish(),
            Kind::Error(error) => f.debug_tuple("Fault").field(error).finish(),
        }
    }
}
