//! Following a store as the source of a subscription.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::bell::{Heard, Notices};
use super::follower::{Follower, Step};
use super::page::{Fetch, FetchError, News, Page};
use super::settings::Follow;
use crate::actor::world::World;
use crate::actor::{BoxTask, Fault};
use crate::flow::emitter::Emitter;
use crate::flow::error::Unwanted;
use crate::flow::inlet::type_name;
use crate::flow::source::{Source, Spawner, from_fn};
use crate::sync::access;

/// Follows a store: fetches from it as far as the subscriber asks, when notices
/// say that there is something, and now and then without one.
///
/// A fetch that fails is tried again, see [`Follow::retry`]; one that fails [for
/// good](FetchError::permanent), or [too often](Follow::give_up_after), is the
/// end of the subscription, with its fault. Cancelled, it drops the fetch that
/// is under way.
///
/// ```
/// use std::sync::Arc;
/// use tidegate::prelude::*;
/// use tidegate::flow::Demand;
/// use tidegate::flow::news::{Follow, Log, News, follow};
///
/// struct Mailer { cursor: u64, sent: Vec<String> }
///
/// impl Actor for Mailer {
///     type Msg = News<Arc<String>>;
///     async fn handle(&mut self, news: Self::Msg, _: &mut Context<Self>) -> Result<(), Fault> {
///         self.cursor = news.cursor(); // to be written down, and begun with next time
///         if let News::Item(_, order) = news {
///             self.sent.push(order.to_string());
///         }
///         Ok(())
///     }
/// #   async fn stopped(&mut self, _: &StopReason, _: &mut Context<Self>) { assert_eq!(self.sent, ["book", "lamp"]); }
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
///
/// let system = System::new();
/// let mailer = system.spawn(Mailer { cursor: 0, sent: Vec::new() }, Push::bounded(16));
/// let orders = Log::retaining(10_000);
/// let source = follow(orders.clone(), orders.notices(), Follow::from_start());
/// let subscription = system.subscribe(source, &mailer, Demand::window(16));
///
/// orders.append("book".to_owned()).unwrap();
/// orders.append("lamp".to_owned()).unwrap();
/// orders.close();
/// assert!(subscription.ended().await.is_completed());
/// # mailer.drain(); mailer.stopped().await;
/// # }
/// ```
pub fn follow<F: Fetch>(fetch: F, notices: Notices, settings: Follow) -> Following<F> {
    Following { fetch, notices, settings }
}

/// A store that is to be followed; see [`follow`].
#[must_use = "nothing is followed until somebody subscribes"]
pub struct Following<F> {
    fetch: F,
    notices: Notices,
    settings: Follow,
}

impl<F> fmt::Debug for Following<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<F: Fetch> Source for Following<F> {
    type Item = News<F::Item>;

    fn connect(self, emitter: Emitter<News<F::Item>>, spawner: &Spawner) {
        let world = Arc::clone(spawner.world());
        from_fn(|emitter| self.run(emitter, world)).connect(emitter, spawner);
    }

    fn name(&self) -> Arc<str> {
        type_name::<F>()
    }
}

impl<F: Fetch> Following<F> {
    /// Until it is dropped, which is what a cancel does to it.
    async fn run(self, mut emitter: Emitter<News<F::Item>>, world: Arc<World>) {
        let Self { mut fetch, notices, settings } = self;
        let mut follower = Follower::new(settings);
        let mut waits = Waits { notices, world };
        let mut last = None;
        loop {
            if follower.is_due() {
                let Ok(wanted) = poll_fn(|cx| Poll::Ready(wanted(&mut emitter, cx))).await else { return };
                follower.allow(wanted);
            }
            match follower.step(waits.now(), || waits.world.executor.random()) {
                Step::Fetch { cursor, n } => match waits.within(settings.within, fetch.fetch(cursor, n)).await {
                    Ok(page) => match deliver(&mut follower, cursor, page, &mut emitter).await {
                        Ok(()) => {}
                        Err(Stop::Cancelled) => return,
                        Err(Stop::Malformed(fault)) => last = Some(fault),
                    },
                    Err(FetchError { permanent: true, fault, .. }) => return emitter.fail(fault),
                    Err(FetchError { retry_after, fault, .. }) => {
                        last = Some(fault);
                        follower.fetch_failed(retry_after);
                    }
                },
                Step::Arm => {
                    let heard = poll_fn(|cx| access::pass(cx).map(|()| waits.notices.arm(cx.waker()))).await;
                    follower.armed(heard.up_to);
                    hear_more(&mut follower, heard);
                }
                Step::Wait { until } => {
                    // What has been set aside in the mailbox is others' until
                    // there is something to send.
                    if !follower.is_due() {
                        emitter.release();
                    }
                    if waits.until(until, &mut follower, &mut emitter).await.is_err() {
                        return;
                    }
                }
                Step::Complete => return emitter.complete(),
                Step::GiveUp => {
                    return emitter.fail(last.unwrap_or_else(|| Fault::msg("fetching failed too often")));
                }
            }
        }
    }
}

/// How many items may be sent now.
fn wanted<T: Send + 'static>(emitter: &mut Emitter<T>, cx: &mut Context<'_>) -> Result<u64, Unwanted> {
    match emitter.poll_ready(cx) {
        Poll::Ready(wanted) => wanted.map(u64::from),
        Poll::Pending => Ok(0),
    }
}

enum Stop {
    Cancelled,
    Malformed(Fault),
}

async fn deliver<T: Send + 'static>(
    follower: &mut Follower,
    cursor: u64,
    page: Page<T>,
    emitter: &mut Emitter<News<T>>,
) -> Result<(), Stop> {
    let news = follower.fetched(cursor, page).map_err(|malformed| Stop::Malformed(malformed.into()))?;
    for news in news {
        // There was room for all of it, unless others have filled the mailbox.
        emitter.send(news).await.map_err(|_| Stop::Cancelled)?;
    }
    Ok(())
}

fn hear_more(follower: &mut Follower, heard: Heard) {
    if heard.nudged {
        follower.nudged();
    }
    if let Some(end) = heard.end {
        follower.closed(end);
    }
}

/// What is waited for besides a fetch.
struct Waits {
    notices: Notices,
    world: Arc<World>,
}

impl Waits {
    fn now(&self) -> Duration {
        self.world.executor.now()
    }

    /// What `fetch` brings, if it brings it in time.
    async fn within<T>(
        &self,
        limit: Duration,
        fetch: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        let mut fetch = pin!(fetch);
        // Only a fetch that has to wait needs a timer.
        let mut sleep: Option<BoxTask> = None;
        let mut begun = false;
        poll_fn(|cx| {
            if !begun && access::fresh(cx).is_pending() {
                return Poll::Pending;
            }
            begun = true;
            if let Poll::Ready(fetched) = fetch.as_mut().poll(cx) {
                access::act();
                return Poll::Ready(fetched);
            }
            let sleep = sleep.get_or_insert_with(|| self.world.executor.sleep(limit));
            sleep.as_mut().poll(cx).map(|()| {
                let fault = Fault::msg(format!("a fetch has brought nothing in {limit:?}"));
                Err(FetchError::transient(fault))
            })
        })
        .await
    }

    /// A notice, if it is armed; demand, if there is something to fetch; or this
    /// moment.
    async fn until<T: Send + 'static>(
        &mut self,
        until: Option<Duration>,
        follower: &mut Follower,
        emitter: &mut Emitter<T>,
    ) -> Result<(), Unwanted> {
        let left = until.map(|until| until.saturating_sub(self.now()));
        let mut sleep = left.map(|left| self.world.executor.sleep(left));
        poll_fn(|cx| {
            if follower.is_armed()
                && let Poll::Ready(heard) = self.notices.poll_news(cx.waker())
            {
                follower.notified(heard.up_to);
                hear_more(follower, heard);
                return Poll::Ready(Ok(()));
            }
            if follower.is_due() && wanted(emitter, cx)? > 0 {
                return Poll::Ready(Ok(()));
            }
            let Some(sleep) = &mut sleep else { return Poll::Pending };
            sleep.as_mut().poll(cx).map(|()| {
                follower.timer();
                Ok(())
            })
        })
        .await
    }
}
