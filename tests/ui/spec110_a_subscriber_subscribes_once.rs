//! Rule 1.10: a subscriber subscribes to one publisher, and once.

use tidegate::flow::reactive::{Publisher, Subscriber};

fn subscribe(publisher: &dyn Publisher<Item = u64>, subscriber: Box<dyn Subscriber<u64>>) {
    publisher.subscribe(subscriber);
    publisher.subscribe(subscriber);
}

fn main() {}
