//! Plots as SVG, small enough to be read as text: axes from zero, points, lines, names.

use std::fmt::Write;
use std::path::Path;

pub struct Series {
    pub name: String,
    /// Joined by a line, or points only.
    pub line: bool,
    pub points: Vec<(f64, f64)>,
}

pub struct Plot {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    pub series: Vec<Series>,
}

const COLORS: [&str; 6] = ["#1d4ed8", "#dc2626", "#059669", "#d97706", "#7c3aed", "#475569"];
const W: f64 = 720.0;
const H: f64 = 400.0;
/// Room for the numbers and names of the axes, and for the legend.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 60.0;

/// A round number of at most five steps up to `max`.
fn step(max: f64) -> f64 {
    let rough = max / 5.0;
    let power = 10_f64.powi(rough.log10().floor() as i32);
    [1.0, 2.0, 2.5, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

impl Plot {
    pub fn write(&self, path: &Path) {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let (x_max, y_max) = points().fold((1e-9_f64, 1e-9_f64), |(x, y), point| (x.max(point.0), y.max(point.1)));
        let (x_step, y_step) = (step(x_max), step(y_max));
        let (x_end, y_end) = ((x_max / x_step).ceil() * x_step, (y_max / y_step).ceil() * y_step);
        let x_at = |x: f64| LEFT + x / x_end * (W - LEFT - RIGHT);
        let y_at = |y: f64| H - BOTTOM - y / y_end * (H - TOP - BOTTOM);

        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {W} {H}\" font-family=\"sans-serif\" font-size=\"12\">\n"
        );
        let mut text = |x: f64, y: f64, anchor: &str, more: &str, said: &str| {
            let _ =
                writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#111827\"{more}>{said}</text>");
        };
        text(W / 2.0, 20.0, "middle", " font-size=\"14\"", &self.title);
        text((LEFT + W - RIGHT) / 2.0, H - 14.0, "middle", "", self.x);
        let turned = format!(" transform=\"rotate(-90 18 {:.1})\"", H / 2.0);
        text(18.0, H / 2.0, "middle", &turned, self.y);
        let ticks = |end: f64, step: f64| (0..=(end / step).round() as usize).map(move |n| n as f64 * step);
        let digits = |step: f64| if step < 1.0 { 2 } else { usize::from(step.fract() > 0.0) };
        for x in ticks(x_end, x_step) {
            text(x_at(x), H - BOTTOM + 18.0, "middle", "", &format!("{x:.*}", digits(x_step)));
        }
        for y in ticks(y_end, y_step) {
            text(LEFT - 8.0, y_at(y) + 4.0, "end", "", &format!("{y:.*}", digits(y_step)));
        }
        for (n, series) in self.series.iter().enumerate() {
            text(LEFT + 26.0, TOP + 8.0 + 16.0 * n as f64, "start", "", &series.name);
        }
        let mut background =
            format!("<rect width=\"{W}\" height=\"{H}\" fill=\"#ffffff\"/>\n<path fill=\"none\" stroke=\"#d1d5db\" d=\"");
        for x in ticks(x_end, x_step) {
            let _ = write!(background, "M{:.1} {:.1}V{:.1}", x_at(x), H - BOTTOM, TOP);
        }
        for y in ticks(y_end, y_step) {
            let _ = write!(background, "M{LEFT} {:.1}H{:.1}", y_at(y), W - RIGHT);
        }
        background += "\"/>\n";
        let head = svg.find('\n').map_or(0, |end| end + 1);
        svg.insert_str(head, &background);
        for (n, (series, color)) in self.series.iter().zip(COLORS.iter().cycle()).enumerate() {
            if series.line {
                let places: Vec<String> = series.points.iter().map(|(x, y)| format!("{:.1},{:.1}", x_at(*x), y_at(*y))).collect();
                let _ = writeln!(
                    svg,
                    "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{}\"/>",
                    places.join(" ")
                );
            }
            let own = series.points.iter().map(|(x, y)| (x_at(*x), y_at(*y)));
            for (x, y) in own.chain([(LEFT + 16.0, TOP + 4.0 + 16.0 * n as f64)]) {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{color}\"/>");
            }
        }
        svg += "</svg>\n";
        std::fs::write(path, svg).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}
