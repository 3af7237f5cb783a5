//! Messages whose types the mailbox could not know.
#![allow(unused)]

use tidegate::actor;

struct Log;

#[actor]
impl Log {
    #[message]
    fn write<T: ToString>(&mut self, line: T) {}

    #[message]
    fn read<'a>(&'a self) -> u64 {
        0
    }

    #[message]
    fn bounded(&self)
    where
        Self: Sync,
    {
    }

    #[message]
    unsafe fn forget(&mut self) {}
}

fn main() {}
