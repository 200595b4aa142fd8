//! How a code looks: square modules, dots, or round ones that join; the finders in the corners follow.

use super::ModuleStyle;
use crate::geom::{Affine, FxPoint, Path, Rect};
use crate::layer::modules::{Modules, Part, Places, Turn, round_square};

/// Of a dot in modules: dark enough to be told from a light module, and apart from its neighbours.
const DOT: f64 = 0.9;
/// Of finders, in modules: how round the ring is outside, inside, and the stone in it. Readers look for 1:1:3:1:1 on any line through the
/// middle, which circles show whatever way they are turned, and squares nearly: rounder corners on squares do not.
const ROUNDED: (f64, f64, f64) = (1.0, 0.25, 0.5);
const DOTTED: (f64, f64, f64) = (3.5, 2.5, 1.5);
/// A finder's side.
const FINDER: usize = 7;

/// Where modules lie.
pub(super) struct Grid {
    /// The whole square with its quiet zone: in output pixels where it is snapped, else in layout pixels.
    pub frame: Rect,
    /// Across it, quiet zone included.
    pub modules: f64,
    pub quiet: f64,
    /// From the frame to output pixels.
    pub map: Affine,
    /// Edges of modules lie on whole pixels: they differ by a pixel at most, and the code fills its square.
    pub snapped: bool,
}

impl Grid {
    pub fn point(&self, x: f64, y: f64) -> FxPoint {
        let Rect { x: left, y: top, width, height } = self.frame;
        let (x, y) = self.map.apply(left + self.along(x, width), top + self.along(y, height));
        FxPoint::from_px(x, y)
    }

    /// Between edges of modules in proportion.
    fn along(&self, at: f64, side: f64) -> f64 {
        let exact = |module: f64| side * (module + self.quiet) / self.modules;
        if !self.snapped {
            return exact(at);
        }
        let (whole, part) = (at.floor(), at - at.floor());
        let edge = |module: f64| exact(module).round();
        if part == 0.0 { edge(whole) } else { edge(whole) + part * (edge(whole + 1.0) - edge(whole)) }
    }
}

pub(super) fn outline(style: ModuleStyle, modules: &Modules, point: impl Places) -> Path {
    if style == ModuleStyle::Square {
        return modules.trace(point);
    }
    let far = modules.width.saturating_sub(FINDER);
    let finders = [(0, 0), (far, 0), (0, far)].map(|(x, y)| Part { x, y, side: FINDER });
    let others = finders.iter().fold(modules.clone(), |modules, finder| modules.without(*finder));
    let mut out = Vec::new();
    let radii = match style {
        ModuleStyle::Dot => {
            others.dots(DOT, &point, &mut out);
            DOTTED
        }
        ModuleStyle::Square | ModuleStyle::Rounded => {
            others.rounded(&point, &mut out);
            ROUNDED
        }
    };
    let (ring, within, stone) = radii;
    for finder in finders {
        let (x, y) = (finder.x as f64, finder.y as f64);
        round_square((x, y, 7.0), ring, Turn::Clockwise, &point, &mut out);
        round_square((x + 1.0, y + 1.0, 5.0), within, Turn::CounterClockwise, &point, &mut out);
        round_square((x + 2.0, y + 2.0, 3.0), stone, Turn::Clockwise, &point, &mut out);
    }
    Path::new(out)
}
