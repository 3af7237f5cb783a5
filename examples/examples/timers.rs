//! Timers with names: set again, one takes the place of the one before.
//!
//!     cargo run -p tidegate-examples --example timers
//!
//! Look for: one save, a second after the last word and not after each; and three
//! ways of a clock to go on after its actor was busy.
#![allow(clippy::print_stdout)]

use std::time::Duration;

use tidegate::prelude::*;
use tidegate::{ManualExecutor, Missed};

#[cfg(test)]
#[path = "../explored/timers.rs"]
mod explored;

const SECOND: Duration = Duration::from_secs(1);

// ANCHOR: editor
/// Saves when nothing has been typed for a second.
#[derive(Default)]
struct Editor {
    text: String,
}

#[actor]
impl Editor {
    #[message]
    fn typed(&mut self, word: String, cx: &mut Context<Self>) {
        self.text += &word;
        cx.timers().after("save", SECOND, EditorMsg::Save {}); // in place of the one before
    }

    #[message]
    fn save(&mut self, cx: &mut Context<Self>) {
        println!("second {}: saved {:?}", cx.now().as_secs_f32(), self.text);
    }
}
// ANCHOR_END: editor

// ANCHOR: metronome
/// Says when it ticks. The first tick keeps it busy for 3.5 seconds.
struct Metronome {
    missed: Missed,
    busy: Duration,
}

#[actor]
impl Metronome {
    #[started]
    fn begin(&mut self, cx: &mut Context<Self>) {
        cx.timers().every("tick", SECOND, self.missed, || MetronomeMsg::Tick {});
    }

    #[message]
    async fn tick(&mut self, cx: &mut Context<Self>) {
        print!(" {}", cx.now().as_secs_f32());
        cx.sleep(std::mem::take(&mut self.busy)).await;
    }
}
// ANCHOR_END: metronome

fn main() {
    let executor = ManualExecutor::new();
    let editor = System::with_executor(executor.clone()).spawn(Editor::default(), Push::bounded(8));
    for word in ["a ", "stitch ", "in ", "time"] {
        editor.try_typed(word.to_owned()).expect("there is room");
        executor.advance(SECOND / 2);
    }
    executor.advance(SECOND * 60);
    for missed in [Missed::Skip, Missed::Delay, Missed::Burst] {
        let executor = ManualExecutor::new();
        print!("{missed:?}:");
        System::with_executor(executor.clone()).spawn(Metronome { missed, busy: SECOND * 7 / 2 }, Push::bounded(8));
        executor.advance(SECOND * 8);
        println!();
    }
}
