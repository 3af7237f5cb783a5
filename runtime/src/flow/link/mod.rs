//! Demand and items between two ends, over a network that loses, duplicates,
//! delays and reorders: what a transport is built on.
//!
//! A [`Consumer`] says how much it wants, a [`Producer`] sends no more than that.
//! Neither does IO, has a clock or draws random numbers: frames and the time come
//! in as arguments, and frames come out. So the same code runs over UDP, over a
//! broker, in a simulation, and under a model checker.
//!
//! # Trade-offs first
//! - **One way.** A link carries items from one producer to one consumer. For
//!   both ways, use two.
//! - **Items are copied**: one copy stays with the producer until it is confirmed.
//! - **No congestion control.** The window is what limits a link: choose it for
//!   the network, or carry frames over something that has it.
//! - **Not for liars.** Broken rules are noticed, counted, and end the link; but
//!   whoever can forge frames can end it too. Use an authenticated carrier.
//! - **Once, while both ends live.** The memory of what has arrived is the
//!   consumer's. What has to survive its process needs more than this.
//!
//! # Frames
//! | from the consumer | says | from the producer | says |
//! |---|---|---|---|
//! | [`Grant`] | what has arrived, and up to where more may come | [`Item`](ToConsumer::Item) | an item, and its number |
//! | [`Cancel`](ToProducer::Cancel) | no more is wanted | [`Cancelled`](ToConsumer::Cancelled) | nothing more comes |
//! | [`Finished`](ToProducer::Finished) | all is here | [`Ended`](ToConsumer::Ended) | no items from `at` on, and why |
//!
//! # Why absolute
//! A grant says "up to number 40", not "8 more". "8 more" that comes twice is
//! credit out of nothing, "8 more" that gets lost is credit gone for ever, and
//! both ends then disagree without a way to notice. "Up to 40" can come twice,
//! late, or after "up to 44": the producer keeps the largest it has heard, and
//! whatever was lost is in the next frame. Kung's credit protocol for ATM
//! (SIGCOMM '94), QUIC's `MAX_STREAM_DATA` (RFC 9000, 4.1) and Pekko's reliable
//! delivery do it this way. For RSocket, which does not, there is [`Additive`].
//!
//! # The consumer
//! ```text
//! limit rises                      in push, when a half of the window is left: to done + window
//!                                  in pull, also at each request: but not above what was requested
//!
//! Open --- all items and the terminal are here ---> Finished    yields what it has, then the terminal
//!  |
//!  +--- cancelled, or a rule was broken ---> Cancelling --- Cancelled is heard ---> Cancelled
//! ```
//! While open it says its grant: when the limit rises, soon after items arrive,
//! at once if one arrives again, and when it has heard nothing for long.
//!
//! - An item below the limit is accepted once; it waits for those before it, so
//!   items come in order. One that is not below the limit was sent without
//!   credit: it is never yielded, and the link is cancelled (S12).
//! - `limit <= done + window`, so what may come has a place (S2). A limit is never
//!   taken back.
//! - Who raises the limit is said by the mode, and by nothing else; each
//!   [switch](Consumer::switch) begins an epoch (S13). What was granted stays
//!   valid, and counts as asked for.
//! - A terminal needs no demand, and comes after the last item (S8, L6).
//!
//! # The producer
//! ```text
//! Open --- complete, fail ---> Ending --- Finished is heard ---> Finished
//!  |                             |
//!  +---------- Cancel is heard --+---> Cancelled
//! ```
//! An item is accepted if it may be sent at once, and kept until it is confirmed.
//! What is unconfirmed, the terminal included, is sent again after a while, ever
//! more rarely, until it is confirmed or the consumer cancels. Sending an item
//! again takes no credit: its number has been paid for (S10).
//!
//! # When an end may be forgotten
//! The last frame of a link can get lost like any other, and who waits for it
//! asks again. So keep an end that [is silent](Consumer::is_silent), or whose
//! [state](Producer::state) is final, for as long as the peer may repeat itself,
//! the longest wait of its [`Timing`]; after that, or after a restart, answer
//! frames of links that you do not know: any from a producer with
//! [`ToProducer::Cancel`], and [`ToProducer::Cancel`] with
//! [`ToConsumer::Cancelled`]. A [`Grant`] of a link that you do not know is a new
//! link.
//!
//! An end never gives up by itself, since it cannot know what the host knows:
//! whether the peer lives. To give up, drop it, after
//! [`Producer::into_unconfirmed`] if the items are wanted.
//!
//! # How it is checked
//! `tests/tests/model_demand.rs` runs these very ends through every order of
//! events on such a network, in small, with a broken variant for each property;
//! `tests/flow_link.rs` runs them in large, on a seeded one.
//!
//! | file | what it is |
//! |---|---|
//! | `frame` | the frames |
//! | `consumer`, `producer` | the ends |
//! | `refill` | who raises the limit, and by how much |
//! | `timing` | when to say something again |
//! | `additive` | absolute credit as increments, and back |
//! | `stats` | what is counted |

mod additive;
mod consumer;
mod frame;
mod producer;
mod refill;
mod stats;
mod timing;

pub use additive::Additive;
pub use consumer::{Consumer, RequestError, Signal, Violation};
pub use frame::{End, Grant, ToConsumer, ToProducer};
pub use producer::{Producer, Refused, State};
pub use stats::{ConsumerStats, ProducerStats};
pub use timing::Timing;
