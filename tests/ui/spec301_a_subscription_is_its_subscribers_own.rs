//! Rule 3.1: nobody but the subscriber has its subscription.

use tidegate::flow::reactive::Subscription;

fn share(subscription: Box<dyn Subscription>) -> [Box<dyn Subscription>; 2] {
    [subscription.clone(), subscription]
}

fn lend(subscription: &Box<dyn Subscription>) {
    subscription.request(1);
}

fn main() {}
