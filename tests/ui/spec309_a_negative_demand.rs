//! Rule 3.9: less than nothing cannot be requested. Nothing can, and that is a
//! check's business.

use tidegate::flow::reactive::Subscription;

fn request(subscription: &mut dyn Subscription, n: i64) {
    subscription.request(-1);
    subscription.request(n);
}

fn main() {}
