//! What there is to tell people of the messages of an explored program.
//!
//! Without the feature `explore` nothing is told, and this is no code.

#[cfg(all(feature = "explore", not(tidegate_loom)))]
mod imp {
    use std::fmt::Display;

    use crate::mailbox::core::Core;
    use crate::mailbox::item::Item;
    use crate::sync::access::{self, Note};

    /// A message that is about to be sent, in words: they are made before it is
    /// out of hand.
    pub(crate) struct Telling(Option<String>);

    impl<M: 'static> Core<M> {
        #[inline]
        pub(crate) fn telling(&self, item: Option<&Item<M>>) -> Telling {
            Telling(item.filter(|_| access::is_telling()).map(|item| access::describe(&item.message)))
        }

        /// It was let in.
        #[inline]
        pub(crate) fn tell_sent(&self, telling: Telling) {
            if let Some(what) = telling.0 {
                access::note(|| Note::Sent { to: self.queue.object(), what });
            }
        }

        #[inline]
        pub(crate) fn tell_put(&self, item: &Item<M>) {
            self.tell_sent(self.telling(Some(item)));
        }

        /// One that waited was let in: it is out of hand.
        pub(crate) fn tell_let_in(&self) {
            access::note(|| Note::Sent { to: self.queue.object(), what: access::type_name::<M>() });
        }

        pub(crate) fn tell_taken(&self, item: &Item<M>) {
            access::note(|| Note::Taken { at: self.queue.object(), what: access::describe(&item.message) });
        }

        pub(crate) fn tell_waiting(&self) {
            access::note(|| Note::Waits { on: self.queue.object(), what: access::type_name::<M>() });
        }

        pub(crate) fn tell_refused(&self, why: &impl Display) {
            let to = self.queue.object();
            access::note(|| Note::Refused { to, what: access::type_name::<M>(), why: why.to_string() });
        }

        pub(crate) fn tell_dropped(&self, message: &M, why: &str) {
            let to = self.queue.object();
            access::note(|| Note::Refused { to, what: access::describe(message), why: why.to_owned() });
        }
    }
}

#[cfg(not(all(feature = "explore", not(tidegate_loom))))]
mod imp {
    use std::fmt::Display;

    use crate::mailbox::core::Core;
    use crate::mailbox::item::Item;

    /// Nothing: no program is explored in this build.
    pub(crate) struct Telling;

    impl<M> Core<M> {
        #[inline(always)]
        pub(crate) fn telling(&self, _item: Option<&Item<M>>) -> Telling {
            Telling
        }

        #[inline(always)]
        pub(crate) fn tell_sent(&self, _telling: Telling) {}

        #[inline(always)]
        pub(crate) fn tell_put(&self, _item: &Item<M>) {}

        #[inline(always)]
        pub(crate) fn tell_let_in(&self) {}

        #[inline(always)]
        pub(crate) fn tell_taken(&self, _item: &Item<M>) {}

        #[inline(always)]
        pub(crate) fn tell_waiting(&self) {}

        #[inline(always)]
        pub(crate) fn tell_refused(&self, _why: &impl Display) {}

        #[inline(always)]
        pub(crate) fn tell_dropped(&self, _message: &M, _why: &str) {}
    }
}
