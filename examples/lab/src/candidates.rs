//! The configurations to try, and how each is written down.
//!
//! The TOML that the report prints is the text that the run parsed: what is
//! recommended is what was measured.

/// Who moves demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Push,
    PullOneByOne,
    PullWindow { window: usize },
    PullInFlight { window: usize },
    Adaptive { pull_window: usize },
}

/// When the adaptive ones switch, in milliseconds. Sooner than by default, since
/// a run squeezes a long time into seconds: with a few milliseconds of work for
/// an event, a burst is over before the default has made up its mind.
const OVERLOADED_FOR: u64 = 5;
const RELIEVED_FOR: u64 = 50;
const DWELL: u64 = 20;

/// What a sender meets where there is no grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Wait,
    Reject,
    DropNewest,
    DropOldest,
    Latest,
    Divert,
    /// Where there is no room, merges into the queued message of the same key;
    /// without one, displaces the oldest. A file can say only the latter.
    Conflate,
}

impl Policy {
    /// The name that the configuration file has for it.
    fn key(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Reject => "reject",
            Self::DropNewest => "drop-newest",
            Self::DropOldest | Self::Conflate => "drop-oldest",
            Self::Latest => "latest",
            Self::Divert => "divert",
        }
    }

    fn variant(self) -> &'static str {
        match self {
            Self::Wait => "Wait",
            Self::Reject => "Reject",
            Self::DropNewest => "DropNewest",
            Self::DropOldest | Self::Conflate => "DropOldest",
            Self::Latest => "Latest",
            Self::Divert => "Divert",
        }
    }

    fn name(self) -> &'static str {
        if self == Self::Conflate { "conflate" } else { self.key() }
    }
}

/// One configuration of the consumers' mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// As in the table and in `--configs`.
    pub(crate) name: String,
    pub(crate) mode: Mode,
    pub(crate) policy: Policy,
    pub(crate) capacity: usize,
    /// Tried when `--configs` is not given.
    pub(crate) usual: bool,
}

impl Candidate {
    fn new(mode: Mode, policy: Policy, capacity: usize, usual: bool) -> Self {
        let mode_name = match mode {
            Mode::Push => "push".to_owned(),
            Mode::PullOneByOne => "pull-one".to_owned(),
            Mode::PullWindow { window } => format!("pull-window-{window}"),
            Mode::PullInFlight { window } => format!("pull-in-flight-{window}"),
            Mode::Adaptive { .. } => "adaptive".to_owned(),
        };
        Self { name: format!("{mode_name}-{}", policy.name()), mode, policy, capacity, usual }
    }

    /// Whether a sender that meets no grant waits for one.
    pub(crate) fn waits(&self) -> bool {
        self.policy == Policy::Wait
    }

    /// Whether this is a push configuration.
    pub(crate) fn is_push(&self) -> bool {
        self.mode == Mode::Push
    }

    /// Whether the runtime chooses between push and pull.
    pub(crate) fn is_adaptive(&self) -> bool {
        matches!(self.mode, Mode::Adaptive { .. })
    }

    /// The mailbox as a configuration file has it. Capacity is for push and
    /// adaptive: a pull's is what it asks for. Conflation is code, and a file
    /// cannot hold it: see [`Candidate::rust`].
    pub(crate) fn toml(&self) -> String {
        let Self { capacity, policy, .. } = self;
        let mode = match self.mode {
            Mode::Push => format!("mode = \"push\"\ncapacity = {capacity}\n"),
            Mode::PullOneByOne => "mode = \"pull\"\nstrategy = \"one-by-one\"\n".to_owned(),
            Mode::PullWindow { window } => format!("mode = \"pull\"\nstrategy = \"window\"\nwindow = {window}\n"),
            Mode::PullInFlight { window } => {
                format!("mode = \"pull\"\nstrategy = \"max-in-flight\"\nwindow = {window}\n")
            }
            Mode::Adaptive { pull_window } => {
                format!("mode = \"adaptive\"\ncapacity = {capacity}\nwindow = {pull_window}\n")
            }
        };
        let thresholds = if self.is_adaptive() {
            format!(
                "\n[thresholds]\noverloaded-for-ms = {OVERLOADED_FOR}\nrelieved-for-ms = {RELIEVED_FOR}\n\
                 dwell-ms = {DWELL}\n"
            )
        } else {
            String::new()
        };
        format!("{mode}overflow = \"{}\"\n{thresholds}", policy.key())
    }

    /// What spawns a consumer with it, as statements.
    pub(crate) fn rust(&self) -> String {
        let capacity = self.capacity;
        let mode = match self.mode {
            Mode::Push => format!("Push::bounded({capacity})"),
            Mode::PullOneByOne => "Pull::one_by_one()".to_owned(),
            Mode::PullWindow { window } => format!("Pull::window({window})"),
            Mode::PullInFlight { window } => format!("Pull::max_in_flight({window})"),
            Mode::Adaptive { pull_window } => {
                format!("Adaptive::window({capacity}).pull_window({pull_window}).thresholds(thresholds)")
            }
        };
        let policy = format!(".overflow(Overflow::{})", self.policy.variant());
        let mailbox = match self.policy {
            Policy::Wait => mode,
            Policy::Conflate => {
                format!("Mailbox::from({mode}).conflate(|m: &Msg| m.key, |queued, new| *queued = new)")
            }
            _ => format!("{mode}{policy}"),
        };
        let thresholds = if self.is_adaptive() {
            format!(
                "let mut thresholds = Thresholds::default();\n\
                 thresholds.overloaded_for = Duration::from_millis({OVERLOADED_FOR});\n\
                 thresholds.relieved_for = Duration::from_millis({RELIEVED_FOR});\n\
                 thresholds.dwell = Duration::from_millis({DWELL});\n"
            )
        } else {
            String::new()
        };
        format!("{thresholds}system.spawn(consumer, {mailbox});\n")
    }
}

/// Every configuration that the program knows, simplest first: where nothing
/// tells two apart, the earlier is recommended.
pub(crate) fn all(capacity: usize) -> Vec<Candidate> {
    use Mode::{Adaptive, PullInFlight, PullOneByOne, PullWindow, Push};
    use Policy::{Conflate, Divert, DropNewest, DropOldest, Latest, Reject, Wait};
    // One handled, one ready: the least that leaves no gap between two messages.
    let two = 2;
    let window = (capacity / 2).clamp(1, 8);
    [
        (Push, Wait, true),
        (Push, Reject, false),
        (Push, DropNewest, true),
        (Push, DropOldest, true),
        (Push, Latest, true),
        (Push, Conflate, true),
        (Push, Divert, false),
        (PullOneByOne, Wait, true),
        (PullOneByOne, Reject, true),
        (PullWindow { window }, Wait, true),
        (PullInFlight { window: two }, Wait, true),
        (Adaptive { pull_window: two.min(capacity) }, Wait, true),
        (Adaptive { pull_window: two.min(capacity) }, DropOldest, false),
    ]
    .into_iter()
    .map(|(mode, policy, usual)| Candidate::new(mode, policy, capacity, usual))
    .collect()
}

/// Selects by `--configs`: names or beginnings of names, separated by commas;
/// `all` for all; nothing for the usual ones.
///
/// # Errors
/// A part that selects nothing, with what there is.
pub(crate) fn select(capacity: usize, filter: Option<&str>) -> Result<Vec<Candidate>, String> {
    let all = all(capacity);
    let Some(filter) = filter else {
        return Ok(all.into_iter().filter(|c| c.usual).collect());
    };
    let parts: Vec<&str> = filter.split(',').map(str::trim).filter(|p| !p.is_empty()).collect();
    let selects = |part: &str, c: &Candidate| part == "all" || c.name.starts_with(part);
    for part in &parts {
        if !all.iter().any(|c| selects(part, c)) {
            let names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
            return Err(format!("--configs: nothing begins with {part:?}; there are {}", names.join(", ")));
        }
    }
    if parts.is_empty() {
        return Err("--configs names nothing".to_owned());
    }
    Ok(all.into_iter().filter(|c| parts.iter().any(|p| selects(p, c))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_every_mode_is_usual() {
        let all = all(16);
        let names: std::collections::BTreeSet<&str> = all.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for mode in ["push", "pull", "adaptive"] {
            assert!(all.iter().any(|c| c.usual && c.name.starts_with(mode)), "{mode}");
        }
    }

    #[test]
    fn filters_select_by_the_beginning() {
        let names = |f: &str| -> Vec<String> { select(16, Some(f)).unwrap().into_iter().map(|c| c.name).collect() };
        assert_eq!(names("push-wait, adaptive-d"), ["push-wait", "adaptive-drop-oldest"]);
        assert_eq!(names("all").len(), all(16).len());
        assert!(names("pull").iter().all(|n| n.starts_with("pull")));
        assert!(select(16, Some("pish")).unwrap_err().contains("push-wait"));
        assert!(select(16, Some(" ,")).is_err());
    }

    #[test]
    fn both_ways_of_writing_say_the_same() {
        let all = all(16);
        let of = |name: &str| all.iter().find(|c| c.name == name).unwrap();
        assert_eq!(of("push-wait").toml(), "mode = \"push\"\ncapacity = 16\noverflow = \"wait\"\n");
        assert_eq!(of("push-wait").rust(), "system.spawn(consumer, Push::bounded(16));\n");
        assert!(of("pull-one-reject").rust().contains("Pull::one_by_one().overflow(Overflow::Reject))"));
        assert!(of("push-conflate").rust().contains("Mailbox::from(Push::bounded(16)).conflate("));
        let adaptive = of("adaptive-wait").rust();
        assert!(adaptive.starts_with("let mut thresholds") && adaptive.contains("(thresholds));"), "{adaptive}");
    }

    #[test]
    fn every_one_is_a_mailbox_whatever_the_capacity() {
        for capacity in [1, 2, 3, 8, 16, 1000] {
            for c in all(capacity) {
                let mailbox = toml::from_str::<tidegate::MailboxConfig>(&c.toml());
                assert!(mailbox.is_ok(), "{} of {capacity}: {mailbox:?}", c.name);
            }
        }
    }

    /// The statements that are printed, as far as they differ in kind.
    #[test]
    fn what_is_said_in_rust_is_what_the_file_says() {
        use std::time::Duration;
        use tidegate::{Adaptive, Mailbox, MailboxConfig, Overflow, Pull, Push, Thresholds};
        let mut thresholds = Thresholds::default();
        thresholds.overloaded_for = Duration::from_millis(OVERLOADED_FOR);
        thresholds.relieved_for = Duration::from_millis(RELIEVED_FOR);
        thresholds.dwell = Duration::from_millis(DWELL);
        let in_rust: [(&str, Mailbox<u8>); 6] = [
            ("push-drop-oldest", Push::bounded(16).overflow(Overflow::DropOldest).into()),
            ("push-wait", Push::bounded(16).into()),
            ("pull-one-reject", Pull::one_by_one().overflow(Overflow::Reject).into()),
            ("pull-window-8-wait", Pull::window(8).into()),
            ("pull-in-flight-2-wait", Pull::max_in_flight(2).into()),
            ("adaptive-wait", Adaptive::window(16).pull_window(2).thresholds(thresholds).into()),
        ];
        for (name, mailbox) in in_rust {
            let candidate = select(16, Some(name)).unwrap().remove(0);
            let config: MailboxConfig = toml::from_str(&candidate.toml()).unwrap();
            assert_eq!(format!("{mailbox:?}"), format!("{:?}", Mailbox::<u8>::from(config)), "{name}");
        }
    }
}
