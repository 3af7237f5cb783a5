//! Arrivals made by rule, for when there is no trace.

use std::{f64::consts::TAU, str::FromStr};

use crate::rng::Rng;

/// How arrivals come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// One every `1/rate`.
    Constant,
    /// Independent of each other, at the rate throughout.
    Poisson,
    /// Poisson, four times the rate for a fifth of the time and a quarter of it
    /// for the rest; a burst and the quiet after it last a twentieth of the run
    /// and four twentieths on average.
    Bursty,
    /// Poisson, the rate swinging between a tenth and 1.9 times its mean in two
    /// full waves over the run: two days.
    Diurnal,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        Ok(match s {
            "constant" => Self::Constant,
            "poisson" => Self::Poisson,
            "bursty" => Self::Bursty,
            "diurnal" => Self::Diurnal,
            _ => return Err(format!("{s:?} is not one of poisson, constant, bursty, diurnal")),
        })
    }
}

impl Pattern {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Bursty => "bursty",
            Self::Diurnal => "diurnal",
        }
    }
}

/// Share of the time that is burst, and the rates inside and outside as
/// multiples of the mean: 0.2 x 4 + 0.8 x 0.25 = 1.
const BURST_SHARE: f64 = 0.2;
const BURST_RATE: f64 = 4.0;
const QUIET_RATE: f64 = 0.25;

/// Draws the arrivals of `seconds` at a mean of `rate` a second, in order.
pub(crate) fn arrivals(pattern: Pattern, rate: f64, seconds: f64, rng: &mut Rng) -> Vec<f64> {
    match pattern {
        Pattern::Constant => (0_u32..).map(|i| f64::from(i) / rate).take_while(|t| *t < seconds).collect(),
        Pattern::Poisson => thinned(rate, seconds, rng, |_| 1.0),
        Pattern::Diurnal => {
            let wave = |t: f64| (1.0 - 0.9 * (TAU * 2.0 * t / seconds).cos()) / 1.9;
            thinned(rate * 1.9, seconds, rng, wave)
        }
        Pattern::Bursty => {
            let changes = bursts(seconds, rng);
            let loud = |t: f64| changes.partition_point(|c| *c <= t) % 2 == 1;
            thinned(rate * BURST_RATE, seconds, rng, |t| if loud(t) { 1.0 } else { QUIET_RATE / BURST_RATE })
        }
    }
}

/// Poisson arrivals at `peak`, each kept with probability `keep(t)`.
fn thinned(peak: f64, seconds: f64, rng: &mut Rng, keep: impl Fn(f64) -> f64) -> Vec<f64> {
    let mut at = 0.0;
    let mut out = Vec::new();
    loop {
        at += rng.exponential(1.0 / peak);
        if at >= seconds {
            return out;
        }
        if rng.unit() <= keep(at) {
            out.push(at);
        }
    }
}

/// When bursts begin and end, alternately; the run begins quiet.
///
/// Lengths are drawn in pairs and scaled to fill the run, so that a fifth of it
/// is burst whatever the seed: the mean rate would otherwise differ by half
/// from seed to seed.
fn bursts(seconds: f64, rng: &mut Rng) -> Vec<f64> {
    const BURSTS: usize = 4;
    let mut lengths = |share: f64| -> Vec<f64> {
        let drawn: Vec<f64> = (0..BURSTS).map(|_| 0.3 + rng.exponential(0.7)).collect();
        let sum: f64 = drawn.iter().sum();
        drawn.into_iter().map(|l| l / sum * share * seconds).collect()
    };
    let (loud, quiet) = (lengths(BURST_SHARE), lengths(1.0 - BURST_SHARE));
    let mut at = 0.0;
    let mut changes = Vec::with_capacity(2 * BURSTS);
    for (q, l) in quiet.into_iter().zip(loud) {
        changes.push(at + q);
        changes.push(at + q + l);
        at += q + l;
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Pattern; 4] = [Pattern::Constant, Pattern::Poisson, Pattern::Bursty, Pattern::Diurnal];

    #[test]
    fn arrivals_are_in_order_within_the_run_and_at_the_rate() {
        for pattern in ALL {
            for seed in 0..5 {
                let a = arrivals(pattern, 1000.0, 10.0, &mut Rng::stream(seed, 0));
                assert!(a.is_sorted(), "{pattern:?}");
                assert!(a.iter().all(|t| (0.0..10.0).contains(t)));
                assert!((9_500..=10_500).contains(&a.len()), "{pattern:?} seed {seed}: {}", a.len());
            }
        }
    }

    #[test]
    fn same_seed_same_arrivals() {
        for pattern in ALL {
            let draw = |seed| arrivals(pattern, 100.0, 5.0, &mut Rng::stream(seed, 0));
            assert_eq!(draw(3), draw(3));
            assert!(pattern == Pattern::Constant || draw(3) != draw(4));
        }
    }

    #[test]
    fn bursts_are_bursts() {
        let spread = |pattern| {
            let mut counts = [0_u32; 100];
            for t in arrivals(pattern, 1000.0, 10.0, &mut Rng::stream(1, 0)) {
                counts[(t * 10.0) as usize] += 1;
            }
            counts.iter().max().copied().unwrap_or(0)
        };
        assert!(spread(Pattern::Poisson) < 160);
        assert!(spread(Pattern::Bursty) > 300);
    }
}
