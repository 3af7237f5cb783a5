//! An actor as a tower service: ready means that a grant is set aside.

#![cfg(all(feature = "tower", not(tidegate_loom)))]

#[path = "actor/support.rs"]
#[allow(dead_code)]
mod support;

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use support::{manual, poll_once};
use tidegate::interop::tower::ActorService;
use tidegate::prelude::*;
use tower_service::Service;

enum Msg {
    Double(u64, Reply<u64>),
}

struct Doubler;

impl Actor for Doubler {
    type Msg = Msg;

    async fn handle(&mut self, Msg::Double(n, reply): Msg, _: &mut Context<Self>) -> Result<(), Fault> {
        if n == 13 {
            return Err(Fault::msg("not that one"));
        }
        let _ = reply.send(2 * n);
        Ok(())
    }
}

#[test]
fn a_ready_service_holds_a_grant_and_a_call_uses_it() {
    let (executor, system) = manual();
    let actor = system.spawn(Doubler, Push::bounded(1));
    let mut service = ActorService::new(actor.clone(), Msg::Double);
    let mut clone = service.clone();
    let cx = &mut TaskContext::from_waker(Waker::noop());
    assert!(matches!(service.poll_ready(cx), Poll::Ready(Ok(()))));
    assert!(clone.poll_ready(cx).is_pending(), "a clone has no grant of its own");
    let mut answer = pin!(service.call(21));
    executor.run_until_idle();
    assert_eq!(poll_once(answer.as_mut()), Poll::Ready(Ok(42)));
    assert!(matches!(clone.poll_ready(cx), Poll::Ready(Ok(()))), "the grant came free");
    drop(clone);
    assert!(actor.try_reserve().is_ok(), "a dropped service gives its grant back");
}

#[test]
fn a_question_that_fails_or_comes_too_late_has_an_error() {
    let (executor, system) = manual();
    let actor = system.spawn(Doubler, Push::bounded(4));
    let mut service = ActorService::new(actor.clone(), Msg::Double);
    let mut late = service.clone();
    let cx = &mut TaskContext::from_waker(Waker::noop());
    assert!(service.poll_ready(cx).is_ready() && late.poll_ready(cx).is_ready());
    let mut failed = pin!(service.call(13));
    executor.run_until_idle();
    assert_eq!(poll_once(failed.as_mut()), Poll::Ready(Err(AskError::NoReply)));
    let mut refused = pin!(late.call(1));
    assert_eq!(poll_once(refused.as_mut()), Poll::Ready(Err(AskError::Refused(SendError::Closed(())))));
    let mut gone = ActorService::new(actor, Msg::Double);
    assert!(matches!(gone.poll_ready(cx), Poll::Ready(Err(AskError::Refused(SendError::Closed(()))))));
}
