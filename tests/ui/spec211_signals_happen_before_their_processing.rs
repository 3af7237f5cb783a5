//! Rule 2.11: what a signal brings to another thread is made to go there.

use std::rc::Rc;

use tidegate::Fault;
use tidegate::flow::reactive::{Subscriber, Subscription};

struct Local(Rc<u64>);

impl Subscriber<u64> for Local {
    fn on_subscribe(&mut self, _: Box<dyn Subscription>) {}
    fn on_next(&mut self, _: u64) {}
    fn on_error(self: Box<Self>, _: Fault) {}
    fn on_complete(self: Box<Self>) {}
}

fn main() {}
