//! Worlds in which one thing is done wrong: what each property is for.

/// One rule broken around the real ends. The property that has to notice it is in
/// `BROKEN`, in the file above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Grants are read as increments, so one that comes twice counts twice.
    AdditiveGrants,
    /// The consumer grants twice the room it has.
    WindowTwice,
    /// More is confirmed than has arrived.
    ConfirmsAhead,
    /// What comes again is taken for the next item.
    NoDeduplication,
    /// Each request counts twice.
    RequestTwice,
    /// A request for nothing counts as one for one.
    ZeroIsOne,
    /// The end does not wait for the items before it.
    EndsEarly,
    /// The terminal is handed out again.
    TerminalTwice,
    /// The handler has cancelled, and is served on.
    CancelForgotten,
    /// What is sent again is paid for again.
    ResendsAsNew,
    /// One step takes two credits.
    SendsTwice,
    /// Demand in 32 bits.
    Narrow,
    /// An item is accepted without credit.
    NoLimit,
    /// After a switch to pull the runtime asks, too.
    TwoOwners,
    /// The handler is told of a switch that the refilling was not.
    SwitchForgotten,
    /// An item is handled under the epoch before.
    StaleEpoch,
    /// Nothing is sent again.
    ProducerSleeps,
    /// No grant is said again, and nothing is confirmed by time.
    ConsumerSleeps,
    /// The producer serves a grant with one item, and forgets the rest of it.
    ForgetsDemand,
    /// Grants count until the first switch.
    FirstEpochOnly,
    /// The end is told only to those who have asked for more.
    EndNeedsDemand,
    /// A link waits for the one before it.
    HeadOfLine,
    /// Nobody answers a cancel.
    CancelUnanswered,
}
