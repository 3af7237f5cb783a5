//! The four traits, and which rule each of their methods is under.

use std::error::Error;
use std::fmt;

use crate::actor::Fault;

/// Sends items to those who subscribe, never more than they request.
///
/// One publisher may serve one subscriber or many, and many with the same items
/// or with items of their own (1.11): its own documentation says which.
///
/// What it owes to each subscriber:
/// - [`on_subscribe`](Subscriber::on_subscribe) first and once (1.9, 2.12);
/// - at most as many items as were requested in total (1.1), possibly fewer
///   (1.2);
/// - one terminal at the end, [`on_complete`](Subscriber::on_complete) (1.5) or
///   [`on_error`](Subscriber::on_error) (1.4), which needs no demand;
/// - after a cancel, silence before long (1.8, 3.12), and no reference to the
///   subscriber kept (3.13).
///
/// By hand all this is a [`Publication`](super::Publication).
///
/// ```
/// use tidegate::flow::reactive::{Publication, Publisher, Subscriber, from_iter};
/// use tidegate::{Fault, ManualExecutor, System};
///
/// /// Serves only those who come while it is open.
/// struct Gated { open: bool, inner: Box<dyn Publisher<Item = u64>> }
/// impl Publisher for Gated {
///     type Item = u64;
///     fn subscribe(&self, subscriber: Box<dyn Subscriber<u64>>) {
///         if self.open {
///             self.inner.subscribe(subscriber);
///         } else {
///             // 1.9: also who is refused gets a subscription first.
///             Publication::open(subscriber).fail(Fault::msg("closed"));
///         }
///     }
/// }
/// # use std::sync::{Arc, Mutex};
/// # struct Words(Arc<Mutex<Vec<String>>>);
/// # impl Subscriber<u64> for Words {
/// #     fn on_subscribe(&mut self, s: Box<dyn tidegate::flow::reactive::Subscription>) { std::mem::forget(s); self.0.lock().unwrap().push("subscribed".into()) }
/// #     fn on_next(&mut self, n: u64) { self.0.lock().unwrap().push(n.to_string()) }
/// #     fn on_error(self: Box<Self>, fault: Fault) { self.0.lock().unwrap().push(fault.to_string()) }
/// #     fn on_complete(self: Box<Self>) {}
/// # }
/// let system = System::with_executor(ManualExecutor::new());
/// let shut = Gated { open: false, inner: Box::new(from_iter(&system, 0..3)) };
/// # let heard = Arc::new(Mutex::new(Vec::new()));
/// # let subscriber = Box::new(Words(heard.clone()));
/// shut.subscribe(subscriber);
/// assert_eq!(*heard.lock().unwrap(), ["subscribed", "closed"]);
/// ```
pub trait Publisher: Send + Sync + 'static {
    /// What it sends.
    type Item: Send + 'static;

    /// Begins to serve `subscriber`.
    ///
    /// Always calls [`on_subscribe`](Subscriber::on_subscribe), and never fails or
    /// panics: who is refused gets a subscription and then
    /// [`on_error`](Subscriber::on_error) (1.9). That a subscriber comes twice (1.10)
    /// cannot be, since it is moved in.
    fn subscribe(&self, subscriber: Box<dyn Subscriber<Self::Item>>);
}

/// Takes the signals of one publisher.
///
/// Signals come one at a time (1.3), which `&mut self` says, and a terminal is
/// the last (1.7), since it consumes the subscriber. They are made by the
/// publisher's task: slow work belongs elsewhere (2.2), as in an actor's handler.
/// None may panic (2.13); a publisher gives a subscriber up that does, as if it had
/// cancelled.
///
/// ```
/// use tidegate::flow::reactive::{Publisher, Subscriber, Subscription, from_iter};
/// use tidegate::{Fault, ManualExecutor, System};
///
/// /// Asks for the next item when it has the last.
/// struct OneByOne { subscription: Option<Box<dyn Subscription>>, to: std::sync::mpsc::Sender<u64> }
///
/// impl Subscriber<u64> for OneByOne {
///     fn on_subscribe(&mut self, mut subscription: Box<dyn Subscription>) {
///         // 2.5: a second subscription is dropped, which cancels it.
///         if self.subscription.is_none() {
///             subscription.request(1);
///             self.subscription = Some(subscription);
///         }
///     }
///     fn on_next(&mut self, item: u64) {
///         // Late items may come, and are not wanted (2.8).
///         let Some(subscription) = &mut self.subscription else { return };
///         match self.to.send(item) {
///             Ok(()) => subscription.request(1),
///             Err(_) => self.subscription = None, // 2.6: nobody listens any more.
///         }
///     }
///     fn on_error(self: Box<Self>, _fault: Fault) {}
///     fn on_complete(self: Box<Self>) {}
/// }
///
/// let executor = ManualExecutor::new();
/// let numbers = from_iter(&System::with_executor(executor.clone()), 1..=3);
/// let (to, heard) = std::sync::mpsc::channel();
/// numbers.subscribe(Box::new(OneByOne { subscription: None, to }));
/// executor.run_until_idle();
/// assert_eq!(heard.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
/// ```
pub trait Subscriber<T>: Send + 'static {
    /// The first signal. Nothing is sent until something is
    /// [requested](Subscription::request) (2.1), which may be done right here
    /// (3.2), as may a cancel.
    ///
    /// A second subscription, beside one that is in use, is to be cancelled, and
    /// the first goes on undisturbed (2.5). Dropping it does.
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>);

    /// An item, for which there was demand.
    ///
    /// Some may still come after a cancel, and have to be borne (2.8).
    fn on_next(&mut self, item: T);

    /// The end, by a failure. Comes with or without demand (2.10).
    ///
    /// The subscription counts as cancelled from here on (1.6, 2.4), and is not to
    /// be called any more, not even here (2.3). Dropping it is fine.
    fn on_error(self: Box<Self>, fault: Fault);

    /// The end, since there are no more items. Comes with or without demand (2.9).
    ///
    /// As for the subscription, see [`on_error`](Self::on_error).
    fn on_complete(self: Box<Self>);
}

/// A subscriber's hold on its publisher: how it asks for items, and for no more.
///
/// It is owned by its subscriber (3.1) and cannot be cloned, so its calls are
/// serial (2.7). Who has several threads call it shares it by a lock.
///
/// **Dropping it cancels.** The specification cannot say so, since Java drops
/// nothing; here it is part of the contract of every implementation, and makes
/// 2.6 hold unless a subscription is leaked.
pub trait Subscription: Send + 'static {
    /// Asks for `n` more items than have been asked for so far (3.8).
    ///
    /// Additive and saturating: at `u64::MAX` and beyond, demand is unbounded
    /// and stays so (3.17). Returns at once (3.4) and never panics (3.16); may be
    /// called from inside a signal (3.2). After a cancel or a terminal it does
    /// nothing (3.6, 1.6).
    ///
    /// `request(0)` asks for nothing, which is a mistake: the subscriber gets
    /// [`on_error`](Subscriber::on_error) with [`InvalidDemand`] (3.9).
    fn request(&mut self, n: u64);

    /// Asks for no more items, and to be forgotten (3.12, 3.13). What is under way
    /// may still come (2.8).
    ///
    /// Returns at once (3.5) and never panics (3.15). Doing it again does nothing
    /// (3.7), nor does it after a terminal (1.6).
    fn cancel(&mut self);
}

/// The two halves of a [`Processor`]: what is to be subscribed upstream, and what
/// downstream subscribes to.
pub type Halves<T, U> = (Box<dyn Subscriber<T>>, Box<dyn Publisher<Item = U>>);

/// A subscriber and a publisher in one, as a step between two others, under the
/// contracts of both (4.1).
///
/// In Rust a subscriber is moved into its publisher, and a processor has to be in
/// two places at once, so it comes [in two halves](Self::split). Any pair of a
/// subscriber and a publisher is one.
///
/// A failure from upstream is passed on at once, whatever is still undelivered
/// (4.2), unless the processor recovers from it. Upstream counts as cancelled
/// either way.
///
/// ```
/// use tidegate::flow::reactive::{Processor, Publisher, Subscriber};
/// fn through<T, P: Processor<T>>(upstream: &impl Publisher<Item = T>, step: P) -> Box<dyn Publisher<Item = P::Out>> {
///     let (subscriber, publisher) = step.split();
///     upstream.subscribe(subscriber);
///     publisher
/// }
/// ```
pub trait Processor<T>: Sized {
    /// What it sends on.
    type Out: Send + 'static;

    /// Its two halves: what is to be subscribed upstream, and what downstream
    /// subscribes to.
    fn split(self) -> Halves<T, Self::Out>;
}

impl<T: 'static, S: Subscriber<T>, P: Publisher> Processor<T> for (S, P) {
    type Out = P::Item;

    fn split(self) -> Halves<T, P::Item> {
        (Box::new(self.0), Box::new(self.1))
    }
}

impl<T: 'static, S: Subscriber<T> + ?Sized> Subscriber<T> for Box<S> {
    fn on_subscribe(&mut self, subscription: Box<dyn Subscription>) {
        (**self).on_subscribe(subscription);
    }

    fn on_next(&mut self, item: T) {
        (**self).on_next(item);
    }

    fn on_error(self: Box<Self>, fault: Fault) {
        (*self).on_error(fault);
    }

    fn on_complete(self: Box<Self>) {
        (*self).on_complete();
    }
}

impl<P: Publisher + ?Sized> Publisher for Box<P> {
    type Item = P::Item;

    fn subscribe(&self, subscriber: Box<dyn Subscriber<P::Item>>) {
        (**self).subscribe(subscriber);
    }
}

/// A subscriber has requested 0 items: rule 3.9. The source of the fault that it
/// is told.
///
/// ```
/// use tidegate::Fault;
/// use tidegate::flow::reactive::InvalidDemand;
/// let fault = Fault::from(InvalidDemand);
/// assert!(fault.source().unwrap().is::<InvalidDemand>());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidDemand;

impl fmt::Display for InvalidDemand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0 items were requested; a demand is at least 1 (Reactive Streams 3.9)")
    }
}

impl Error for InvalidDemand {}
