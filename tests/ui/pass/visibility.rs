//! The trait is as visible as its most visible message; no combination of private types warns.
#![deny(warnings, private_interfaces, private_bounds, unreachable_pub)]

use tidegate::{Push, System};

/// A public actor in a public module.
pub mod counter {
    use tidegate::actor;

    struct Secret(u64);

    trait Hidden: Send + 'static {}
    impl Hidden for u8 {}

    /// Public, with messages that are and one that is not.
    #[derive(Default)]
    pub struct Counter(u64);

    #[actor]
    impl Counter {
        /// Adds.
        #[message]
        pub async fn add(&mut self, n: u64) {
            self.set(Secret(self.0 + n));
        }

        #[message]
        fn set(&mut self, secret: Secret) {
            self.0 = secret.0;
        }

        #[message]
        fn secret(&self) -> Secret {
            Secret(self.0)
        }

        #[message]
        pub(crate) fn total(&self) -> u64 {
            self.0
        }
    }

    /// Public, with nothing but private messages.
    pub struct Quiet;

    #[actor]
    impl Quiet {
        #[message]
        fn whisper(&self, secret: Secret) -> u64 {
            secret.0
        }
    }

    /// Sends what only this module can send.
    pub async fn whisper(quiet: &tidegate::ActorRef<QuietMsg>) -> u64 {
        quiet.whisper(Secret(3)).await.unwrap()
    }

    struct Private<T>(T);

    #[actor]
    impl<T: Hidden> Private<T> {
        #[message]
        #[allow(unreachable_pub)]
        pub fn swap(&mut self, other: T) -> T {
            std::mem::replace(&mut self.0, other)
        }
    }

    /// Uses the private one.
    pub async fn private() {
        let private = tidegate::System::new().spawn(Private(1_u8), tidegate::Push::bounded(1));
        assert_eq!(private.swap(2).await.unwrap(), 1);
    }
}

mod inner {
    pub(super) mod deep {
        pub(crate) struct Worker;

        #[tidegate::actor]
        impl Worker {
            #[message]
            pub(super) fn work(&mut self) {}
            #[message]
            pub(in crate::inner) fn rest(&mut self) {}
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    use counter::CounterRef as _;
    use inner::deep::WorkerRef as _;

    let system = System::new();
    let counter = system.spawn(counter::Counter::default(), Push::bounded(8));
    counter.add(2).await.unwrap();
    assert_eq!(counter.total().await.unwrap(), 2);
    let quiet = system.spawn(counter::Quiet, Push::bounded(8));
    assert_eq!(counter::whisper(&quiet).await, 3);
    counter::private().await;
    let worker = system.spawn(inner::deep::Worker, Push::bounded(8));
    worker.work().await.unwrap();
    worker.rest().await.unwrap();
}
