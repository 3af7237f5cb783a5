//! Numbers as people read them.

use std::time::Duration;

/// Three significant digits and a unit: `850 us`, `12.3 ms`, `4.00 s`.
pub(crate) fn time(d: Duration) -> String {
    let s = d.as_secs_f64();
    if s >= 1.0 {
        format!("{} s", digits(s))
    } else if s >= 0.001 {
        format!("{} ms", digits(s * 1e3))
    } else {
        format!("{} us", digits(s * 1e6))
    }
}

/// A long time in seconds, in the unit that suits it: `6.98 days`.
pub(crate) fn span(seconds: f64) -> String {
    for (unit, length) in [("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0)] {
        if seconds >= 2.0 * length {
            return format!("{} {unit}", digits(seconds / length));
        }
    }
    time(Duration::from_secs_f64(seconds.max(0.0)))
}

/// `640 B`, `45.2 KiB`, `1.20 MiB`.
pub(crate) fn bytes(n: u64) -> String {
    let n_f = n as f64;
    match n {
        0..1024 => format!("{n} B"),
        1024..1_048_576 => format!("{} KiB", digits(n_f / 1024.0)),
        1_048_576..1_073_741_824 => format!("{} MiB", digits(n_f / 1_048_576.0)),
        _ => format!("{} GiB", digits(n_f / 1_073_741_824.0)),
    }
}

/// Three significant digits, no exponent.
pub(crate) fn digits(x: f64) -> String {
    let places = match x.abs() {
        x if x < 9.995 => 2,
        x if x < 99.95 => 1,
        _ => 0,
    };
    format!("{x:.places$}")
}

/// A share in per cent; what is not zero does not print as zero.
pub(crate) fn percent(x: f64) -> String {
    if x > 0.0 && x < 0.05 { "<0.1 %".to_owned() } else { format!("{x:.1} %") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures() {
        assert_eq!(time(Duration::from_micros(850)), "850 us");
        assert_eq!(time(Duration::from_micros(12_345)), "12.3 ms");
        assert_eq!(time(Duration::from_secs(4)), "4.00 s");
        assert_eq!(time(Duration::ZERO), "0.00 us");
        assert_eq!(span(603_374.0), "6.98 days");
        assert_eq!(span(1.5), "1.50 s");
        assert_eq!(bytes(640), "640 B");
        assert_eq!(bytes(46_285), "45.2 KiB");
        assert_eq!(percent(0.01), "<0.1 %");
        assert_eq!(percent(0.0), "0.0 %");
    }
}
