//! Sending and asking with a limit of time.

use std::time::Duration;

use super::ask::{AnswerFuture, AskError, Reply};
use super::reference::ActorRef;
use super::tell::{Asking, before};
use crate::mailbox::{Admission, TellWithinError};

impl<M: Send + 'static> ActorRef<M> {
    /// Sends `message`, waiting for a grant no longer than `limit`.
    ///
    /// # Errors
    /// [`TellWithinError`], with the message: `Timeout`, or why it was refused.
    /// # Cancel safety
    /// As [`tell`](Self::tell).
    pub async fn tell_within(&self, limit: Duration, message: M) -> Result<Admission, TellWithinError<M>> {
        let mut tell = self.tell(message);
        match before(&mut tell, |tell| tell.limited(limit)).await {
            Some(told) => told.map_err(TellWithinError::Refused),
            // Sent in the moment of the timeout is sent.
            None => tell.cancel().map_or(Ok(Admission::Queued), |message| Err(TellWithinError::Timeout(message))),
        }
    }

    /// Asks, waiting for grant and answer together no longer than `limit`. The
    /// reply [knows](Reply::deadline) how long that is.
    ///
    /// # Errors
    /// As [`ask`](Self::ask), and [`AskError::Timeout`].
    pub async fn ask_within<R>(&self, limit: Duration, question: impl FnOnce(Reply<R>) -> M) -> Result<R, AskError<M>> {
        let deadline = self.life.world.executor.now().saturating_add(limit);
        let (reply, answer) = Reply::channel_until(Some(deadline));
        // It costs a timer anyway: one more allocation is little.
        let mut asking = Box::new(Asking::new(self, question(reply), answer));
        match before(&mut asking, |asking| asking.limited(limit)).await {
            Some(answer) => answer,
            None => Err(AskError::Timeout(asking.cancel())),
        }
    }

    /// Asks a question that has been made, until `until`, and leaves its
    /// answer with who asks: refused, the same question may be asked of another
    /// actor.
    pub(crate) async fn ask_made<R>(
        &self,
        question: M,
        answer: &mut AnswerFuture<R>,
        until: Option<Duration>,
    ) -> Result<R, AskError<M>> {
        let mut asking = Box::new(Asking::new(self, question, answer));
        let Some(until) = until else { return asking.await };
        let left = until.saturating_sub(self.life.world.executor.now());
        match before(&mut asking, |asking| asking.limited(left)).await {
            Some(answer) => answer,
            None => Err(AskError::Timeout(asking.cancel())),
        }
    }
}
