//! Asking: a message that expects an answer.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::fate::{self, Asker};
use crate::mailbox::{Cycle, SendError};
use crate::sync::access;
use crate::sync::reply::{self, Answer, Pending};

/// The right to answer one question. Part of the message that asks it.
///
/// Dropped without an answer, it tells the asker so: nobody waits for an
/// answer that cannot come.
pub struct Reply<R> {
    answer: Answer<R>,
    /// Who asks, if a fault may lose the answer.
    asker: Asker,
}

impl<R> Reply<R> {
    /// Answers. Needs no room anywhere: the asker keeps a place for it.
    ///
    /// # Errors
    /// The answer, if the asker no longer waits for it.
    pub fn send(self, answer: R) -> Result<(), R> {
        access::act();
        if access::is_exploring() && !self.answer.is_unwanted() && fate::loses_answer(&self.asker) {
            self.answer.lose(answer);
            return Ok(());
        }
        self.answer.send(answer)
    }

    /// Whether the asker has given up. A hint that saves work.
    #[must_use]
    pub fn is_unwanted(&self) -> bool {
        self.answer.is_unwanted()
    }

    /// Until when the asker waits, on the clock that [`Context::now`](crate::Context::now)
    /// reads; `None` if for as long as it takes. Set by
    /// [`ask_within`](crate::ActorRef::ask_within). What is left of it is told by
    /// [`Context::time_left`](crate::Context::time_left).
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.answer.deadline()
    }

    /// A reply and the future of its answer, `None` if there will be none:
    /// for asking through something that is not an `ActorRef`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (reply, answer) = tidegate::Reply::channel();
    /// reply.send(42).unwrap();
    /// assert_eq!(answer.await, Some(42));
    /// # }
    /// ```
    pub fn channel() -> (Self, AnswerFuture<R>) {
        Self::channel_until(None)
    }

    /// As [`channel`](Self::channel), for an asker that waits until `deadline`.
    pub(crate) fn channel_until(deadline: Option<Duration>) -> (Self, AnswerFuture<R>) {
        let (answer, pending) = reply::slot(deadline);
        (Self { answer, asker: fate::asker() }, AnswerFuture { pending })
    }

    /// As [`channel`](Self::channel), for what is no message between actors: no
    /// fault loses the answer.
    pub(crate) fn channel_within() -> (Self, AnswerFuture<R>) {
        let (answer, pending) = reply::slot(None);
        (Self { answer, asker: fate::nobody() }, AnswerFuture { pending })
    }
}

impl<R> fmt::Debug for Reply<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

/// The future of an answer.
#[derive(Debug)]
#[must_use = "this waits when it is awaited"]
pub struct AnswerFuture<R> {
    pending: Pending<R>,
}

impl<R> Future for AnswerFuture<R> {
    type Output = Option<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<R>> {
        Pin::new(&mut self.pending).poll(cx)
    }
}

/// Why a question has no answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskError<M> {
    /// The question was not let in. It is inside.
    Refused(SendError<M>),
    /// The question was let in, and will not be answered: the handler dropped
    /// the reply, failed, or the actor ended or dropped the message.
    NoReply,
    /// No answer in time. The question is inside if it had not been let in;
    /// otherwise it may still be handled.
    Timeout(Option<M>),
    /// The question was let in, and whoever is to answer it waited, perhaps by
    /// way of others, for the asker. This wait was ended so that the others can
    /// go on; the question may still be handled. Seen only where
    /// [deadlocks are broken](crate::Deadlocks).
    Deadlock(Cycle),
}

impl<M> fmt::Debug for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::NoReply => f.write_str("NoReply"),
            Self::Timeout(Some(_)) => f.write_str("Timeout(not sent)"),
            Self::Timeout(None) => f.write_str("Timeout(sent)"),
            Self::Deadlock(cycle) => f.debug_tuple("Deadlock").field(cycle).finish(),
        }
    }
}

impl<M> fmt::Display for AskError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => write!(f, "the question was refused: {error}"),
            Self::NoReply => f.write_str("the question will not be answered"),
            Self::Timeout(Some(_)) => f.write_str("the question was not let in in time"),
            Self::Timeout(None) => f.write_str("the question was not answered in time"),
            Self::Deadlock(cycle) => write!(f, "deadlock: {cycle}"),
        }
    }
}

impl<M> std::error::Error for AskError<M> {}
