//! One figure over the number of enrollments, as an SVG that needs nothing else. Both axes count in
//! powers of ten, so that a straight line at 45 degrees means "twice the enrollments, twice the cost".

use std::fmt::Write as _;

use crate::report::{Point, number};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 44.0;

/// The plot of one figure's points.
pub fn svg(points: &[&Point]) -> String {
    let (figure, unit) = (&points[0].figure, &points[0].unit);
    let title = if unit.is_empty() { figure.clone() } else { format!("{figure} ({unit})") };
    let x = Axis::of(points.iter().map(|point| point.enrollments as f64), LEFT, WIDTH - RIGHT);
    let y = Axis::of(points.iter().map(|point| point.value), HEIGHT - BOTTOM, TOP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"22\" font-size=\"14\" fill=\"#222\">{title}</text>\n"
    );
    for tick in x.ticks() {
        let at = x.at(tick);
        let bottom = HEIGHT - BOTTOM;
        line(&mut svg, (at, TOP), (at, bottom), "#ddd");
        text(&mut svg, (at, bottom + 18.0), "middle", &thousands(tick));
    }
    for tick in y.ticks() {
        let at = y.at(tick);
        line(&mut svg, (LEFT, at), (WIDTH - RIGHT, at), "#ddd");
        text(&mut svg, (LEFT - 8.0, at + 4.0), "end", &thousands(tick));
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    text(&mut svg, (middle, HEIGHT - 8.0), "middle", "enrollments");
    let places: Vec<_> =
        points.iter().map(|point| (x.at(point.enrollments as f64), y.at(point.value))).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    writeln!(
        svg,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>",
        path.join(" ")
    )
    .unwrap();
    for ((x, y), point) in places.iter().zip(points) {
        writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#1f5fa8\"/>").unwrap();
        let (anchor, side) = if *x > WIDTH / 2.0 { ("end", -8.0) } else { ("start", 8.0) };
        text(&mut svg, (x + side, y - 8.0), anchor, &number(point.value));
    }
    svg + "</svg>\n"
}

/// A logarithmic axis between two places, from one power of ten to another.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Self {
        let low = values.clone().fold(f64::INFINITY, f64::min).max(1e-6).log10().floor();
        let high = values.fold(0.0, f64::max).max(1e-6).log10().ceil();
        Self { low, high: high.max(low + 1.0), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.max(1e-6).log10() - self.low) / (self.high - self.low);
        self.from + (self.to - self.from) * share
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.low as i32..=self.high as i32).map(|power| 10_f64.powi(power))
    }
}

fn thousands(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), colour: &str) {
    writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
    )
    .unwrap();
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#444\">{text}</text>"
    )
    .unwrap();
}
