//! Those that let nothing in, until they do.
//!
//! Each is polled when it was woken itself: how many others are waited for
//! makes no difference to it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use super::super::Delivery;
use crate::actor::ActorRef;
use crate::mailbox::{Permit, ReserveError};
use crate::sync::counter::Flag;
use crate::sync::shim::Mutex;

pub(super) type Granted<M> = Result<Permit<Delivery<M>>, ReserveError>;

pub(super) struct Waits<M> {
    pending: BTreeMap<u64, Wait<M>>,
    /// Who has been woken, and was not looked at since.
    woken: VecDeque<u64>,
    bell: Arc<Bell>,
}

pub(super) struct Wait<M> {
    reserving: Pin<Box<dyn Future<Output = Granted<M>> + Send>>,
    knock: Arc<Knock>,
}

/// Who has been woken, and who is to be told.
#[derive(Default)]
struct Bell(Mutex<(Vec<u64>, Option<Waker>)>);

struct Knock {
    target: u64,
    /// Not seen yet.
    knocked: Flag,
    bell: Arc<Bell>,
}

impl Wake for Knock {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.knocked.raise() {
            let waker = {
                let mut bell = self.bell.0.lock();
                bell.0.push(self.target);
                bell.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

impl<M> Wait<M> {
    fn poll(&mut self) -> Poll<Granted<M>> {
        let waker = Waker::from(Arc::clone(&self.knock));
        self.reserving.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl<M: Send + 'static> Waits<M> {
    pub(super) fn new() -> Self {
        Self { pending: BTreeMap::new(), woken: VecDeque::new(), bell: Arc::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Waits for `target`, unless it lets one in at once.
    pub(super) fn begin(
        &mut self,
        target: u64,
        actor: ActorRef<Delivery<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Granted<M>> {
        if self.pending.is_empty() {
            self.listen(cx.waker());
        }
        let knock = Arc::new(Knock { target, knocked: Flag::new(), bell: Arc::clone(&self.bell) });
        let mut wait = Wait { reserving: Box::pin(async move { actor.reserve().await }), knock };
        let polled = wait.poll();
        if polled.is_pending() {
            self.pending.insert(target, wait);
        }
        polled
    }

    /// Hears who has been woken. The next one that is wakes `waker`.
    pub(super) fn listen(&mut self, waker: &Waker) {
        let waker = waker.clone();
        let before = {
            let mut bell = self.bell.0.lock();
            self.woken.extend(bell.0.drain(..));
            bell.1.replace(waker)
        };
        drop(before);
    }

    /// One that was woken.
    pub(super) fn next_woken(&mut self) -> Option<u64> {
        self.woken.pop_front()
    }

    pub(super) fn has_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// Whether it lets one in now, if it is waited for.
    pub(super) fn poll(&mut self, target: u64) -> Poll<Granted<M>> {
        let Some(wait) = self.pending.get_mut(&target) else { return Poll::Pending };
        wait.knock.knocked.lower();
        let polled = wait.poll();
        if polled.is_ready() {
            self.pending.remove(&target);
        }
        polled
    }

    /// It is waited for no longer. To be dropped without a lock: others are
    /// woken by it.
    pub(super) fn end(&mut self, target: u64) -> Option<Wait<M>> {
        self.pending.remove(&target)
    }

    /// Nobody is.
    pub(super) fn end_all(&mut self) -> impl Iterator<Item = u64> + use<M> {
        std::mem::take(&mut self.pending).into_keys()
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;
    use crate::actor::{Actor, Context as Cx, Fault};
    use crate::mailbox::Pull;
    use crate::system::{ManualExecutor, System};

    struct Idle;

    impl Actor for Idle {
        type Msg = Delivery<()>;

        async fn handle(&mut self, job: Delivery<()>, _: &mut Cx<Self>) -> Result<(), Fault> {
            job.ack();
            Ok(())
        }
    }

    fn woken(waits: &mut Waits<()>, cx: &Context<'_>) -> Vec<u64> {
        waits.listen(cx.waker());
        std::iter::from_fn(|| waits.next_woken()).collect()
    }

    #[test]
    fn who_is_woken_is_told_of_once_and_again_when_it_was_looked_at() {
        let system = System::with_executor(ManualExecutor::new());
        let mut cx = Context::from_waker(Waker::noop());
        let mut waits = Waits::new();
        for target in 0..3 {
            assert!(waits.begin(target, system.spawn(Idle, Pull::manual()), &mut cx).is_pending());
        }
        let knock = |waits: &Waits<()>, target| waits.pending[&target].knock.wake_by_ref();
        for _ in 0..3 {
            assert!(woken(&mut waits, &cx).is_empty());
            knock(&waits, 1);
            knock(&waits, 1);
            assert_eq!(woken(&mut waits, &cx), [1]);
            assert!(waits.poll(1).is_pending(), "it was woken for nothing");
        }
        knock(&waits, 2);
        assert!(waits.end(2).is_some());
        assert_eq!(woken(&mut waits, &cx), [2]);
        assert!(waits.poll(2).is_pending(), "it is waited for no longer");
        assert_eq!(waits.end_all().collect::<Vec<_>>(), [0, 1]);
    }
}
