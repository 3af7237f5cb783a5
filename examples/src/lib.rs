//! Examples of tidegate, one idea each: `cargo run -p tidegate-examples --example hello`.
//!
//! They lie in `examples/examples`, and `examples/README.md` says in which order
//! to read them. This library is empty; a package needs a target of its own.
