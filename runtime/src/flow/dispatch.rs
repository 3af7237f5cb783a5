//! Who gets an item: the choices that an [`Outlet`](super::Outlet) can make,
//! apart from everything that sends.
//!
//! A seat is where a subscriber sits: a small number, used again when the
//! subscriber has left. Its demand is what the outlet was told last.

mod turns;

pub(super) use self::turns::Turns;
