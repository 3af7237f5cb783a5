//! The state machine, alone: each rule by an example, then all of them at once
//! against a plain reference.

use std::num::NonZeroU64;
use std::time::Duration;

use proptest::prelude::*;
use tidegate::Backoff;
use tidegate::flow::news::{Follow, Follower, Gap, MalformedPage, News, Page, Retained, Step};

const NOW: Duration = Duration::ZERO;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn settings() -> Follow {
    Follow::from_start().retry(Backoff::exponential(ms(100), ms(700))).poll_every(ms(10_000))
}

/// The page for the fetch that is under way.
fn fetched<T>(follower: &mut Follower, page: Page<T>) -> Result<Vec<News<T>>, MalformedPage> {
    follower.fetched(follower.cursor(), page)
}

/// The next step at time 0, as (cursor, n), or what else it is.
#[track_caller]
fn fetch(follower: &mut Follower) -> (u64, u64) {
    match follower.step(NOW, || 0) {
        Step::Fetch { cursor, n } => (cursor, n.get()),
        other => panic!("{other:?} in place of a fetch"),
    }
}

#[track_caller]
fn waits(follower: &mut Follower) -> Option<Duration> {
    match follower.step(NOW, || 0) {
        Step::Wait { until } => until,
        other => panic!("{other:?} in place of a wait"),
    }
}

/// One that has looked, found nothing, and is armed.
fn at_rest(settings: Follow, demand: u64) -> Follower {
    let mut follower = Follower::new(settings);
    follower.demand(demand);
    let (cursor, _) = fetch(&mut follower);
    assert_eq!(fetched(&mut follower, Page::<u8>::new(vec![], cursor)), Ok(vec![]));
    assert_eq!(follower.step(NOW, || 0), Step::Arm);
    follower.armed(0);
    assert!(waits(&mut follower).is_some());
    follower
}

#[test]
fn it_fetches_nothing_that_is_not_wanted_and_no_more_than_is() {
    let mut follower = Follower::new(settings().page(10));
    follower.notified(100);
    assert_eq!(waits(&mut follower), None);
    follower.demand(3);
    follower.demand(4);
    assert_eq!(fetch(&mut follower), (0, 7));
    follower.demand(50);
    assert!(matches!(follower.step(NOW, || 0), Step::Wait { .. }), "one fetch at a time");
    assert_eq!(fetched(&mut follower, Page::numbered(0, 0..7).more(true)).unwrap().len(), 7);
    assert_eq!(fetch(&mut follower), (7, 10), "as many as a page may hold");
}

#[test]
fn unbounded_demand_is_never_used_up() {
    let mut follower = Follower::new(settings().page(2));
    follower.demand(u64::MAX);
    follower.demand(u64::MAX);
    for page in 0..3 {
        assert_eq!(fetch(&mut follower), (2 * page, 2));
        fetched(&mut follower, Page::numbered(2 * page, 0..2).more(true)).unwrap();
    }
    assert_eq!(follower.outstanding(), u64::MAX);
}

#[test]
fn news_between_an_empty_page_and_the_arming_is_found_by_looking_again() {
    let mut follower = Follower::new(settings());
    follower.demand(1);
    fetch(&mut follower);
    // Stored while the empty page is on its way; nobody is told, since nobody
    // is armed.
    fetched(&mut follower, Page::<u8>::new(vec![], 0)).unwrap();
    assert_eq!(follower.step(NOW, || 0), Step::Arm);
    follower.armed(1);
    assert_eq!(fetch(&mut follower), (0, 1));
}

/// The race again, with a store that tells only who is armed, and nobody who
/// polls. A follower that does not look again never hears of the item.
#[test]
fn one_that_does_not_look_again_after_arming_would_lose_it() {
    let delivered = |looks_again: bool| {
        let mut world = World::new(9, 9);
        world.looks_again = looks_again;
        for op in [Op::Demand(9), Op::Read, Op::Append, Op::Answer] {
            world.apply(op);
        }
        // All that can happen without another append and without a timer.
        for _ in 0..9 {
            for op in [Op::Notice(0), Op::Read, Op::Answer] {
                world.apply(op);
            }
        }
        world.delivered.len()
    };
    assert_eq!((delivered(true), delivered(false)), (1, 0));
}

#[test]
fn a_notice_between_arming_and_looking_has_used_the_arming_up() {
    let mut follower = Follower::new(settings());
    follower.demand(9);
    fetch(&mut follower);
    fetched(&mut follower, Page::<u8>::new(vec![], 0)).unwrap();
    assert_eq!(follower.step(NOW, || 0), Step::Arm);
    follower.notified(0);
    follower.armed(0);
    assert_eq!(follower.step(NOW, || 0), Step::Arm, "nobody would tell it any more");
}

#[test]
fn one_lost_notice_does_not_make_it_deaf_for_the_next() {
    let mut follower = at_rest(settings(), 9);
    follower.timer();
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, ['a'])).unwrap();
    assert_eq!(follower.step(NOW, || 0), Step::Arm, "the notice of it was lost, and with it the arming");
}

#[test]
fn a_notice_during_a_fetch_is_not_forgotten() {
    let mut follower = Follower::new(settings());
    follower.demand(9);
    fetch(&mut follower);
    follower.notified(2);
    fetched(&mut follower, Page::numbered(0, 0..1)).unwrap();
    assert_eq!(fetch(&mut follower), (1, 8), "the page says that it was all, the notice knows better");
    follower.nudged();
    fetched(&mut follower, Page::numbered(1, 0..1)).unwrap();
    assert_eq!(fetch(&mut follower), (2, 7), "also without a number");
}

#[test]
fn late_and_doubled_notices_cause_no_fetch() {
    let mut follower = at_rest(settings(), 9);
    follower.notified(3);
    assert_eq!(fetch(&mut follower), (0, 9));
    fetched(&mut follower, Page::numbered(0, 0..3)).unwrap();
    for late in [1, 3, 2, 3] {
        follower.notified(late);
        assert_eq!(follower.step(NOW, || 0), Step::Arm);
        follower.armed(3);
        assert!(waits(&mut follower).is_some());
    }
}

#[test]
fn a_lost_notice_is_made_up_for_by_the_safety_poll_which_events_do_not_put_off() {
    let mut follower = at_rest(settings(), 1);
    follower.demand(1);
    let due = Step::Wait { until: Some(ms(10_000)) };
    assert_eq!(follower.step(ms(9_000), || 0), due);
    follower.notified(0);
    assert_eq!(follower.step(ms(9_500), || 0), Step::Arm);
    follower.armed(0);
    assert_eq!(follower.step(ms(9_600), || 0), due);
    follower.timer();
    assert_eq!(fetch(&mut follower), (0, 2));
}

#[test]
fn a_poll_that_came_due_while_nothing_was_wanted_is_made_up_for() {
    let mut follower = at_rest(settings(), 1);
    follower.notified(1);
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, ['a'])).unwrap();
    assert_eq!(follower.step(NOW, || 0), Step::Arm);
    follower.armed(1);
    assert_eq!(waits(&mut follower), Some(ms(10_000)));
    follower.timer();
    assert_eq!(waits(&mut follower), None, "and is not woken again");
    follower.demand(1);
    assert_eq!(fetch(&mut follower), (1, 1));
}

#[test]
fn the_safety_poll_is_spread_by_chance_and_never_late() {
    let mut follower = Follower::new(settings());
    follower.demand(1);
    fetch(&mut follower);
    fetched(&mut follower, Page::<u8>::new(vec![], 0)).unwrap();
    follower.step(NOW, || 0);
    follower.armed(0);
    let Step::Wait { until: Some(until) } = follower.step(NOW, || u64::MAX) else { panic!("no poll") };
    assert!((ms(8_750)..ms(8_760)).contains(&until), "{until:?}");
}

#[test]
fn failures_are_retried_with_growing_waits_which_notices_do_not_cut_short() {
    let mut follower = Follower::new(settings());
    follower.demand(1);
    for wait in [100, 200, 400, 700, 700] {
        assert_eq!(fetch(&mut follower), (0, 1));
        follower.fetch_failed(Duration::ZERO);
        assert_eq!(waits(&mut follower), Some(ms(wait)));
        follower.notified(5);
        assert_eq!(follower.step(ms(50), || 0), Step::Wait { until: Some(ms(wait)) }, "it does not begin anew");
        follower.timer();
    }
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, [0])).unwrap();
    follower.demand(1);
    fetch(&mut follower);
    follower.fetch_failed(ms(5_000));
    assert_eq!(waits(&mut follower), Some(ms(5_000)), "from the beginning, but as long as the store asks for");
}

#[test]
fn it_gives_up_after_as_many_failures_in_a_row_as_it_was_told() {
    let mut follower = Follower::new(settings().give_up_after(2));
    follower.demand(2);
    for _ in 0..2 {
        fetch(&mut follower);
        follower.fetch_failed(Duration::ZERO);
        waits(&mut follower);
        follower.timer();
        fetch(&mut follower);
        let page = Page::numbered(follower.cursor(), [()]).more(true);
        fetched(&mut follower, page).unwrap();
    }
    follower.demand(1);
    for step in [Step::Wait { until: Some(ms(100)) }, Step::GiveUp] {
        fetch(&mut follower);
        follower.fetch_failed(Duration::ZERO);
        assert_eq!(follower.step(NOW, || 0), step);
        follower.timer();
    }
}

#[test]
fn a_fetch_that_takes_too_long_has_failed_and_its_page_is_still_good() {
    let mut follower = Follower::new(settings().fetch_within(ms(300)));
    follower.demand(2);
    fetch(&mut follower);
    assert_eq!(waits(&mut follower), Some(ms(300)));
    follower.timer();
    assert_eq!(waits(&mut follower), Some(ms(100)));
    assert_eq!(fetched(&mut follower, Page::numbered(0, ['x'])), Ok(vec![]), "no fetch is under way");
    follower.timer();
    fetch(&mut follower);
    let (first, second) = (Page::numbered(0, ['a']).more(true), Page::numbered(0, ['a', 'b']));
    assert_eq!(follower.fetched(0, first.clone()), Ok(vec![News::Item(0, 'a')]), "from the same cursor");
    assert_eq!(fetch(&mut follower), (1, 1));
    assert_eq!((follower.fetched(0, first), follower.fetched(0, second)), (Ok(vec![]), Ok(vec![])), "from another");
    assert!(follower.is_fetching());
    assert_eq!(follower.fetched(1, Page::numbered(1, ['b'])), Ok(vec![News::Item(1, 'b')]));
}

#[test]
fn a_page_that_lacks_what_was_promised_is_asked_for_again_in_growing_waits_and_not_in_a_loop() {
    let mut follower = at_rest(settings().poll_every(ms(500)), 5);
    follower.notified(3);
    for wait in [100, 200, 400, 500, 500] {
        assert_eq!(fetch(&mut follower), (0, 5));
        // From a cache: all that is known says otherwise.
        assert_eq!(fetched(&mut follower, Page::<u8>::new(vec![], 0)), Ok(vec![]));
        assert_eq!(waits(&mut follower), Some(ms(wait)));
        follower.timer();
    }
    fetch(&mut follower);
    assert_eq!(fetched(&mut follower, Page::numbered(0, 0..3)).unwrap().len(), 3);
    assert_eq!(follower.step(NOW, || 0), Step::Arm);
}

#[test]
fn a_gap_counts_as_an_item_and_what_has_no_room_beside_it_is_fetched_again() {
    let mut kept = Retained::new(2);
    for item in 0..5 {
        kept.append(item).unwrap();
    }
    let mut follower = Follower::new(settings());
    follower.demand(1);
    fetch(&mut follower);
    let page = kept.fetch(0, NonZeroU64::MIN).unwrap();
    assert_eq!(fetched(&mut follower, page), Ok(vec![News::Gap(Gap { from: 0, to: 3 })]));
    assert_eq!((follower.cursor(), follower.outstanding()), (3, 0));
    follower.demand(9);
    let (cursor, _) = fetch(&mut follower);
    let page = kept.fetch(cursor, NonZeroU64::MAX).unwrap();
    assert_eq!(fetched(&mut follower, page), Ok(vec![News::Item(3, 3), News::Item(4, 4)]));
}

#[test]
fn a_store_that_sends_too_much_or_again_does_no_harm() {
    let mut follower = Follower::new(settings());
    follower.demand(2);
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, 0..9)).unwrap();
    assert_eq!((follower.cursor(), follower.outstanding()), (2, 0));
    follower.demand(2);
    assert_eq!(fetch(&mut follower), (2, 2), "it has seen that there is more");
    let again = fetched(&mut follower, Page::numbered(0, 0..4)).unwrap();
    assert_eq!(again, [News::Item(2, 2), News::Item(3, 3)]);
}

#[test]
fn numbers_may_be_left_out_and_the_cursor_goes_where_the_page_says() {
    let mut follower = Follower::new(Follow::at(10));
    follower.demand(5);
    assert_eq!(fetch(&mut follower), (10, 5));
    let news = fetched(&mut follower, Page::new(vec![(12, 'a'), (40, 'b')], 50).more(true)).unwrap();
    assert_eq!(news.iter().map(News::cursor).collect::<Vec<_>>(), [13, 41]);
    assert_eq!(fetch(&mut follower), (50, 3));
    assert_eq!(fetched(&mut follower, Page::<char>::new(vec![], 70).more(true)), Ok(vec![]), "all filtered out");
    assert_eq!(fetch(&mut follower), (70, 3));
}

#[test]
fn pages_that_make_no_sense_are_failures_and_deliver_nothing() {
    let bad = [
        Page::new(vec![], 4),
        Page::new(vec![(6, ()), (5, ())], 9),
        Page::new(vec![(5, ()), (5, ())], 9),
        Page::new(vec![(5, ()), (6, ())], 6),
        Page::new(vec![(5, ())], 6).gap(Some(Gap { from: 5, to: 6 })),
        Page::new(vec![], 6).gap(Some(Gap { from: 5, to: 7 })),
        Page::new(vec![], 5).more(true),
    ];
    for page in bad {
        let mut follower = Follower::new(Follow::at(5).give_up_after(1));
        follower.demand(5);
        fetch(&mut follower);
        assert!(fetched(&mut follower, page.clone()).is_err(), "{page:?}");
        assert_eq!((follower.cursor(), follower.step(NOW, || 0)), (5, Step::GiveUp), "{page:?}");
    }
}

#[test]
fn the_end_needs_no_demand_and_comes_behind_the_last_item() {
    // By a notice, while nothing is wanted.
    let mut follower = at_rest(settings(), 2);
    follower.closed(2);
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, 0..1)).unwrap();
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(1, 1..2)).unwrap();
    assert_eq!((follower.outstanding(), follower.step(NOW, || 0)), (0, Step::Complete));
    // By the page, the notice being lost.
    let mut follower = at_rest(settings(), 2);
    follower.timer();
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, 0..3).closed(true)).unwrap();
    assert_eq!(waits(&mut follower), None, "the third had no room");
    follower.demand(1);
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(2, 2..3).closed(true)).unwrap();
    assert_eq!(follower.step(NOW, || 0), Step::Complete);
    // A page that is not the last closes nothing.
    let mut follower = at_rest(settings(), 2);
    follower.timer();
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, 0..1).more(true).closed(true)).unwrap();
    assert_eq!(fetch(&mut follower), (1, 1));
}

#[test]
fn a_store_that_is_closed_before_the_end_that_was_told_is_believed() {
    let mut follower = at_rest(settings(), 9);
    follower.closed(5);
    fetch(&mut follower);
    fetched(&mut follower, Page::numbered(0, 0..3).closed(true)).unwrap();
    assert_eq!(follower.step(NOW, || 0), Step::Complete, "and not asked for the rest for ever");
}

/// What the network and the world may do.
#[derive(Clone, Copy, Debug)]
enum Op {
    Append,
    /// Drops the oldest that is kept.
    Expire,
    Demand(u64),
    /// Delivers one of the notices on their way, and keeps it there: late, out
    /// of order, again.
    Notice(usize),
    Lose(usize),
    Nudge,
    /// The fetch that is under way reads the store.
    Read,
    /// What it has read arrives.
    Answer,
    Fail,
    Timer,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Append),
        1 => Just(Op::Expire),
        3 => (1_u64..5).prop_map(Op::Demand),
        4 => any::<usize>().prop_map(Op::Notice),
        2 => any::<usize>().prop_map(Op::Lose),
        1 => Just(Op::Nudge),
        4 => Just(Op::Read),
        4 => Just(Op::Answer),
        1 => Just(Op::Fail),
        2 => Just(Op::Timer),
    ]
}

/// A follower, a store with a one-shot subscription, and notices on their way.
struct World {
    follower: Follower,
    store: Retained<u64>,
    subscribed: bool,
    notices: Vec<u64>,
    asked: Option<(u64, NonZeroU64)>,
    read: Option<(u64, Page<u64>)>,
    wanted: u64,
    delivered: Vec<News<u64>>,
    looks_again: bool,
}

impl World {
    fn new(most: usize, page: u64) -> Self {
        Self {
            follower: Follower::new(settings().page(page)),
            store: Retained::new(most),
            subscribed: false,
            notices: Vec::new(),
            asked: None,
            read: None,
            wanted: 0,
            delivered: Vec::new(),
            looks_again: true,
        }
    }

    fn run(&mut self) {
        loop {
            match self.follower.step(NOW, || 0) {
                Step::Fetch { cursor, n } => {
                    assert!(self.asked.is_none(), "two fetches at once");
                    assert!(self.delivered.len() as u64 + n.get() <= self.wanted, "{n} is more than is wanted");
                    self.asked = Some((cursor, n));
                }
                Step::Arm => {
                    self.subscribed = true;
                    self.follower.armed(if self.looks_again { self.store.end() } else { 0 });
                }
                Step::Wait { .. } => return,
                other => panic!("{other:?}, and nothing was closed"),
            }
        }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Append => {
                let (sequence, _) = self.store.append(self.store.end()).unwrap();
                if std::mem::take(&mut self.subscribed) {
                    self.notices.push(sequence + 1);
                }
            }
            Op::Expire => drop(self.store.drop_first()),
            Op::Demand(n) => {
                self.wanted += n;
                self.follower.demand(n);
            }
            Op::Notice(at) if !self.notices.is_empty() => {
                self.follower.notified(self.notices[at % self.notices.len()]);
            }
            Op::Lose(at) if !self.notices.is_empty() => drop(self.notices.remove(at % self.notices.len())),
            Op::Nudge => self.follower.nudged(),
            Op::Read => {
                if let Some((cursor, n)) = self.asked.take() {
                    self.read = Some((cursor, self.store.fetch(cursor, n).unwrap()));
                }
            }
            Op::Answer => {
                if let Some((cursor, page)) = self.read.take() {
                    self.delivered.extend(self.follower.fetched(cursor, page).unwrap());
                }
            }
            Op::Fail if self.follower.is_fetching() => {
                (self.asked, self.read) = (None, None);
                self.follower.fetch_failed(Duration::ZERO);
            }
            Op::Timer => {
                if self.follower.is_fetching() {
                    (self.asked, self.read) = (None, None);
                }
                self.follower.timer();
            }
            Op::Notice(_) | Op::Lose(_) | Op::Fail => {}
        }
        self.run();
    }

    /// From here on nothing goes wrong, but every notice is lost.
    fn close(&mut self) {
        self.notices.clear();
        self.apply(Op::Demand(self.store.end() + 1));
        let mut rounds = 0;
        while self.follower.cursor() < self.store.end() {
            for op in [Op::Read, Op::Answer, Op::Timer] {
                self.apply(op);
            }
            rounds += 1;
            assert!(rounds <= 2 * self.store.end() + 4, "{:?} does not come to its end", self.follower);
        }
    }
}

proptest! {
    /// The reference is the list of all numbers: what was delivered, gaps filled
    /// in, is its beginning.
    #[test]
    fn what_is_stored_is_delivered_once_and_in_order_or_is_in_a_gap(
        most in 1_usize..6,
        page in 1_u64..5,
        ops in prop::collection::vec(op(), 0..300),
    ) {
        let mut world = World::new(most, page);
        world.run();
        for op in ops {
            world.apply(op);
            prop_assert!(world.delivered.len() as u64 <= world.wanted, "S1");
        }
        world.close();
        let mut next = 0;
        for news in &world.delivered {
            match *news {
                News::Item(sequence, item) => prop_assert_eq!((sequence, item), (next, next)),
                News::Gap(gap) => {
                    prop_assert_eq!(gap.from, next);
                    prop_assert!(gap.to > gap.from);
                    prop_assert!(gap.to <= world.store.first(), "a gap holds only what had gone");
                }
                _ => unreachable!("a third kind of news"),
            }
            next = news.cursor();
        }
        prop_assert_eq!(next, world.store.end(), "L10");
    }
}
