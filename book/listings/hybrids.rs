//! Listings of the chapter "Hybrids".

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate::flow::Demand;
use tidegate::flow::news::{Fetch, FetchError, Follow, Log, News, Page, follow, notices};
use tidegate::prelude::*;
use tidegate::{Executor, ManualExecutor};
use tidegate_book::Transcript;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

// ANCHOR: actor
/// Sends mail for orders, and remembers how far it has come.
struct Mailer {
    takes: Duration,
    notes: Arc<Mutex<Notes>>,
}

/// What would be on a disk.
#[derive(Default)]
struct Notes {
    cursor: u64,
    sent: u64,
    missed: u64,
}

impl Actor for Mailer {
    type Msg = News<Arc<Order>>;

    async fn handle(&mut self, news: Self::Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        cx.sleep(self.takes).await;
        let mut notes = self.notes.lock().unwrap();
        notes.cursor = news.cursor();
        match news {
            News::Item(_, _order) => notes.sent += 1,
            News::Gap(gap) => notes.missed += gap.to - gap.from,
            _ => {}
        }
        Ok(())
    }
}

/// As large as it likes: it is not copied, and does not travel with the notice.
struct Order;
// ANCHOR_END: actor

/// A log that counts how often it is asked.
struct Counted {
    log: Log<Order>,
    fetches: Arc<Mutex<Vec<usize>>>,
}

impl Fetch for Counted {
    type Item = Arc<Order>;
    async fn fetch(&mut self, cursor: u64, n: NonZeroU64) -> Result<Page<Arc<Order>>, FetchError> {
        let page = Fetch::fetch(&mut self.log, cursor, n).await?;
        self.fetches.lock().unwrap().push(page.items.len());
        Ok(page)
    }
}

fn mailer(system: &System, takes: Duration) -> (ActorRef<News<Arc<Order>>>, Arc<Mutex<Notes>>) {
    let notes = Arc::<Mutex<Notes>>::default();
    (system.spawn(Mailer { takes, notes: Arc::clone(&notes) }, Push::bounded(16)), notes)
}

#[test]
fn the_whole_of_it() {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let (mailer, notes) = mailer(&system, ms(1));
    // ANCHOR: follow
    let orders = Log::retaining(10_000);
    let source = follow(orders.clone(), orders.notices(), Follow::from_start());
    let subscription = system.subscribe(source, &mailer, Demand::window(16));

    orders.append(Order).unwrap();
    // ANCHOR_END: follow
    executor.advance(ms(10));
    assert_eq!(notes.lock().unwrap().sent, 1);
    drop(subscription);

    orders.append(Order).unwrap();
    // ANCHOR: resume
    let cursor = notes.lock().unwrap().cursor;
    let source = follow(orders.clone(), orders.notices(), Follow::at(cursor));
    let subscription = system.subscribe(source, &mailer, Demand::window(16));
    // ANCHOR_END: resume
    executor.advance(ms(10));
    drop(subscription);
    let notes = notes.lock().unwrap();
    assert_eq!((notes.sent, notes.cursor), (2, 2));
}

// ANCHOR: loads
fn loads(out: &mut Transcript) {
    out.line("an order every   orders   notices   fetches   most at once");
    for every in [ms(20), ms(2), ms(1)] {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let (mailer, notes) = mailer(&system, ms(2));
        let orders = Log::retaining(10_000);
        let fetches = Arc::default();
        let store = Counted { log: orders.clone(), fetches: Arc::clone(&fetches) };
        let source = follow(store, orders.notices(), Follow::from_start());
        let subscription = system.subscribe(source, &mailer, Demand::window(16));
        for _ in 0..1000 {
            orders.append(Order).unwrap(); // and with it a notice
            executor.advance(every);
        }
        executor.advance(ms(10_000));
        assert_eq!(notes.lock().unwrap().sent, 1000);
        let fetched = fetches.lock().unwrap().clone();
        let (count, most) = (fetched.len(), fetched.iter().max().copied().unwrap_or(0));
        out.line(format!("{every:>14?} {:>8} {:>9} {count:>9} {most:>14}", 1000, 1000));
        drop(subscription);
    }
}
// ANCHOR_END: loads

#[test]
fn at_low_load_a_fetch_for_each_notice_and_at_high_load_one_for_many() {
    let mut out = Transcript::new();
    loads(&mut out);
    out.assert_is("hybrids_loads");
}

// ANCHOR: lost
fn lost(out: &mut Transcript) {
    out.line("notices lost   fetches   longest delay");
    for lost in [0, 1, 2] {
        let executor = ManualExecutor::new();
        let system = System::with_executor(executor.clone());
        let (mailer, notes) = mailer(&system, ms(0));
        let orders = Log::retaining(10_000);
        let (notifier, heard) = notices();
        let fetches = Arc::default();
        let store = Counted { log: orders.clone(), fetches: Arc::clone(&fetches) };
        let settings = Follow::from_start().poll_every(Duration::from_secs(10));
        let subscription = system.subscribe(follow(store, heard, settings), &mailer, Demand::window(16));

        let mut longest = ms(0);
        for n in 1..=100 {
            let number = orders.append(Order).unwrap();
            if n % 2 >= lost {
                notifier.notify(number + 1);
            }
            let (stored, mut waited) = (executor.now(), ms(0));
            while executor.now() < stored + ms(3_000) {
                executor.advance(ms(100));
                if notes.lock().unwrap().sent < n {
                    waited = executor.now() - stored;
                }
            }
            // The last of those that wait has waited least.
            let behind = n - notes.lock().unwrap().sent;
            longest = longest.max(waited + ms(3_000) * u32::try_from(behind.saturating_sub(1)).unwrap());
        }
        let percent = [0, 50, 100][lost as usize];
        out.line(format!("{percent:>10} % {:>9} {longest:>15?}", fetches.lock().unwrap().len()));
        drop(subscription);
    }
}
// ANCHOR_END: lost

#[test]
fn a_lost_notice_costs_time_and_no_item() {
    let mut out = Transcript::new();
    lost(&mut out);
    out.assert_is("hybrids_lost");
}

// ANCHOR: stale
/// A store behind a cache that goes on with an old answer for a second.
fn stale(out: &mut Transcript) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let (mailer, notes) = mailer(&system, ms(0));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let store = {
        let (asked, executor) = (Arc::clone(&asked), executor.clone());
        move |cursor, _: NonZeroU64| {
            let now = executor.now();
            asked.lock().unwrap().push(now);
            let fresh = now >= ms(1000);
            let page = if fresh { Page::numbered(cursor, [Arc::new(Order)]) } else { Page::new(vec![], cursor) };
            async move { Ok::<_, FetchError>(page) }
        }
    };
    let (notifier, heard) = notices();
    notifier.notify(1);
    let settings = Follow::from_start().retry(tidegate::Backoff::exponential(ms(100), ms(30_000)));
    let subscription = system.subscribe(follow(store, heard, settings), &mailer, Demand::window(16));
    executor.advance(ms(10_000));
    let asked: Vec<u128> = asked.lock().unwrap().iter().map(Duration::as_millis).collect();
    out.line(format!("asked at {asked:?} ms, {} order", notes.lock().unwrap().sent));
    drop(subscription);
}
// ANCHOR_END: stale

#[test]
fn a_stale_answer_is_asked_for_again() {
    let mut out = Transcript::new();
    stale(&mut out);
    out.assert_is("hybrids_stale");
}

// ANCHOR: gap
fn gap(out: &mut Transcript) {
    let executor = ManualExecutor::new();
    let system = System::with_executor(executor.clone());
    let orders = Log::retaining(50);
    let mut followers = Vec::new();
    for (name, takes) in [("quick", ms(1)), ("slow", ms(10))] {
        let (mailer, notes) = mailer(&system, takes);
        let source = follow(orders.clone(), orders.notices(), Follow::from_start());
        followers.push((name, notes, system.subscribe(source, &mailer, Demand::window(16))));
    }
    for _ in 0..1000 {
        orders.append(Order).unwrap();
        executor.advance(ms(2));
    }
    orders.close();
    executor.advance(ms(10_000));
    for (name, notes, subscription) in &followers {
        let notes = notes.lock().unwrap();
        let end = subscription.end().map(|end| end.to_string()).unwrap_or_default();
        out.line(format!("{name:>5}: {} sent, {} missed, {end}", notes.sent, notes.missed));
    }
}
// ANCHOR_END: gap

#[test]
fn a_slow_follower_is_told_what_it_missed_and_holds_nobody_up() {
    let mut out = Transcript::new();
    gap(&mut out);
    out.assert_is("hybrids_gap");
}
