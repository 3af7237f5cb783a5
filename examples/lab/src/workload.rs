//! The plan: when every event comes, what it is about and how long it takes.
//!
//! Made once and replayed under every configuration, so that they differ in
//! nothing but delivery (common random numbers). A plan that exists is valid.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use crate::{
    generate::{self, Pattern},
    rng::Rng,
    service::{Service, Shape, milliseconds},
    text,
    trace::{self, Trace},
};

/// Where arrivals come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// The week of earthquakes that the program carries.
    Week,
    File(PathBuf),
    Generated {
        pattern: Pattern,
        rate: f64,
        duration: Duration,
    },
}

/// Which consumer a producer offers a message to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatch {
    /// The next in turn whose mailbox has a free grant.
    Ready,
    /// The next in turn, free or not.
    Turn,
    /// Always the same one for a key.
    Key,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    pub(crate) source: Source,
    /// `None`: the trace's own times if it has them, else spread by the load.
    pub(crate) service: Option<Service>,
    pub(crate) consumers: usize,
    pub(crate) producers: usize,
    pub(crate) dispatch: Dispatch,
    /// `None`: so that the replay takes [`Spec::replay`].
    pub(crate) compress: Option<f64>,
    pub(crate) replay: Duration,
    /// How busy the consumers are when the service time is not given.
    pub(crate) load: f64,
    pub(crate) seed: u64,
    pub(crate) keys: u32,
    pub(crate) bytes: Option<u32>,
}

/// One event of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// From the beginning of the run.
    pub(crate) at: Duration,
    pub(crate) key: u32,
    pub(crate) service: Duration,
    pub(crate) bytes: u32,
}

/// A plan.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    /// At least one, in order of time, the first at zero.
    pub(crate) events: Vec<Event>,
    pub(crate) keys: u32,
    pub(crate) service: Service,
    pub(crate) consumers: usize,
    pub(crate) producers: usize,
    pub(crate) dispatch: Dispatch,
    pub(crate) seed: u64,
    /// What it is, for the report's head.
    pub(crate) title: String,
    /// What was assumed, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// More arrivals than this are refused before they are drawn.
pub(crate) const MOST_EVENTS: f64 = 5_000_000.0;
/// A replay longer than this is refused: it is a compression forgotten.
const LONGEST: Duration = Duration::from_secs(3600);

impl Workload {
    /// Makes the plan.
    ///
    /// # Errors
    /// The sentence to show the user: an unreadable trace, or options that
    /// cannot go together.
    pub(crate) fn plan(spec: &Spec) -> Result<Self, String> {
        let draft = match &spec.source {
            Source::Generated { pattern, rate, duration } => generated(spec, *pattern, *rate, *duration)?,
            Source::Week => {
                let default = Service { shape: Shape::By("sig".to_owned()), ..Service::AUTO };
                let service = spec.service.clone().unwrap_or(default);
                let trace = trace::parse("the week of earthquakes", crate::EARTHQUAKES, service.weight())
                    .map_err(|e| e.to_string())?;
                traced(spec, &trace, service, "a week of earthquakes (USGS, 2018-01-31 to 02-07)")?
            }
            Source::File(path) => {
                let weight = spec.service.as_ref().and_then(Service::weight);
                let trace = trace::load(path, weight).map_err(|e| e.to_string())?;
                let own = trace.rows.iter().all(|r| r.service_ms.is_some());
                let default = if own { Service { shape: Shape::Column, ..Service::AUTO } } else { Service::AUTO };
                let service = spec.service.clone().unwrap_or(default);
                traced(spec, &trace, service, &path.display().to_string())?
            }
        };
        draft.finish(spec)
    }

    /// Time from the first arrival to the last.
    pub(crate) fn span(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |e| e.at)
    }

    /// Work that arrives by work that the consumers can do in the same time.
    pub(crate) fn utilisation(&self) -> f64 {
        let work: f64 = self.events.iter().map(|e| e.service.as_secs_f64()).sum();
        work / (self.span().as_secs_f64().max(1e-3) * self.consumers as f64)
    }

    /// Events a second over the span.
    pub(crate) fn rate(&self) -> f64 {
        self.events.len() as f64 / self.span().as_secs_f64().max(1e-3)
    }

    /// Mean service time.
    pub(crate) fn mean_service(&self) -> Duration {
        self.events.iter().map(|e| e.service).sum::<Duration>() / u32::try_from(self.events.len()).unwrap_or(u32::MAX)
    }

    /// How uneven the load is: of 160 slices of the run the share in which more
    /// work arrives than the consumers can do, and the fullest by the mean.
    pub(crate) fn burstiness(&self) -> (f64, f64) {
        const SLICES: usize = 160;
        let slice = (self.span().as_secs_f64() / SLICES as f64).max(1e-9);
        let mut work = [0.0_f64; SLICES];
        for e in &self.events {
            let at = (e.at.as_secs_f64() / slice) as usize;
            work[at.min(SLICES - 1)] += e.service.as_secs_f64();
        }
        let room = slice * self.consumers as f64;
        let over = work.iter().filter(|w| **w > room).count() as f64 / SLICES as f64;
        let mean = work.iter().sum::<f64>() / SLICES as f64;
        (over, work.iter().copied().fold(0.0, f64::max) / mean.max(1e-12))
    }
}

/// A plan whose service times are yet to be drawn.
struct Draft {
    events: Vec<Event>,
    /// Weight by mean weight, one an event.
    relative: Vec<f64>,
    own_service: Option<Vec<f64>>,
    keys: u32,
    service: Service,
    title: String,
    notes: Vec<String>,
}

fn generated(spec: &Spec, pattern: Pattern, rate: f64, duration: Duration) -> Result<Draft, String> {
    let expected = rate * duration.as_secs_f64();
    if expected > MOST_EVENTS {
        return Err(format!(
            "--rate {rate} for {} makes about {expected:.0} events; {MOST_EVENTS:.0} is the most",
            text::time(duration)
        ));
    }
    let service = spec.service.clone().unwrap_or(Service::AUTO);
    if let Shape::By(_) | Shape::Column = service.shape {
        return Err(
            "--service by:COLUMN and --service trace need a trace; generated arrivals have no columns".to_owned()
        );
    }
    let times = generate::arrivals(pattern, rate, duration.as_secs_f64(), &mut Rng::stream(spec.seed, 0));
    let Some(first) = times.first().copied() else {
        return Err(format!("--rate {rate} for {} makes no event at all", text::time(duration)));
    };
    let mut rng = Rng::stream(spec.seed, 2);
    let bytes = spec.bytes.unwrap_or(256);
    let events: Vec<Event> = times
        .iter()
        .map(|t| Event {
            at: Duration::from_secs_f64(t - first),
            key: rng.below(spec.keys),
            service: Duration::ZERO,
            bytes,
        })
        .collect();
    Ok(Draft {
        relative: vec![1.0; events.len()],
        events,
        own_service: None,
        keys: spec.keys,
        service,
        title: format!("{} arrivals, {rate}/s for {}", pattern.name(), text::time(duration)),
        notes: vec![format!(
            "Messages are taken to weigh {bytes} bytes (--bytes) and to be about {} keys (--keys).",
            spec.keys
        )],
    })
}

fn traced(spec: &Spec, trace: &Trace, service: Service, title: &str) -> Result<Draft, String> {
    let rows = &trace.rows;
    let mut notes = Vec::new();
    match trace.out_of_order {
        0 => {}
        n if n + 1 == rows.len() => notes.push("The file has the newest first; it was turned round.".to_owned()),
        n => notes.push(format!("The file is not in order of time ({n} steps back); it was sorted.")),
    }
    let origin = rows[0].time_ms;
    let span = (rows[rows.len() - 1].time_ms - origin) / 1000.0;
    let factor = match spec.compress {
        Some(factor) => factor,
        None if span > 0.0 => span / spec.replay.as_secs_f64(),
        None => 1.0,
    };
    let replay = span / factor;
    if replay > LONGEST.as_secs_f64() {
        return Err(format!(
            "the replay would take {replay:.0} s for every configuration; --compress {:.0} brings it to 4 s",
            span / 4.0
        ));
    }
    if span > 0.0 {
        notes.push(format!(
            "{} of arrivals are played in {} ({factor:.0} times faster, --compress); a second of the run is {} of the trace. \
             Service times are not compressed.",
            text::span(span),
            text::time(Duration::from_secs_f64(replay)),
            text::span(factor)
        ));
    }
    let own_service = match service.shape {
        Shape::Column => Some(
            rows.iter()
                .map(|r| r.service_ms.ok_or("--service trace needs a column service_ms with a value in every record"))
                .collect::<Result<Vec<f64>, _>>()?,
        ),
        _ => None,
    };
    let weights: Vec<f64> = rows.iter().map(|r| r.weight.unwrap_or(1.0)).collect();
    let mean_weight = weights.iter().sum::<f64>() / weights.len() as f64;
    if mean_weight <= 0.0 {
        return Err(format!("--service by:{}: every value is zero", service.weight().unwrap_or_default()));
    }
    let mut names: HashMap<&str, u32> = HashMap::new();
    let bytes = spec.bytes.unwrap_or(trace.mean_bytes);
    if rows.iter().any(|r| r.bytes.is_none()) {
        notes.push(format!(
            "Messages are taken to weigh {bytes} bytes, {}.",
            match spec.bytes {
                Some(_) => "as --bytes says",
                None => "the mean size of a record in the file",
            }
        ));
    }
    let events: Vec<Event> = rows
        .iter()
        .map(|r| {
            let next = names.len() as u32;
            Event {
                at: Duration::from_secs_f64((r.time_ms - origin) / 1000.0 / factor),
                key: *names.entry(r.key.as_deref().unwrap_or("")).or_insert(next),
                service: Duration::ZERO,
                bytes: r.bytes.unwrap_or(bytes),
            }
        })
        .collect();
    Ok(Draft {
        events,
        relative: weights.into_iter().map(|w| w / mean_weight).collect(),
        own_service,
        keys: names.len() as u32,
        service,
        title: format!("{title}: {} events, {} keys", rows.len(), names.len()),
        notes,
    })
}

impl Draft {
    /// Draws the service times, now that the span is known.
    fn finish(self, spec: &Spec) -> Result<Workload, String> {
        let Self { mut events, relative, own_service, keys, service, title, mut notes } = self;
        if own_service.is_some() && events.iter().any(|e| e.at > Duration::ZERO) && spec.compress.is_none() {
            notes.push("The trace's service times are real ones: give --compress 1 for the load as it was.".to_owned());
        }
        let span = events.last().map_or(0.0, |e| e.at.as_secs_f64());
        let by_load = spec.load * spec.consumers as f64 * span / events.len() as f64 * 1000.0;
        let mean_ms = service.mean_ms.unwrap_or(by_load);
        let mut rng = Rng::stream(spec.seed, 1);
        for (i, e) in events.iter_mut().enumerate() {
            e.service = match &own_service {
                Some(own) => milliseconds(own[i]),
                None => service.draw(mean_ms, relative[i], &mut rng),
            };
        }
        if events.iter().any(|e| e.service > LONGEST) {
            return Err("a service time is longer than an hour: are the times in milliseconds?".to_owned());
        }
        if own_service.is_none() && service.mean_ms.is_none() {
            notes.push(format!(
                "The mean service time was chosen so that the consumers are {:.0} % busy on average (--load, or --service).",
                spec.load * 100.0
            ));
        }
        Ok(Workload {
            events,
            keys,
            service,
            consumers: spec.consumers,
            producers: spec.producers,
            dispatch: spec.dispatch,
            seed: spec.seed,
            title,
            notes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn spec(source: Source) -> Spec {
        Spec {
            source,
            service: None,
            consumers: 4,
            producers: 1,
            dispatch: Dispatch::Ready,
            compress: None,
            replay: Duration::from_secs(4),
            load: 0.75,
            seed: 1,
            keys: 8,
            bytes: None,
        }
    }

    fn poisson(rate: f64, seconds: u64) -> Source {
        Source::Generated { pattern: Pattern::Poisson, rate, duration: Duration::from_secs(seconds) }
    }

    #[test]
    fn the_week_is_compressed_and_loaded_as_asked() {
        let w = Workload::plan(&spec(Source::Week)).unwrap();
        assert_eq!((w.events.len(), w.keys), (1707, 12));
        assert!((w.span().as_secs_f64() - 4.0).abs() < 1e-6);
        assert!((w.utilisation() - 0.75).abs() < 0.01, "{}", w.utilisation());
        let (over, peak) = w.burstiness();
        assert!(over > 0.1 && over < 0.5 && peak > 3.0, "{over} {peak}");
    }

    #[test]
    fn same_seed_same_plan_and_services_leave_arrivals_alone() {
        let mut s = spec(poisson(200.0, 2));
        let a = Workload::plan(&s).unwrap();
        assert_eq!(a.events, Workload::plan(&s).unwrap().events);
        s.service = Some("pareto:3".parse().unwrap());
        let b = Workload::plan(&s).unwrap();
        assert!(a.events.iter().zip(&b.events).all(|(x, y)| x.at == y.at && x.key == y.key));
        assert!(a.events != b.events);
    }

    #[test]
    fn impossible_plans_are_refused_with_a_sentence() {
        let e = Workload::plan(&spec(poisson(1e6, 3600))).unwrap_err();
        assert!(e.contains("is the most"), "{e}");
        let e = Workload::plan(&spec(poisson(1e-6, 1))).unwrap_err();
        assert!(e.contains("no event"), "{e}");
        let by = |service: &str, source| Spec { service: Some(service.parse().unwrap()), ..spec(source) };
        let e = Workload::plan(&by("by:sig", poisson(10.0, 1))).unwrap_err();
        assert!(e.contains("need a trace"), "{e}");
        let e = Workload::plan(&by("trace", Source::Week)).unwrap_err();
        assert!(e.contains("service_ms"), "{e}");
        let e = Workload::plan(&Spec { compress: Some(1.0), ..spec(Source::Week) }).unwrap_err();
        assert!(e.contains("--compress"), "{e}");
    }
}
