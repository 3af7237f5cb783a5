//! Sending and asking with a limit of time.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use super::ask::{AskError, Reply};
use super::reference::ActorRef;
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
        match before(&mut tell, || self.life.world.executor.sleep(limit)).await {
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
        let mut tell = self.tell(question(reply));
        let mut sleep = None;
        let mut timer = || self.life.world.executor.sleep(limit);
        match before_with(&mut tell, &mut sleep, &mut timer).await {
            Some(told) => told.map_err(AskError::Refused)?,
            None => match tell.cancel() {
                Some(question) => return Err(AskError::Timeout(Some(question))),
                None => Admission::Queued,
            },
        };
        match before_with(&mut pin!(answer), &mut sleep, &mut timer).await {
            Some(answer) => answer.ok_or(AskError::NoReply),
            None => Err(AskError::Timeout(None)),
        }
    }
}

/// Polls `task` until it is done or the sleep that `timer` starts is over. The
/// sleep is started when it is first needed: what is ready costs no timer.
async fn before<F: Future + Unpin>(task: &mut F, mut timer: impl FnMut() -> super::BoxTask) -> Option<F::Output> {
    before_with(task, &mut None, &mut timer).await
}

async fn before_with<F: Future + Unpin>(
    task: &mut F,
    sleep: &mut Option<super::BoxTask>,
    timer: &mut impl FnMut() -> super::BoxTask,
) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        if let Poll::Ready(done) = Pin::new(&mut *task).poll(cx) {
            return Poll::Ready(Some(done));
        }
        sleep.get_or_insert_with(&mut *timer).as_mut().poll(cx).map(|()| None)
    })
    .await
}
