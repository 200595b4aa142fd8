//! From layout to scene: shapes, paints and places under the map from layout pixels to output pixels.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use crate::color::{Premul, opacity_to_u8};
use crate::geom::{Affine, Fx, FxPoint, FxRect, Path, PxRect, Rect, Segment};
use crate::layer::LayerId;
use crate::layer::values::{Border, GradientShape, Paint, Radius};
use crate::scene::{Blend, Gradient, GradientKind, Item, Lowered, Op, Paint as ScenePaint, Shape, Stop};

/// The part of a quarter circle's radius at which a cubic's control points lie so that it bends like the arc.
pub const KAPPA: f64 = 0.552_284_749_830_793_4;

/// Where one layer goes: the canvas and the map from layout pixels (scale 1) to output pixels, rotation included.
#[derive(Clone, Copy)]
pub struct Emitter<'k> {
    pub canvas: PxRect,
    pub map: Affine,
    pub beneath: Option<Beneath<'k>>,
}

/// Only what is painted before a text's own content: of itself what lies behind its letters.
#[derive(Clone, Copy)]
pub struct Beneath<'k> {
    pub text: LayerId,
    /// What counts of it.
    pub window: PxRect,
    /// What was emitted for texts before it.
    pub kept: &'k Kept,
}

/// The items of layers in groups that lie wholly beneath a text: the next one in the same group need not have them emitted anew. By
/// the layer and the canvas it was emitted for.
#[derive(Default)]
pub struct Kept(RefCell<HashMap<(LayerId, PxRect), Vec<Item<Lowered>>>>);

impl Kept {
    pub fn or_emit(&self, layer: LayerId, canvas: PxRect, emit: impl FnOnce() -> Vec<Item<Lowered>>) -> Vec<Item<Lowered>> {
        if let Some(known) = self.0.borrow().get(&(layer, canvas)) {
            return known.clone();
        }
        let items = emit();
        self.0.borrow_mut().insert((layer, canvas), items.clone());
        items
    }
}

/// A box in output pixels.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Placed {
    /// Edges on whole output pixels.
    Upright(PxRect),
    /// Likewise, and mirrored within these edges: what is laid out in the box goes by this map.
    Mirrored(PxRect, Affine),
    /// Rotated: no edges to snap.
    Turned,
}

impl Placed {
    /// From where things are laid out in the box to output pixels: in the snapped one they are in these already.
    pub fn map(&self, to: &Emitter) -> Affine {
        match self {
            Placed::Upright(_) => Affine::IDENTITY,
            Placed::Mirrored(_, map) => *map,
            Placed::Turned => to.map,
        }
    }
}

impl Emitter<'_> {
    /// Whether any of it counts.
    pub fn sees(&self, item: &Item<Lowered>) -> bool {
        let meets = |area: PxRect| !item.bounds().intersect(area).is_empty();
        meets(self.canvas) && self.beneath.is_none_or(|beneath| meets(beneath.window))
    }

    /// The same with so many pixels around the canvas.
    pub fn ample(&self, by: i32) -> Self {
        let beneath = self.beneath.map(|beneath| Beneath { window: beneath.window.grow(by), ..beneath });
        Emitter { canvas: self.canvas.grow(by), beneath, ..*self }
    }

    /// How many output pixels a layout pixel takes along the x axis.
    pub fn scale(&self) -> f64 {
        libm::hypot(self.map.a, self.map.b)
    }

    /// Unrotated boxes snap their edges to whole output pixels; a side that is there never vanishes.
    pub fn snap(&self, rect: Rect) -> Placed {
        if !self.map.is_level() {
            return Placed::Turned;
        }
        let out = self.map.bounds_of(rect);
        let edge = |v: f64| v.round().clamp(-1e7, 1e7) as i32;
        let (x0, y0, mut x1, mut y1) = (edge(out.x), edge(out.y), edge(out.right()), edge(out.bottom()));
        if out.width > 0.0 && x1 == x0 {
            x1 += 1;
        }
        if out.height > 0.0 && y1 == y0 {
            y1 += 1;
        }
        let px = PxRect::new(x0, y0, x1, y1);
        if self.map.is_upright() {
            return Placed::Upright(px);
        }
        let (x, y) = px.to_rect().center();
        Placed::Mirrored(px, Affine::scale_about(self.map.a.signum(), self.map.d.signum(), x, y))
    }

    /// The outline of a box with rounded corners.
    pub fn round_box(&self, rect: Rect, radius: &Radius) -> Shape {
        self.inset_round_box(rect, radius, 0.0)
    }

    /// The outline of what a layer draws beneath its border. An opaque border hides the content's own edge; where both edges
    /// are antialiased the content would shine through at the border's outer one, so the content ends inside of the border.
    pub fn content_box(&self, rect: Rect, radius: &Radius, border: Option<&Border>) -> Shape {
        self.inset_round_box(rect, radius, self.hidden_by(border, radius))
    }

    /// How far inside the box, in layout pixels, content may end without being seen: a pixel's diagonal, half of the
    /// border at most. Nothing where the edges lie on whole pixels and need no antialiasing.
    pub fn hidden_by(&self, border: Option<&Border>, radius: &Radius) -> f64 {
        if self.map.is_level() && radius.is_none() { 0.0 } else { hidden_at(border, self.scale()) }
    }

    /// The outline larger by so many layout pixels on all sides, for shadows; smaller where negative.
    pub fn grown_box(&self, rect: Rect, radius: &Radius, by: f64) -> Shape {
        self.inset_round_box(rect, radius, -by)
    }

    /// What a box hides of its shadow: its outline counterclockwise. Where an opaque box has antialiased edges the hole ends
    /// inside of them, or what lies beneath both would shine through.
    pub fn hole(&self, rect: Rect, radius: &Radius, opaque: bool) -> Vec<Segment> {
        let sharp = self.map.is_level() && radius.is_none();
        let inset = if opaque && !sharp { self.rim(rect) } else { 0.0 };
        let (outer, map, grow) = self.framed(rect);
        let radii = radius.resolve(rect.width, rect.height).map(|(h, v)| (resized(h, inset) * grow, resized(v, inset) * grow));
        let mut path = Vec::new();
        map.trace_round_box(outer.inset(inset * grow), radii, Winding::CounterClockwise, &mut path);
        path
    }

    /// As far inside a box as its antialiased edge can reach, in layout pixels.
    pub fn rim(&self, rect: Rect) -> f64 {
        (1.5 / self.scale().max(1e-9)).min(rect.width / 2.0).min(rect.height / 2.0)
    }

    /// The box to trace and the map for it: the snapped one as it is, or else the layout's. Also how many of the traced box's
    /// pixels a layout pixel takes.
    fn framed(&self, rect: Rect) -> (Rect, Emitter<'_>, f64) {
        match self.snap(rect) {
            Placed::Upright(px) => (px.to_rect(), Emitter { map: Affine::IDENTITY, ..*self }, self.scale()),
            Placed::Mirrored(px, map) => (px.to_rect(), Emitter { map, ..*self }, self.scale()),
            Placed::Turned => (rect, *self, 1.0),
        }
    }

    fn inset_round_box(&self, rect: Rect, radius: &Radius, inset: f64) -> Shape {
        let radii = radius.resolve(rect.width, rect.height).map(|(h, v)| (resized(h, inset), resized(v, inset)));
        match self.snap(rect) {
            Placed::Upright(px) | Placed::Mirrored(px, _) => {
                let by = Fx::from_px(inset * self.scale());
                let edge = |v: i32, by: Fx| Fx(Fx::from_int(v).0 + by.0);
                let r = FxRect::new(edge(px.x0, by), edge(px.y0, by), edge(px.x1, Fx(-by.0)), edge(px.y1, Fx(-by.0)));
                let limit = |v: f64, side: u32| Fx::from_px((v * self.scale()).min(f64::from(side)));
                Shape::round_rect(r, self.seen(radii).map(|(h, v)| FxPoint { x: limit(h, px.width()), y: limit(v, px.height()) }))
            }
            Placed::Turned => {
                let mut path = Vec::new();
                self.trace_round_box(rect.inset(inset), radii, Winding::Clockwise, &mut path);
                Shape::Path(Arc::new(Path::new(path)))
            }
        }
    }

    /// What lies at the corners of a mirrored box, clockwise from the top left as it is seen.
    fn seen<T>(&self, [tl, tr, br, bl]: [T; 4]) -> [T; 4] {
        match (self.map.a < 0.0, self.map.d < 0.0) {
            (false, false) => [tl, tr, br, bl],
            (true, false) => [tr, tl, bl, br],
            (false, true) => [bl, br, tr, tl],
            (true, true) => [br, bl, tl, tr],
        }
    }

    /// A border inside the box: the area between the outline and the outline smaller by `width` on all sides.
    pub fn border(&self, rect: Rect, radius: &Radius, border: &Border, opacity: f64) -> Vec<Item<Lowered>> {
        // On the snapped box, so that ring and fill share their outer edge.
        let (outer, map, grow) = self.framed(rect);
        let radii = radius.resolve(rect.width, rect.height).map(|(h, v)| (h * grow, v * grow));
        let ring = map.ring(outer, radii, border.width * grow);
        let paint = self.paint(&border.paint, rect, opacity);
        ring.map(|path| Item::fill(Shape::Path(Arc::new(path)), paint)).into_iter().collect()
    }

    /// A border's ring whose edges are not snapped to whole pixels.
    pub fn flat_ring(&self, rect: Rect, radius: &Radius, width: f64) -> Option<Path> {
        self.ring(rect, radius.resolve(rect.width, rect.height), width)
    }

    /// A box whose edges are not snapped to whole pixels.
    pub fn flat_box(&self, rect: Rect, radius: &Radius) -> Path {
        let mut path = Vec::new();
        self.trace_round_box(rect, radius.resolve(rect.width, rect.height), Winding::Clockwise, &mut path);
        Path::new(path)
    }

    fn ring(&self, outer: Rect, radii: [(f64, f64); 4], width: f64) -> Option<Path> {
        let width = width.min(outer.width / 2.0).min(outer.height / 2.0);
        if width <= 0.0 {
            return None;
        }
        let mut path = Vec::new();
        self.trace_round_box(outer, radii, Winding::Clockwise, &mut path);
        let inner = outer.inset(width);
        if inner.width > 0.0 && inner.height > 0.0 {
            let radii = radii.map(|(h, v)| ((h - width).max(0.0), (v - width).max(0.0)));
            self.trace_round_box(inner, radii, Winding::CounterClockwise, &mut path);
        }
        Some(Path::new(path))
    }

    /// The outlines of several boxes as one shape: where they overlap nothing shows twice.
    pub fn round_boxes(&self, boxes: &[Rect], radius: &Radius) -> Shape {
        if let [only] = boxes {
            return self.round_box(*only, radius);
        }
        let mut path = Vec::new();
        for rect in boxes {
            let (placed, map, grow) = self.framed(*rect);
            let radii = radius.resolve(rect.width, rect.height).map(|(h, v)| (h * grow, v * grow));
            map.trace_round_box(placed, radii, Winding::Clockwise, &mut path);
        }
        Shape::Path(Arc::new(Path::new(path)))
    }

    fn trace_round_box(&self, rect: Rect, radii: [(f64, f64); 4], winding: Winding, out: &mut Vec<Segment>) {
        let [tl, tr, br, bl] = radii;
        let (l, t, r, b) = (rect.x, rect.y, rect.right(), rect.bottom());
        let point = |x: f64, y: f64| {
            let (x, y) = self.map.apply(x, y);
            FxPoint::from_px(x, y)
        };
        let rest = 1.0 - KAPPA;
        // Each corner: where the side before it ends, two control points, where it ends itself.
        let corners = [
            ((r - tr.0, t), (r - tr.0 * rest, t), (r, t + tr.1 * rest), (r, t + tr.1)),
            ((r, b - br.1), (r, b - br.1 * rest), (r - br.0 * rest, b), (r - br.0, b)),
            ((l + bl.0, b), (l + bl.0 * rest, b), (l, b - bl.1 * rest), (l, b - bl.1)),
            ((l, t + tl.1), (l, t + tl.1 * rest), (l + tl.0 * rest, t), (l + tl.0, t)),
        ];
        let p = |(x, y): (f64, f64)| point(x, y);
        out.push(Segment::Move(point(l + tl.0, t)));
        let mut corner = |from: (f64, f64), c1, c2, to: (f64, f64)| {
            out.push(Segment::Line(p(from)));
            if from != to {
                out.push(Segment::Cubic(p(c1), p(c2), p(to)));
            }
        };
        match winding {
            Winding::Clockwise => corners.into_iter().for_each(|(from, c1, c2, to)| corner(from, c1, c2, to)),
            Winding::CounterClockwise => corners.into_iter().rev().for_each(|(to, c2, c1, from)| corner(from, c1, c2, to)),
        }
        out.push(Segment::Close);
    }

    /// The layer's paint; gradients are laid over `rect`, the layer's box.
    pub fn paint(&self, paint: &Paint, rect: Rect, opacity: f64) -> ScenePaint {
        let alpha = opacity_to_u8(opacity);
        match paint {
            Paint::Solid(color) => ScenePaint::Solid(color.premultiply().fade(alpha)),
            Paint::Gradient(gradient) => {
                let (cx, cy) = rect.center();
                let (kind, to_layout) = match gradient.shape {
                    GradientShape::Linear { angle } => {
                        // CSS Images 3, 3.1: the gradient line's length is |w sin a| + |h cos a|, from the centre half each way.
                        let turn = Affine::rotate(angle);
                        let (sin, cos) = (turn.b, turn.a);
                        let length = ((rect.width * sin).abs() + (rect.height * cos).abs()).max(1e-6);
                        // x of gradient space runs from 0 to 1 along (sin, -cos).
                        let start = (cx - sin * length / 2.0, cy + cos * length / 2.0);
                        let along = (sin * length, -cos * length);
                        (GradientKind::Linear, Affine { a: along.0, b: along.1, c: -along.1, d: along.0, e: start.0, f: start.1 })
                    }
                    GradientShape::Radial { center, radius } => {
                        let (x, y) = center.resolve(rect);
                        let radius = radius.unwrap_or_else(|| farthest_corner(rect, x, y)).max(1e-6);
                        (GradientKind::Radial, Affine::translate(x, y).then_inner(Affine::scale(radius, radius)))
                    }
                    GradientShape::Conic { center, angle } => {
                        let (x, y) = center.resolve(rect);
                        (GradientKind::Conic, Affine::translate(x, y).then_inner(Affine::rotate(angle)))
                    }
                };
                let stops: Vec<Stop> = gradient
                    .stops
                    .iter()
                    .map(|stop| Stop { at: stop.at as f32, color: stop.color.premultiply().fade(alpha) })
                    .collect();
                match self.map.then_inner(to_layout).invert() {
                    Some(map) => ScenePaint::Gradient(Arc::new(Gradient { kind, map, stops })),
                    // A layer squeezed flat shows nothing.
                    None => ScenePaint::Solid(Premul::TRANSPARENT),
                }
            }
        }
    }
}

/// As [`Emitter::hidden_by`], wherever edges are antialiased, at so many output pixels to a layout pixel.
pub fn hidden_at(border: Option<&Border>, scale: f64) -> f64 {
    match border {
        Some(border) if border.paint.is_opaque() => (border.width / 2.0).min(1.5 / scale.max(1e-9)),
        _ => 0.0,
    }
}

/// A corner's radius in a box that is smaller by `inset`, or larger where that is negative: then a sharp corner stays sharp and
/// small radii grow less (CSS Backgrounds 3, 6.1.1).
fn resized(radius: f64, inset: f64) -> f64 {
    let spread = -inset;
    if spread <= 0.0 {
        return (radius - inset).max(0.0);
    }
    if radius >= spread {
        return radius + spread;
    }
    let short = radius / spread - 1.0;
    radius + spread * (1.0 + short * short * short)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Winding {
    Clockwise,
    CounterClockwise,
}

fn farthest_corner(rect: Rect, x: f64, y: f64) -> f64 {
    let dx = (x - rect.x).abs().max((rect.right() - x).abs());
    let dy = (y - rect.y).abs().max((rect.bottom() - y).abs());
    libm::hypot(dx, dy)
}

/// Items blended as one with what lies beneath, at this opacity.
pub fn with_effects(items: Vec<Item<Lowered>>, opacity: f64, blend: Blend) -> Vec<Item<Lowered>> {
    match (blend, opacity_to_u8(opacity)) {
        (Blend::Normal, _) => with_opacity(items, opacity),
        (_, 0) => Vec::new(),
        _ if items.is_empty() => items,
        (blend, alpha) => vec![Item::group(items, alpha, blend, None, None)],
    }
}

/// Items as one isolated group of this opacity; a single fill or picture takes it itself, which looks the same.
pub fn with_opacity(items: Vec<Item<Lowered>>, opacity: f64) -> Vec<Item<Lowered>> {
    let alpha = opacity_to_u8(opacity);
    if alpha == 255 {
        return items;
    }
    if alpha == 0 {
        return Vec::new();
    }
    if let [only] = items.as_slice() {
        match only.op() {
            Op::Fill { shape, paint: ScenePaint::Solid(color) } => {
                return vec![Item::fill(shape.clone(), ScenePaint::Solid(color.fade(alpha)))];
            }
            Op::Pixels { source, x, y, clip, opacity: 255 } => {
                return vec![Item::pixels(Arc::clone(source), *x, *y, clip.clone(), alpha)];
            }
            _ => {}
        }
    }
    Item::group_or_items(items, alpha, Blend::Normal, None, None)
}
