//! How much painting a parsed SVG would be at the size at which it is shown. resvg cannot be interrupted: what would take seconds is
//! refused before, and with it layers that together would take hundreds of megabytes.

use resvg::tiny_skia::{Path, PathSegment, Point, Rect, Transform};
use resvg::usvg::{Group, Node, Paint, Pattern, Stroke, Tree, filter};

use super::broken;
use crate::asset::PictureError;
use crate::limits::MAX_SVG_PAINTING;

/// Refuses a drawing of `width` times `height` pixels under `transform` that would take too long or too much memory.
pub(crate) fn admit_painting(tree: &Tree, transform: Transform, width: u32, height: u32) -> Result<(), PictureError> {
    let canvas = Bounds { x0: 0.0, y0: 0.0, x1: f64::from(width), y1: f64::from(height) };
    let mut walk = Walk { canvas, painted: 0.0 };
    walk.children(tree.root(), Under { transform, window: canvas })
}

/// A rectangle in pixels.
#[derive(Clone, Copy)]
struct Bounds {
    x0: f64,
    y0: f64,
    x1: f64,
    y1: f64,
}

impl Bounds {
    fn of(rect: Rect) -> Bounds {
        let [x0, y0, x1, y1] = [rect.left(), rect.top(), rect.right(), rect.bottom()].map(f64::from);
        Bounds { x0, y0, x1, y1 }
    }

    fn within(self, other: Bounds) -> Bounds {
        Bounds { x0: self.x0.max(other.x0), y0: self.y0.max(other.y0), x1: self.x1.min(other.x1), y1: self.y1.min(other.y1) }
    }

    fn area(self) -> f64 {
        (self.x1 - self.x0).max(0.0) * (self.y1 - self.y0).max(0.0)
    }

    /// As far around the canvas as resvg lets a layer reach.
    fn widened(self) -> Bounds {
        let (width, height) = (self.x1 - self.x0, self.y1 - self.y0);
        let (x0, x1) = (self.x0 - 2.0 * width, self.x1 + 2.0 * width);
        Bounds { x0, y0: self.y0 - 2.0 * height, x1, y1: self.y1 + 2.0 * height }
    }
}

/// Where a group is painted.
#[derive(Clone, Copy)]
struct Under {
    transform: Transform,
    /// What is painted beyond is cut off.
    window: Bounds,
}

struct Walk {
    canvas: Bounds,
    /// In pixels that a plain fill covers.
    painted: f64,
}

/// Costs in pixels covered by a plain fill, some 5 ns, as measured: of a segment of an outline, a row that its edge crosses, a dash,
/// a pixel of a gradient or pattern.
const SEGMENT: f64 = 20.0;
const CROSSING: f64 = 30.0;
const DASH: f64 = 100.0;
const SHADED: f64 = 3.0;
/// A layer is cleared, filled and laid over what is beneath it. So all layers together have at most an eleventh of
/// `MAX_SVG_PAINTING` in pixels.
const LAYER: f64 = 11.0;

impl Walk {
    fn add(&mut self, pixels: f64) -> Result<(), PictureError> {
        self.painted += pixels;
        // Not a number is too much as well.
        if self.painted <= MAX_SVG_PAINTING { Ok(()) } else { Err(broken("it would paint too much".to_owned())) }
    }

    fn children(&mut self, group: &Group, under: Under) -> Result<(), PictureError> {
        group.children().iter().try_for_each(|node| self.node(node, under))
    }

    fn node(&mut self, node: &Node, under: Under) -> Result<(), PictureError> {
        match node {
            Node::Group(group) => self.group(group, under),
            Node::Text(text) => self.group(text.flattened(), under),
            Node::Path(path) => {
                let bounds = path.stroke_bounding_box().transform(under.transform);
                let area = bounds.map_or(0.0, |bounds| Bounds::of(bounds).within(under.window).area());
                let outline = outline(path.data(), under);
                if let Some(fill) = path.fill() {
                    self.paint(fill.paint(), area, outline, under)?;
                }
                if let Some(stroke) = path.stroke() {
                    self.add(DASH * dashes(path.data(), stroke))?;
                    // It has two sides, with joins and caps.
                    self.paint(stroke.paint(), area, 3.0 * outline, under)?;
                }
                Ok(())
            }
            Node::Image(image) => {
                let bounds = image.bounding_box().transform(under.transform);
                self.add(SHADED * bounds.map_or(0.0, |bounds| Bounds::of(bounds).within(under.window).area()))
            }
        }
    }

    fn paint(&mut self, paint: &Paint, area: f64, outline: f64, under: Under) -> Result<(), PictureError> {
        self.add(outline)?;
        match paint {
            Paint::Color(_) => self.add(area),
            Paint::LinearGradient(_) | Paint::RadialGradient(_) => self.add(SHADED * area),
            Paint::Pattern(pattern) => {
                self.add(SHADED * area)?;
                self.pattern(pattern, under)
            }
        }
    }

    /// A tile is painted whole at every use, however little of it is seen.
    fn pattern(&mut self, pattern: &Pattern, under: Under) -> Result<(), PictureError> {
        let (sx, sy) = under.transform.pre_concat(pattern.transform()).get_scale();
        let rect = pattern.rect();
        let tile = Bounds { x0: 0.0, y0: 0.0, x1: f64::from(rect.width() * sx), y1: f64::from(rect.height() * sy) };
        self.add(LAYER * tile.area())?;
        self.children(pattern.root(), Under { transform: Transform::from_scale(sx, sy), window: tile })
    }

    fn group(&mut self, group: &Group, under: Under) -> Result<(), PictureError> {
        let transform = under.transform.pre_concat(group.transform());
        if !group.should_isolate() {
            return self.children(group, Under { transform, ..under });
        }
        let bounds = group.layer_bounding_box().to_rect().transform(transform);
        let window = bounds.map_or(self.canvas, |bounds| Bounds::of(bounds).within(self.canvas.widened()));
        self.add(LAYER * window.area())?;
        let within = Under { transform, window };
        let cuts = [group.clip_path().map(|clip| clip.root()), group.mask().map(|mask| mask.root())];
        for cut in cuts.into_iter().flatten() {
            self.add(LAYER * window.area())?;
            self.children(cut, within)?;
        }
        for filter in group.filters() {
            self.filter(filter, within)?;
        }
        self.children(group, within)
    }

    fn filter(&mut self, filter: &filter::Filter, under: Under) -> Result<(), PictureError> {
        let bounds = filter.rect().to_rect().transform(under.transform);
        let area = bounds.map_or(under.window, |bounds| Bounds::of(bounds).within(under.window)).area();
        let scale = under.transform.get_scale();
        for primitive in filter.primitives() {
            self.add(area * (LAYER + pixel_cost(primitive.kind(), scale)))?;
            if let filter::Kind::Image(image) = primitive.kind() {
                self.children(image.root(), under)?;
            }
        }
        Ok(())
    }
}

/// A filter's work on one pixel, in plain fills.
fn pixel_cost(kind: &filter::Kind, (sx, sy): (f32, f32)) -> f64 {
    use filter::Kind;
    let scaled = |radius: f32, scale: f32| f64::from(radius * scale).max(1.0);
    match kind {
        Kind::GaussianBlur(_) | Kind::DropShadow(_) => 45.0,
        Kind::Morphology(morphology) => {
            10.0 + 2.0 * scaled(morphology.radius_x().get(), sx) * scaled(morphology.radius_y().get(), sy)
        }
        Kind::ConvolveMatrix(convolve) => {
            10.0 + 5.0 * f64::from(convolve.matrix().columns()) * f64::from(convolve.matrix().rows())
        }
        Kind::Turbulence(turbulence) => 10.0 + 33.0 * f64::from(turbulence.num_octaves()),
        Kind::DiffuseLighting(_) | Kind::SpecularLighting(_) => 40.0,
        _ => 10.0,
    }
}

/// What following an outline costs, whatever it covers.
fn outline(path: &Path, under: Under) -> f64 {
    let Transform { ky, sy, .. } = under.transform;
    let height = (under.window.y1 - under.window.y0).max(0.0);
    // An edge beyond the window is cut off.
    let rows = sides(path).map(|(dx, dy)| (f64::from(ky) * dx + f64::from(sy) * dy).abs().min(height));
    SEGMENT * path.len() as f64 + CROSSING * rows.sum::<f64>()
}

/// How many dashes a stroke is cut into, at the most: the control polygon is never shorter than the curve.
fn dashes(path: &Path, stroke: &Stroke) -> f64 {
    let Some(pattern) = stroke.dasharray() else { return 0.0 };
    let period: f64 = pattern.iter().map(|dash| f64::from(*dash)).sum();
    let length: f64 = sides(path).map(|(dx, dy)| dx.abs() + dy.abs()).sum();
    length / period.max(1e-6) * pattern.len() as f64
}

/// The sides of the control polygon, as steps.
fn sides(path: &Path) -> impl Iterator<Item = (f64, f64)> {
    let (mut start, mut last) = (Point::zero(), Point::zero());
    path.segments()
        .flat_map(move |segment| {
            let through = match segment {
                PathSegment::MoveTo(to) => {
                    (start, last) = (to, to);
                    [None; 3]
                }
                PathSegment::LineTo(to) => [Some(to), None, None],
                PathSegment::QuadTo(a, to) => [Some(a), Some(to), None],
                PathSegment::CubicTo(a, b, to) => [Some(a), Some(b), Some(to)],
                PathSegment::Close => [Some(start), None, None],
            };
            through.map(|to| {
                let to = to?;
                let from = std::mem::replace(&mut last, to);
                Some((f64::from(to.x - from.x), f64::from(to.y - from.y)))
            })
        })
        .flatten()
}
