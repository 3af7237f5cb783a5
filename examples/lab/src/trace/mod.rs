//! Arrivals read from a file: CSV or GeoJSON.
//!
//! The format is told by the content: a file that begins with `{` is GeoJSON,
//! any other is CSV. What either may hold is said at [`csv`] and [`geojson`].
//! A file that cannot be used is refused with the place and the reason; nothing
//! is skipped in silence.

mod csv;
mod geojson;
mod time;

use std::{fmt, fs, io, path::Path};

/// One arrival, in the file's own terms.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    /// Milliseconds, from 1970 or from wherever the file counts.
    pub(crate) time_ms: f64,
    pub(crate) key: Option<String>,
    pub(crate) bytes: Option<u32>,
    pub(crate) service_ms: Option<f64>,
    /// The column that `--service by:COLUMN` names.
    pub(crate) weight: Option<f64>,
}

/// A file's arrivals, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trace {
    /// At least one row, sorted by time.
    pub(crate) rows: Vec<Row>,
    /// How many rows came earlier than the row before them.
    pub(crate) out_of_order: usize,
    /// Mean size of a record in the file: what a message weighs if no column says.
    pub(crate) mean_bytes: u32,
}

/// Where in a file the trouble is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    File,
    Line(u64),
    /// Counted from 1, as an editor's user would.
    Feature(usize),
}

/// Error returned by [`load`] and [`parse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceError {
    pub(crate) file: String,
    pub(crate) place: Place,
    pub(crate) reason: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::File => write!(f, "{}: {}", self.file, self.reason),
            Place::Line(n) => write!(f, "{}: line {n}: {}", self.file, self.reason),
            Place::Feature(n) => write!(f, "{}: feature {n}: {}", self.file, self.reason),
        }
    }
}

impl std::error::Error for TraceError {}

/// A parser's complaint, before the file's name is known to it.
type Fault = (Place, String);

/// Reads and parses `path`. `weight` is the column of `--service by:COLUMN`.
pub(crate) fn load(path: &Path, weight: Option<&str>) -> Result<Trace, TraceError> {
    let name = path.display().to_string();
    let bytes = fs::read(path).map_err(|e| TraceError {
        file: name.clone(),
        place: Place::File,
        reason: match e.kind() {
            io::ErrorKind::NotFound => "no such file".to_owned(),
            io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
            _ => format!("cannot be read: {e}"),
        },
    })?;
    parse(&name, &bytes, weight)
}

/// Parses a file that has been read.
pub(crate) fn parse(name: &str, bytes: &[u8], weight: Option<&str>) -> Result<Trace, TraceError> {
    let fail = |(place, reason)| TraceError { file: name.to_owned(), place, reason };
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let Some(first) = bytes.iter().find(|b| !b.is_ascii_whitespace()) else {
        return Err(fail((Place::File, "is empty".to_owned())));
    };
    let rows = if *first == b'{' { geojson::parse(bytes, weight) } else { csv::parse(bytes, weight) };
    let mut rows = rows.map_err(fail)?;
    if rows.is_empty() {
        return Err(fail((Place::File, "holds no arrivals".to_owned())));
    }
    let out_of_order = rows.windows(2).filter(|w| w[1].time_ms < w[0].time_ms).count();
    if out_of_order > 0 {
        rows.sort_by(|a, b| a.time_ms.total_cmp(&b.time_ms));
    }
    let mean_bytes = u32::try_from(bytes.len() / rows.len()).unwrap_or(u32::MAX).max(1);
    Ok(Trace { rows, out_of_order, mean_bytes })
}

/// A value that has to be a finite number and not negative.
fn amount(column: &str, text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(n) if n.is_finite() && n >= 0.0 => Ok(n),
        Ok(_) => Err(format!("{column}: {text:?} is negative or not finite")),
        Err(_) => Err(format!("{column}: {text:?} is not a number")),
    }
}

/// A size in bytes.
fn size(column: &str, n: f64) -> Result<u32, String> {
    if n.fract() == 0.0 && n <= f64::from(u32::MAX) {
        Ok(n as u32)
    } else {
        Err(format!("{column}: {n} is not a whole number of bytes below 4 GiB"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_files_are_refused() {
        for text in ["", "  \n \n", "\u{feff}"] {
            let e = parse("x.csv", text.as_bytes(), None).unwrap_err();
            assert_eq!(e.to_string(), "x.csv: is empty");
        }
        let e = parse("x.csv", b"time,key\n", None).unwrap_err();
        assert_eq!(e.to_string(), "x.csv: holds no arrivals");
    }

    #[test]
    fn unsorted_rows_are_sorted_and_counted() {
        let t = parse("x.csv", b"time\n3000\n1000\n2000\n", None).unwrap();
        assert_eq!(t.out_of_order, 1);
        let times: Vec<f64> = t.rows.iter().map(|r| r.time_ms).collect();
        assert_eq!(times, [1000.0, 2000.0, 3000.0]);
    }

    #[test]
    fn a_missing_file_is_named() {
        let e = load(Path::new("no/such.csv"), None).unwrap_err();
        assert_eq!(e.to_string(), "no/such.csv: no such file");
    }

    #[test]
    fn the_week_of_earthquakes_is_whole() {
        let t = parse("week", crate::EARTHQUAKES, Some("sig")).unwrap();
        assert_eq!(t.rows.len(), 1707);
        assert!(t.rows.iter().all(|r| r.weight.is_some() && r.key.is_some()));
        let days = (t.rows[1706].time_ms - t.rows[0].time_ms) / 86_400_000.0;
        assert!((6.9..7.0).contains(&days), "{days}");
    }
}
