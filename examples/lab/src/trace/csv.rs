//! CSV with a header line.
//!
//! | column | | |
//! |---|---|---|
//! | `time` | needed | milliseconds since 1970 (or since anything), or RFC 3339 |
//! | `key` | optional | what the event is about: freshness and conflation go by it |
//! | `size` | optional | bytes of the message |
//! | `service_ms` | optional | how long a consumer takes for it |
//!
//! Other columns are left alone, except the one that `--service by:COLUMN`
//! names. An optional column that is there has to be filled in every line.

use super::{Fault, Place, Row, amount, size, time};

pub(super) fn parse(bytes: &[u8], weight: Option<&str>) -> Result<Vec<Row>, Fault> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(fault)?.clone();
    let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let on_header = |reason: String| (Place::Line(1), reason);
    let Some(time_at) = column("time") else {
        let found: Vec<&str> = header.iter().collect();
        return Err(on_header(format!("no column \"time\" in the header ({})", found.join(", "))));
    };
    let (key_at, size_at, service_at) = (column("key"), column("size"), column("service_ms"));
    let weight_at = match weight {
        None => None,
        Some(name) => Some((
            name,
            column(name).ok_or_else(|| on_header(format!("no column {name:?}, which --service by:{name} needs")))?,
        )),
    };

    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(fault)?;
        let line = record.position().map_or(0, csv::Position::line);
        let on_line = |reason: String| (Place::Line(line), reason);
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let number = |at: Option<usize>, name: &str| at.map(|at| amount(name, cell(at))).transpose();
        rows.push(Row {
            time_ms: time::parse(cell(time_at)).map_err(on_line)?,
            key: key_at.map(|at| cell(at).to_owned()),
            bytes: number(size_at, "size").and_then(|n| n.map(|n| size("size", n)).transpose()).map_err(on_line)?,
            service_ms: number(service_at, "service_ms").map_err(on_line)?,
            weight: weight_at.map(|(name, at)| amount(name, cell(at))).transpose().map_err(on_line)?,
        });
    }
    Ok(rows)
}

// By value, for `map_err`.
#[allow(clippy::needless_pass_by_value)]
fn fault(e: csv::Error) -> Fault {
    let place = e.position().map_or(Place::File, |p| Place::Line(p.line()));
    let reason = match e.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} fields where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => e.to_string(),
    };
    (place, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, weight: Option<&str>) -> (Place, String) {
        parse(text.as_bytes(), weight).unwrap_err()
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let text = "note,Key,time,service_ms,size,heat\nx, a ,1000,2.5,64,7\n\"q,r\",b,1970-01-01T00:00:02Z,3,128,0\n";
        let rows = parse(text.as_bytes(), Some("heat")).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0],
            Row {
                time_ms: 1000.0,
                key: Some("a".to_owned()),
                bytes: Some(64),
                service_ms: Some(2.5),
                weight: Some(7.0)
            }
        );
        assert_eq!(rows[1].time_ms, 2000.0);
    }

    #[test]
    fn only_the_time_is_needed() {
        assert_eq!(parse(b"time\n5\n", None).unwrap(), [Row { time_ms: 5.0, ..Row::default() }]);
    }

    #[test]
    fn a_bad_line_is_named_with_its_reason() {
        let (place, reason) = refused("time,key\n1,a\n\"2\",b\nsoon,c\n", None);
        assert_eq!(place, Place::Line(4));
        assert!(reason.contains("\"soon\""), "{reason}");

        let (place, reason) = refused("time,key\n1,a\n2\n", None);
        assert_eq!(place, Place::Line(3));
        assert_eq!(reason, "1 fields where the header has 2");

        let (place, reason) = refused("time,service_ms\n1,-4\n", None);
        assert_eq!((place, reason.as_str()), (Place::Line(2), "service_ms: \"-4\" is negative or not finite"));

        let (place, _) = refused("time,size\n1,10\n2,1.5\n", None);
        assert_eq!(place, Place::Line(3));
    }

    #[test]
    fn a_header_that_lacks_a_column_is_refused() {
        let (place, reason) = refused("when,key\n1,a\n", None);
        assert_eq!((place, reason.as_str()), (Place::Line(1), "no column \"time\" in the header (when, key)"));
        let (place, reason) = refused("time\n1\n", Some("heat"));
        assert_eq!(place, Place::Line(1));
        assert!(reason.contains("--service by:heat"), "{reason}");
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let (place, reason) = parse(b"time,key\n1,a\n2,\xFF\n", None).unwrap_err();
        assert_eq!((place, reason.as_str()), (Place::Line(3), "not UTF-8"));
    }
}
