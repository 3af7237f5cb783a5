//! The same test under every way to deliver.

use std::fmt;

use crate::mailbox::{Adaptive, Mailbox, Overflow, Pull, Push};

/// A way to deliver, for a test that is to hold under each of them.
///
/// Pulling by hand is not among them: there the handler asks for its messages,
/// so it is a property of the actor and not of its mailbox.
///
/// ```
/// use tidegate::Mailbox;
/// use tidegate::testkit::TestMode;
/// for mode in TestMode::ALL {
///     let mailbox: Mailbox<u8> = mode.mailbox(4);
///     assert!(mailbox.capacity().unwrap() <= 4, "{mode}");
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TestMode {
    /// [`Push::bounded`].
    Push,
    /// [`Pull::one_by_one`].
    PullOneByOne,
    /// [`Pull::window`].
    PullWindow,
    /// [`Pull::max_in_flight`].
    PullMaxInFlight,
    /// [`Adaptive::window`].
    Adaptive,
}

impl TestMode {
    /// Every one.
    pub const ALL: [Self; 5] =
        [Self::Push, Self::PullOneByOne, Self::PullWindow, Self::PullMaxInFlight, Self::Adaptive];

    /// A mailbox of this mode in which up to `capacity` messages wait; one by
    /// one, only one.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn mailbox<M>(self, capacity: usize) -> Mailbox<M> {
        self.mailbox_with(capacity, Overflow::Wait)
    }

    /// The same with an overflow policy.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn mailbox_with<M>(self, capacity: usize, overflow: Overflow) -> Mailbox<M> {
        match self {
            Self::Push => Push::bounded(capacity).overflow(overflow).into(),
            Self::PullOneByOne => Pull::one_by_one().overflow(overflow).into(),
            Self::PullWindow => Pull::window(capacity).overflow(overflow).into(),
            Self::PullMaxInFlight => Pull::max_in_flight(capacity).overflow(overflow).into(),
            Self::Adaptive => Adaptive::window(capacity).overflow(overflow).into(),
        }
    }

    /// Its name, as in the names of tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::PullOneByOne => "pull_one_by_one",
            Self::PullWindow => "pull_window",
            Self::PullMaxInFlight => "pull_max_in_flight",
            Self::Adaptive => "adaptive",
        }
    }
}

impl fmt::Display for TestMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One test in every [`TestMode`](crate::testkit::TestMode), each a `#[test]` of
/// its own: `name::push`, `name::pull_window` and so on.
///
/// The parameter is the mode. An `async` test brings its own attribute, such as
/// `#[tokio::test]`; others get `#[test]`, and may have more, such as
/// `#[should_panic]`.
///
/// ```
/// use tidegate::prelude::*;
/// use tidegate::testkit::TestKit;
///
/// # struct Sum(u64); impl Actor for Sum { type Msg = u64;
/// # async fn handle(&mut self, n: u64, _: &mut Context<Self>) -> Result<(), Fault> { self.0 += n; Ok(()) } }
/// tidegate::in_all_modes! {
///     fn every_message_is_handled(mode) {
///         let kit = TestKit::new();
///         let sum = kit.spawn(Sum(0), mode.mailbox(4));
///         let to = sum.clone();
///         kit.block_on(async move { for n in 0..10 { to.tell(n).await.unwrap(); } });
///         kit.flow(&sum).handled(10).nothing_dropped();
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! in_all_modes {
    () => {};
    ($(#[$attribute:meta])* async fn $name:ident($mode:ident) $body:block $($more:tt)*) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn test($mode: $crate::testkit::TestMode) $body
            $crate::in_all_modes!(@each [$(#[$attribute])*] [async] [.await]);
        }
        $crate::in_all_modes! { $($more)* }
    };
    ($(#[$attribute:meta])* fn $name:ident($mode:ident) $body:block $($more:tt)*) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            fn test($mode: $crate::testkit::TestMode) $body
            $crate::in_all_modes!(@each [#[test] $(#[$attribute])*] [] []);
        }
        $crate::in_all_modes! { $($more)* }
    };
    (@each $attributes:tt $asynchronous:tt $awaited:tt) => {
        $crate::in_all_modes!(@one $attributes $asynchronous $awaited push Push);
        $crate::in_all_modes!(@one $attributes $asynchronous $awaited pull_one_by_one PullOneByOne);
        $crate::in_all_modes!(@one $attributes $asynchronous $awaited pull_window PullWindow);
        $crate::in_all_modes!(@one $attributes $asynchronous $awaited pull_max_in_flight PullMaxInFlight);
        $crate::in_all_modes!(@one $attributes $asynchronous $awaited adaptive Adaptive);
    };
    (@one [$($attributes:tt)*] [$($asynchronous:tt)?] [$($awaited:tt)*] $case:ident $mode:ident) => {
        $($attributes)*
        $($asynchronous)? fn $case() {
            test($crate::testkit::TestMode::$mode) $($awaited)*;
        }
    };
}
