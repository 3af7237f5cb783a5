//! Topics: each message to all who subscribe, none of whom can hold the
//! publisher up unless both want it.
//!
//! A topic is a list of subscribers, not an actor: it has no queue of its own,
//! and a message is in the subscribers' mailboxes when `publish` returns. What
//! a mailbox does not let in is that subscriber's loss alone, and is counted:
//! for the subscription, for the mailbox, and among the dead letters.
//!
//! Messages of one publisher reach each subscriber in the order in which they
//! were published; between publishers there is no order, and two subscribers
//! may see them in different ones.

mod lag;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

pub use self::lag::{Lag, Lagged};

use self::lag::Missed;
use crate::actor::{ActorId, ActorPath, ActorRef, TellRef};
use crate::mailbox::{Admission, DropReason, SendError};
use crate::sync::access::{self, Access};
use crate::sync::counter::{Counter, Flag};
use crate::sync::shim::Mutex;

/// Gives each message to all who subscribe. Cheap to clone; all clones are the
/// same topic.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::pattern::{Lag, Topic};
/// # struct Show; impl Actor for Show { type Msg = u64;
/// # async fn handle(&mut self, _: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
/// # cx.sleep(std::time::Duration::from_secs(1)).await; Ok(()) } }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let system = System::new();
/// let (wall, phone) = (system.spawn(Show, Push::bounded(64)), system.spawn(Show, Push::bounded(1)));
/// let prices = Topic::new();
/// prices.subscribe(&wall, Lag::Skip).until_stopped();
/// let slow = prices.subscribe(&phone, Lag::Skip);
///
/// for price in [100, 101, 102] {
///     prices.publish(price);
/// }
/// assert_eq!(wall.len(), 3);
/// assert_eq!((phone.len(), slow.skipped()), (1, 2));
/// # }
/// ```
pub struct Topic<M> {
    inner: Arc<Inner<M>>,
}

struct Inner<M> {
    /// Copied when it changes, so that who publishes holds no lock.
    subscribers: Mutex<Arc<[Arc<Subscriber<M>>]>>,
}

struct Subscriber<M> {
    actor: ActorRef<M>,
    lag: Lag,
    reached: Counter,
    missed: Arc<Missed>,
    topic: Weak<Inner<M>>,
    gone: Flag,
    /// By which the actor's life knows that it is to tell of its end.
    watch: Mutex<Option<u64>>,
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// Subscribers whose mailboxes have it.
    pub reached: usize,
    /// Subscribers whose mailboxes dropped or diverted it, by their own
    /// policies.
    pub dropped: usize,
    /// Subscribers that missed it, for want of room.
    pub skipped: usize,
    /// Those of them that get no more.
    pub disconnected: usize,
}

/// A subscriber's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// Who.
    pub id: ActorId,
    /// Where it is.
    pub path: ActorPath,
    /// What happens when it has no room.
    pub lag: Lag,
    /// Messages that its mailbox has taken.
    pub reached: u64,
    /// Messages that it missed.
    pub skipped: u64,
}

impl<M: Clone + Send + 'static> Topic<M> {
    /// A topic without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Arc::new(Inner { subscribers: Mutex::new(Arc::from([])) }) }
    }

    /// Gives `actor` every message that is published from now on, until it
    /// ends or the subscription is dropped. A restart of the actor changes
    /// nothing. An actor that takes other messages subscribes with a
    /// [mapped](ActorRef::map) reference; one that subscribes twice gets
    /// everything twice.
    pub fn subscribe(&self, actor: &ActorRef<M>, lag: Lag) -> Subscription {
        let subscriber = Arc::new(Subscriber {
            actor: actor.clone(),
            lag,
            reached: Counter::new(),
            missed: Arc::default(),
            topic: Arc::downgrade(&self.inner),
            gone: Flag::new(),
            watch: Mutex::new(None),
        });
        self.inner.change(|all| all.iter().cloned().chain([Arc::clone(&subscriber)]).collect());
        let at_end = Arc::downgrade(&subscriber);
        let watch = actor.life().watch(Box::new(move |_| {
            if let Some(subscriber) = at_end.upgrade() {
                subscriber.leave();
            }
        }));
        *subscriber.watch.lock() = watch;
        if subscriber.gone.is_raised() {
            // It has left meanwhile, and had nothing to undo.
            subscriber.unwatch();
        }
        Subscription { link: Some(subscriber) }
    }

    /// Gives `message` to all subscribers, and never waits: not for a
    /// subscriber that [waits](Lag::Wait) either, which misses what it has no
    /// room for.
    pub fn publish(&self, message: M) -> Published {
        let subscribers = self.inner.now();
        let mut published = Published::default();
        if let Some((last, others)) = subscribers.split_last() {
            access::act();
            for subscriber in others {
                subscriber.offer(message.clone(), &mut published);
            }
            last.offer(message, &mut published);
        }
        published
    }

    /// Gives `message` to all subscribers, and waits until those that
    /// [wait](Lag::Wait) have room for it. The others have it at once.
    ///
    /// # Cancel safety
    /// Dropped while waiting, subscribers that have the message keep it, and
    /// those that were waited for miss it, which is counted. So it can be
    /// limited in time from outside.
    pub async fn publish_waiting(&self, message: M) -> Published {
        poll_fn(access::pass).await;
        let subscribers = self.inner.now();
        let mut offers = Offers { message, left: &subscribers, published: Published::default(), begun: false };
        poll_fn(|cx| offers.poll(cx)).await;
        let mut published = offers.published;
        let open = subscribers.iter().filter(|to| to.lag == Lag::Wait && !to.gone.is_raised());
        let tells = open.map(|subscriber| (&**subscriber, subscriber.actor.tell(offers.message.clone())));
        let mut waiting = Waiting { tells: tells.collect() };
        drop(offers);
        poll_fn(|cx| {
            waiting.tells.retain_mut(|(subscriber, tell)| match Pin::new(tell).poll(cx) {
                Poll::Ready(told) => {
                    subscriber.account(told, &mut published);
                    false
                }
                Poll::Pending => true,
            });
            if waiting.tells.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        published
    }

    /// Who subscribes at this moment, longest there first, with their numbers.
    #[must_use]
    pub fn subscribers(&self) -> Vec<SubscriberStats> {
        self.inner.now().iter().map(|subscriber| subscriber.stats()).collect()
    }

    /// How many subscribe.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.now().len()
    }

    /// Whether nobody subscribes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<M> Inner<M> {
    fn now(&self) -> Arc<[Arc<Subscriber<M>>]> {
        Arc::clone(&self.subscribers.lock_to(Access::Read))
    }

    fn change(&self, change: impl FnOnce(&[Arc<Subscriber<M>>]) -> Arc<[Arc<Subscriber<M>>]>) {
        access::act();
        let mut subscribers = self.subscribers.lock();
        let changed = change(&subscribers);
        let old = std::mem::replace(&mut *subscribers, changed);
        drop(subscribers);
        // May hold the last reference to an actor: dropped without the lock.
        drop(old);
    }
}

impl<M: Send + 'static> Subscriber<M> {
    fn offer(&self, copy: M, published: &mut Published) {
        if !self.gone.is_raised() {
            self.account(self.actor.try_tell(copy), published);
        }
    }

    /// What became of a copy.
    fn account(&self, told: Result<Admission, SendError<M>>, published: &mut Published) {
        match told {
            Ok(admission) if admission.is_in() => {
                self.reached.add(1);
                published.reached += 1;
            }
            Ok(_) => published.dropped += 1,
            // It has ended: it misses nothing.
            Err(SendError::Closed(_)) => self.leave(),
            Err(error) => {
                // Overflow that is a failure ends the actor.
                let ends = self.lag == Lag::Disconnect || matches!(error, SendError::Overflowed(_));
                published.skipped += 1;
                published.disconnected += usize::from(ends);
                if ends {
                    self.leave();
                }
                self.skip(error.into_message(), ends);
            }
        }
    }

    fn skip(&self, copy: M, disconnected: bool) {
        self.actor.bury(DropReason::Lagged, copy);
        self.missed.add(disconnected);
    }

    fn unwatch(&self) {
        let watch = self.watch.lock().take();
        if let Some(watch) = watch {
            self.actor.life().unwatch(watch);
        }
    }

    fn stats(&self) -> SubscriberStats {
        SubscriberStats {
            id: self.actor.id(),
            path: self.actor.path().clone(),
            lag: self.lag,
            reached: self.reached.get(),
            skipped: self.missed.skipped(),
        }
    }
}

/// Copies for those that do not wait. Given up, it gives them theirs.
struct Offers<'a, M: Clone + Send + 'static> {
    message: M,
    left: &'a [Arc<Subscriber<M>>],
    published: Published,
    begun: bool,
}

impl<M: Clone + Send + 'static> Offers<'_, M> {
    fn next(&self) -> Option<usize> {
        self.left.iter().position(|subscriber| subscriber.lag != Lag::Wait)
    }

    fn offer(&mut self, at: usize) {
        self.left[at].offer(self.message.clone(), &mut self.published);
        self.left = &self.left[at + 1..];
    }

    /// Ready at once. Explored, each is a step, and whom there is to offer it to
    /// is seen in that of the first.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(at) = self.next() {
            if std::mem::replace(&mut self.begun, true) && access::pass(cx).is_pending() {
                return Poll::Pending;
            }
            self.offer(at);
        }
        Poll::Ready(())
    }
}

impl<M: Clone + Send + 'static> Drop for Offers<'_, M> {
    fn drop(&mut self) {
        while let Some(at) = self.next() {
            self.offer(at);
        }
    }
}

/// Copies that wait for room. Given up, they are missed by whom they were for.
struct Waiting<'a, M: Send + 'static> {
    tells: Vec<(&'a Subscriber<M>, TellRef<'a, M>)>,
}

impl<M: Send + 'static> Drop for Waiting<'_, M> {
    fn drop(&mut self) {
        for (subscriber, tell) in self.tells.drain(..) {
            if let Some(message) = tell.cancel() {
                subscriber.skip(message, false);
            }
        }
    }
}

/// A subscriber, whatever it subscribes to.
trait Link: Send + Sync {
    fn leave(&self);
    fn is_gone(&self) -> bool;
    fn reached(&self) -> u64;
    fn missed(&self) -> &Arc<Missed>;
}

impl<M: Send + 'static> Link for Subscriber<M> {
    fn leave(&self) {
        if !self.gone.raise() {
            return;
        }
        if let Some(topic) = self.topic.upgrade() {
            topic.change(|all| all.iter().filter(|other| !std::ptr::eq(&***other, self)).cloned().collect());
        }
        self.unwatch();
    }

    fn is_gone(&self) -> bool {
        self.gone.is_raised()
    }

    fn reached(&self) -> u64 {
        self.reached.get()
    }

    fn missed(&self) -> &Arc<Missed> {
        &self.missed
    }
}

/// An actor's subscription to a [`Topic`]. Dropping it ends it.
#[must_use = "dropping this ends the subscription; `until_stopped` keeps it"]
pub struct Subscription {
    /// `None` once it is to be kept.
    link: Option<Arc<dyn Link>>,
}

impl Subscription {
    /// Tells `listener` when the subscriber misses messages: a reference to the
    /// subscriber itself, usually, [mapped](ActorRef::map) to the message that
    /// it has for this. At once, if it has missed some already.
    ///
    /// The notice comes past the mailbox's bound, ahead of what is queued, so
    /// also when that is why messages are missed. There is never more than one
    /// under way.
    pub fn notify(self, listener: &ActorRef<Lagged>) -> Self {
        if let Some(link) = &self.link {
            link.missed().tell_to(listener);
        }
        self
    }

    /// Messages that the subscriber's mailbox has taken.
    #[must_use]
    pub fn reached(&self) -> u64 {
        self.link.as_ref().map_or(0, |link| link.reached())
    }

    /// Messages that the subscriber missed.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.link.as_ref().map_or(0, |link| link.missed().skipped())
    }

    /// Whether there will be no more messages: the subscriber has ended, or has
    /// been [disconnected](Lag::Disconnect).
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_gone())
    }

    /// Keeps the subscription until the subscriber ends.
    pub fn until_stopped(mut self) {
        self.link = None;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(link) = &self.link {
            link.leave();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("reached", &self.reached())
            .field("skipped", &self.skipped())
            .finish_non_exhaustive()
    }
}

impl<M: Clone + Send + 'static> Default for Topic<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Clone for Topic<M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M> fmt::Debug for Topic<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic").field("subscribers", &self.inner.now().len()).finish_non_exhaustive()
    }
}
