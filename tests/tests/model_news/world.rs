//! A follower, a store, and what is on its way between them.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::time::Duration;

use tidegate::flow::news::{Follow, Follower, Gap, News, Page, Retained, Step};

/// What can happen, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// How many items are appended.
    pub(crate) items: u64,
    /// How many are kept.
    pub(crate) kept: usize,
    /// How much is wanted in all.
    pub(crate) demand: u64,
    /// Whether notices are lost.
    pub(crate) lossy: bool,
    /// Whether the store is closed after the last item.
    pub(crate) closes: bool,
    /// How many fetches go wrong.
    pub(crate) faults: u8,
    pub(crate) broken: Option<Broken>,
}

impl Plan {
    /// Notices get lost, and there is a safety poll.
    pub(crate) const fn lossy() -> Self {
        Self { items: 3, kept: 2, demand: 4, lossy: true, closes: false, faults: 1, broken: None }
    }

    /// Notices arrive, late and out of order and more than once, and there is no
    /// poll.
    pub(crate) const fn reliable() -> Self {
        Self { lossy: false, ..Self::lossy() }
    }

    fn polls(&self) -> bool {
        self.lossy && self.broken != Some(Broken::NeverPolls)
    }
}

/// Followers and stores as they must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Looks at what has been told, and arms after that.
    LooksBeforeItArms,
    NeverPolls,
    /// Looks when the number told has changed, and not when it has less.
    TakesEdges,
    /// Counts what is wanted twice.
    WantsTwice,
    /// Takes an answer to a fetch that it has given up past the machine.
    DeliversLateAnswers,
    /// The store begins with what it still has, and says nothing.
    KeepsGapsQuiet,
}

/// A notice on its way. It stays there when it is delivered, until it is lost:
/// so it comes late, out of order and more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Notice {
    UpTo(u64),
    Closed(u64),
}

impl Notice {
    pub(crate) const fn up_to(self) -> u64 {
        match self {
            Self::UpTo(up_to) | Self::Closed(up_to) => up_to,
        }
    }
}

/// The one fetch that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fetch {
    Asked(u64, NonZeroU64),
    /// From which cursor, and for how many.
    Read(u64, NonZeroU64, Page<u64>),
}

impl Fetch {
    pub(crate) const fn n(&self) -> u64 {
        match self {
            Self::Asked(_, n) | Self::Read(_, n, _) => n.get(),
        }
    }
}

/// How far an arming has come. The number is what a broken one has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Arming {
    Asked(u64),
    Subscribed(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Append,
    Close,
    Want(u64),
    Deliver(Notice),
    Lose(Notice),
    Subscribe,
    Look,
    Read,
    /// From a replica that has not got so far.
    ReadUpTo(u64),
    Answer,
    AnswerLate,
    Fail,
    Timer,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) follower: Follower,
    pub(crate) store: Retained<u64>,
    /// Whether the store tells of the next append. Only of that.
    pub(crate) subscribed: bool,
    arming: Option<Arming>,
    /// A notice came between an arming and its look.
    pub(crate) crossed: bool,
    pub(crate) notices: BTreeSet<Notice>,
    pub(crate) fetch: Option<Fetch>,
    /// The answer to a fetch that was given up.
    pub(crate) late: Option<(u64, Page<u64>)>,
    /// Until when the follower waits, if there is an until.
    waits: bool,
    pub(crate) wanted: u64,
    pub(crate) delivered: u64,
    /// What has to be delivered next.
    pub(crate) next: u64,
    pub(crate) gaps: u8,
    pub(crate) disorder: Option<&'static str>,
    faults: u8,
    /// What a broken one has been told last.
    told: u64,
    pub(crate) stale: bool,
    pub(crate) completed: bool,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let settings = Follow::from_start().page(2);
        let settings = if plan.polls() { settings } else { settings.never_poll() };
        let mut world = Self {
            follower: Follower::new(settings),
            store: Retained::new(plan.kept),
            subscribed: false,
            arming: None,
            crossed: false,
            notices: BTreeSet::new(),
            fetch: None,
            late: None,
            waits: false,
            wanted: 0,
            delivered: 0,
            next: 0,
            gaps: 0,
            disorder: None,
            faults: 0,
            told: 0,
            stale: false,
            completed: false,
        };
        world.run();
        world
    }

    pub(crate) fn acts(&self, plan: &Plan, acts: &mut Vec<Act>) {
        if self.completed {
            return;
        }
        let appended = self.store.end() == plan.items;
        if !appended {
            acts.push(Act::Append);
        } else if plan.closes && !self.store.is_closed() {
            acts.push(Act::Close);
        }
        for n in [1, 2] {
            if self.wanted + n <= plan.demand {
                acts.push(Act::Want(n));
            }
        }
        for notice in &self.notices {
            acts.push(Act::Deliver(*notice));
            // Where notices arrive, the highest may be late but is not lost.
            let last = self.notices.last() == Some(notice);
            if plan.lossy || (!last && notice.up_to() <= self.follower.known()) {
                acts.push(Act::Lose(*notice));
            }
        }
        match self.arming {
            Some(Arming::Asked(_)) => acts.push(Act::Subscribe),
            Some(Arming::Subscribed(_)) => acts.push(Act::Look),
            None => {}
        }
        let may_fail = self.faults < plan.faults;
        match &self.fetch {
            Some(Fetch::Asked(cursor, _)) => {
                acts.push(Act::Read);
                if may_fail {
                    acts.extend((*cursor..self.store.end()).map(Act::ReadUpTo));
                    acts.push(Act::Fail);
                }
            }
            Some(Fetch::Read(..)) => {
                acts.push(Act::Answer);
                if may_fail {
                    acts.push(Act::Fail);
                }
            }
            None => {}
        }
        if self.late.is_some() {
            acts.push(Act::AnswerLate);
        }
        if self.waits && (self.fetch.is_none() || may_fail) {
            acts.push(Act::Timer);
        }
    }

    pub(crate) fn act(&mut self, plan: &Plan, act: Act) {
        match act {
            Act::Append => {
                let sequence = self.store.end();
                assert!(self.store.append(sequence).is_ok(), "it is open");
                if std::mem::take(&mut self.subscribed) {
                    self.notices.insert(Notice::UpTo(sequence + 1));
                }
            }
            Act::Close => {
                self.store.close();
                if std::mem::take(&mut self.subscribed) {
                    self.notices.insert(Notice::Closed(self.store.end()));
                }
            }
            Act::Want(n) => {
                self.wanted += n;
                self.follower.demand(if plan.broken == Some(Broken::WantsTwice) { 2 * n } else { n });
            }
            Act::Deliver(notice) => {
                self.crossed |= matches!(self.arming, Some(Arming::Subscribed(_)));
                self.hear(plan, notice);
            }
            Act::Lose(notice) => {
                self.notices.remove(&notice);
            }
            Act::Subscribe => {
                if let Some(Arming::Asked(seen)) = self.arming {
                    self.subscribed = true;
                    self.arming = Some(Arming::Subscribed(seen));
                }
            }
            Act::Look => {
                if let Some(Arming::Subscribed(seen)) = self.arming.take() {
                    let broken = plan.broken == Some(Broken::LooksBeforeItArms);
                    self.look(plan, if broken { seen } else { self.store.end() }, !broken);
                }
            }
            Act::Read => self.read(plan, u64::MAX),
            Act::ReadUpTo(end) => {
                self.faults += 1;
                self.stale = true;
                self.read(plan, end);
            }
            Act::Answer => {
                if let Some(Fetch::Read(cursor, _, page)) = self.fetch.take() {
                    self.take(cursor, page);
                }
            }
            Act::AnswerLate => {
                if let Some((cursor, page)) = self.late.take() {
                    if plan.broken == Some(Broken::DeliversLateAnswers) {
                        page.items.into_iter().for_each(|(sequence, item)| self.deliver(News::Item(sequence, item)));
                    } else {
                        self.take(cursor, page);
                    }
                }
            }
            Act::Fail => {
                self.faults += 1;
                self.fetch = None;
                self.follower.fetch_failed(Duration::ZERO);
            }
            Act::Timer => {
                if let Some(fetch) = self.fetch.take() {
                    self.faults += 1;
                    if let Fetch::Read(cursor, _, page) = fetch {
                        self.late = Some((cursor, page));
                    }
                }
                self.follower.timer();
            }
        }
        self.run();
    }

    fn hear(&mut self, plan: &Plan, notice: Notice) {
        match notice {
            Notice::UpTo(up_to) if plan.broken == Some(Broken::TakesEdges) => self.edge(up_to),
            Notice::UpTo(up_to) => self.follower.notified(up_to),
            Notice::Closed(end) => self.follower.closed(end),
        }
    }

    fn look(&mut self, plan: &Plan, up_to: u64, closed: bool) {
        if plan.broken == Some(Broken::TakesEdges) {
            self.follower.armed(0);
            self.edge(up_to);
            return;
        }
        self.follower.armed(up_to);
        if closed && self.store.is_closed() {
            self.follower.closed(self.store.end());
        }
    }

    fn edge(&mut self, up_to: u64) {
        if up_to > self.told {
            self.told = up_to;
            self.follower.nudged();
        }
    }

    fn read(&mut self, plan: &Plan, lag: u64) {
        let Some(Fetch::Asked(cursor, n)) = self.fetch else { return };
        let mut page = self.store.fetch(cursor, n).expect("no cursor lies ahead");
        if plan.broken == Some(Broken::KeepsGapsQuiet) {
            page.gap = None;
        }
        if lag < page.next {
            // As if it had ended there.
            let items = page.items.into_iter().filter(|(sequence, _)| *sequence < lag).collect();
            let gap = page.gap.map(|gap| Gap { to: gap.to.min(lag), ..gap }).filter(|gap| gap.to > gap.from);
            page = Page::new(items, lag).gap(gap);
        }
        self.fetch = Some(Fetch::Read(cursor, n, page));
    }

    fn take(&mut self, cursor: u64, page: Page<u64>) {
        let news = self.follower.fetched(cursor, page).expect("the store makes sense");
        if !self.follower.is_fetching() {
            // Whichever fetch it was for.
            self.fetch = None;
        }
        news.into_iter().for_each(|news| self.deliver(news));
    }

    fn deliver(&mut self, news: News<u64>) {
        let wrong = match news {
            News::Item(sequence, item) if sequence != item => Some("another item"),
            News::Item(sequence, _) if sequence < self.next => Some("an item twice"),
            News::Item(sequence, _) if sequence > self.next => Some("an item left out"),
            News::Gap(gap) if gap.from != self.next || gap.to <= gap.from => Some("a gap elsewhere"),
            News::Gap(gap) if gap.to > self.store.first() => Some("a gap over what is there"),
            _ => None,
        };
        self.disorder = self.disorder.or(wrong);
        self.gaps += u8::from(matches!(news, News::Gap(_)));
        self.delivered += 1;
        self.next = news.cursor();
    }

    /// Does what the follower says, until it waits.
    fn run(&mut self) {
        loop {
            match self.follower.step(Duration::ZERO, || 0) {
                Step::Fetch { cursor, n } => {
                    assert!(self.fetch.is_none(), "two fetches at once");
                    self.fetch = Some(Fetch::Asked(cursor, n));
                }
                Step::Arm => self.arming = Some(Arming::Asked(self.store.end())),
                Step::Wait { until } => {
                    self.waits = until.is_some();
                    return;
                }
                Step::Complete => {
                    self.completed = true;
                    return;
                }
                other => panic!("{other:?} in a world that never gives up"),
            }
        }
    }

    /// Whether everything is fetched in the end, if nothing more is appended and
    /// nothing more goes wrong. With a poll every notice is lost; without, each
    /// arrives.
    pub(crate) fn closes(&self, plan: &Plan) -> bool {
        let mut world = self.clone();
        let all = world.store.end();
        if plan.lossy {
            world.notices.clear();
            world.subscribed = false;
        }
        world.act(plan, Act::Want(2 * all + 2));
        // As many rounds as there are items, gaps and waits in a row.
        for _ in 0..4 * all + 8 {
            if world.completed || (world.next == all && !world.store.is_closed()) {
                return world.next == all;
            }
            for notice in std::mem::take(&mut world.notices) {
                if !plan.lossy {
                    world.act(plan, Act::Deliver(notice));
                }
            }
            for act in [Act::Subscribe, Act::Look, Act::Read, Act::Answer] {
                world.act(plan, act);
            }
            if plan.lossy {
                world.subscribed = false;
            }
            if world.waits && world.fetch.is_none() {
                world.act(plan, Act::Timer);
            }
        }
        false
    }
}
