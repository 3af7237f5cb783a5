//! Commands by proptest.

use proptest::collection::{SizeRange, vec};
use proptest::strategy::Strategy;

/// So many commands, split over `clients`: what
/// [`Explorer::against`](crate::explore::Explorer::against) takes. The first client
/// may have all of them and others none.
///
/// What fails gets small, as with any other strategy: commands are left out, they
/// go from later clients to earlier ones, and each gets smaller as `command` says.
///
/// ```
/// use proptest::prelude::*;
/// use tidegate::explore::against::commands;
///
/// proptest! {
///     #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20) })]
///     # /*
///     #[test]
///     # */
///     fn are_split(commands in commands(0_u8..9, 1..6, 2)) {
///         prop_assert_eq!(commands.len(), 2);
///         let all = commands.concat();
///         prop_assert!((1..6).contains(&all.len()) && all.iter().all(|&n| n < 9));
///     }
/// }
/// are_split();
/// ```
///
/// # Panics
/// If there are no `clients`.
pub fn commands<S: Strategy>(
    command: S,
    size: impl Into<SizeRange>,
    clients: usize,
) -> impl Strategy<Value = Vec<Vec<S::Value>>> {
    assert!(clients > 0, "somebody gives the commands");
    vec((0..clients, command), size).prop_map(move |given| {
        let mut split: Vec<Vec<_>> = (0..clients).map(|_| Vec::new()).collect();
        for (client, command) in given {
            split[client].push(command);
        }
        split
    })
}
