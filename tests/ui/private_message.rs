//! The trait of private messages cannot be used elsewhere; the public one has to be imported.
#![allow(unused)]

use tidegate::{Push, System};

mod counter {
    use tidegate::actor;

    pub struct Private;

    #[actor]
    impl Private {
        #[message]
        fn add(&mut self, n: u64) {}
    }

    pub struct Public;

    #[actor]
    impl Public {
        #[message]
        pub fn add(&mut self, n: u64) {}
    }
}

fn main() {
    let _ = System::new().spawn(counter::Private, Push::bounded(1)).add(1);
    let _ = System::new().spawn(counter::Public, Push::bounded(1)).add(1);
}
