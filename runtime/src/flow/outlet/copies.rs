//! A broadcast that is awaited, copy by copy: explored, each is sent in a step of
//! its own. On several threads others may come between two of them, too.
//!
//! Without the feature `explore` all are sent at once, and this is no code.

#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod imp {
    use std::task::{Context, Poll};

    use crate::flow::dispatch::Dispatch;
    use crate::flow::error::EmitError;
    use crate::flow::outlet::Outlet;
    use crate::sync::access;

    /// The item of which copies are to be sent, and to whom next.
    pub(in crate::flow::outlet) struct Copies<T>(Option<(T, usize)>);

    impl<T: Send + 'static> Copies<T> {
        pub(in crate::flow::outlet) const fn none() -> Self {
            Self(None)
        }

        /// Sends `item`, or keeps it to be sent by copies.
        pub(in crate::flow::outlet) fn send(&mut self, outlet: &mut Outlet<T>, item: T) -> Result<(), EmitError<T>> {
            if !access::is_exploring() || !matches!(outlet.dispatch, Dispatch::Broadcast(_)) {
                return outlet.try_send(item);
            }
            if outlet.hub.has_news() {
                outlet.look(None);
            }
            if outlet.seats.is_empty() || outlet.total() == 0 {
                return outlet.send_nowhere(item);
            }
            outlet.sent += 1;
            self.0 = Some((item, 0));
            Ok(())
        }

        pub(in crate::flow::outlet) const fn are_left(&self) -> bool {
            self.0.is_some()
        }

        pub(in crate::flow::outlet) fn poll(&mut self, outlet: &mut Outlet<T>, cx: &mut Context<'_>) -> Poll<()> {
            while self.are_left() {
                if access::fresh(cx).is_pending() {
                    return Poll::Pending;
                }
                self.send_one(outlet);
            }
            Poll::Ready(())
        }

        /// Nothing can come in between any more.
        pub(in crate::flow::outlet) fn send_rest(&mut self, outlet: &mut Outlet<T>) {
            while self.are_left() {
                self.send_one(outlet);
            }
        }

        fn send_one(&mut self, outlet: &mut Outlet<T>) {
            let Some((item, from)) = self.0.take() else { return };
            let Dispatch::Broadcast(copy) = outlet.dispatch else { return };
            let mut left = (from..outlet.seats.len()).filter(|&seat| outlet.seats.get_mut(seat).is_some());
            let (seat, next) = (left.next(), left.next());
            let Some(seat) = seat else { return };
            let mine = match next {
                Some(next) => {
                    let mine = copy(&item);
                    self.0 = Some((item, next));
                    mine
                }
                None => item,
            };
            outlet.send_copy(seat, mine);
        }
    }
}

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
mod imp {
    use std::marker::PhantomData;
    use std::task::{Context, Poll};

    use crate::flow::error::EmitError;
    use crate::flow::outlet::Outlet;

    /// Nothing: no program is explored in this build.
    pub(in crate::flow::outlet) struct Copies<T>(PhantomData<fn() -> T>);

    impl<T: Send + 'static> Copies<T> {
        #[inline(always)]
        pub(in crate::flow::outlet) const fn none() -> Self {
            Self(PhantomData)
        }

        #[inline(always)]
        pub(in crate::flow::outlet) fn send(&mut self, outlet: &mut Outlet<T>, item: T) -> Result<(), EmitError<T>> {
            outlet.try_send(item)
        }

        #[inline(always)]
        pub(in crate::flow::outlet) const fn are_left(&self) -> bool {
            false
        }

        #[inline(always)]
        pub(in crate::flow::outlet) fn poll(&mut self, _outlet: &mut Outlet<T>, _cx: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }

        #[inline(always)]
        pub(in crate::flow::outlet) fn send_rest(&mut self, _outlet: &mut Outlet<T>) {}
    }
}

pub(super) use imp::Copies;
