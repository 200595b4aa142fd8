//! `image`: a picture fitted into a box, with round corners and a border.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::asset::{Asset, Assets, Shown, Source};
use crate::color::Color;
use crate::geom::{Affine, Fx, FxPoint, FxRect, Projective, PxRect, Rect, Size};
use crate::layer::emit::{Emitter, Placed, hidden_at};
use crate::layer::filters::Filters;
use crate::layer::perspective::Corners;
use crate::layer::values::{Border, Length, Paint, Position, Radius};
use crate::layer::{Content, LayerId};
use crate::layout::boxes::Given;
use crate::problem::{Place, Problem};
use crate::scene::{Crop, Filtered, Item, Lowered, Picture, Recipe, Shape, Step, Warp};
use crate::template::declare::{fields, words};
use crate::template::fields::{Read, Reader};

/// What stands in for a picture that failed where `on_error` is `placeholder`.
pub const PLACEHOLDER: Color = Color::rgb(0xe5, 0xe7, 0xeb);

fields! {
    /// A picture.
    pub struct Image {
        /// `https:`, `http:`, `data:`, `upload:NAME` or `asset:NAME`.
        src: Source,
        /// Tried where `src` fails, before `on_error`.
        fallback: Option<Source>,
        /// What becomes of the layer when its source failed: the render fails, the layer hides, or a grey shape stands in.
        on_error: OnError = "fail",
        /// How the picture fills its box (CSS object-fit).
        fit: Fit = "cover",
        /// Which part is seen, or where it lies (CSS object-position).
        position: Position = "center",
        /// Corner radius: pixels, `"50%"`, or `[tl, tr, br, bl]`; oversize radii shrink as in CSS.
        radius: Radius = 0,
        /// A line inside the edge of the box, over the picture.
        border: Option<Border>,
        /// Filters of CSS in order, as `[{ "blur": 8 }, { "grayscale": 1 }]`: on the picture, before `radius` cuts it.
        filters: Option<Filters>,
        /// Perspective: where the corners of the box go, four points `[x, y]` clockwise from the top left, in pixels or percentages
        /// from the top left of the box. Layout takes no notice.
        corners: Option<Corners>,
    }
}

impl Image {
    /// With nothing but a source and how it fills its box.
    pub fn plain(src: Source, fit: Fit) -> Image {
        Image {
            src,
            fallback: None,
            on_error: OnError::Fail,
            fit,
            position: Position::CENTER,
            radius: Radius::NONE,
            border: None,
            filters: None,
            corners: None,
        }
    }
}

words! {
    /// What becomes of a layer whose source failed; a forbidden source always fails.
    pub enum OnError { Fail = "fail", Hide = "hide", Placeholder = "placeholder" }
}

words! {
    /// CSS `object-fit`.
    pub enum Fit { Cover = "cover", Contain = "contain", Fill = "fill", None = "none", ScaleDown = "scale_down" }
}

/// What of a picture is seen and where: the visible part of the box in output pixels from the box's top left, and the
/// part of the picture that fills it.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Fitted {
    dest: PxRect,
    crop: Crop,
}

/// How a picture that is made upright is laid.
#[derive(Clone, Copy)]
struct Laying {
    /// From layout pixels to output pixels.
    map: Projective,
    /// Output pixels to a layout pixel.
    scale: f64,
    /// Of the box, in the pixels in which the picture is made: whole ones, at least one.
    size: (f64, f64),
    /// So many layout pixels inside of its box the picture ends.
    hidden: f64,
}

impl Laying {
    fn at(map: Projective, scale: f64, rect: Rect, hidden: f64) -> Laying {
        let side = |side: f64| (side * scale).round().max(1.0);
        Laying { map, scale, size: (side(rect.width), side(rect.height)), hidden }
    }
}

impl Image {
    pub fn measure(&self, given: Given, id: LayerId, place: &Place, assets: &Assets) -> Result<Content, Problem> {
        let own = match assets.get(id.0) {
            Shown::Picture { asset, .. } => {
                let (w, h) = asset.header().upright();
                Some((f64::from(w), f64::from(h)))
            }
            Shown::Placeholder | Shown::Hidden | Shown::Nothing => None,
        };
        let (width, height) = match (given.width, given.height, own) {
            (Some(w), Some(h), _) => (w, h),
            (Some(w), None, Some((ow, oh))) => (w, w * oh / ow),
            (None, Some(h), Some((ow, oh))) => (h * ow / oh, h),
            (None, None, Some(own)) => own,
            (w, h, None) => (w.unwrap_or(0.0), h.unwrap_or(0.0)),
        };
        if let Some(corners) = &self.corners {
            corners.check((width, height), place)?;
        }
        Ok(Content::Plain { width, height })
    }

    pub fn emit(&self, id: LayerId, rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        if let Some(corners) = &self.corners {
            return self.in_perspective(corners, id, rect, to, assets).unwrap_or_default();
        }
        let hidden = to.hidden_by(self.border.as_ref(), &self.radius);
        let mut items: Vec<Item<Lowered>> = match assets.get(id.0) {
            Shown::Picture { asset, .. } => match to.snap(rect) {
                Placed::Upright(px) => self.upright(asset, rect, px, to).into_iter().collect(),
                Placed::Mirrored(px, map) => {
                    // The box in layout pixels onto the snapped one.
                    let into = Affine::translate(f64::from(px.x0), f64::from(px.y0))
                        .then_inner(Affine::scale(f64::from(px.width()) / rect.width, f64::from(px.height()) / rect.height))
                        .then_inner(Affine::translate(-rect.x, -rect.y));
                    let size = (f64::from(px.width()), f64::from(px.height()));
                    let map = map.then_inner(into).into();
                    self.laid(asset, rect, &Laying { map, scale: to.scale(), size, hidden }, to.canvas).into_iter().collect()
                }
                Placed::Turned => {
                    let laying = Laying::at(to.map.into(), to.scale(), rect, hidden);
                    self.laid(asset, rect, &laying, to.canvas).into_iter().collect()
                }
            },
            Shown::Placeholder => {
                vec![Item::fill(self.outline(rect, to), to.paint(&Paint::Solid(PLACEHOLDER), rect, 1.0))]
            }
            Shown::Hidden | Shown::Nothing => return Vec::new(),
        };
        if let Some(border) = &self.border {
            items.extend(to.border(rect, &self.radius, border, 1.0));
        }
        items
    }

    /// What of the box the picture may fill.
    fn outline(&self, rect: Rect, to: &Emitter) -> Shape {
        to.content_box(rect, &self.radius, self.border.as_ref())
    }

    fn upright(&self, asset: &Arc<Asset>, rect: Rect, px: PxRect, to: &Emitter) -> Option<Item<Lowered>> {
        let fitted = self.fitted(asset, px.width(), px.height(), to.scale())?;
        let dest = fitted.dest.translate(px.x0, px.y0);
        let steps = self.steps(to.scale());
        // What lies beside the canvas may be blurred onto it.
        let (picture, x, y) = visible(asset, fitted.crop, dest, to.canvas.grow(Filtered::reach(&steps)))?;
        let clip = (!self.radius.is_none()).then(|| self.outline(rect, to));
        let source = Recipe::picture(picture)?;
        let (recipe, (x, y)) = filtered(source, (x, y), steps, dest, px.intersect(to.canvas))?;
        Some(Item::pixels(Arc::new(recipe), x, y, clip, 255))
    }

    fn steps(&self, scale: f64) -> Vec<Step> {
        self.filters.as_ref().map(|filters| filters.steps(scale)).unwrap_or_default()
    }

    fn in_perspective(
        &self,
        corners: &Corners,
        id: LayerId,
        rect: Rect,
        to: &Emitter,
        assets: &Assets,
    ) -> Option<Vec<Item<Lowered>>> {
        let tilted = corners.tilt(rect, to)?;
        let mut items = match assets.get(id.0) {
            Shown::Picture { asset, .. } => {
                let hidden = hidden_at(self.border.as_ref(), tilted.scale);
                let laying = Laying::at(tilted.map, tilted.scale, rect, hidden);
                self.laid(asset, rect, &laying, to.canvas).into_iter().collect()
            }
            Shown::Placeholder => vec![tilted.filled(rect, &self.radius, &Paint::Solid(PLACEHOLDER), to)],
            Shown::Hidden | Shown::Nothing => Vec::new(),
        };
        if let Some(border) = self.border.as_ref().filter(|_| !items.is_empty()) {
            items.extend(tilted.border(rect, &self.radius, border, to));
        }
        Some(items)
    }

    /// The picture is made upright at the output's resolution, filtered, cut, and then laid by the map as a whole.
    fn laid(&self, asset: &Arc<Asset>, rect: Rect, laying: &Laying, canvas: PxRect) -> Option<Item<Lowered>> {
        let Laying { map, scale, size: (w, h), hidden } = *laying;
        let window = PxRect::around(map.bounds_of(rect)).grow(1).intersect(canvas);
        let size = Size::new(window.width(), window.height())?;
        // Beyond four canvases nothing is gained by more pixels.
        let most = 2.0 * f64::from(canvas.width().max(canvas.height()));
        let shrink = (most / w.max(h)).min(1.0);
        let (w, h) = ((w * shrink).round().max(1.0), (h * shrink).round().max(1.0));
        let fitted = self.fitted(asset, w as u32, h as u32, scale * shrink)?;
        let dest = fitted.dest;
        let target = Size::new(dest.width(), dest.height())?;
        let source =
            Recipe::picture(Picture { asset: Arc::clone(asset), crop: fitted.crop, target, window: PxRect::of_size(target) })?;
        let whole = PxRect::new(0, 0, w as i32, h as i32);
        let (source, (x, y)) = filtered(source, (dest.x0, dest.y0), self.steps(scale * shrink), dest, whole)?;
        let clip = (hidden > 0.0 || !self.radius.is_none()).then(|| {
            let (kx, ky) = (w / rect.width.max(1e-9), h / rect.height.max(1e-9));
            let radii = self.radius.resolve(rect.width, rect.height).map(|(rx, ry)| (rx - hidden, ry - hidden));
            let place = |v: f64, start: i32| Fx::from_px(v - f64::from(start));
            let (dx, dy) = (hidden * kx, hidden * ky);
            let outline = FxRect::new(place(dx, x), place(dy, y), place(w - dx, x), place(h - dy, y));
            Shape::round_rect(outline, radii.map(|(rx, ry)| FxPoint::from_px((rx * kx).min(w / 2.0), (ry * ky).min(h / 2.0))))
        });
        // Source pixels -> layout pixels -> output pixels -> window pixels.
        let into_layout = Affine::translate(rect.x, rect.y)
            .then_inner(Affine::scale(rect.width / w, rect.height / h))
            .then_inner(Affine::translate(f64::from(x), f64::from(y)));
        let into_window = Affine::translate(-f64::from(window.x0), -f64::from(window.y0));
        let map = Projective::from(into_window).then_inner(map).then_inner(into_layout.into());
        map.invert()?;
        let recipe = Recipe::warp(Warp { source: Arc::new(source), clip, map, size });
        Some(Item::pixels(Arc::new(recipe), window.x0, window.y0, None, 255))
    }

    /// `object-fit` and `object-position` in a box of whole pixels.
    fn fitted(&self, asset: &Asset, box_width: u32, box_height: u32, scale: f64) -> Option<Fitted> {
        let (w, h) = asset.header().upright();
        let (w, h) = (f64::from(w), f64::from(h));
        let (bw, bh) = (f64::from(box_width), f64::from(box_height));
        let both = |s: f64| (s, s);
        let contain = (bw / w).min(bh / h);
        let (sx, sy) = match self.fit {
            Fit::Cover => both((bw / w).max(bh / h)),
            Fit::Contain => both(contain),
            Fit::Fill => (bw / w, bh / h),
            Fit::None => both(scale),
            Fit::ScaleDown => both(contain.min(scale)),
        };
        let offset = |l: Length, room: f64| match l {
            Length::Px(px) => px * scale,
            Length::Percent(percent) => room * percent / 100.0,
        };
        let (x0, x1, left, width) = axis(bw, w, sx, offset(self.position.x, bw - w * sx))?;
        let (y0, y1, top, height) = axis(bh, h, sy, offset(self.position.y, bh - h * sy))?;
        Some(Fitted { dest: PxRect::new(x0, y0, x1, y1), crop: Crop { x: left, y: top, width, height } })
    }
}

/// A picture through filters: what of it lies in `seen`, the picture as shown filling `dest` and the source lying at `at`. Without
/// filters the source itself. Answers also where the result lies.
fn filtered(source: Recipe, at: (i32, i32), steps: Vec<Step>, dest: PxRect, seen: PxRect) -> Option<(Recipe, (i32, i32))> {
    if steps.is_empty() {
        return Some((source, at));
    }
    let result = dest.grow(Filtered::reach(&steps)).intersect(seen);
    let window = result.translate(at.0.saturating_neg(), at.1.saturating_neg());
    let recipe = Recipe::filtered(Filtered { source: Arc::new(source), steps, window })?;
    Some((recipe, (result.x0, result.y0)))
}

/// One axis: the picture's side `own`, scaled by `by`, begins at `offset` in a box of `side` pixels. Answers the first
/// and last output pixel edge and the start and length of what is seen in the picture's pixels.
fn axis(side: f64, own: f64, by: f64, offset: f64) -> Option<(i32, i32, f64, f64)> {
    let (start, end) = (offset, offset + own * by);
    // A cut edge shows what lies there; a free one the picture's own edge, moved to the nearest whole pixel.
    let near = |edge: f64| (edge - side).abs() < 1e-6 || edge > side;
    let (from, first) = if start < 0.0 { (0.0, -offset / by) } else { (start.round(), 0.0) };
    let (to, last) = if near(end) { (side, ((side - offset) / by).min(own)) } else { (end.round(), own) };
    let to = if to <= from && end > start && start < side { from + 1.0 } else { to };
    (to > from && last > first).then_some((from as i32, to as i32, first.max(0.0), last - first.max(0.0)))
}

/// The part of a placed picture that lies on the canvas, and the pixel of its top left.
fn visible(asset: &Arc<Asset>, crop: Crop, dest: PxRect, canvas: PxRect) -> Option<(Picture, i32, i32)> {
    let seen = dest.intersect(canvas);
    if seen.is_empty() {
        return None;
    }
    let ample = u64::from(canvas.width()) * u64::from(canvas.height()) * 4;
    let whole = Size::new(dest.width(), dest.height()).filter(|size| size.area() <= ample);
    let (crop, target, window) = match whole {
        Some(target) => (crop, target, seen.translate(-dest.x0, -dest.y0)),
        // A picture blown up far beyond the canvas: resample only what is seen of it.
        None => {
            let (kx, ky) = (crop.width / f64::from(dest.width()), crop.height / f64::from(dest.height()));
            let part = Crop {
                x: crop.x + f64::from(seen.x0 - dest.x0) * kx,
                y: crop.y + f64::from(seen.y0 - dest.y0) * ky,
                width: f64::from(seen.width()) * kx,
                height: f64::from(seen.height()) * ky,
            };
            let target = Size::new(seen.width(), seen.height())?;
            (part, target, PxRect::of_size(target))
        }
    };
    Some((Picture { asset: Arc::clone(asset), crop, target, window }, seen.x0, seen.y0))
}

impl Read for Source {
    fn read(value: &Value, reader: &mut Reader) -> Option<Source> {
        let Some(text) = value.as_str() else {
            return reader.wrong_type(value, "a source, as \"https://…\" or \"asset:logo.png\"");
        };
        match Source::parse(text) {
            Ok(source) => Some(source),
            Err(error) => reader.invalid_hint(error.to_string(), "a source is https:, http:, data:, upload:NAME or asset:NAME"),
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "format": "source", "description": "`https:`, `http:`, `data:`, `upload:NAME` or `asset:NAME`." })
    }
}

#[cfg(test)]
mod tests {
    use super::axis;

    #[test]
    fn an_axis_is_cut_where_the_box_ends() {
        // Cover: 1600 px scaled to 1350/1080 ... the middle is seen.
        let (from, to, first, length) = axis(1080.0, 1600.0, 0.8, (1080.0 - 1280.0) / 2.0).unwrap();
        assert_eq!((from, to), (0, 1080));
        assert!((first - 125.0).abs() < 1e-9 && (length - 1350.0).abs() < 1e-9);
        // Contain: free at both ends.
        assert_eq!(axis(100.0, 50.0, 1.0, 25.0).unwrap(), (25, 75, 0.0, 50.0));
        // Pushed out to the right, half is seen.
        assert_eq!(axis(100.0, 50.0, 1.0, 75.0).unwrap(), (75, 100, 0.0, 25.0));
        // Beyond the box: nothing.
        assert_eq!(axis(100.0, 50.0, 1.0, 100.0), None);
        assert_eq!(axis(100.0, 50.0, 1.0, -50.0), None);
    }
}
