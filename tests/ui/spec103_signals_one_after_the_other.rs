//! Rule 1.3: two threads cannot signal one subscriber at a time.

use std::thread;

use tidegate::flow::reactive::Subscriber;

fn signal(subscriber: &mut dyn Subscriber<u64>) {
    thread::scope(|scope| {
        scope.spawn(|| subscriber.on_next(1));
        scope.spawn(|| subscriber.on_next(2));
    });
}

fn main() {}
