//! A link over a simulated network: virtual time, and a seed for everything.

use std::collections::BTreeMap;
use std::ops::{AddAssign, Range};
use std::time::Duration;

use tidegate::Mode;
use tidegate::flow::link::{Consumer, Producer, Signal, State, Timing, ToConsumer, ToProducer};

use super::window;

const LINK: u64 = 0x5ea;
/// The variable that repeats one seed.
const SEED: &str = "TIDEGATE_LINK_SEED";

/// The seed of the environment, or the first so many.
pub(crate) fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
    given.map_or(0..count, |seed: u64| seed..seed + 1)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// What becomes of frames, in per cent, and how long they take.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) loss: u64,
    pub(crate) doubling: u64,
    pub(crate) delay: Range<Duration>,
}

#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) items: u64,
    /// The consumer's and the producer's.
    pub(crate) windows: (u64, u64),
    pub(crate) switches: bool,
    pub(crate) fails: bool,
    pub(crate) network: Network,
}

/// What happened, so that a run in which nothing did is noticed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) duplicates: u64,
    pub(crate) early: u64,
    pub(crate) resent: u64,
    pub(crate) switches: u64,
    /// Of those, the ones with granted items not yet here.
    pub(crate) switched_in_flight: u64,
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.duplicates += other.duplicates;
        self.early += other.early;
        self.resent += other.resent;
        self.switches += other.switches;
        self.switched_in_flight += other.switched_in_flight;
    }
}

enum Event {
    Up(ToProducer),
    Down(ToConsumer<u64>),
    /// The handler takes what there is, and asks for more.
    Handle,
}

struct World<'a> {
    run: &'a Run,
    random: Random,
    now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    /// Tells events of the same instant apart.
    count: u64,
    producer: Producer<u64>,
    consumer: Consumer<u64>,
    taken: u64,
    /// What the handler has asked for, and may yet take without.
    demand: u64,
    ended: Option<Signal<u64>>,
    totals: Totals,
}

impl Run {
    /// Runs until both ends have finished, and checks every step. Panics with the
    /// seed in the message.
    pub(crate) fn go(&self, seed: u64) -> Totals {
        let timing = Timing::default().resend(self.network.delay.end * 2, Duration::from_secs(1));
        let now = Duration::from_secs(seed % 1000);
        let mut world = World {
            run: self,
            random: Random(seed),
            now,
            events: BTreeMap::new(),
            count: 0,
            producer: Producer::new(LINK, window(self.windows.1), timing),
            consumer: Consumer::new(LINK, Mode::Pull, window(self.windows.0), timing, now),
            taken: 0,
            demand: 0,
            ended: None,
            totals: Totals::default(),
        };
        world.at(Duration::ZERO, Event::Handle);
        // A fifth of ten thousand items is resent a few times: some 100,000 steps.
        for _ in 0..5_000_000_u64 {
            world.check(seed);
            if world.ended.is_some() && world.producer.state() == State::Finished {
                return world.finish(seed);
            }
            world.step();
        }
        panic!("{SEED}={seed}: no end, {self:?}, {:?}, {:?}", world.producer, world.consumer);
    }
}

impl World<'_> {
    fn at(&mut self, after: Duration, event: Event) {
        self.count += 1;
        self.events.insert((self.now + after, self.count), event);
    }

    fn step(&mut self) {
        let due = [self.producer.deadline(), self.consumer.deadline()].into_iter().flatten().min();
        let next = self.events.first_key_value().map(|(key, _)| key.0);
        match (due, next) {
            (Some(due), next) if next.is_none_or(|next| due <= next) => {
                self.now = self.now.max(due);
                self.producer.handle_timeout(self.now);
                self.consumer.handle_timeout(self.now);
            }
            (_, Some(next)) => {
                self.now = next;
                match self.events.pop_first() {
                    Some((_, Event::Up(frame))) => self.producer.handle_frame(frame, self.now),
                    Some((_, Event::Down(frame))) => self.consumer.handle_frame(frame, self.now),
                    Some((_, Event::Handle)) => self.handle(),
                    None => unreachable!("it was there"),
                }
            }
            (_, None) => panic!("nothing will ever happen again: {:?}, {:?}", self.producer, self.consumer),
        }
        self.produce();
        while let Some(frame) = self.producer.poll_frame() {
            self.transmit(|| Event::Down(frame.clone()));
        }
        while let Some(frame) = self.consumer.poll_frame() {
            self.transmit(|| Event::Up(frame));
        }
    }

    fn transmit(&mut self, event: impl Fn() -> Event) {
        let copies = match self.random.below(100) {
            n if n < self.run.network.loss => 0,
            _ if self.random.below(100) < self.run.network.doubling => 2,
            _ => 1,
        };
        self.totals.lost += u64::from(copies == 0);
        self.totals.doubled += u64::from(copies == 2);
        let Range { start, end } = self.run.network.delay;
        for _ in 0..copies {
            let spread = self.random.below((end - start).as_micros() as u64);
            self.at(start + Duration::from_micros(spread), event());
        }
    }

    /// As much as it may, of what it has.
    fn produce(&mut self) {
        while self.producer.sent() < self.run.items {
            let may = self.producer.allowance();
            if self.producer.try_send(self.producer.sent() * 3, self.now).is_err() {
                assert_eq!(may, 0, "an allowance is kept");
                return;
            }
        }
        if self.run.fails {
            self.producer.fail("the source has failed", self.now);
        } else {
            self.producer.complete(self.now);
        }
    }

    fn handle(&mut self) {
        for _ in 0..self.random.below(6) {
            match self.consumer.poll_signal() {
                Some(Signal::Item { item, sequence, .. }) => {
                    assert_eq!((item, sequence), (self.taken * 3, self.taken), "once, and in order");
                    self.taken += 1;
                }
                Some(terminal) => {
                    assert_eq!(self.taken, self.run.items, "{terminal:?} before the last item");
                    assert!(self.ended.replace(terminal).is_none(), "one terminal");
                }
                None => {}
            }
        }
        if self.ended.is_some() {
            return;
        }
        if self.run.switches && self.random.below(20) == 0 {
            let (mode, _) = self.consumer.mode();
            let other = if mode == Mode::Push { Mode::Pull } else { Mode::Push };
            assert!(self.consumer.switch(other));
            self.totals.switches += 1;
            let out = self.consumer.limit() - self.consumer.done() - self.consumer.buffered();
            self.totals.switched_in_flight += u64::from(out > 0);
            self.demand = self.demand.max(self.consumer.limit());
        }
        if self.consumer.mode().0 == Mode::Pull && self.consumer.requested() == self.taken {
            let n = 1 + self.random.below(50);
            self.consumer.request(n).expect("in pull");
            self.demand += n;
        }
        let pause = Duration::from_micros(self.random.below(2_000));
        self.at(pause, Event::Handle);
    }

    /// What holds after every step.
    fn check(&mut self, seed: u64) {
        let (p, c) = (&self.producer, &self.consumer);
        if c.mode().0 == Mode::Push {
            self.demand = self.demand.max(self.taken + self.run.windows.0);
        }
        let rules = [
            (
                "S1: sent <= limit <= demand",
                p.sent() <= p.limit() && p.limit() <= c.limit() && c.limit() <= self.demand,
            ),
            ("S2: no more than a window is here or may come", c.limit() - self.taken <= self.run.windows.0),
            ("S2: the buffer is bounded", c.buffered() <= self.run.windows.0),
            ("S3: what is unconfirmed is kept", p.unconfirmed().count() as u64 <= self.run.windows.1),
            ("S10: confirmed is received", p.confirmed() <= c.received() && c.received() <= p.sent()),
            ("S12: nobody broke a rule", c.stats().violations + p.stats().violations == 0),
        ];
        for (rule, holds) in rules {
            assert!(holds, "{SEED}={seed}: {rule}: {:?}, {p:?}, {c:?}", self.run);
        }
    }

    fn finish(mut self, seed: u64) -> Totals {
        let wanted = if self.run.fails { Signal::Failed("the source has failed".into()) } else { Signal::Completed };
        assert_eq!(self.ended, Some(wanted), "{SEED}={seed}");
        assert_eq!(self.taken, self.run.items, "{SEED}={seed}");
        assert_eq!(self.producer.unconfirmed().count(), 0, "{SEED}={seed}");
        self.totals.duplicates = self.consumer.stats().duplicates;
        self.totals.early = self.consumer.stats().early;
        self.totals.resent = self.producer.stats().resent;
        self.totals
    }
}
