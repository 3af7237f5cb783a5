//! The `#[actor]` macro.
