//! The log, alone.

use std::num::NonZeroU64;
use std::sync::Arc;

use proptest::prelude::*;
use tidegate::flow::news::{CursorAhead, Fetch, Gap, Log, LogClosed, Page, Retained};

const ALL: NonZeroU64 = NonZeroU64::MAX;

fn n(n: u64) -> NonZeroU64 {
    NonZeroU64::new(n).expect("a test asks for something")
}

#[test]
fn a_fetch_can_be_repeated_and_changes_nothing() {
    let log = Log::retaining(10);
    for item in 0..5_u32 {
        log.append(item).unwrap();
    }
    let page = log.fetch(1, n(2)).unwrap();
    assert_eq!(page, log.fetch(1, n(2)).unwrap());
    assert_eq!(page.items, [(1, Arc::new(1)), (2, Arc::new(2))]);
    assert_eq!((page.next, page.more, page.gap), (3, true, None));
    let rest = log.fetch(page.next, ALL).unwrap();
    assert_eq!((rest.items.len(), rest.next, rest.more), (2, 5, false));
    assert_eq!(log.fetch(5, ALL).unwrap().items, []);
}

#[test]
fn what_is_dropped_before_it_is_fetched_is_a_gap_that_says_which() {
    let log = Log::retaining(3);
    for item in 0..10_u32 {
        assert_eq!(log.append(item).unwrap(), u64::from(item));
    }
    let page = log.fetch(4, n(1)).unwrap();
    assert_eq!(page.gap, Some(Gap { from: 4, to: 7 }));
    assert_eq!((page.items, page.next, page.more), (vec![(7, Arc::new(7))], 8, true));
    assert_eq!(log.fetch(7, ALL).unwrap().gap, None);
    // Also if nothing is left.
    assert_eq!(log.drop_oldest_while(|_| true), 3);
    let page = log.fetch(8, ALL).unwrap();
    assert_eq!((page.gap, page.next, page.more), (Some(Gap { from: 8, to: 10 }), 10, false));
    assert_eq!((log.first(), log.end(), log.is_empty()), (10, 10, true));
}

#[test]
fn items_are_dropped_by_age_or_bytes_from_the_oldest_on_and_no_further() {
    let log = Log::retaining(100);
    for (at, size) in [(1_u64, 40_usize), (2, 70), (9, 10), (3, 30)] {
        log.append((at, size)).unwrap();
    }
    assert_eq!(log.drop_oldest_while(|(at, _)| *at < 5), 2, "the last is young enough to shield nobody, and stays");
    let mut bytes: usize = 40;
    // It is asked without a lock: it may look at the log.
    let dropped = log.drop_oldest_while(|(_, size)| {
        let over = bytes > 30 && !log.is_empty();
        bytes -= size;
        over
    });
    assert_eq!((dropped, log.len(), log.first()), (1, 1, 3));
}

#[test]
fn a_closed_log_hands_the_item_back_and_its_last_page_says_so() {
    let log = Log::retaining(2);
    log.append("last").unwrap();
    assert!(!log.fetch(0, ALL).unwrap().closed);
    log.close();
    assert_eq!(log.append("late"), Err(LogClosed("late")));
    assert!(log.fetch(0, ALL).unwrap().closed && log.fetch(1, ALL).unwrap().closed);
    let mut kept = Retained::new(2);
    kept.append(0).unwrap();
    kept.append(1).unwrap();
    kept.close();
    let first = kept.fetch(0, n(1)).unwrap();
    assert!(first.more && !first.closed, "there is one more to come");
}

#[test]
fn a_cursor_past_the_end_is_refused_for_good_and_numbers_can_go_on() {
    let mut log = Log::<u8>::retaining(4);
    log.append(0).unwrap();
    let CursorAhead { cursor, end, .. } = log.fetch(7, ALL).unwrap_err();
    assert_eq!((cursor, end), (7, 1));
    let error = tidegate::block_on(Fetch::fetch(&mut log, 7, ALL)).unwrap_err();
    assert!(error.is_permanent(), "{error:?}");
    assert_eq!(Log::beginning_at(7, 4).append(0).unwrap(), 7);
}

#[test]
fn what_is_dropped_lives_as_long_as_somebody_has_it_and_no_longer() {
    let log = Log::retaining(1);
    let item = Arc::new(());
    log.append(Arc::clone(&item)).unwrap();
    let page = log.fetch(0, ALL).unwrap();
    log.append(Arc::default()).unwrap();
    assert_eq!(Arc::strong_count(&item), 2, "the page's");
    drop(page);
    assert_eq!(Arc::strong_count(&item), 1);
}

/// Numbers end at 2^64: none is given twice, and none above the last.
#[test]
fn a_log_whose_numbers_are_used_up_is_closed() {
    let log = Log::beginning_at(u64::MAX - 2, 10);
    assert_eq!([log.append('a').unwrap(), log.append('b').unwrap()], [u64::MAX - 2, u64::MAX - 1]);
    assert_eq!(log.append('c'), Err(LogClosed('c')));
    let page = log.fetch(u64::MAX - 2, ALL).unwrap();
    assert_eq!(page.items.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [u64::MAX - 2, u64::MAX - 1]);
    assert_eq!((page.next, page.more, page.closed), (u64::MAX, false, true));
    let page = log.fetch(u64::MAX, ALL).unwrap();
    assert_eq!((page.items.len(), page.next, page.closed), (0, u64::MAX, true));
    assert_eq!(Page::numbered(u64::MAX, [(); 0]).next, u64::MAX);
    assert_eq!(Page::numbered(u64::MAX - 1, [()]).next, u64::MAX);
}

proptest! {
    /// Against a plain vector of all there ever was, and how many of them went.
    #[test]
    fn a_retained_log_is_the_end_of_a_vector(
        first in 0_u64..3,
        most in 1_usize..6,
        ops in prop::collection::vec((0_u8..10, 0_u64..40, 1_u64..9), 0..200),
    ) {
        let mut log = Retained::beginning_at(first, most);
        let mut all: Vec<u64> = Vec::new();
        let mut gone = 0_usize;
        for (op, at, n) in ops {
            match op {
                0..=4 => {
                    let (sequence, dropped) = log.append(at).unwrap();
                    prop_assert_eq!(sequence, first + all.len() as u64);
                    all.push(at);
                    let over = all.len() - gone > most;
                    prop_assert_eq!(dropped, over.then(|| all[gone]));
                    gone += usize::from(over);
                }
                5 => {
                    let there = gone < all.len();
                    prop_assert_eq!(log.drop_first(), there.then(|| all[gone]));
                    gone += usize::from(there);
                }
                _ => {
                    let end = first + all.len() as u64;
                    let Ok(page) = log.fetch(at, NonZeroU64::new(n).unwrap()) else {
                        prop_assert!(at > end);
                        continue;
                    };
                    prop_assert!(at <= end);
                    let oldest = first + gone as u64;
                    let from = at.max(oldest);
                    let wanted: Vec<(u64, u64)> = (from..end.min(from + n))
                        .map(|sequence| (sequence, all[(sequence - first) as usize]))
                        .collect();
                    prop_assert_eq!(page.gap, (at < oldest).then_some(Gap { from: at, to: oldest }));
                    prop_assert_eq!(page.next, from + wanted.len() as u64);
                    prop_assert_eq!(page.more, page.next < end);
                    prop_assert_eq!(page.items, wanted);
                }
            }
            prop_assert_eq!((log.first(), log.end()), (first + gone as u64, first + all.len() as u64));
        }
    }
}
