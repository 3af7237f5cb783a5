//! tidegate
pub mod mailbox;
mod sync;
pub use mailbox::*;
