//! The figures for other programs to read.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::rounds::{Measured, Row, Settings};
use crate::targets::{self, Verdict};
use crate::workload::Unit;

/// Writes all figures to a file.
pub(crate) fn save(path: &Path, settings: &Settings, measured: &[Measured]) -> io::Result<()> {
    let targets: Vec<Value> = targets::judge(measured)
        .iter()
        .map(|target| {
            let met = match target.verdict {
                Verdict::Met => Value::Bool(true),
                Verdict::NotMet => Value::Bool(false),
                Verdict::NotMeasured => Value::Null,
            };
            json!({ "asks": target.asks, "measured": target.measured, "met": met })
        })
        .collect();
    let all = json!({
        "rounds": settings.rounds,
        "seed": settings.seed,
        "quick": settings.quick,
        "debug_build": cfg!(debug_assertions),
        "workloads": measured.iter().map(workload).collect::<Vec<_>>(),
        "targets": targets,
    });
    fs::write(path, format!("{all:#}\n"))
}

fn workload(measured: &Measured) -> Value {
    let unit = match measured.workload.unit {
        Unit::PerSecond(what) => format!("{what}/s"),
        Unit::BytesPerActor => "bytes/actor".to_owned(),
    };
    json!({
        "name": measured.workload.name,
        "title": measured.workload.title,
        "unit": unit,
        "contestants": measured.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    json!({
        "name": row.name,
        "median": row.summary.map(|summary| summary.median),
        "min": row.summary.map(|summary| summary.min),
        "max": row.summary.map(|summary| summary.max),
        "rounds": row.summary.map_or(0, |summary| summary.rounds),
        "items": row.items,
        "remark": row.remark,
    })
}
