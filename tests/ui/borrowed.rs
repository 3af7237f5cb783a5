//! Messages and answers that do not own their data.
#![allow(unused)]

use std::borrow::Cow;
use tidegate::{Context, actor};

struct Log(String);

type Line<'a> = &'a str;

#[actor]
impl Log {
    #[message]
    fn write(&mut self, line: &str, bytes: &[u8], log: &mut Log) {}

    #[message]
    fn nested(&mut self, lines: Vec<Option<&str>>, cow: Cow<'_, str>, alias: Line<'_>) {}

    #[message]
    fn shared_context(&self, cx: &Context<Self>) {}

    #[message]
    fn last(&self) -> &str {
        &self.0
    }

    #[message]
    async fn first(&self) -> Option<Cow<'_, str>> {
        None
    }

    #[message]
    fn fine(&self, text: &'static str, f: fn(&str) -> &str) -> Box<dyn Fn(&str) + Send> {
        Box::new(|_| ())
    }
}

fn main() {}
