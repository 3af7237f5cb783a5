//! What the listings of the book share: a transcript, whose lines a page shows.
//!
//! A page that says "this prints" includes a file beside the listing, and the
//! listing compares what it prints with that file.

use std::fmt::Display;
use std::path::Path;

/// What a listing prints.
#[derive(Debug, Default)]
pub struct Transcript(String);

impl Transcript {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Prints a line.
    pub fn line(&mut self, line: impl Display) {
        self.0 += &format!("{line}\n");
    }

    /// Asserts that this is what the page shows: the file `listings/NAME.out`.
    ///
    /// # Panics
    /// If it is not, with both texts.
    pub fn assert_is(&self, name: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("listings").join(format!("{name}.out"));
        let shown = std::fs::read_to_string(&file).unwrap_or_default();
        let shown: Vec<&str> = shown.lines().collect();
        let printed: Vec<&str> = self.0.lines().collect();
        assert!(printed == shown, "{} shows\n{}\nand printed was\n{}", file.display(), shown.join("\n"), self.0);
    }
}
