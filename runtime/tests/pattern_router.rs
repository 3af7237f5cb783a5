//! Routers: who gets a message, who is passed over, and what comes back.

#![cfg(not(tidegate_loom))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::pin::pin;

use support::{Job, Log, Worker, manual, ms, poll_once, start, tell};
use tidegate::pattern::{RouteAskError, RouteError, Router, Routing};
use tidegate::prelude::*;
use tidegate::{Group, ManualExecutor};

/// Workers with a log each.
fn workers(system: &System, n: usize, mailbox: Push) -> (Vec<ActorRef<Job>>, Vec<Log>) {
    let logs: Vec<Log> = (0..n).map(|_| Log::default()).collect();
    let actors = logs.iter().map(|log| system.spawn(Worker::new(log), mailbox)).collect();
    (actors, logs)
}

fn numbers(logs: &[Log]) -> Vec<Vec<u64>> {
    logs.iter().map(Log::numbers).collect()
}

fn by_number() -> Routing<Job> {
    Routing::consistent_hash(|job: &Job| job.number())
}

const ALL: [fn() -> Routing<Job>; 4] = [Routing::round_robin, Routing::least_loaded, Routing::random, by_number];

#[test]
fn round_robin_goes_to_each_in_turn() {
    let (executor, system) = manual();
    let (actors, logs) = workers(&system, 3, Push::bounded(8));
    let router = Router::new(actors, Routing::round_robin());
    for n in 0..7 {
        router.clone().try_tell(Job::Note(n)).unwrap();
    }
    executor.run_until_idle();
    assert_eq!(numbers(&logs), [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
}

#[test]
fn what_need_not_wait_passes_over_who_is_full_and_what_may_wait_waits_for_its_turn() {
    let (executor, system) = manual();
    let (actors, logs) = workers(&system, 3, Push::bounded(1));
    tell(&actors[1], Job::Note(100));
    let router = Router::new(actors, Routing::round_robin());
    router.try_tell(Job::Note(0)).unwrap();
    router.try_tell(Job::Note(1)).unwrap();
    let full = router.try_tell(Job::Note(2));
    assert!(matches!(full, Err(RouteError::Refused(SendError::Full(Job::Note(2))))), "{full:?}");

    // The fourth turn is the first member's, which is full.
    let waiting = start(&executor, async move { router.tell(Job::Note(3)).await });
    executor.run_until_idle();
    assert_eq!(waiting.take().unwrap().unwrap(), Admission::Queued);
    assert_eq!(numbers(&logs), [vec![0, 3], vec![100], vec![1]]);
}

#[test]
fn the_least_loaded_gets_it_with_the_message_in_the_handler_counted() {
    let (executor, system) = manual();
    let (actors, logs) = workers(&system, 3, Push::bounded(8));
    // In its handler for a second, with an empty queue.
    tell(&actors[1], Job::Slow(200, ms(1000)));
    executor.run_until_idle();
    tell(&actors[0], Job::Note(100));
    tell(&actors[0], Job::Note(101));
    let router = Router::new(actors.clone(), Routing::least_loaded());
    let queued = || actors.iter().map(ActorRef::len).collect::<Vec<_>>();
    router.try_tell(Job::Note(0)).unwrap();
    assert_eq!(queued(), [2, 0, 1], "the one with nothing in its queue and nothing in its handler");
    router.try_tell(Job::Note(1)).unwrap();
    router.try_tell(Job::Note(2)).unwrap();
    assert_eq!(queued(), [2, 1, 2]);
    executor.advance(ms(1000));
    assert_eq!(numbers(&logs).iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn members_that_are_equally_idle_take_turns() {
    let (executor, system) = manual();
    let (actors, logs) = workers(&system, 3, Push::bounded(8));
    let router = Router::new(actors, Routing::least_loaded());
    for n in 0..6 {
        router.try_tell(Job::Note(n)).unwrap();
        executor.run_until_idle();
    }
    assert_eq!(numbers(&logs), [vec![0, 3], vec![1, 4], vec![2, 5]]);
}

#[test]
fn chance_reaches_everybody_and_is_the_executors() {
    let runs: Vec<_> = (0..2)
        .map(|_| {
            let (executor, system) = manual();
            let (actors, logs) = workers(&system, 4, Push::bounded(256));
            let router = Router::new(actors, Routing::random());
            for n in 0..200 {
                router.try_tell(Job::Note(n)).unwrap();
            }
            executor.run_until_idle();
            numbers(&logs)
        })
        .collect();
    assert!(runs[0].iter().all(|share| share.len() > 25), "{:?}", runs[0]);
    assert_eq!(runs[0], runs[1], "the same in every run of this executor");
}

#[test]
fn a_key_stays_with_its_member_and_few_keys_move_when_one_goes() {
    let (executor, system) = manual();
    let group = Group::new();
    let (actors, _logs) = workers(&system, 5, Push::bounded(8));
    actors.iter().for_each(|actor| assert!(group.join(actor)));
    let router = Router::new(&group, by_number());
    let homes = |router: &Router<Job>| -> BTreeMap<u64, _> {
        (0..1000).map(|n| (n, router.choose(&Job::Note(n)).unwrap().id())).collect()
    };
    let before = homes(&router);
    assert_eq!(homes(&Router::new(actors.clone(), by_number())), before, "the same in every router");

    actors[2].stop();
    executor.run_until_idle();
    let after = homes(&router);
    for (key, home) in &before {
        assert_eq!(after[key] == *home, *home != actors[2].id(), "key {key}");
    }
    let (new, _log) = workers(&system, 1, Push::bounded(8));
    group.join(&new[0]);
    let grown = homes(&router);
    let moved = grown.iter().filter(|(key, home)| after[key] != **home);
    let moved: Vec<_> = moved.map(|(_, home)| *home).collect();
    assert!(!moved.is_empty() && moved.iter().all(|home| *home == new[0].id()));
}

#[test]
fn nobody_takes_a_key_in_the_place_of_a_member_that_is_full() {
    let (executor, system) = manual();
    let (actors, logs) = workers(&system, 3, Push::bounded(1));
    let router = Router::new(actors, by_number());
    router.try_tell(Job::Note(7)).unwrap();
    let full = router.try_tell(Job::Note(7));
    assert!(matches!(full, Err(RouteError::Refused(SendError::Full(Job::Note(7))))), "{full:?}");
    executor.run_until_idle();
    router.try_tell(Job::Note(7)).unwrap();
    executor.run_until_idle();
    assert_eq!(numbers(&logs).into_iter().filter(|share| !share.is_empty()).collect::<Vec<_>>(), [vec![7, 7]]);
}

#[test]
fn members_that_have_ended_are_passed_over() {
    for routing in ALL {
        let (executor, system) = manual();
        let (actors, logs) = workers(&system, 3, Push::bounded(64));
        actors[0].kill();
        actors[2].drain();
        executor.run_until_idle();
        // A list, which still has them.
        let router = Router::new(actors, routing());
        for n in 0..10 {
            router.try_tell(Job::Note(n)).unwrap();
            executor.block_on(router.tell(Job::Note(n + 10))).unwrap();
        }
        executor.run_until_idle();
        let counts: Vec<_> = numbers(&logs).iter().map(Vec::len).collect();
        assert_eq!(counts, [0, 20, 0], "{router:?}");
    }
}

#[test]
fn without_a_member_the_message_comes_back() {
    let (executor, system) = manual();
    let (actors, _logs) = workers(&system, 2, Push::bounded(8));
    actors.iter().for_each(ActorRef::stop);
    executor.run_until_idle();
    for routing in ALL {
        for router in [Router::new(actors.clone(), routing()), Router::new(Group::new(), routing())] {
            let back = |error: RouteError<Job>| match error {
                RouteError::NoMember(job) => job.number(),
                other => panic!("{other:?}"),
            };
            assert_eq!(back(router.try_tell(Job::Note(1)).unwrap_err()), Some(1));
            assert_eq!(back(executor.block_on(router.tell(Job::Note(2))).unwrap_err()), Some(2));
            assert_eq!(back(executor.block_on(router.tell_within(ms(10), Job::Note(3))).unwrap_err()), Some(3));
            let asked = executor.block_on(router.ask(Job::Count));
            assert!(matches!(asked, Err(RouteAskError::Refused(RouteError::NoMember(_)))), "{asked:?}");
        }
    }
}

#[test]
fn a_message_that_waits_for_a_member_that_ends_goes_to_another() {
    for (routing, in_turn) in [(Routing::round_robin(), true), (by_number(), false)] {
        let (executor, system) = manual();
        let group = Group::new();
        let (actors, logs) = workers(&system, 2, Push::bounded(1));
        actors.iter().for_each(|actor| assert!(group.join(actor)));
        executor.run_until_idle();
        let router = Router::new(&group, routing);
        let chosen = router.choose(&Job::Note(5)).unwrap();
        tell(&chosen, Job::Stuck(100));
        executor.run_until_idle();
        tell(&chosen, Job::Note(101));
        // The same is chosen again: it is its turn, or its key.
        if in_turn {
            let _other = router.choose(&Job::Note(5));
        }
        let waiting = start(&executor, {
            let router = router.clone();
            async move { router.tell(Job::Note(5)).await }
        });
        executor.run_until_idle();
        assert!(waiting.take().is_none(), "it waits for the chosen one");
        chosen.kill();
        executor.run_until_idle();
        assert_eq!(waiting.take().unwrap().unwrap(), Admission::Queued);
        let other = usize::from(chosen == actors[0]);
        assert_eq!(logs[other].numbers(), [5]);
    }
}

#[test]
fn the_time_is_kept_and_the_message_comes_back() {
    let (executor, system) = manual();
    let (actors, _logs) = workers(&system, 1, Push::bounded(1));
    tell(&actors[0], Job::Stuck(0));
    executor.run_until_idle();
    tell(&actors[0], Job::Note(1));
    let router = Router::new(actors, Routing::round_robin());
    let late = executor.block_on(router.tell_within(ms(30), Job::Note(2)));
    assert!(matches!(late, Err(RouteError::Timeout(Job::Note(2)))), "{late:?}");
    let late = executor.block_on(router.ask_within(ms(30), Job::Count));
    assert!(matches!(late, Err(RouteAskError::Refused(RouteError::Timeout(Job::Count(_))))), "{late:?}");
    assert_eq!(tidegate::Executor::now(&executor), ms(60));
}

#[test]
fn a_question_goes_to_one_member_and_is_answered_in_time_or_not() {
    let (executor, system) = manual();
    let (actors, _logs) = workers(&system, 2, Push::bounded(4));
    let router = Router::new(actors.clone(), Routing::round_robin());
    router.try_tell(Job::Note(1)).unwrap();
    assert_eq!(executor.block_on(router.ask(Job::Count)).unwrap(), 0, "the second has noted nothing");
    assert_eq!(executor.block_on(router.ask_within(ms(10), Job::Count)).unwrap(), 1, "the first has");
    tell(&actors[1], Job::Slow(2, ms(50)));
    let late = executor.block_on(router.ask_within(ms(10), Job::Count));
    assert!(matches!(late, Err(RouteAskError::Timeout)), "{late:?}");
    let never = executor.block_on(router.ask::<()>(|reply| {
        Job::run(move |_, _| {
            drop(reply);
            Ok(())
        })
    }));
    assert!(matches!(never, Err(RouteAskError::NoReply)), "{never:?}");
}

/// Asks a question of whoever it is told to, by way of a router, before it
/// answers.
struct Asker(Log);

enum Question {
    Of(Router<Question>, Reply<u64>),
    Own(Reply<u64>),
}

impl Actor for Asker {
    type Msg = Question;
    async fn handle(&mut self, question: Question, _: &mut Context<Self>) -> Result<(), Fault> {
        let reply = match question {
            Question::Own(reply) => reply,
            Question::Of(router, reply) => {
                if let Err(error) = router.ask(Question::Own).await {
                    self.0.add(matches!(error, RouteAskError::Deadlock(_)));
                }
                reply
            }
        };
        let _ = reply.send(7);
        Ok(())
    }
}

#[test]
fn a_deadlock_by_way_of_routers_ends_as_one_without() {
    let executor = ManualExecutor::new();
    let system = System::builder().deadlocks(tidegate::Deadlocks::broken()).build_on(executor.clone());
    let log = Log::default();
    let [one, two] = [(); 2].map(|()| system.spawn(Asker(log.clone()), Push::bounded(4)));
    let to = |actor: &ActorRef<Question>| Router::new([actor.clone()], Routing::round_robin());
    let answers = [
        start(&executor, {
            let (one, two) = (one.clone(), to(&two));
            async move { one.ask(|reply| Question::Of(two, reply)).await }
        }),
        start(&executor, async move { two.ask(|reply| Question::Of(to(&one), reply)).await }),
    ];
    executor.advance(ms(10_000));
    assert!(answers.iter().all(|answer| matches!(answer.take(), Some(Ok(7)))));
    assert_eq!(log.all(), ["true"], "one of the two waits was ended");
}

/// A number that everybody may have.
struct Copies(Log);

impl Actor for Copies {
    type Msg = u64;
    async fn handle(&mut self, n: u64, cx: &mut Context<Self>) -> Result<(), Fault> {
        self.0.add(n);
        cx.sleep(ms(n)).await;
        Ok(())
    }
}

fn copies(system: &System, n: usize, capacity: usize) -> (Vec<ActorRef<u64>>, Vec<Log>) {
    let logs: Vec<Log> = (0..n).map(|_| Log::default()).collect();
    (logs.iter().map(|log| system.spawn(Copies(log.clone()), Push::bounded(capacity))).collect(), logs)
}

#[test]
fn a_broadcast_reaches_everybody_who_is_there() {
    let (executor, system) = manual();
    let (actors, logs) = copies(&system, 3, 4);
    actors[1].stop();
    executor.run_until_idle();
    let router = Router::new(actors, Routing::broadcast());
    assert_eq!(router.try_tell(0), Ok(Admission::Queued));
    assert_eq!(executor.block_on(router.tell(1)), Ok(Admission::Queued));
    executor.run_until_idle();
    assert_eq!(numbers(&logs), [vec![0, 1], vec![], vec![0, 1]]);
    assert_eq!(Router::new(Group::new(), Routing::broadcast()).try_tell(7), Err(RouteError::NoMember(7)));
}

#[test]
fn a_broadcast_says_who_missed_it_and_a_slow_member_keeps_it_from_nobody() {
    let (executor, system) = manual();
    let (actors, logs) = copies(&system, 3, 1);
    actors[0].try_tell(1000).unwrap();
    executor.run_until_idle();
    actors[0].try_tell(1).unwrap();
    let router = Router::new(actors, Routing::broadcast());
    let partly = router.try_tell(2);
    let missed = vec![RouteError::Refused(SendError::Full(2))];
    assert_eq!(partly, Err(RouteError::Partly { reached: 2, missed }));
    assert_eq!(partly.unwrap_err().to_string(), "1 of 3 members did not get a broadcast");
    executor.advance(ms(10));

    let late = executor.block_on(router.tell_within(ms(20), 3));
    assert_eq!(late, Err(RouteError::Partly { reached: 2, missed: vec![RouteError::Timeout(3)] }));
    let mut waiting = pin!(router.tell(4));
    executor.advance(ms(10));
    assert!(poll_once(waiting.as_mut()).is_pending());
    executor.advance(ms(10));
    assert_eq!(numbers(&logs[1..]), [vec![2, 3, 4], vec![2, 3, 4]], "the others have it already");
    assert_eq!(executor.block_on(waiting), Ok(Admission::Queued));
    executor.advance(ms(10));
    assert_eq!(logs[0].numbers(), [1000, 1, 4]);
}

#[test]
fn under_every_mailbox_each_message_is_handled_returned_or_counted() {
    for case in support::every_mailbox() {
        for routing in ALL {
            let (executor, system) = manual();
            let logs: Vec<Log> = (0..3).map(|_| Log::default()).collect();
            let actors: Vec<_> = logs.iter().map(|log| support::spawn_worker(&system, &case, log)).collect();
            executor.run_until_idle();
            let router = Router::new(actors, routing());
            let (mut returned, mut dropped) = (0, 0);
            for n in 0..60 {
                match router.try_tell(Job::Note(n)) {
                    Ok(_) => {}
                    Err(error) => {
                        assert_eq!(error.into_message().number(), Some(n));
                        returned += 1;
                    }
                }
                if n % 20 == 19 {
                    executor.run_until_idle();
                }
            }
            executor.run_until_idle();
            dropped += system.dead_letters().counts().total();
            let handled: u64 = logs.iter().map(|log| log.numbers().len() as u64).sum();
            assert_eq!(handled + returned + dropped, 60, "{}, {router:?}", case.name);
            assert!(handled > 0, "{}", case.name);
            for log in &logs {
                assert!(log.numbers().is_sorted(), "{}: two to the same member are in order", case.name);
            }
        }
    }
}

#[test]
fn each_message_reaches_one_member_while_members_come_and_go() {
    for seed in 0..20 {
        let mut random = support::Random(seed);
        let (executor, system): (ManualExecutor, System) = manual();
        let group = Group::new();
        let (mut all, mut logs) = (Vec::new(), Vec::new());
        let routing = ALL[usize::try_from(random.below(4)).unwrap()]();
        let router = Router::new(&group, routing);
        let (mut sent, mut refused) = (0, 0);
        for n in 0..300 {
            match random.below(8) {
                0 => {
                    let (actors, new) = workers(&system, 1, Push::bounded(4));
                    group.join(&actors[0]);
                    all.extend(actors);
                    logs.extend(new);
                }
                1 if !all.is_empty() => {
                    let at = usize::try_from(random.below(all.len() as u64)).unwrap();
                    all.swap_remove(at).drain();
                }
                2 => drop(executor.run_until_idle()),
                _ => match router.try_tell(Job::Note(n)) {
                    Ok(_) => sent += 1,
                    Err(error) => {
                        assert_eq!(error.into_message().number(), Some(n), "seed {seed}");
                        refused += 1;
                    }
                },
            }
        }
        executor.run_until_idle();
        let handled: usize = numbers(&logs).iter().map(Vec::len).sum();
        assert_eq!(handled, sent, "seed {seed}: {refused} refused");
        assert_eq!(group.len(), all.len(), "seed {seed}");
    }
}
