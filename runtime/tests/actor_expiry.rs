//! Messages that are worthless before their turn has come: dropped, counted,
//! and never handled.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use support::{Dead, Job, Log, Worker, every_mailbox, manual, ms, poll_once, start};
use tidegate::prelude::*;
use tidegate::{Deadline, DropReason};

/// Sums up, and says how much there is to those who still want to know.
struct Sum {
    log: Log,
    total: u64,
    pulls: bool,
}

enum Msg {
    Add(u64),
    Slow(Duration),
    Total(Reply<u64>),
    Limit(Reply<(Option<Duration>, Option<Duration>)>),
    Offer(u64, Deadline),
    Aside(Reply<u64>),
    Back,
    Remind(Reply<u64>),
}

impl Sum {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), total: 0, pulls: false }
    }
}

impl Actor for Sum {
    type Msg = Msg;

    fn expired(message: &Msg) -> bool {
        match message {
            Msg::Total(reply) | Msg::Aside(reply) | Msg::Remind(reply) => reply.is_unwanted(),
            Msg::Offer(_, until) => until.has_passed(),
            _ => false,
        }
    }

    async fn started(&mut self, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.pulls {
            cx.request(1);
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, cx: &mut Context<Self>) -> Result<(), Fault> {
        if self.pulls {
            cx.request(1);
        }
        match msg {
            Msg::Add(n) => self.total += n,
            Msg::Slow(how_long) => cx.sleep(how_long).await,
            Msg::Total(reply) => {
                self.log.add("total");
                let _ = reply.send(self.total);
            }
            Msg::Limit(reply) => {
                let limit = (reply.deadline(), cx.time_left(&reply));
                let _ = reply.send(limit);
            }
            Msg::Offer(n, until) => {
                assert!(!until.has_passed());
                self.log.add(n);
            }
            Msg::Aside(_) => cx.stash(msg).map_err(|full| Fault::msg(full.to_string()))?,
            Msg::Back => {
                assert_eq!(cx.unstash_all(), 1);
            }
            // The first time around it is not a timer's yet.
            Msg::Remind(reply) => {
                self.log.add("remind");
                drop(cx.send_after(ms(10), Msg::Total(reply)));
            }
        }
        Ok(())
    }
}

fn expired<M: Send + 'static>(actor: &ActorRef<M>) -> u64 {
    actor.stats().drops.of(DropReason::Expired)
}

#[test]
fn a_question_whose_asker_has_gone_is_not_handled() {
    let (executor, system) = manual();
    let log = Log::default();
    let sum = system.spawn(Sum::new(&log), Push::bounded(8));
    {
        let mut asking = pin!(sum.ask(Msg::Total));
        assert!(poll_once(asking.as_mut()).is_pending());
    }
    sum.try_tell(Msg::Add(1)).unwrap();
    executor.run_until_idle();
    assert!(log.all().is_empty(), "nobody wants to know any more");
    let stats = sum.stats();
    assert_eq!((stats.handled, stats.len, expired(&sum)), (1, 0, 1));
    assert_eq!(system.dead_letters().counts().of(DropReason::Expired), 1);
    assert_eq!(executor.block_on(sum.ask(Msg::Total)).unwrap(), 1);
    assert_eq!((log.count("total"), expired(&sum)), (1, 1));
}

#[test]
fn a_question_that_came_too_late_is_not_handled() {
    let (executor, system) = manual();
    let log = Log::default();
    let sum = system.spawn(Sum::new(&log), Push::bounded(8));
    sum.try_tell(Msg::Slow(ms(100))).unwrap();
    let asker = sum.clone();
    let answer = start(&executor, async move { asker.ask_within(ms(50), Msg::Total).await });
    executor.advance(ms(49));
    assert!(answer.take().is_none());
    executor.advance(ms(1));
    assert!(matches!(answer.take(), Some(Err(AskError::Timeout(None)))));
    executor.advance(ms(50));
    assert_eq!((sum.stats().handled, expired(&sum), log.all().len()), (1, 1, 0));
}

#[test]
fn what_expires_gives_its_demand_back_in_every_mode_and_under_every_policy() {
    for case in every_mailbox::<Msg>() {
        let (executor, system) = manual();
        let log = Log::default();
        let mut actor = Sum::new(&log);
        actor.pulls = case.manual;
        let sum = system.spawn(actor, case.mailbox.clone());
        executor.run_until_idle();
        // More than there is room or demand for at once: an actor that asks for
        // one at a time must not wait for what it never sees.
        for n in 1..=20 {
            {
                let mut asking = pin!(sum.ask(Msg::Total));
                assert!(poll_once(asking.as_mut()).is_pending(), "{}", case.name);
            }
            executor.run_until_idle();
            assert_eq!(expired(&sum), n, "{}", case.name);
        }
        let answer = start(&executor, {
            let sum = sum.clone();
            async move { sum.ask(Msg::Total).await }
        });
        executor.run_until_idle();
        assert!(matches!(answer.take(), Some(Ok(0))), "{}", case.name);
        assert_eq!((sum.stats().handled, log.all().len()), (1, 1), "{}", case.name);
    }
}

#[test]
fn what_was_put_aside_and_what_a_timer_brings_can_expire_too() {
    let (executor, system) = manual();
    let log = Log::default();
    let sum = system.spawn(Sum::new(&log), Push::bounded(8));
    {
        let mut asking = pin!(sum.ask(Msg::Aside));
        assert!(poll_once(asking.as_mut()).is_pending());
        executor.run_until_idle();
        assert_eq!(sum.stats().stashed, 1);
    }
    sum.try_tell(Msg::Back).unwrap();
    executor.run_until_idle();
    assert_eq!((sum.stats().handled, sum.stats().stashed, expired(&sum)), (1, 0, 1));
    {
        let mut asking = pin!(sum.ask(Msg::Remind));
        assert!(poll_once(asking.as_mut()).is_pending());
        executor.run_until_idle();
        assert_eq!(log.take(), ["remind"]);
    }
    executor.advance(ms(10));
    assert!(log.all().is_empty());
    assert_eq!(expired(&sum), 2);
    assert_eq!(sum.stats().handled, 2, "the question itself was handled; what the timer brought was not");
}

#[test]
fn without_a_word_about_it_nothing_expires() {
    let (executor, system) = manual();
    let log = Log::default();
    let (actor, dead) = (system.spawn(Worker::new(&log), Push::bounded(8)), Dead::watch(&system));
    {
        let mut asking = pin!(actor.ask(Job::Count));
        assert!(poll_once(asking.as_mut()).is_pending());
    }
    executor.run_until_idle();
    assert_eq!((actor.stats().handled, dead.all().len()), (1, 0));
}

#[test]
fn a_reply_knows_how_long_its_asker_waits() {
    let (executor, system) = manual();
    let sum = system.spawn(Sum::new(&Log::default()), Push::bounded(8));
    executor.advance(ms(1000));
    sum.try_tell(Msg::Slow(ms(30))).unwrap();
    let limit = executor.block_on(sum.ask_within(ms(50), Msg::Limit)).unwrap();
    assert_eq!(limit, (Some(ms(1050)), Some(ms(20))));
    assert_eq!(executor.block_on(sum.ask(Msg::Limit)).unwrap(), (None, None));
    let forever = executor.block_on(sum.ask_within(Duration::MAX, Msg::Limit)).unwrap();
    assert_eq!(forever.0, Some(Duration::MAX));
}

#[test]
fn a_deadline_is_kept_on_the_clock_of_its_system() {
    let (executor, system) = manual();
    let log = Log::default();
    let sum = system.spawn(Sum::new(&log), Push::bounded(8));
    let until = Deadline::within(ms(20), &sum);
    assert_eq!(until, until.clone());
    assert_ne!(until, Deadline::within(ms(21), &sum));
    sum.try_tell(Msg::Slow(ms(10))).unwrap();
    sum.try_tell(Msg::Offer(1, until.clone())).unwrap();
    sum.try_tell(Msg::Slow(ms(10))).unwrap();
    sum.try_tell(Msg::Offer(2, until.clone())).unwrap();
    sum.try_tell(Msg::Offer(3, system.deadline(ms(21)))).unwrap();
    executor.advance(ms(19));
    assert_eq!((until.time_left(), until.has_passed()), (ms(1), false));
    executor.advance(ms(1));
    assert_eq!((until.time_left(), until.has_passed()), (ms(0), true));
    assert_eq!(log.numbers(), [1, 3], "at its deadline it is too late");
    assert_eq!(expired(&sum), 1);
}

// ---- by macro ------------------------------------------------------------------

#[cfg(feature = "macros")]
mod by_macro {
    use super::*;

    #[derive(Default)]
    struct Till {
        sum: u64,
    }

    #[actor]
    impl Till {
        #[message]
        async fn nap(&mut self, how_long: Duration, cx: &mut Context<Self>) {
            cx.sleep(how_long).await;
        }
        #[message]
        fn pay(&mut self, n: u64) {
            self.sum += n;
        }
        #[message]
        fn bid(&mut self, n: u64, until: Deadline, _why: String) {
            assert!(!until.has_passed());
            self.sum += n;
        }
        #[message]
        fn take(&mut self, most: u64) -> u64 {
            let n = most.min(self.sum);
            self.sum -= n;
            n
        }
        #[message]
        fn take_by(&mut self, most: u64, first: Deadline, second: Deadline) -> Result<u64, Fault> {
            assert!(!first.has_passed() && !second.has_passed());
            Ok(self.take(most))
        }
    }

    #[test]
    fn questions_without_an_asker_and_messages_past_their_deadline_expire() {
        let (executor, system) = manual();
        let till = system.spawn(Till::default(), Push::bounded(16));
        let (soon, later) = (system.deadline(ms(10)), system.deadline(ms(30)));
        till.try_nap(ms(10)).unwrap();
        till.try_pay(100).unwrap();
        till.try_bid(1, soon.clone(), "too late".into()).unwrap();
        till.try_bid(20, later.clone(), "in time".into()).unwrap();
        for polled in [
            poll_once(pin!(till.take(50)).as_mut()).is_pending(),
            poll_once(pin!(till.take_by(50, later.clone(), later.clone())).as_mut()).is_pending(),
        ] {
            assert!(polled, "sent, and then nobody waits for it");
        }
        let mut late = pin!(till.take_by(50, later, soon));
        assert!(poll_once(late.as_mut()).is_pending());
        executor.advance(ms(10));
        assert!(matches!(poll_once(late.as_mut()), Poll::Ready(Err(AskError::NoReply))));
        assert_eq!(executor.block_on(till.take(1000)).unwrap(), 120, "nobody took anything, and one bid counts");
        assert_eq!((till.stats().handled, expired(&till)), (4, 4));
    }
}
