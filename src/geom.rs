//! Geometry: pixel rectangles, 26.6 fixed point, affine maps, paths. Values that cannot be wrong after construction.

mod projective;

pub use projective::Projective;

/// A coordinate of the scene in 1/64 pixel (26.6 fixed point, the unit of font rasterizers).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Fx(pub i32);

impl Fx {
    pub const ONE: Fx = Fx(64);

    /// The nearest 1/64 pixel; saturates (and maps NaN to 0), so that no input can overflow later sums.
    pub fn from_px(px: f64) -> Fx {
        // 2^24 px is far beyond any canvas (8,192 px) and leaves headroom for additions in i32.
        const BOUND: f64 = (1 << 24) as f64;
        let clamped = if px.is_nan() { 0.0 } else { px.clamp(-BOUND, BOUND) };
        Fx((clamped * 64.0).round() as i32)
    }

    pub fn from_int(px: i32) -> Fx {
        Fx(px.clamp(-(1 << 24), 1 << 24) * 64)
    }

    pub fn to_px(self) -> f64 {
        f64::from(self.0) / 64.0
    }

    /// The pixel that holds this coordinate.
    pub fn floor(self) -> i32 {
        self.0 >> 6
    }

    pub fn ceil(self) -> i32 {
        (self.0 + 63) >> 6
    }
}

/// A point of the scene.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FxPoint {
    pub x: Fx,
    pub y: Fx,
}

impl FxPoint {
    pub fn from_px(x: f64, y: f64) -> FxPoint {
        FxPoint { x: Fx::from_px(x), y: Fx::from_px(y) }
    }

    pub fn translate(self, by: FxPoint) -> FxPoint {
        FxPoint { x: Fx(self.x.0.saturating_add(by.x.0)), y: Fx(self.y.0.saturating_add(by.y.0)) }
    }
}

/// A rectangle of the scene; may be empty, never inverted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FxRect {
    pub x0: Fx,
    pub y0: Fx,
    pub x1: Fx,
    pub y1: Fx,
}

impl FxRect {
    pub fn new(x0: Fx, y0: Fx, x1: Fx, y1: Fx) -> FxRect {
        FxRect { x0, y0, x1: x1.max(x0), y1: y1.max(y0) }
    }

    pub fn from_px(r: Rect) -> FxRect {
        FxRect::new(Fx::from_px(r.x), Fx::from_px(r.y), Fx::from_px(r.x + r.width), Fx::from_px(r.y + r.height))
    }

    /// The pixels it touches.
    pub fn touched(self) -> PxRect {
        PxRect::new(self.x0.floor(), self.y0.floor(), self.x1.ceil(), self.y1.ceil())
    }

    pub fn width(self) -> Fx {
        Fx(self.x1.0 - self.x0.0)
    }

    pub fn height(self) -> Fx {
        Fx(self.y1.0 - self.y0.0)
    }

    /// The same rectangle in whole pixels, if all four edges lie on pixel edges.
    pub fn as_px(self) -> Option<PxRect> {
        let whole = (self.x0.0 | self.y0.0 | self.x1.0 | self.y1.0) & 63 == 0;
        whole.then(|| self.touched())
    }
}

/// Whole pixels, half open: `x0 <= x < x1`. May be empty, never inverted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PxRect {
    pub x0: i32,
    pub y0: i32,
    pub x1: i32,
    pub y1: i32,
}

impl PxRect {
    pub fn new(x0: i32, y0: i32, x1: i32, y1: i32) -> PxRect {
        PxRect { x0, y0, x1: x1.max(x0), y1: y1.max(y0) }
    }

    /// The pixels that a rectangle touches, as far as anything is ever drawn.
    pub fn around(r: Rect) -> PxRect {
        let edge = |v: f64| v.clamp(-1e7, 1e7) as i32;
        PxRect::new(edge(r.x.floor()), edge(r.y.floor()), edge(r.right().ceil()), edge(r.bottom().ceil()))
    }

    pub fn of_size(size: Size) -> PxRect {
        PxRect::new(0, 0, size.width() as i32, size.height() as i32)
    }

    pub fn width(self) -> u32 {
        (self.x1 - self.x0) as u32
    }

    pub fn height(self) -> u32 {
        (self.y1 - self.y0) as u32
    }

    /// How many pixels.
    pub fn area(self) -> u64 {
        u64::from(self.width()) * u64::from(self.height())
    }

    pub fn is_empty(self) -> bool {
        self.x0 >= self.x1 || self.y0 >= self.y1
    }

    pub fn intersect(self, other: PxRect) -> PxRect {
        PxRect::new(self.x0.max(other.x0), self.y0.max(other.y0), self.x1.min(other.x1), self.y1.min(other.y1))
    }

    /// The smallest rectangle that holds both; an empty one counts for nothing.
    pub fn union(self, other: PxRect) -> PxRect {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        PxRect::new(self.x0.min(other.x0), self.y0.min(other.y0), self.x1.max(other.x1), self.y1.max(other.y1))
    }

    pub fn translate(self, dx: i32, dy: i32) -> PxRect {
        PxRect {
            x0: self.x0.saturating_add(dx),
            y0: self.y0.saturating_add(dy),
            x1: self.x1.saturating_add(dx),
            y1: self.y1.saturating_add(dy),
        }
    }

    /// Larger by `by` pixels on every side.
    pub fn grow(self, by: i32) -> PxRect {
        PxRect {
            x0: self.x0.saturating_sub(by),
            y0: self.y0.saturating_sub(by),
            x1: self.x1.saturating_add(by),
            y1: self.y1.saturating_add(by),
        }
    }

    pub fn to_rect(self) -> Rect {
        Rect::new(f64::from(self.x0), f64::from(self.y0), f64::from(self.width()), f64::from(self.height()))
    }

    pub fn contains_rect(self, other: PxRect) -> bool {
        other.is_empty() || (self.x0 <= other.x0 && self.y0 <= other.y0 && self.x1 >= other.x1 && self.y1 >= other.y1)
    }
}

/// A size in whole pixels: both sides at least 1, and no more pixels than a 32-bit index can name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// `None` when a side is 0 or the area is 2^28 pixels (1 GiB of RGBA) or more.
    pub fn new(width: u32, height: u32) -> Option<Size> {
        let area = u64::from(width) * u64::from(height);
        (width > 0 && height > 0 && width < 1 << 24 && height < 1 << 24 && area < 1 << 28).then_some(Size { width, height })
    }

    pub fn width(self) -> u32 {
        self.width
    }

    pub fn height(self) -> u32 {
        self.height
    }

    pub fn area(self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// A rectangle of the layout, in pixels at scale 1 as layers write them. Finite; width and height at least 0.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub fn new(x: f64, y: f64, width: f64, height: f64) -> Rect {
        let finite = |v: f64| if v.is_finite() { v } else { 0.0 };
        Rect { x: finite(x), y: finite(y), width: finite(width).max(0.0), height: finite(height).max(0.0) }
    }

    pub fn right(self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(self) -> f64 {
        self.y + self.height
    }

    pub fn center(self) -> (f64, f64) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Smaller by `by` on every side; never inverted.
    pub fn inset(self, by: f64) -> Rect {
        let (dx, dy) = (by.min(self.width / 2.0), by.min(self.height / 2.0));
        Rect::new(self.x + dx, self.y + dy, self.width - 2.0 * dx, self.height - 2.0 * dy)
    }

    pub fn scale(self, by: f64) -> Rect {
        Rect::new(self.x * by, self.y * by, self.width * by, self.height * by)
    }
}

/// An affine map: `x' = a x + c y + e`, `y' = b x + d y + f` (the order of CSS `matrix()`).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Affine {
    pub a: f64,
    pub b: f64,
    pub c: f64,
    pub d: f64,
    pub e: f64,
    pub f: f64,
}

impl Affine {
    pub const IDENTITY: Affine = Affine { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    pub fn translate(x: f64, y: f64) -> Affine {
        Affine { e: x, f: y, ..Affine::IDENTITY }
    }

    pub fn scale(x: f64, y: f64) -> Affine {
        Affine { a: x, d: y, ..Affine::IDENTITY }
    }

    /// Clockwise on a canvas whose y points down; quarter turns are exact.
    pub fn rotate(degrees: f64) -> Affine {
        let turned = degrees.rem_euclid(360.0);
        let (sin, cos) = if turned == 0.0 {
            (0.0, 1.0)
        } else if turned == 90.0 {
            (1.0, 0.0)
        } else if turned == 180.0 {
            (0.0, -1.0)
        } else if turned == 270.0 {
            (-1.0, 0.0)
        } else {
            let radians = turned * (core::f64::consts::PI / 180.0);
            (libm::sin(radians), libm::cos(radians))
        };
        Affine { a: cos, b: sin, c: -sin, d: cos, e: 0.0, f: 0.0 }
    }

    pub fn rotate_about(degrees: f64, x: f64, y: f64) -> Affine {
        Affine::translate(x, y).then_inner(Affine::rotate(degrees)).then_inner(Affine::translate(-x, -y))
    }

    pub fn scale_about(x_by: f64, y_by: f64, x: f64, y: f64) -> Affine {
        Affine::translate(x, y).then_inner(Affine::scale(x_by, y_by)).then_inner(Affine::translate(-x, -y))
    }

    /// The map that applies `inner` first and then `self` (matrix product `self * inner`).
    pub fn then_inner(self, inner: Affine) -> Affine {
        Affine {
            a: self.a * inner.a + self.c * inner.b,
            b: self.b * inner.a + self.d * inner.b,
            c: self.a * inner.c + self.c * inner.d,
            d: self.b * inner.c + self.d * inner.d,
            e: self.a * inner.e + self.c * inner.f + self.e,
            f: self.b * inner.e + self.d * inner.f + self.f,
        }
    }

    pub fn apply(self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// `None` when the map flattens the plane.
    pub fn invert(self) -> Option<Affine> {
        let det = self.a * self.d - self.b * self.c;
        if !det.is_finite() || det.abs() < 1e-12 {
            return None;
        }
        Some(Affine {
            a: self.d / det,
            b: -self.b / det,
            c: -self.c / det,
            d: self.a / det,
            e: (self.c * self.f - self.d * self.e) / det,
            f: (self.b * self.e - self.a * self.f) / det,
        })
    }

    /// Whether it only scales by a positive factor alike on both axes and moves: boxes stay upright boxes.
    pub fn is_upright(self) -> bool {
        self.b == 0.0 && self.c == 0.0 && self.a > 0.0 && self.a == self.d
    }

    /// As [`Affine::is_upright`], but it may also mirror along either axis.
    pub fn is_level(self) -> bool {
        self.b == 0.0 && self.c == 0.0 && self.a != 0.0 && self.a.abs() == self.d.abs()
    }

    /// The box around the image of a rectangle.
    pub fn bounds_of(self, r: Rect) -> Rect {
        let corners =
            [self.apply(r.x, r.y), self.apply(r.right(), r.y), self.apply(r.x, r.bottom()), self.apply(r.right(), r.bottom())];
        let (mut x0, mut y0) = corners[0];
        let (mut x1, mut y1) = corners[0];
        for (x, y) in corners {
            (x0, y0, x1, y1) = (x0.min(x), y0.min(y), x1.max(x), y1.max(y));
        }
        Rect::new(x0, y0, x1 - x0, y1 - y0)
    }
}

/// One piece of an outline.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Segment {
    Move(FxPoint),
    Line(FxPoint),
    Quad(FxPoint, FxPoint),
    Cubic(FxPoint, FxPoint, FxPoint),
    Close,
}

/// An outline, filled by the non-zero rule. Open pieces are closed when filled.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Path {
    segments: Vec<Segment>,
}

impl Path {
    pub fn new(segments: Vec<Segment>) -> Path {
        Path { segments }
    }

    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    pub fn translate(&self, by: FxPoint) -> Path {
        let at = |p: FxPoint| p.translate(by);
        let segments = self.segments.iter().map(|segment| match *segment {
            Segment::Move(p) => Segment::Move(at(p)),
            Segment::Line(p) => Segment::Line(at(p)),
            Segment::Quad(a, b) => Segment::Quad(at(a), at(b)),
            Segment::Cubic(a, b, c) => Segment::Cubic(at(a), at(b), at(c)),
            Segment::Close => Segment::Close,
        });
        Path { segments: segments.collect() }
    }

    /// The box around all points, control points included.
    pub fn bounds(&self) -> FxRect {
        let mut bounds: Option<FxRect> = None;
        let mut add = |p: FxPoint| {
            bounds = Some(match bounds {
                None => FxRect { x0: p.x, y0: p.y, x1: p.x, y1: p.y },
                Some(b) => FxRect { x0: b.x0.min(p.x), y0: b.y0.min(p.y), x1: b.x1.max(p.x), y1: b.y1.max(p.y) },
            });
        };
        for segment in &self.segments {
            match *segment {
                Segment::Move(p) | Segment::Line(p) => add(p),
                Segment::Quad(a, b) => [a, b].into_iter().for_each(&mut add),
                Segment::Cubic(a, b, c) => [a, b, c].into_iter().for_each(&mut add),
                Segment::Close => {}
            }
        }
        bounds.unwrap_or_default()
    }
}
