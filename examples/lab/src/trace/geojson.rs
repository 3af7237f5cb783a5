//! GeoJSON: a feature collection, as the USGS and others publish events.
//!
//! Of every feature's `properties` these are read: `time` (needed; milliseconds
//! since 1970, or RFC 3339), `key` or else `net` (optional, text or number),
//! `size` and `service_ms` (optional numbers), and the property that
//! `--service by:NAME` names. Geometry is not looked at.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Fault, Place, Row, amount, size, time};

#[derive(Deserialize)]
struct Collection {
    #[serde(rename = "type")]
    kind: Option<String>,
    features: Option<Vec<Feature>>,
}

#[derive(Deserialize)]
struct Feature {
    properties: Option<Map<String, Value>>,
}

pub(super) fn parse(bytes: &[u8], weight: Option<&str>) -> Result<Vec<Row>, Fault> {
    let collection: Collection =
        serde_json::from_slice(bytes).map_err(|e| (Place::Line(e.line() as u64), reason(&e)))?;
    if collection.kind.as_deref() != Some("FeatureCollection") {
        let kind = collection.kind.as_deref().unwrap_or("missing");
        return Err((Place::File, format!("\"type\" is {kind}, not FeatureCollection")));
    }
    let Some(features) = collection.features else {
        return Err((Place::File, "no \"features\"".to_owned()));
    };
    features
        .iter()
        .enumerate()
        .map(|(at, feature)| row(feature, weight).map_err(|reason| (Place::Feature(at + 1), reason)))
        .collect()
}

fn row(feature: &Feature, weight: Option<&str>) -> Result<Row, String> {
    let properties = feature.properties.as_ref().ok_or("no \"properties\"")?;
    let get = |name: &str| properties.get(name).filter(|v| !v.is_null());
    let number = |name: &str| match get(name) {
        None => Ok(None),
        Some(Value::String(s)) => amount(name, s).map(Some),
        Some(v) => amount(name, &v.to_string()).map(Some),
    };
    let time_ms = match get("time") {
        None => return Err("no \"properties.time\"".to_owned()),
        Some(Value::String(s)) => time::parse(s)?,
        Some(v) => time::parse(&v.to_string())?,
    };
    let key = get("key").or_else(|| get("net")).map(|v| match v {
        Value::String(s) => s.clone(),
        v => v.to_string(),
    });
    let weight = match weight {
        None => None,
        Some(name) => {
            Some(number(name)?.ok_or_else(|| format!("no \"properties.{name}\", which --service by:{name} needs"))?)
        }
    };
    Ok(Row {
        time_ms,
        key,
        bytes: number("size")?.map(|n| size("size", n)).transpose()?,
        service_ms: number("service_ms")?,
        weight,
    })
}

/// serde_json ends its message with the place, which is said anyway.
fn reason(e: &serde_json::Error) -> String {
    let text = e.to_string();
    let place = format!(" at line {} column {}", e.line(), e.column());
    format!("{} (column {})", text.strip_suffix(&place).unwrap_or(&text), e.column())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(properties: &str) -> String {
        format!("{{\"type\":\"FeatureCollection\",\"features\":[{{\"properties\":{properties}}}]}}")
    }

    #[test]
    fn properties_are_read() {
        let text = one(r#"{"time":1517966773840,"net":"ci","size":10,"sig":62,"mag":null}"#);
        let rows = parse(text.as_bytes(), Some("sig")).unwrap();
        assert_eq!(
            rows,
            [Row {
                time_ms: 1_517_966_773_840.0,
                key: Some("ci".to_owned()),
                bytes: Some(10),
                service_ms: None,
                weight: Some(62.0)
            }]
        );
        let rows = parse(one(r#"{"time":"1970-01-01T00:00:01Z","key":4,"net":"ci"}"#).as_bytes(), None).unwrap();
        assert_eq!((rows[0].time_ms, rows[0].key.as_deref()), (1000.0, Some("4")));
    }

    #[test]
    fn broken_json_is_named_by_line() {
        let (place, reason) = parse(b"{\"type\":\"FeatureCollection\",\n\"features\":[\n{,]}", None).unwrap_err();
        assert_eq!(place, Place::Line(3));
        assert_eq!(reason, "key must be a string (column 2)");
        let (place, _) = parse(b"{\"type\":\"FeatureCollection\",\n\"features\":[", None).unwrap_err();
        assert_eq!(place, Place::Line(2));
    }

    #[test]
    fn a_bad_feature_is_named_by_its_number() {
        let text = r#"{"type":"FeatureCollection","features":[{"properties":{"time":1}},{"properties":{"mag":2}}]}"#;
        assert_eq!(parse(text.as_bytes(), None).unwrap_err(), (Place::Feature(2), "no \"properties.time\"".to_owned()));
        let (place, reason) = parse(one(r#"{"time":1}"#).as_bytes(), Some("sig")).unwrap_err();
        assert_eq!(place, Place::Feature(1));
        assert!(reason.contains("by:sig"), "{reason}");
        assert!(parse(one(r#"{"time":true}"#).as_bytes(), None).is_err());
    }

    #[test]
    fn other_json_is_refused() {
        let (_, reason) = parse(br#"{"type":"Topology"}"#, None).unwrap_err();
        assert_eq!(reason, "\"type\" is Topology, not FeatureCollection");
        let (_, reason) = parse(br#"{"type":"FeatureCollection"}"#, None).unwrap_err();
        assert_eq!(reason, "no \"features\"");
    }
}
