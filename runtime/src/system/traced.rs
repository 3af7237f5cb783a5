//! A span around every poll of an actor.

use std::future::{Future, poll_fn};
use std::pin::pin;

/// Polls `task` within `span`.
pub(super) async fn traced<F: Future>(span: tracing::Span, task: F) -> F::Output {
    let mut task = pin!(task);
    poll_fn(|cx| span.in_scope(|| task.as_mut().poll(cx))).await
}
