//! Times as a trace writes them: milliseconds since 1970, or RFC 3339.

/// Parses a number of milliseconds, or `2018-01-31T12:30:00[.25](Z|+01:00)`.
pub(super) fn parse(text: &str) -> Result<f64, String> {
    if let Ok(ms) = text.parse::<f64>() {
        return if ms.is_finite() { Ok(ms) } else { Err(format!("time: {text:?} is not finite")) };
    }
    rfc3339(text)
        .ok_or_else(|| format!("time: {text:?} is neither milliseconds since 1970 nor an RFC 3339 date and time"))
}

fn rfc3339(text: &str) -> Option<f64> {
    let b = text.as_bytes();
    if b.len() < 20 || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = &text[from..to];
        digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |at: usize, any: &[u8]| any.contains(&b[at]).then_some(());
    mark(4, b"-")?;
    mark(7, b"-")?;
    mark(10, b"Tt ")?;
    mark(13, b":")?;
    mark(16, b":")?;
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // 60 is a leap second.
    if !(1..=days_in(year, month)?).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = &text[19..];
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let fraction = match fraction.strip_prefix('.') {
        None if fraction.is_empty() => 0.0,
        Some(d) if !d.is_empty() && d.bytes().all(|c| c.is_ascii_digit()) => format!("0.{d}").parse::<f64>().ok()?,
        _ => return None,
    };
    let offset_minutes = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign, h1, h2, b':', m1, m2] => {
            let two = |a: &u8, b: &u8| {
                (a.is_ascii_digit() && b.is_ascii_digit()).then(|| i64::from(a - b'0') * 10 + i64::from(b - b'0'))
            };
            let (hours, minutes) = (two(h1, h2)?, two(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let days = days_from_civil(year, month, day);
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    Some((seconds as f64 + fraction) * 1000.0)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    })
}

/// Days from 1970-01-01 (Hinnant's algorithm: years begin in March).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn dates_and_numbers() {
        assert_eq!(parse("1517966773840"), Ok(1_517_966_773_840.0));
        assert_eq!(parse("12.5"), Ok(12.5));
        assert_eq!(parse("1970-01-01T00:00:00Z"), Ok(0.0));
        assert_eq!(parse("2018-02-07T01:26:13.840Z"), Ok(1_517_966_773_840.0));
        assert_eq!(parse("2018-02-07T03:26:13.840+02:00"), Ok(1_517_966_773_840.0));
        assert_eq!(parse("2000-02-29 23:59:59-00:30"), parse("2000-03-01T00:29:59Z"));
        assert_eq!(parse("1969-12-31T23:59:59Z"), Ok(-1000.0));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "yesterday",
            "NaN",
            "inf",
            "2018-02-30T00:00:00Z",
            "2018-13-01T00:00:00Z",
            "2018-02-07",
            "2018-02-07T25:00:00Z",
            "2018-02-07T01:26:13",
            "2018-02-07T01:26:13.Z",
            "2018-02-07T01:26:13+2:00",
            "2018-02-07T01:26:13Zulu",
            "ééééééééééééééééééééé",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
