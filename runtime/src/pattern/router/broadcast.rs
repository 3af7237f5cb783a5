//! A copy to every member.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use super::error::RouteError;
use crate::actor::{ActorRef, BoxTask, TellRef};
use crate::mailbox::{Admission, SendError};

/// What became of the copies.
struct Tally<M> {
    reached: usize,
    admission: Admission,
    missed: Vec<RouteError<M>>,
    /// The copy of a member that had ended.
    spare: Option<M>,
}

/// The lower the better for the message.
fn rank(admission: Admission) -> u8 {
    match admission {
        Admission::Queued => 0,
        Admission::Displaced => 1,
        Admission::Conflated => 2,
        Admission::Diverted => 3,
        _ => 4,
    }
}

impl<M> Tally<M> {
    fn new() -> Self {
        Self { reached: 0, admission: Admission::Queued, missed: Vec::new(), spare: None }
    }

    fn count(&mut self, told: Result<Admission, SendError<M>>) {
        match told {
            Ok(admission) => {
                self.reached += 1;
                if rank(admission) > rank(self.admission) {
                    self.admission = admission;
                }
            }
            Err(SendError::Closed(copy)) => self.spare = Some(copy),
            Err(error) => self.missed.push(RouteError::Refused(error)),
        }
    }

    /// `message` if nobody was there to be told, unless there is a copy.
    fn result(self, message: Option<M>) -> Result<Admission, RouteError<M>> {
        if !self.missed.is_empty() {
            return Err(RouteError::Partly { reached: self.reached, missed: self.missed });
        }
        match message.or(self.spare) {
            Some(message) if self.reached == 0 => Err(RouteError::NoMember(message)),
            _ => Ok(self.admission),
        }
    }
}

/// A copy for each of `members` that has not ended; the last gets the message
/// itself, which comes back if there is none.
fn copies<M: Send + 'static, R>(
    members: &[ActorRef<M>],
    message: M,
    copy: fn(&M) -> M,
    mut each: impl FnMut(usize, M) -> R,
) -> (Vec<R>, Option<M>) {
    let open: Vec<usize> = (0..members.len()).filter(|at| !members[*at].is_closed()).collect();
    let Some((last, others)) = open.split_last() else { return (Vec::new(), Some(message)) };
    let mut made: Vec<R> = others.iter().map(|at| each(*at, copy(&message))).collect();
    made.push(each(*last, message));
    (made, None)
}

pub(super) fn try_tell_all<M: Send + 'static>(
    members: &[ActorRef<M>],
    message: M,
    copy: fn(&M) -> M,
) -> Result<Admission, RouteError<M>> {
    let mut tally = Tally::new();
    let (_, left) = copies(members, message, copy, |at, message| tally.count(members[at].try_tell(message)));
    tally.result(left)
}

/// Waits for all members at once, so that a slow one keeps the message from no
/// other; for no longer than `sleep`, if there is one.
pub(super) async fn tell_all<M: Send + 'static>(
    members: &[ActorRef<M>],
    message: M,
    copy: fn(&M) -> M,
    sleep: &mut Option<BoxTask>,
) -> Result<Admission, RouteError<M>> {
    let mut tally = Tally::new();
    let (mut telling, left) = copies(members, message, copy, |at, message| members[at].tell(message));
    poll_fn(|cx| {
        telling.retain_mut(|tell: &mut TellRef<'_, M>| match Pin::new(tell).poll(cx) {
            Poll::Ready(told) => {
                tally.count(told);
                false
            }
            Poll::Pending => true,
        });
        if telling.is_empty() {
            return Poll::Ready(());
        }
        sleep.as_mut().map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    })
    .await;
    for tell in telling {
        match tell.cancel() {
            Some(message) => tally.missed.push(RouteError::Timeout(message)),
            // Sent in the moment of the timeout is sent.
            None => tally.count(Ok(Admission::Queued)),
        }
    }
    tally.result(left)
}
