//! Listings of the chapter "Where actors run".

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{Local, LocalActor, ThreadExecutor, block_on};

struct Squares;

#[actor]
impl Squares {
    #[message]
    fn square(&self, n: u64) -> u64 {
        n * n
    }
}

#[tokio::test]
async fn the_same_actor_at_each_place() -> Result<(), Box<dyn std::error::Error>> {
    // ANCHOR: places
    let system = System::new();

    // With everybody else, as a task of tokio.
    let here = system.build(|| Squares).spawn();

    // On a thread of its own, which ends with it.
    let alone = system.build(|| Squares).named("alone").on_thread().spawn();

    // On one thread, shared by those that may wait for each other.
    let thread = ThreadExecutor::new("squares");
    let shared: Vec<_> = (0..4).map(|_| system.build(|| Squares).on(thread.clone()).spawn()).collect();
    // ANCHOR_END: places

    for squares in shared.iter().chain([&here, &alone]) {
        assert_eq!(squares.square(7).await?, 49);
    }
    assert!(system.shutdown(Duration::from_secs(5)).await.is_clean());
    Ok(())
}

// ANCHOR: plain
#[test]
fn a_program_without_a_runtime() {
    let thread = ThreadExecutor::new("actors");
    let system = System::with_executor(thread.clone());
    let squares = system.spawn(Squares, Push::bounded(8));

    // From any thread that has nothing else to do meanwhile.
    assert_eq!(squares.blocking_ask(|reply| SquaresMsg::Square { n: 7, reply }).unwrap(), 49);

    let report = block_on(system.shutdown(Duration::from_secs(5)));
    assert!(report.is_clean());
    thread.join(); // no task and no timer is left
}
// ANCHOR_END: plain

// ANCHOR: local
/// Keeps what cannot leave its thread.
struct Page {
    lines: Rc<RefCell<Vec<String>>>,
}

enum PageMsg {
    Write(String),
    Lines(Reply<usize>),
}

impl LocalActor for Page {
    type Msg = PageMsg;

    async fn handle(&mut self, msg: PageMsg, _cx: &mut Context<Local<Self>>) -> Result<(), Fault> {
        let lines = Rc::clone(&self.lines);
        match msg {
            PageMsg::Write(line) => lines.borrow_mut().push(line),
            PageMsg::Lines(reply) => drop(reply.send(lines.borrow().len())),
        }
        Ok(())
    }
}
// ANCHOR_END: local

#[tokio::test]
async fn an_actor_that_is_not_send() {
    // ANCHOR: build_local
    let thread = ThreadExecutor::new("page");
    let page = System::new()
        .build_local(thread, || Page { lines: Rc::default() }) // is run on that thread
        .mailbox(Pull::window(4))
        .spawn();
    page.tell(PageMsg::Write("high water at six".to_owned())).await.unwrap();
    assert_eq!(page.ask(PageMsg::Lines).await.unwrap(), 1);
    // ANCHOR_END: build_local
}
