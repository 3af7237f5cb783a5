//! How tidegate's messages look on a wire.
//!
//! What is here today: the [`codec`] module, which turns messages into bytes and
//! back under limits. There is no transport in this crate yet; nothing here opens
//! a connection.
//!
//! | feature | gives | use it for |
//! |---|---|---|
//! | `json` | [`codec::Json`] | peers in any language |
//! | `postcard` | [`codec::Postcard`] | tidegate on both ends, a written wire format |
//! | `bincode` | [`codec::Bincode`] | tidegate on both ends that already speak bincode |
//!
//! No feature is on by default: a program carries the codecs that it names.
//! `bincode` in particular has no maintainer any more (RUSTSEC-2025-0141), which
//! is why nobody gets it without asking; `postcard` is its equal here and passes
//! the same tests.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod codec;
