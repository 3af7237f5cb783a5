//! Following a store as a source of a subscription.

use std::fmt;

use super::bell::Notices;
use super::page::Fetch;
use super::settings::Follow;

/// Follows a store: fetches from it as far as the subscriber asks for, when
/// notices say that there is something, and now and then without one.
pub fn follow<F: Fetch>(fetch: F, notices: Notices, settings: Follow) -> Following<F> {
    Following { fetch, notices, settings }
}

/// A store that is to be followed; see [`follow`].
#[must_use = "nothing is followed until somebody subscribes"]
pub struct Following<F> {
    fetch: F,
    notices: Notices,
    settings: Follow,
}

impl<F> fmt::Debug for Following<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("settings", &self.settings).finish_non_exhaustive()
    }
}
