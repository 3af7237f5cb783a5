//! How far the run is, on standard error: a bar on a terminal, else a line for
//! every configuration.

use std::io::{IsTerminal, Write, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) struct Progress {
    bar: ProgressBar,
    plain: bool,
    runs: usize,
    begun: usize,
}

impl Progress {
    /// `runs` of `events` each.
    pub(crate) fn new(runs: usize, events: u64) -> Self {
        let plain = !stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(
            Some(events * runs as u64),
            if plain { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() },
        );
        // The template is a constant; a mistake in it would leave the default.
        if let Ok(style) = ProgressStyle::with_template("{msg:32} {wide_bar} {percent:>3} %  {eta} left") {
            bar.set_style(style);
        }
        Self { bar, plain, runs, begun: 0 }
    }

    /// Says which configuration is on.
    pub(crate) fn begin(&mut self, name: &str) {
        self.begun += 1;
        let message = format!("[{}/{}] {name}", self.begun, self.runs);
        if self.plain {
            // A closed stderr is no reason to stop.
            let _ = writeln!(stderr(), "{message}");
        }
        self.bar.set_message(message);
    }

    /// What producers call as they go.
    pub(crate) fn counter(&self) -> impl Fn(u64) + Clone + Send + Sync + 'static {
        let bar = self.bar.clone();
        move |n| bar.inc(n)
    }

    /// Clears the bar.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
