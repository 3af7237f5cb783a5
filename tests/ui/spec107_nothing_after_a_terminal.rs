//! Rule 1.7: who has been told of the end is told nothing more.

use tidegate::Fault;
use tidegate::flow::reactive::Subscriber;

fn next(mut subscriber: Box<dyn Subscriber<u64>>) {
    subscriber.on_complete();
    subscriber.on_next(1);
}

fn twice(subscriber: Box<dyn Subscriber<u64>>) {
    subscriber.on_complete();
    subscriber.on_complete();
}

fn failed(subscriber: Box<dyn Subscriber<u64>>) {
    subscriber.on_error(Fault::msg("broken"));
    subscriber.on_complete();
}

fn main() {}
