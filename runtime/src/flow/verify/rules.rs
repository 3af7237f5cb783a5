//! The 43 rules of Reactive Streams 1.0.4 in our words, and what keeps each.

/// A rule of the specification.
///
/// ```
/// use tidegate::flow::verify::{Kept, Rule};
/// let rule = Rule::numbered("1.7").unwrap();
/// assert_eq!(rule.says, "nothing follows a terminal signal");
/// assert!(matches!(rule.kept, Kept::ByType(_)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// As in the specification: `"1.1"` to `"4.2"`.
    pub number: &'static str,
    /// What it asks for.
    pub says: &'static str,
    /// What keeps it.
    pub kept: Kept,
}

/// What keeps a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kept {
    /// Checks of the suites, whose names begin with its number.
    ByCheck,
    /// The types: what would break it does not compile. How they do it.
    ByType(&'static str),
    /// It permits and does not require. What tidegate makes of it.
    Permission(&'static str),
}

impl Rule {
    /// The rule with this number.
    #[must_use]
    pub fn numbered(number: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.number == number)
    }

    /// The rule that a check is about, by its name: `spec309_..` is about 3.9.
    pub(super) fn of(check: &str) -> Option<&'static Self> {
        let digits = check.strip_prefix("spec")?.get(..3)?;
        let (chapter, rule) = digits.split_at(1);
        Self::numbered(&format!("{chapter}.{}", rule.parse::<u8>().ok()?))
    }
}

const fn checked(number: &'static str, says: &'static str) -> Rule {
    Rule { number, says, kept: Kept::ByCheck }
}

const fn typed(number: &'static str, says: &'static str, how: &'static str) -> Rule {
    Rule { number, says, kept: Kept::ByType(how) }
}

const fn permitted(number: &'static str, says: &'static str, choice: &'static str) -> Rule {
    Rule { number, says, kept: Kept::Permission(choice) }
}

/// All of them, in order.
pub const RULES: [Rule; 43] = [
    checked("1.1", "a publisher never sends more items than were requested in total"),
    checked("1.2", "a publisher may send fewer items than requested and end the subscription"),
    typed("1.3", "the signals to a subscriber come one after the other", "a signal takes `&mut self`"),
    checked("1.4", "a publisher that fails says so by on_error"),
    checked("1.5", "a publisher that comes to its end says so by on_complete"),
    checked("1.6", "with a terminal signal the subscription counts as cancelled"),
    typed("1.7", "nothing follows a terminal signal", "a terminal signal consumes the subscriber"),
    checked("1.8", "a subscription that is cancelled is signalled no more, before long"),
    checked("1.9", "subscribe calls on_subscribe before all else and never fails; a refusal is an on_error behind it"),
    typed("1.10", "a subscriber subscribes once", "`subscribe` takes the subscriber by value"),
    checked("1.11", "a publisher decides whether it serves many subscribers, and whether with the same items"),
    checked("2.1", "a subscriber has to request items to get any"),
    checked("2.2", "a subscriber does slow work elsewhere, not in the signal"),
    checked("2.3", "on_complete and on_error call nothing of the subscription or the publisher"),
    checked("2.4", "after a terminal signal a subscriber takes its subscription for cancelled"),
    checked("2.5", "a second subscription, beside one that is in use, is cancelled"),
    checked("2.6", "a subscription that is not needed any more is cancelled"),
    typed(
        "2.7",
        "the calls of a subscription come one after the other",
        "its methods take `&mut self`; it is no `Clone`",
    ),
    checked("2.8", "a subscriber bears items that come after its own cancel"),
    checked("2.9", "a subscriber bears on_complete, whether it has requested anything or not"),
    checked("2.10", "a subscriber bears on_error, whether it has requested anything or not"),
    typed("2.11", "a signal has happened before it is processed", "`Subscriber: Send`, and a signal takes `&mut self`"),
    checked("2.12", "a subscriber is given one subscription by one subscribe"),
    checked("2.13", "signals return normally; a subscriber that panics counts as cancelled"),
    typed(
        "3.1",
        "request and cancel are the subscriber's own",
        "the subscriber owns the subscription; it is no `Clone`",
    ),
    checked("3.2", "a subscriber may request from inside on_subscribe and on_next"),
    typed(
        "3.3",
        "request and on_next do not call each other without end",
        "nobody has a second `&mut` to the subscriber",
    ),
    checked("3.4", "request returns at once"),
    checked("3.5", "cancel returns at once, may be called from any thread, and again"),
    checked("3.6", "a request after a cancel does nothing"),
    checked("3.7", "a cancel after a cancel does nothing"),
    checked("3.8", "a request adds to what was requested before"),
    checked("3.9", "a request for less than one item is answered by on_error"),
    permitted("3.10", "request may call on_next itself", "ours never does: its task sends"),
    permitted("3.11", "request may call on_complete or on_error itself", "ours never does: its task sends"),
    checked("3.12", "a cancel stops the signals, before long"),
    checked("3.13", "after a cancel the publisher drops the subscriber, before long"),
    permitted("3.14", "the last cancel may shut the publisher down", "ours have nothing to shut down"),
    checked("3.15", "cancel returns normally, whenever it is called"),
    checked("3.16", "request returns normally, whenever it is called"),
    checked("3.17", "demand may be requested in any number of calls; u64::MAX and beyond is without bound"),
    checked("4.1", "a processor keeps the rules of a publisher and of a subscriber"),
    checked("4.2", "a processor passes a failure on at once, unless it recovers, and takes upstream for cancelled"),
];
