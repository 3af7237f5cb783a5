//! One run of a program.

use std::future::Future;
use std::sync::Arc;

use super::super::executor::SimExecutor;
use super::super::monitor::Monitors;
use super::super::run::{Chooser, Limits, run};
use super::super::sim::Sim;
use super::super::trace::{End, Failure, TaskId};
use super::{Explorer, Outcome};
use crate::actor::fate;
use crate::actor::panic::{contained, take_panics};
use crate::sync::access;
use crate::sync::shim::Mutex;
use crate::system::System;

impl Explorer {
    /// One run, from an empty world to an empty world. The trace stays with the
    /// executor.
    pub(crate) fn once<F, Fut>(
        &self,
        executor: &SimExecutor,
        chooser: &Chooser,
        body: &F,
        limits: Limits,
    ) -> Option<Fut::Output>
    where
        F: Fn(Sim) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Outcome + Send,
    {
        access::forget_living(limits.telling);
        access::let_take_time(self.any_time);
        access::count_steps(false);
        // Of another program, on this thread.
        let _ = take_panics(|_| None::<()>);
        access::begin_step(TaskId::ROOT.0, 0, false, limits.telling);
        executor.begin(self.seed, limits);
        let system = System::builder().for_exploring(self.deadlocks).build_on(executor.clone());
        let monitors = Arc::new(Monitors::new(system.clone(), self.allowed.clone(), Arc::clone(&self.sightings)));
        let sim = Sim::explored(system.clone(), executor.clone(), Arc::clone(chooser), Arc::clone(&monitors));
        let outcome = Arc::new(Mutex::untouched(None));
        let result = Arc::clone(&outcome);
        // What `body` does before it is a future belongs to its first step: it may spawn, choose, panic.
        let begun = Arc::new(Mutex::untouched(None));
        let place = Arc::clone(&begun);
        executor.0.spawn(
            "body",
            Box::pin(async move {
                let future = place.lock().take();
                drop(place);
                if let Some(future) = future {
                    let done = future.await;
                    *result.lock() = Some(done);
                }
            }),
        );
        {
            let state = &mut *executor.0.state.lock();
            access::end_step(&mut state.trace.touches, &mut state.trace.notes, false);
        }
        let mut sim = Some(sim);
        let mut begin = || {
            let Some(sim) = sim.take() else { return };
            if self.any_time {
                executor.start_clock();
            }
            self.faults.begin(&system, executor, chooser, &self.sightings);
            *begun.lock() = Some(body(sim));
        };
        run(executor, chooser, &monitors, limits, &mut begin);
        let done = outcome.lock().take();
        {
            let trace = &mut executor.0.state.lock().trace;
            self.faults.look_at(trace, &self.sightings);
            if trace.end == End::Done
                && let Some(failure) = done.as_ref().and_then(Outcome::failure)
            {
                trace.end = End::Failed(Failure::Error(failure));
            }
        }
        // Nothing of it is looked at any more.
        let mut panic = contained(|| {
            fate::forget();
            monitors.clear();
            drop(monitors);
        })
        .err();
        // What is dropped may spawn, or panic.
        let mut is_left = true;
        while is_left {
            is_left = contained(|| executor.clear()).unwrap_or_else(|why| {
                panic.get_or_insert(why);
                true
            });
        }
        let last = contained(|| drop(system)).err();
        let trace = &mut executor.0.state.lock().trace;
        if trace.end == End::Done
            && let Some(why) = panic.or(last)
        {
            let (task, location) = (String::from("what was dropped at the end"), why.location().map(str::to_owned));
            trace.end = End::Failed(Failure::Panicked { task, message: why.to_string(), location });
        }
        done
    }
}
