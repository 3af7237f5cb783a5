//! Messages that do not come straight from their slots: from the buffer of an
//! evicting policy, put aside and come back, brought by a timer, expired.

use super::super::{Actor, Doing};
use super::{Cell, Exit, Turn};
use crate::mailbox::receiver::Next;

impl<A: Actor> Cell<A> {
    /// Looks where messages are that do not lie in slots, and handles one.
    pub(super) async fn take_slowly(&mut self, actor: &mut A) -> Result<Turn, Exit> {
        let message = match self.rx.try_next() {
            Next::Message(message) => message,
            Next::Empty => return Ok(Turn::Empty),
            Next::Closed => return Ok(Turn::Closed),
        };
        self.handle_found(actor, message).await.map_or(Ok(Turn::Taken), Err)
    }

    /// Handles a message of the mailbox, unless it has expired.
    pub(super) async fn handle_found(&mut self, actor: &mut A, message: A::Msg) -> Option<Exit> {
        if A::expired(&message) {
            self.let_expire(message);
            return None;
        }
        self.handle(actor, message).await
    }

    /// Whether it is the turn of a message that was put aside and has come back:
    /// signals pass it like any other.
    #[cold]
    pub(super) fn may_unstash(&self) -> bool {
        self.cx.has_unstashed() && !self.core().lane.is_pending()
    }

    pub(super) async fn handle_unstashed(&mut self, actor: &mut A) -> Option<Exit> {
        let message = self.cx.next_unstashed();
        self.cx.attention = self.cx.has_unstashed();
        self.handle_late(actor, message?).await
    }

    /// A message of the mailbox has expired. The handler, which does not see it,
    /// cannot ask for another in its place: its demand is given back.
    #[cold]
    pub(super) fn let_expire(&mut self, message: A::Msg) {
        if self.rx.demand().is_some() {
            self.rx.request(1);
        }
        self.rx.forget_trace();
        self.core().bury_expired(message);
    }

    /// Handles a message that came past the mailbox, unless it has expired.
    pub(super) async fn handle_late(&mut self, actor: &mut A, message: A::Msg) -> Option<Exit> {
        if A::expired(&message) {
            self.core().bury_expired(message);
            return None;
        }
        self.cx.life().note(Doing::Aside);
        let exit = self.handle(actor, message).await;
        self.cx.life().note(Doing::Working);
        exit
    }
}
