//! Types without a name.
#![allow(unused)]

use std::future::Future;
use tidegate::actor;

struct Log;

#[actor]
impl Log {
    #[message]
    fn write(&mut self, line: impl ToString, lines: Vec<impl ToString>) {}

    #[message]
    fn later(&self) -> impl Future<Output = u64> + use<> {
        async { 1 }
    }

    #[message]
    fn fallible(&self) -> Result<impl Iterator<Item = u8>, tidegate::Fault> {
        Ok([1].into_iter())
    }
}

fn main() {}
