//! What a reference does beyond telling: questions, maps, identity, and the
//! names in dead letters.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use support::{Asker, Job, Log, Started, Worker, lock, manual, ms, poll_once, start};
use tidegate::prelude::*;
use tidegate::{DropReason, Level, Mode, TellWithinError};

// ---- questions ----------------------------------------------------------------------------

#[test]
fn a_question_has_one_of_four_ends() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(1));
    let ask = |limit: Option<Duration>, script: fn(Reply<u64>) -> Job| {
        let actor = actor.clone();
        start(&executor, async move {
            match limit {
                Some(limit) => actor.ask_within(limit, script).await,
                None => actor.ask(script).await,
            }
            .map_err(|error| format!("{error:?}"))
        })
    };
    let answered = ask(None, Job::Count);
    let unanswered = ask(None, |reply| {
        Job::run(move |_, _| {
            drop(reply);
            Ok(())
        })
    });
    executor.run_until_idle();
    assert_eq!(answered.take(), Some(Ok(0)));
    assert_eq!(unanswered.take(), Some(Err("NoReply".into())));

    // Let in, and answered too late.
    let late = ask(Some(ms(10)), |reply| {
        Job::run(move |worker, _| {
            worker.kept.push(Box::new(reply));
            Ok(())
        })
    });
    executor.advance(ms(9));
    assert_eq!(late.take(), None);
    executor.advance(ms(1));
    assert_eq!(late.take(), Some(Err("Timeout(sent)".into())));

    // Not let in in time: the question comes back.
    actor.try_tell(Job::Slow(1, ms(100))).unwrap();
    executor.run_until_idle();
    actor.try_tell(Job::Note(2)).unwrap();
    let outside = ask(Some(ms(10)), Job::Count);
    executor.advance(ms(10));
    assert_eq!(outside.take(), Some(Err("Timeout(not sent)".into())));
    assert_eq!(actor.stats().waiting_senders, 0);

    // Grant and answer share the limit.
    let both = ask(Some(ms(100)), |reply| {
        Job::run(move |worker, _| {
            worker.kept.push(Box::new(reply));
            Ok(())
        })
    });
    executor.advance(ms(95));
    assert_eq!(both.take(), None, "it was let in");
    executor.advance(ms(5));
    assert_eq!(both.take(), Some(Err("Timeout(sent)".into())));

    actor.stop();
    executor.run_until_idle();
    let refused = ask(None, Job::Count);
    executor.run_until_idle();
    assert_eq!(refused.take(), Some(Err("Refused(Closed(..))".into())));
}

#[test]
fn a_refused_or_timed_out_question_is_inside_the_error() {
    let (executor, system) = manual();
    let actor = system.spawn(Asker { first: 0, log: Log::default() }, Pull::manual());
    let timed_out = executor.block_on(actor.ask_within(ms(5), |_: Reply<()>| 7));
    assert!(matches!(timed_out, Err(AskError::Timeout(Some(7)))));
    let late = executor.block_on(actor.tell_within(ms(5), 8));
    assert!(matches!(late, Err(TellWithinError::Timeout(8))));
    actor.stop();
    executor.run_until_idle();
    let refused = executor.block_on(actor.ask(|_: Reply<()>| 9));
    assert!(matches!(refused, Err(AskError::Refused(SendError::Closed(9)))));
}

#[test]
fn nobody_waits_for_an_answer_that_cannot_come() {
    type End = fn(&ActorRef<Job>);
    let ends: [(&str, End); 4] = [
        ("stop", |actor| actor.stop()),
        ("kill", |actor| actor.kill()),
        ("panic", |actor| drop(actor.try_tell(Job::panic("no")))),
        ("fault", |actor| drop(actor.try_tell(Job::fail("no")))),
    ];
    for (name, end) in ends {
        let (executor, system) = manual();
        let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
        let ask = |question: fn(Reply<u64>) -> Job| {
            let actor = actor.clone();
            start(&executor, async move { matches!(actor.ask(question).await, Err(AskError::NoReply)) })
        };
        // One whose reply is kept in the state, one in a task, one queued.
        let kept = ask(|reply| {
            Job::run(move |worker, _| {
                worker.kept.push(Box::new(reply));
                Ok(())
            })
        });
        let in_task = ask(|reply| {
            Job::run(move |_, cx| {
                cx.spawn(async move {
                    let _reply = reply;
                    std::future::pending::<()>().await;
                });
                Ok(())
            })
        });
        executor.run_until_idle();
        assert!(kept.take().is_none() && in_task.take().is_none());
        end(&actor);
        let queued = ask(Job::Count);
        executor.run_until_idle();
        assert_eq!((kept.take(), in_task.take()), (Some(true), Some(true)), "{name}");
        assert!(queued.take().is_some(), "{name}");
        assert!(actor.stop_reason().is_some(), "{name}");
    }
}

#[test]
fn an_answer_that_nobody_wants_is_known_to_be_unwanted() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    let asked = actor;
    let mut ask = Box::pin(async move {
        asked
            .ask(|reply: Reply<u64>| {
                Job::run(move |worker, _| {
                    worker.log.add(reply.is_unwanted());
                    worker.log.add(reply.send(1) == Err(1));
                    Ok(())
                })
            })
            .await
    });
    assert!(poll_once(ask.as_mut()).is_pending());
    drop(ask);
    executor.run_until_idle();
    assert_eq!(log.all(), ["started", "true", "true"]);
}

#[test]
fn a_dropped_tell_was_not_sent() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(1));
    actor.try_tell(Job::Note(1)).unwrap();
    let mut tell = Box::pin(actor.tell(Job::Note(2)));
    assert!(poll_once(tell.as_mut()).is_pending());
    let mut behind = Box::pin(actor.tell(Job::Note(3)));
    assert!(poll_once(behind.as_mut()).is_pending());
    drop(tell);
    executor.run_until_idle();
    assert!(matches!(poll_once(behind.as_mut()), Poll::Ready(Ok(_))));
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 3]);
}

// ---- mapped references ------------------------------------------------------------------

#[test]
fn a_mapped_tell_waits_for_its_grant_in_its_place() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(1));
    let numbers: ActorRef<u64> = actor.map(Job::Note);
    actor.try_tell(Job::Note(1)).unwrap();
    let told: Vec<Started<Result<Admission, SendError<u64>>>> = [2, 3]
        .map(|n| {
            let to = numbers.clone();
            start(&executor, async move { to.tell(n).await })
        })
        .into_iter()
        .collect();
    let plain = {
        let to = actor;
        start(&executor, async move { to.tell(Job::Note(4)).await.is_ok() })
    };
    executor.run_until_idle();
    assert!(told.iter().all(|told| matches!(told.take(), Some(Ok(Admission::Queued)))));
    assert_eq!(plain.take(), Some(true));
    assert_eq!(log.numbers(), [1, 2, 3, 4]);
}

#[test]
fn a_mapped_reference_hands_back_what_was_to_be_sent_and_maps_only_what_is_let_in() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(1));
    let mapped = Arc::new(Mutex::new(0));
    let calls = Arc::clone(&mapped);
    let texts: ActorRef<String> = actor.map(move |text: String| {
        *lock(&calls) += 1;
        Job::Note(text.len() as u64)
    });
    // Mapped twice over.
    let nested: ActorRef<Vec<char>> = texts.map(|chars: Vec<char>| chars.into_iter().collect());
    texts.try_tell("four".into()).unwrap();
    assert!(matches!(texts.try_tell("no room".into()), Err(SendError::Full(text)) if text == "no room"));
    assert!(matches!(nested.try_tell(vec!['a']), Err(SendError::Full(chars)) if chars == ['a']));
    let in_time = executor.block_on(nested.tell_within(ms(1), vec!['b', 'c']));
    assert!(in_time.is_ok(), "it is let in once the actor runs");
    executor.run_until_idle();
    assert_eq!(*lock(&mapped), 2);
    nested.try_tell(vec!['x'; 9]).unwrap();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [4, 2, 9]);
    actor.stop();
    executor.run_until_idle();
    assert!(matches!(nested.try_tell(vec!['z']), Err(SendError::Closed(chars)) if chars == ['z']));
    assert!(matches!(executor.block_on(texts.tell("late".into())), Err(SendError::Closed(text)) if text == "late"));
    assert_eq!(*lock(&mapped), 3);
}

#[test]
fn a_mapped_tell_within_hands_back_the_unmapped_message_at_its_timeout() {
    let (executor, system) = manual();
    let actor = system.spawn(Asker { first: 0, log: Log::default() }, Pull::manual());
    let texts: ActorRef<String> = actor.map(|text: String| text.len() as u64);
    executor.run_until_idle();
    let late = executor.block_on(texts.tell_within(ms(5), "late".into()));
    assert!(matches!(late, Err(TellWithinError::Timeout(text)) if text == "late"));
    assert_eq!(actor.stats().waiting_senders, 0, "the place in the queue is given up");
}

#[test]
fn a_permit_of_a_mapped_reference_sends_the_mapped_message() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(1));
    let numbers = actor.map(Job::Note);
    let doubled = numbers.map(|n: u64| 2 * n);
    let permit = executor.block_on(doubled.reserve()).unwrap();
    assert!(actor.try_tell(Job::Note(0)).is_err(), "the permit holds the only grant");
    assert!(numbers.try_reserve().is_err());
    permit.send(21).unwrap();
    executor.run_until_idle();
    drop(doubled.try_reserve().unwrap());
    let permit = doubled.try_reserve().expect("a dropped permit gives its grant back");
    actor.stop();
    executor.run_until_idle();
    assert!(matches!(permit.send(7), Err(SendError::Closed(7))));
    assert_eq!(log.numbers(), [42]);
}

#[test]
fn a_mapped_reference_stops_drains_and_kills_its_actor_and_knows_its_numbers() {
    for (end, reason) in [(0, "stopped"), (1, "drained"), (2, "killed")] {
        let (executor, system) = manual();
        let actor = system.spawn(Worker::new(&Log::default()), Push::bounded(4));
        let numbers = actor.map(Job::Note).map(|n: u32| u64::from(n));
        numbers.try_tell(1).unwrap();
        assert_eq!((numbers.len(), numbers.free(), numbers.capacity()), (1, 3, Some(4)));
        assert_eq!((numbers.mode(), numbers.is_closed()), (Mode::Push, false));
        assert_eq!(numbers.pressure().level(), Level::Relieved);
        match end {
            0 => numbers.stop(),
            1 => numbers.drain(),
            _ => numbers.kill(),
        }
        assert_eq!(executor.block_on(numbers.stopped()).to_string(), reason);
        assert!(numbers.is_closed());
        assert_eq!(actor.stop_reason().unwrap().to_string(), reason);
    }
}

#[test]
fn a_map_that_panics_panics_its_sender_and_sends_nothing() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(2));
    let odd = actor.map(|n: u64| {
        assert!(n % 2 == 1, "even");
        Job::Note(n)
    });
    odd.try_tell(1).unwrap();
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| odd.try_tell(2))).is_err());
    executor.run_until_idle();
    odd.try_tell(3).unwrap();
    odd.try_tell(5).unwrap();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 3, 5]);
    let stats = actor.stats();
    assert_eq!((stats.handled, stats.drops.total(), stats.len), (3, 0, 0), "what was never made is not counted");
}

// ---- identity ------------------------------------------------------------------------------

#[test]
fn references_are_equal_when_they_lead_to_the_same_actor() {
    let (executor, system) = manual();
    let spawn = || system.build(|| Worker::new(&Log::default())).named("same").spawn();
    let (a, b) = (spawn(), spawn());
    assert_eq!(a, a.clone());
    assert_eq!(a, a.map(|job: Job| job));
    assert_ne!(a, b, "a name is not an identity");
    assert_eq!(a.path(), b.path());
    // The hash is of the number, which never changes.
    #[allow(clippy::mutable_key_type)]
    let set: HashSet<ActorRef<Job>> = [a.clone(), b, a.clone(), a.map(|job: Job| job)].into();
    assert_eq!(set.len(), 2);
    assert_eq!(format!("{a:?}"), format!("ActorRef(/same{})", a.id()));
    drop(set);
    executor.run_until_idle();
    assert!(a.stop_reason().is_none());
}

#[test]
fn an_actor_lives_without_references_until_it_is_stopped() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    let weak = actor.downgrade();
    drop(actor);
    executor.run_until_idle();
    let actor = weak.upgrade().expect("it lives on");
    actor.try_tell(Job::Note(1)).unwrap();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1]);
}

#[test]
fn a_weak_reference_is_as_good_as_its_actor_also_through_a_map() {
    let (executor, system) = manual();
    let log = Log::default();
    let actor = system.spawn(Worker::new(&log), Push::bounded(8));
    let (weak, weak_numbers) = (actor.downgrade(), actor.map(Job::Note).downgrade());
    executor.run_until_idle();
    // The mapped reference it came from is gone; the actor is not.
    weak_numbers.upgrade().expect("the actor lives").try_tell(1).unwrap();
    weak.upgrade().expect("the actor lives").try_tell(Job::Note(2)).unwrap();
    executor.run_until_idle();
    assert_eq!(log.numbers(), [1, 2]);
    let held = weak_numbers.upgrade().unwrap();
    actor.stop();
    executor.run_until_idle();
    assert!(weak.upgrade().is_none());
    assert!(weak_numbers.upgrade().is_none(), "also while a mapped reference is held");
    assert_eq!((weak.id(), weak.path()), (held.id(), held.path()));
}

// ---- dead letters ----------------------------------------------------------------------------

#[test]
fn a_dead_letter_names_the_actor_that_sent_it() {
    let (executor, system) = manual();
    let letters = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&letters);
    let _subscription = system.dead_letters().subscribe(move |letter| {
        assert!(letter.message_type.ends_with("Job"), "{}", letter.message_type);
        lock(&seen).push((letter.reason, letter.mailbox.to_string(), letter.sender.as_ref().map(ToString::to_string)));
    });
    let lossy = system
        .build(|| Worker::new(&Log::default()))
        .named("lossy")
        .mailbox(Push::bounded(1).overflow(Overflow::DropNewest))
        .spawn();
    let sender = system.build(|| Worker::new(&Log::default())).named("sender").spawn();
    let to = lossy.clone();
    sender
        .try_tell(Job::run(move |_, _| {
            for n in 0..2 {
                let _ = to.try_tell(Job::Stuck(n));
            }
            Ok(())
        }))
        .unwrap();
    // Before the lossy one has run for the first time: it is full after one.
    lossy.try_tell(Job::Note(7)).unwrap();
    let _ = lossy.try_tell(Job::Note(8));
    while executor.try_step() {}
    let letter = |reason, sender: Option<&str>| (reason, "/lossy".to_owned(), sender.map(str::to_owned));
    let seen = std::mem::take(&mut *lock(&letters));
    assert_eq!(seen[0], letter(DropReason::DropNewest, None), "sent by no actor");
    assert!(seen[1..].iter().all(|seen| *seen == letter(DropReason::DropNewest, Some("/sender"))), "{seen:?}");
    assert!(seen.len() >= 2, "{seen:?}");

    lossy.try_tell(Job::Note(9)).unwrap_or(Admission::Dropped);
    lock(&letters).clear();
    lossy.stop();
    lossy.kill();
    executor.run_until_idle();
    for (reason, mailbox, sender) in lock(&letters).iter() {
        assert_eq!(mailbox, "/lossy");
        if *reason == DropReason::Stopped {
            assert_eq!(*sender, None, "nobody sends what is left behind");
        }
    }
}

#[test]
fn a_listener_of_dead_letters_that_panics_keeps_them_from_nobody_else() {
    let (executor, system) = manual();
    let heard = Log::default();
    let _panics = system.dead_letters().subscribe(|_| panic!("told to"));
    let _hears = {
        let heard = heard.clone();
        system.dead_letters().subscribe(move |letter| heard.add(letter.reason))
    };
    let dropping = system.spawn(Worker::new(&Log::default()), Push::bounded(1).overflow(Overflow::DropNewest));
    dropping.try_tell(Job::Note(1)).unwrap();
    assert!(dropping.try_tell(Job::Note(2)).is_ok(), "it is no affair of the sender's");
    let stopped = system.spawn(Worker::new(&Log::default()), Push::bounded(8));
    executor.run_until_idle();
    (0..3).for_each(|n| assert!(stopped.try_tell(Job::Note(n)).is_ok()));
    stopped.stop();
    executor.run_until_idle();
    assert!(matches!(stopped.stop_reason(), Some(StopReason::Stopped)), "{:?}", stopped.stop_reason());
    assert_eq!(system.dead_letters().counts().to_string(), "1 drop-newest, 3 stopped");
    assert_eq!(heard.all(), ["drop-newest", "stopped", "stopped", "stopped"]);
}
