//! Conditional messages, deprecated ones, and lints on methods.
#![deny(warnings)]
#![allow(clippy::non_minimal_cfg)]

use tidegate::{Push, System, actor};

struct Conditional;

#[actor]
impl Conditional {
    #[message]
    #[cfg(all())]
    fn present(&self) -> u8 {
        1
    }

    #[cfg(any())]
    #[message]
    fn absent(&self, what: DoesNotExist) -> AlsoMissing {
        what.into()
    }

    /// One of two under the same name.
    #[message]
    #[cfg(all())]
    fn either(&self) -> u8 {
        2
    }

    #[message]
    #[cfg(any())]
    fn either(&self, n: u16) -> u16 {
        n
    }

    #[message]
    #[deprecated = "use `present`"]
    fn old(&self) {}

    #[message]
    #[allow(clippy::too_many_arguments, unused_variables)]
    fn long(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8) {}

    #[cfg(any())]
    #[started]
    fn absent_hook(&mut self) {}

    #[cfg(all())]
    #[started]
    fn begin(&mut self) {}

    #[cfg(any())]
    #[stopped]
    fn end(&mut self) {}
}

struct Whole;

#[actor]
#[cfg(any())]
impl Whole {
    #[message]
    fn absent(&self, what: DoesNotExist) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let _ = Whole;
    let actor = System::new().spawn(Conditional, Push::bounded(8));
    assert_eq!(actor.present().await.unwrap(), 1);
    assert_eq!(actor.either().await.unwrap(), 2);
    actor.long(1, 2, 3, 4, 5, 6, 7, 8, 9).await.unwrap();
    #[allow(deprecated)]
    actor.old().await.unwrap();
}
