//! The tables and plots of the page "What we promise and how it is tested", from the last run.

use std::fs;
use std::path::PathBuf;

use crate::plot;
use crate::report::{Floor, Point, Report, Row, number};

/// What stands around what is written here, on the page.
const BEGIN: &str = "<!-- begin: made by `make proof` -->";
const END: &str = "<!-- end -->";

/// Groups in the order of the page, and what each is.
const GROUPS: [(&str, &str); 8] = [
    ("start", "Starting an authentication"),
    ("capture", "Capturing, durably"),
    ("seal", "Sealing and opening"),
    ("keep", "Putting and fetching, beside PostgreSQL"),
    ("trail", "The audit trail"),
    ("keys", "Rotating keys"),
    ("disk", "Disk"),
    ("memory", "Memory"),
];

/// Writes the part of the page between the two marks, and the plots.
pub fn write() {
    let report = Report::read().expect("no figures yet: run `make bench` first");
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/src");
    let page = folder.join("proof.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark");
    let (_, after) = rest.split_once(END).expect("the page has the mark");
    let figures = section(&report);
    fs::write(&page, format!("{before}{BEGIN}\n{figures}{END}{after}")).unwrap();
    fs::create_dir_all(folder.join("img")).unwrap();
    for points in by_figure(&report.growth) {
        fs::write(folder.join("img").join(file(points[0])), plot::svg(&points)).unwrap();
    }
    println!("written: {}", page.display());
}

fn section(report: &Report) -> String {
    let mut out = format!("\nMeasured on: {}.\n", report.machine.line());
    if report.quick {
        out += "\nThis was the short variant (`QUICK=1`), whose figures are rough.\n";
    }
    for (group, title) in GROUPS {
        let rows: Vec<_> = report.rows.iter().filter(|row| row.group == group).collect();
        if !rows.is_empty() {
            out += &format!("\n### {title}\n\n{}", table(&rows));
        }
    }
    if !report.growth.is_empty() {
        out += "\n### How it grows\n\n";
        for points in by_figure(&report.growth) {
            let Point { figure, unit, .. } = points[0];
            let values: Vec<_> = points.iter().map(|point| number(point.value)).collect();
            out += &format!("![{figure}: {} {unit}](img/{})\n", values.join(", "), file(points[0]));
        }
    }
    for why in &report.skipped {
        out += &format!("\nLeft out: {why}.\n");
    }
    out + "\n"
}

fn table(rows: &[&Row]) -> String {
    let mut out = "| | median (middle half) | without us, in the same run | share | goal |\n\
                   | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for row in rows {
        let Row { what, unit, value, .. } = row;
        let spread = format!("{} to {}", number(value.low), number(value.high));
        out += &format!("| {what} | {} {unit} ({spread}) |", number(value.median));
        out += &match &row.floor {
            None => " | | |\n".to_owned(),
            Some(Floor { what, value, share, goal }) => {
                let verdict = match (goal, row.reaches()) {
                    (Some(goal), Some(true)) => format!("{:.0} %: reached", goal * 100.0),
                    (Some(goal), _) => format!("{:.0} %: **missed**", goal * 100.0),
                    (None, _) => String::new(),
                };
                format!(
                    " {}: {} {unit} | {:.0} % | {verdict} |\n",
                    what,
                    number(value.median),
                    share.median * 100.0
                )
            }
        };
    }
    out
}

/// The points of each figure, in the order in which they were measured.
fn by_figure(points: &[Point]) -> Vec<Vec<&Point>> {
    let mut figures: Vec<Vec<&Point>> = Vec::new();
    for point in points {
        match figures.iter_mut().find(|figure| figure[0].figure == point.figure) {
            Some(figure) => figure.push(point),
            None => figures.push(vec![point]),
        }
    }
    figures
}

fn file(point: &Point) -> String {
    format!("{}.svg", point.figure.replace(' ', "-").to_lowercase())
}
