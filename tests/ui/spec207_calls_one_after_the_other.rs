//! Rule 2.7: two threads cannot use one subscription at a time.

use std::thread;

use tidegate::flow::reactive::Subscription;

fn request(subscription: &mut dyn Subscription) {
    thread::scope(|scope| {
        scope.spawn(|| subscription.request(1));
        scope.spawn(|| subscription.request(1));
    });
}

fn main() {}
