//! actix actors and ours, side by side.
//!
//!     cargo run -p tidegate-examples --example actix_bridge
//!
//! Look for: the actix actor gets its jobs one at a time, whatever its own
//! mailbox would hold, because one of ours is in front of it, under pull. It
//! reports to one of our actors as to any recipient. That one keeps an `Rc`.
#![allow(clippy::print_stdout)]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;

use actix::Actor as _;
use tidegate::interop::actix::{ActixExecutor, Front, Request, recipient};
use tidegate::prelude::*;
use tidegate::{Local, LocalActor};

// ANCHOR: theirs
/// An actix actor, as it was before.
struct Press {
    reports: actix::Recipient<Printed>,
}

struct Print(u32);
impl actix::Message for Print {
    type Result = u32;
}

struct Printed(u32);
impl actix::Message for Printed {
    type Result = ();
}

impl actix::Actor for Press {
    type Context = actix::Context<Self>;
}
impl actix::Handler<Print> for Press {
    type Result = actix::ResponseFuture<u32>;
    fn handle(&mut self, Print(page): Print, _: &mut Self::Context) -> Self::Result {
        let report = self.reports.send(Printed(page));
        Box::pin(async move { report.await.map_or(0, |()| page * 100) })
    }
}
// ANCHOR_END: theirs

// ANCHOR: local
/// One of ours, bound to its thread.
struct Counter {
    pages: Rc<Cell<u32>>,
}
impl LocalActor for Counter {
    type Msg = Printed;
    async fn handle(&mut self, Printed(page): Printed, _: &mut Context<Local<Self>>) -> Result<(), Fault> {
        self.pages.set(self.pages.get() + 1);
        println!("counter: page {page}, {} in all", self.pages.get());
        Ok(())
    }
}
// ANCHOR_END: local

fn main() -> Result<(), Box<dyn Error>> {
    actix::System::new().block_on(async {
        // ANCHOR: bridge
        let system = System::new();
        let counter = system.build_local(ActixExecutor::current(), || Counter { pages: Rc::default() }).spawn();
        let press = Press { reports: recipient(&counter) }.start();
        let front = system.spawn(Front::new(press), Pull::one_by_one());
        for page in 1..=3 {
            front.tell(Request::Tell(Print(page))).await?;
        }
        let answer = front.ask(|reply| Request::Ask(Print(4), reply)).await?;
        // ANCHOR_END: bridge
        println!("press: {answer}");
        println!("{}", system.shutdown(std::time::Duration::from_secs(5)).await);
        Ok(())
    })
}
