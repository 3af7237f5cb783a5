//! Rule 3.3: a `request` made in a signal cannot signal the same subscriber. The
//! publisher's way to it is borrowed for as long as the signal takes.

use std::cell::RefMut;

use tidegate::flow::reactive::Subscriber;

struct Publisher {
    subscriber: Box<dyn Subscriber<u64>>,
    requested: u64,
}

impl Publisher {
    /// `request`, as it is called in `on_next`.
    fn request(&mut self, n: u64) {
        self.requested += n;
        let subscriber = &mut self.subscriber;
        subscriber.on_next(in_on_next(self));
    }
}

fn in_on_next(publisher: &mut Publisher) -> u64 {
    publisher.request(1);
    0
}

fn through_a_cell(mut subscriber: RefMut<'_, Box<dyn Subscriber<u64>>>) {
    let outer = &mut **subscriber;
    let inner = &mut **subscriber;
    outer.on_next(1);
    inner.on_next(2);
    outer.on_next(3);
}

fn main() {}
