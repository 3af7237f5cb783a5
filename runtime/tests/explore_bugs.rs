//! Ten bugs of programs made of actors, as people write them, and the same
//! programs put right. Each bug is found by every strategy, and shrunk to a few
//! choices that can be replayed; each of the corrected programs is explored to
//! the end without a finding.
#![cfg(feature = "explore")]

mod explore_bugs {
    mod support;

    mod asking;
    mod caching;
    mod demand;
    mod repeating;
    mod restarting;
    mod telling;
}
