//! The table and the JSON.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::stats::{Paired, Spread};

/// Everything that one run measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    pub machine: Machine,
    /// Whether it was the short variant, whose figures are rough.
    pub quick: bool,
    pub rows: Vec<Row>,
    pub growth: Vec<Point>,
    /// What was left out, and why.
    pub skipped: Vec<String>,
}

/// One line of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// Which part of the page it belongs to.
    pub group: String,
    pub what: String,
    pub unit: String,
    pub value: Spread,
    pub floor: Option<Floor>,
}

/// What the machine could do without us, in the same run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Floor {
    pub what: String,
    pub value: Spread,
    /// Ours as a share of it, by speed: more is better.
    pub share: Spread,
    /// The least share that we want; none where the comparison is only for orientation.
    pub goal: Option<f64>,
}

/// One figure at one number of enrollments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    pub figure: String,
    pub unit: String,
    pub enrollments: u64,
    pub value: f64,
}

impl Report {
    /// A figure without a floor.
    pub fn figure(&mut self, group: &str, what: &str, unit: &str, value: Spread) {
        self.push(Row {
            group: group.into(),
            what: what.into(),
            unit: unit.into(),
            value,
            floor: None,
        });
    }

    /// A rate beside its floor: more is better for both.
    pub fn rate(
        &mut self,
        group: &str,
        what: &str,
        unit: &str,
        paired: Paired,
        floor: (&str, Option<f64>),
    ) {
        let floor =
            Floor { what: floor.0.into(), value: paired.floor, share: paired.ratio, goal: floor.1 };
        self.push(Row {
            group: group.into(),
            what: what.into(),
            unit: unit.into(),
            value: paired.ours,
            floor: Some(floor),
        });
    }

    /// A figure at one number of enrollments.
    pub fn point(&mut self, point: Point) {
        let Point { figure, unit, enrollments, value } = &point;
        println!(
            "growth     {figure:<44} {:>9} {unit:<8} at {enrollments} enrollments",
            number(*value)
        );
        self.growth.push(point);
    }

    /// Says why something was not measured.
    pub fn skip(&mut self, why: &str) {
        println!("skipped: {why}");
        self.skipped.push(why.into());
    }

    fn push(&mut self, row: Row) {
        println!("{}", row.line());
        self.rows.push(row);
    }

    /// Whether all goals are reached, and which are not.
    pub fn misses(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.reaches() == Some(false)).collect()
    }

    /// Writes the JSON where `proof` finds it.
    pub fn write(&self) -> std::io::Result<PathBuf> {
        let file = last();
        fs::create_dir_all(file.parent().unwrap())?;
        fs::write(&file, serde_json::to_vec_pretty(self)?)?;
        Ok(file)
    }

    /// The report of the last run.
    pub fn read() -> std::io::Result<Self> {
        Ok(serde_json::from_slice(&fs::read(last())?)?)
    }
}

fn last() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/bench/last.json")
}

impl Row {
    /// Whether the goal is reached; nothing without a goal.
    pub fn reaches(&self) -> Option<bool> {
        let floor = self.floor.as_ref()?;
        // As printed: two digits are what a run can tell.
        Some((floor.share.median * 100.0).round() >= floor.goal? * 100.0)
    }

    fn line(&self) -> String {
        let Self { group, what, unit, value, .. } = self;
        let mut line = format!(
            "{group:<10} {what:<44} {:>9} {unit:<8} ({} to {})",
            number(value.median),
            number(value.low),
            number(value.high)
        );
        if let Some(Floor { what, value, share, goal }) = &self.floor {
            line +=
                &format!("   {:.0} % of {what}, {}", share.median * 100.0, number(value.median));
            if let Some(goal) = goal {
                let verdict = if self.reaches() == Some(true) { "reached" } else { "MISSED" };
                line += &format!("   goal {:.0} %: {verdict}", goal * 100.0);
            }
        }
        line
    }
}

/// Three digits that mean something.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
