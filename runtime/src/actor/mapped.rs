//! Mapped references: an actor behind another message type.
//!
//! A message is mapped only once it has been let in, so that a refusal hands
//! back what was to be sent. Whatever waits, waits for a grant, and the grant
//! is used up by claiming a place first and mapping then.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::post::post_to;
use super::reference::{ActorRef, Halt, To};
use crate::mailbox::core::emit::Refused;
use crate::mailbox::permit::MappedGrant;
use crate::mailbox::{
    Admission, DropReason, Mailbox, MailboxStats, Permit, Pressure, ReserveError, SendError, TryReserveError,
};
use crate::sync::watch::{Following, Until};

pub(crate) type Reserving<M> = Pin<Box<dyn Future<Output = Result<Box<dyn MappedGrant<M>>, ReserveError>> + Send>>;

/// What stands between a reference and the mailbox.
pub(crate) trait Route<M>: Send + Sync {
    /// As `try_tell`; `make` is called at most once, and only on success.
    fn try_put(&self, make: &mut dyn FnMut() -> M) -> Result<Admission, SendError<()>>;
    /// As `try_put`, for who emits.
    fn emit(&self, make: &mut dyn FnMut() -> M) -> Result<Option<u64>, Refused>;
    fn taken(&self) -> u64;
    fn follow(&self, until: Until, key: &mut Option<Following>, waker: &Waker) -> Poll<()>;
    fn unfollow(&self, key: &mut Option<Following>);
    fn reserve(&self) -> Reserving<M>;
    fn try_reserve(&self) -> Result<Box<dyn MappedGrant<M>>, TryReserveError>;
    /// Whether `tell` waits for a grant.
    fn waits(&self) -> bool;
    fn pressure(&self) -> Pressure;
    fn capacity(&self) -> Option<usize>;
    fn is_closed(&self) -> bool;
    fn stats(&self) -> MailboxStats;
    fn halt(&self, how: Halt);
    /// News for the actor behind it, past the mailbox.
    fn notify(&self, news: Arc<dyn Any + Send + Sync>);
    /// Sends past the bound, as `ActorRef::post`; `make` is called once.
    fn post(&self, make: &mut dyn FnMut() -> M) -> bool;
    fn count_drop(&self, reason: DropReason);
    /// Other terms; never conflating ones.
    fn reconfigure(&self, mailbox: Mailbox<()>);
}

pub(crate) struct Mapped<M, F> {
    inner: ActorRef<M>,
    f: Arc<F>,
}

impl<M, F> Mapped<M, F> {
    pub(crate) fn new(inner: ActorRef<M>, f: F) -> Self {
        Self { inner, f: Arc::new(f) }
    }
}

/// Sends what `make` makes of `from`, without waiting.
pub(crate) fn try_put<M, N>(
    route: &dyn Route<M>,
    from: N,
    make: impl FnOnce(N) -> M,
) -> Result<Admission, SendError<N>> {
    let mut both = Some((from, make));
    let put = route.try_put(&mut || match both.take() {
        Some((from, make)) => make(from),
        None => unreachable!("a message is made once"),
    });
    match (put, both) {
        (Err(error), Some((from, _))) => Err(error.map(|()| from)),
        (Ok(admission), _) => Ok(admission),
        (Err(_), None) => unreachable!("only a success makes the message"),
    }
}

impl<M, N, F> Route<N> for Mapped<M, F>
where
    M: Send + 'static,
    N: Send + 'static,
    F: Fn(N) -> M + Send + Sync + 'static,
{
    fn try_put(&self, make: &mut dyn FnMut() -> N) -> Result<Admission, SendError<()>> {
        match self.inner.target() {
            To::Mailbox(sender) => sender.core().admit_with((), |()| (self.f)(make())),
            To::Route(route) => route.try_put(&mut || (self.f)(make())),
        }
    }

    fn emit(&self, make: &mut dyn FnMut() -> N) -> Result<Option<u64>, Refused> {
        self.inner.emit((), |()| (self.f)(make())).map_err(|(refused, ())| refused)
    }

    fn taken(&self) -> u64 {
        self.inner.taken()
    }

    fn follow(&self, until: Until, key: &mut Option<Following>, waker: &Waker) -> Poll<()> {
        self.inner.follow(until, key, waker)
    }

    fn unfollow(&self, key: &mut Option<Following>) {
        self.inner.unfollow(key);
    }

    fn reserve(&self) -> Reserving<N> {
        let (inner, f) = (self.inner.clone(), Arc::clone(&self.f));
        Box::pin(async move {
            let permit = inner.reserve().await?;
            Ok(Box::new(Grant { permit, f }) as Box<dyn MappedGrant<N>>)
        })
    }

    fn try_reserve(&self) -> Result<Box<dyn MappedGrant<N>>, TryReserveError> {
        let permit = self.inner.try_reserve()?;
        Ok(Box::new(Grant { permit, f: Arc::clone(&self.f) }))
    }

    fn waits(&self) -> bool {
        match self.inner.target() {
            To::Mailbox(sender) => sender.core().waits(),
            To::Route(route) => route.waits(),
        }
    }

    fn pressure(&self) -> Pressure {
        self.inner.pressure()
    }

    fn capacity(&self) -> Option<usize> {
        self.inner.capacity()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn stats(&self) -> MailboxStats {
        self.inner.stats()
    }

    fn reconfigure(&self, mailbox: Mailbox<()>) {
        if let Some(mailbox) = mailbox.cast::<M>() {
            self.inner.reconfigure(mailbox);
        }
    }

    fn notify(&self, news: Arc<dyn Any + Send + Sync>) {
        self.inner.notify(news);
    }

    fn post(&self, make: &mut dyn FnMut() -> N) -> bool {
        match self.inner.target() {
            To::Mailbox(sender) => post_to(sender.core(), (self.f)(make())),
            To::Route(route) => route.post(&mut || (self.f)(make())),
        }
    }

    fn count_drop(&self, reason: DropReason) {
        self.inner.count_drop(reason);
    }

    fn halt(&self, how: Halt) {
        match how {
            Halt::Stop => self.inner.stop(),
            Halt::Drain => self.inner.drain(),
            Halt::Kill => self.inner.kill(),
        }
    }
}

struct Grant<M, F> {
    permit: Permit<M>,
    f: Arc<F>,
}

impl<M, N, F> MappedGrant<N> for Grant<M, F>
where
    M: Send + 'static,
    F: Fn(N) -> M + Send + Sync + 'static,
{
    fn send(self: Box<Self>, make: &mut dyn FnMut() -> N) -> bool {
        let f = self.f;
        self.permit.send_with((), |()| f(make())).is_ok()
    }
}

/// One poll of a `tell` through a route.
pub(crate) fn poll_tell<M: Send + 'static>(
    message: &mut Option<M>,
    route: &Arc<dyn Route<M>>,
    waiting: &mut Option<Reserving<M>>,
    cx: &mut Context<'_>,
) -> Poll<Result<Admission, SendError<M>>> {
    loop {
        if let Some(reserving) = waiting {
            let Poll::Ready(granted) = reserving.as_mut().poll(cx) else { return Poll::Pending };
            *waiting = None;
            let Some(message) = message.take() else { panic!("`tell` was polled after it was done") };
            return Poll::Ready(match granted {
                Ok(grant) => Permit::mapped(grant).send(message).map(|()| Admission::Queued),
                Err(error) => Err(error.of(message)),
            });
        }
        let Some(to_send) = message.take() else { panic!("`tell` was polled after it was done") };
        match try_put(&**route, to_send, |message| message) {
            Err(SendError::Full(back) | SendError::NoDemand(back)) if route.waits() => {
                *message = Some(back);
                *waiting = Some(route.reserve());
            }
            settled => return Poll::Ready(settled),
        }
    }
}
