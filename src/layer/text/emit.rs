//! A text into items, back to front: background, highlights, lines below the letters, their strokes, the letters, lines through.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Text;
use super::fill::Fill;
use super::look::{Highlight, Look, Looks, Stroke, StrokePosition};
use super::route::{Route, chunks};
use crate::asset::{Assets, Shown};
use crate::color::Color;
use crate::geom::{Affine, Fx, PxRect, Rect, Size};
use crate::layer::emit::{Emitter, with_opacity};
use crate::layer::image::Fit;
use crate::layer::mask::masked;
use crate::layer::shadow::{Caster, Shadows};
use crate::layer::values::{Paint, Radius};
use crate::scene::{Blend, ColorGlyph, Colored, GlyphRun, Inside, Item, Lowered, Pen, PlacedGlyph, Recipe, Remedy};
use crate::text::{Composed, Glyph, Overflow, Pose, Run};

/// How wide, per em, the pen is that makes up for a bold face that a family has not.
const EMBOLDEN: f64 = 1.0 / 24.0;

/// A text where it is drawn.
pub(super) struct Sheet<'a> {
    pub text: &'a Text,
    pub composed: &'a Composed,
    /// What its letters stand on, if not on lines.
    pub route: Option<&'a Route>,
    /// Of each line, cut where looks change.
    pub lines: Vec<Vec<Part<'a>>>,
    /// Where each span begins in the whole text.
    pub starts: Vec<usize>,
    /// Where the lines' origin lies, in layout pixels.
    pub dx: f64,
    pub dy: f64,
    /// The layer's box.
    pub rect: Rect,
    pub to: &'a Emitter<'a>,
    /// With the pictures that show through letters.
    pub assets: &'a Assets,
}

/// Glyphs of a run that look alike.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub run: &'a Run,
    pub glyphs: &'a [Glyph],
    /// The number of their look.
    pub look: usize,
}

/// A composed text, and what it stands on.
#[derive(Clone, Copy)]
pub struct Laid<'a> {
    pub composed: &'a Composed,
    /// How far from the box's edge its leftmost line begins.
    pub indent: f64,
    pub route: Option<&'a Route>,
}

impl Text {
    pub fn emit(&self, laid: Laid<'_>, rect: Rect, to: &Emitter, assets: &Assets) -> Vec<Item<Lowered>> {
        self.finish(self.sheet(laid, rect, to, assets).items(None, &Shadows::default()), rect, to)
    }

    /// With what makes it stand out, at the size that it was fitted at.
    pub fn emit_with(
        &self,
        (remedy, fitted): (Remedy, Option<f64>),
        laid: Laid<'_>,
        rect: Rect,
        to: &Emitter,
        assets: &Assets,
    ) -> Vec<Item<Lowered>> {
        let size = fitted.or(self.paragraph.spans.first().map(|span| span.style.size)).unwrap_or(1.0);
        let (text, scrim, shadows) = self.with_remedy(remedy, size);
        text.finish(text.sheet(laid, rect, to, assets).items(scrim.as_ref(), &shadows), rect, to)
    }

    /// What of it lies behind its letters.
    pub fn ground(&self, laid: Laid<'_>, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        self.finish(self.sheet(laid, rect, to, &Assets::default()).highlights(), rect, to)
    }

    /// Where its letters stand, line by line from ascent to descent, and in which colours.
    pub fn boxes(&self, laid: Laid<'_>, rect: Rect, to: &Emitter) -> Vec<Colored> {
        let none = Assets::default();
        let sheet = self.sheet(laid, rect, to, &none);
        let of = |(number, boxes): (usize, Vec<Rect>)| {
            let colors = self.looks.get(number).color.colors();
            boxes.into_iter().map(move |rect| Colored { rect, colors: colors.clone() })
        };
        sheet.boxes().into_iter().flat_map(of).collect()
    }

    fn sheet<'a>(
        &'a self,
        Laid { composed, indent, route }: Laid<'a>,
        rect: Rect,
        to: &'a Emitter<'a>,
        assets: &'a Assets,
    ) -> Sheet<'a> {
        let (dx, dy) = self.offset(composed, indent, rect);
        let lines = composed.lines.iter().map(|line| line.runs.iter().flat_map(|run| parts(&self.looks, run)).collect());
        let ends = self.paragraph.spans.iter().scan(0, |end, span| {
            *end += span.text.len();
            Some(*end)
        });
        let starts = std::iter::once(0).chain(ends).collect();
        Sheet { text: self, composed, route, lines: lines.collect(), starts, dx, dy, rect, to, assets }
    }

    /// Cut at the box where it says so, and with the background behind.
    fn finish(&self, items: Vec<Item<Lowered>>, rect: Rect, to: &Emitter) -> Vec<Item<Lowered>> {
        let items = match self.paragraph.overflow {
            Overflow::Clip if !items.is_empty() => {
                Item::group_or_items(items, 255, Blend::Normal, Some(to.round_box(rect, &Radius::NONE)), None)
            }
            _ => items,
        };
        let Some(background) = &self.background else { return items };
        let mut all = vec![Item::fill(to.round_box(rect, &self.radius), to.paint(background, rect, 1.0))];
        all.extend(items);
        all
    }
}

impl<'a> Sheet<'a> {
    fn items(&self, scrim: Option<&Highlight>, shadows: &Shadows) -> Vec<Item<Lowered>> {
        let mut items = self.highlights();
        items.extend(scrim.and_then(|scrim| self.highlight_lines(scrim)));
        let mut letters = self.lines_along(|decoration| decoration.underline);
        letters.extend(self.strokes());
        for line in &self.lines {
            self.letters(line, &mut letters);
        }
        letters.extend(self.pictured());
        letters.extend(self.emphasis());
        letters.extend(self.lines_along(|decoration| decoration.line_through));
        if !shadows.0.is_empty() {
            items.extend(shadows.cast(&Caster::Drawn(&letters), self.to));
        }
        items.extend(letters);
        items
    }

    fn letters(&self, line: &[Part<'a>], items: &mut Vec<Item<Lowered>>) {
        let mut faces: Vec<Vec<Part<'_>>> = Vec::new();
        let paint = |parts: &Vec<Part<'_>>| {
            let look = parts.first().map(|first| self.text.looks.get(first.look));
            look.map_or_else(Vec::new, |look| self.glyphs(parts, look.color.paint(), None))
        };
        for part in line {
            if part.run.color {
                items.extend(faces.drain(..).flat_map(|parts| paint(&parts)));
                items.extend(self.color_glyphs(part));
            } else if self.text.looks.get(part.look).color.picture().is_none() {
                // One item a face: where scripts alternate, each letter would be one.
                join(&mut faces, *part);
            }
        }
        items.extend(faces.iter().flat_map(paint));
    }

    /// The letters of each look that is wanted, by face and form.
    fn by_look(&self, wanted: impl Fn(&Look) -> bool) -> BTreeMap<usize, Vec<Vec<Part<'a>>>> {
        let mut found: BTreeMap<usize, Vec<Vec<Part<'_>>>> = BTreeMap::new();
        for part in self.lines.iter().flatten().filter(|part| !part.run.color) {
            if wanted(self.text.looks.get(part.look)) {
                join(found.entry(part.look).or_default(), *part);
            }
        }
        found
    }

    /// The letters that pictures show through, those of a look as one.
    fn pictured(&self) -> Vec<Item<Lowered>> {
        let items = |(number, faces): (usize, Vec<Vec<Part<'_>>>)| {
            let fill = &self.text.looks.get(number).color;
            self.filled(faces.iter().flat_map(|parts| self.glyphs(parts, fill.paint(), None)).collect(), fill)
        };
        self.by_look(|look| look.color.picture().is_some()).into_iter().flat_map(items).collect()
    }

    /// What was drawn in a fill's own paint: of a picture what shows through it.
    pub fn filled(&self, items: Vec<Item<Lowered>>, fill: &Fill) -> Vec<Item<Lowered>> {
        let picture = fill.picture().and_then(|picture| Some((picture.id, picture.image()?)));
        match picture {
            None => items,
            Some((id, image)) => masked(image.emit(id, self.rect, self.to, self.assets), items, self.to),
        }
    }

    /// Whether nothing shines through letters of this fill.
    fn hides(&self, fill: &Fill) -> bool {
        let Some(picture) = fill.picture() else { return fill.paint().is_opaque() };
        let fills = picture.image().is_some_and(|image| matches!(image.fit, Fit::Cover | Fit::Fill));
        match self.assets.get(picture.id.0) {
            Shown::Picture { asset, .. } => fills && !asset.header().alpha,
            Shown::Placeholder => true,
            Shown::Hidden | Shown::Nothing => false,
        }
    }

    /// Behind all letters, as a wide one reaches beneath its neighbours.
    fn strokes(&self) -> Vec<Item<Lowered>> {
        let stroked = |look: &Look| look.stroke.as_ref().is_some_and(|stroke| stroke.width.get() > 0.0);
        let items = |(number, faces): (usize, Vec<Vec<Part<'_>>>)| {
            let look = self.text.looks.get(number);
            look.stroke.as_ref().map_or_else(Vec::new, |stroke| self.stroke(&faces, stroke, &look.color))
        };
        self.by_look(stroked).into_iter().flat_map(items).collect()
    }

    /// Where strokes of neighbours overlap, a translucent colour must not show twice: they are drawn as one.
    fn stroke(&self, faces: &[Vec<Part<'_>>], stroke: &Stroke, fill: &Fill) -> Vec<Item<Lowered>> {
        let (color, opacity) = match &stroke.color {
            Paint::Solid(color) => (Paint::Solid(Color { a: 255, ..*color }), f64::from(color.a) / 255.0),
            gradient => (gradient.clone(), 1.0),
        };
        let width = stroke.width.get() * self.to.scale();
        let (width, glyph) = match stroke.position {
            // Half of it lies inside, beneath the letter; one that hides nothing is cut out.
            StrokePosition::Outside if self.hides(fill) => (width * 2.0, Inside::Ignored),
            StrokePosition::Outside => (width * 2.0, Inside::Hollow),
            StrokePosition::Center => (width, Inside::Ignored),
        };
        let pen = Pen { width, glyph, heavier: 0.0 };
        let items = faces.iter().flat_map(|parts| self.glyphs(parts, &color, Some(pen))).collect();
        with_opacity(items, opacity)
    }

    /// Parts of one face and size, which look alike: one item, or on a path one for each way that letters are turned.
    fn glyphs(&self, parts: &[Part<'_>], paint: &Paint, pen: Option<Pen>) -> Vec<Item<Lowered>> {
        let Some(run) = parts.first().map(|part| part.run) else { return Vec::new() };
        let scale = self.to.scale();
        let size = run.size * scale;
        let heavier = size * EMBOLDEN;
        let pen = match pen {
            Some(pen) if run.bold => Some(Pen { width: pen.width + heavier, heavier, ..pen }),
            None if run.bold => Some(Pen { width: heavier, glyph: Inside::Filled, heavier: 0.0 }),
            pen => pen,
        };
        let mut turned: Vec<(Affine, Vec<PlacedGlyph>)> = Vec::new();
        for (frame, glyphs) in parts.iter().flat_map(|part| self.framed(part.glyphs)) {
            let placed = glyphs.iter().map(|glyph| {
                let (x, y) = frame.apply(glyph.x, glyph.y);
                let (x, y) = self.to.map.apply(self.dx + x, self.dy + y);
                PlacedGlyph { id: glyph.id, x: Fx::from_px(x), y: Fx::from_px(y) }
            });
            let turn = Affine { e: 0.0, f: 0.0, ..frame };
            match turned.last_mut().filter(|(last, _)| *last == turn) {
                Some((_, same)) => same.extend(placed),
                None => turned.push((turn, placed.collect())),
            }
        }
        let (linear, form) = (linear(self.to, scale), pose(run.pose).then_inner(slant(run.slant)));
        let item = |(turn, glyphs): (Affine, Vec<PlacedGlyph>)| {
            let matrix = linear.then_inner(turn).then_inner(form);
            let matrix = (matrix != Affine::IDENTITY).then_some(matrix);
            let run = GlyphRun { face: Arc::clone(&run.face), size, matrix, pen, glyphs };
            let item = Item::glyphs(run, self.to.paint(paint, self.rect, 1.0));
            (!item.bounds().intersect(self.to.canvas).is_empty()).then_some(item)
        };
        turned.into_iter().filter(|(_, glyphs)| !glyphs.is_empty()).filter_map(item).collect()
    }

    /// Glyphs with what takes them from their line to where they stand, in layout pixels: nothing but on a path.
    fn framed<'g>(&self, glyphs: &'g [Glyph]) -> Vec<(Affine, &'g [Glyph])> {
        let Some(route) = self.route else { return vec![(Affine::IDENTITY, glyphs)] };
        let baseline = self.composed.lines.first().map_or(0.0, |line| line.baseline);
        chunks(glyphs).map(|cluster| (route.frame(cluster, baseline), cluster)).collect()
    }

    /// Glyphs with colours of their own become pixels.
    fn color_glyphs(&self, part: &Part<'_>) -> Vec<Item<Lowered>> {
        let (to, run) = (self.to, part.run);
        let scale = to.scale();
        let size = run.size * scale;
        let (linear, form) = (linear(to, scale), pose(run.pose).then_inner(slant(run.slant)));
        let colors = self.text.looks.get(part.look).color.colors();
        let place = |frame: Affine, glyph: &Glyph| {
            let linear = linear.then_inner(Affine { e: 0.0, f: 0.0, ..frame }).then_inner(form);
            let ink = linear.bounds_of(run.face.ink_box().scale(size));
            let (x, y) = frame.apply(glyph.x, glyph.y);
            let (x, y) = to.map.apply(self.dx + x, self.dy + y);
            // Quarter pixels, as for outlines: equal emoji share their pixels.
            let (x, y) = ((x * 4.0).round() / 4.0, (y * 4.0).round() / 4.0);
            let whole = PxRect::around(Rect { x: x + ink.x, y: y + ink.y, ..ink });
            // Only giants are cut to the canvas; the others keep a key that does not depend on where they stand.
            let seen = whole.intersect(to.canvas);
            let window = if whole.area() > 1 << 20 { seen } else { whole };
            if seen.is_empty() {
                return None;
            }
            let recipe = Recipe::color_glyph(ColorGlyph {
                face: Arc::clone(&run.face),
                glyph: glyph.id,
                size,
                map: Affine::translate(x - f64::from(window.x0), y - f64::from(window.y0)).then_inner(linear),
                window: Size::new(window.width(), window.height())?,
                color: colors.first().copied().filter(|_| run.face.has_layers(glyph.id)),
            });
            Some(Item::pixels(Arc::new(recipe), window.x0, window.y0, None, 255))
        };
        let framed = self.framed(part.glyphs).into_iter();
        let place = &place;
        framed.flat_map(|(frame, glyphs)| glyphs.iter().filter_map(move |glyph| place(frame, glyph))).collect()
    }
}

/// A run cut where looks change.
fn parts<'a>(looks: &'a Looks, run: &'a Run) -> impl Iterator<Item = Part<'a>> {
    let mut rest = run.glyphs.as_slice();
    std::iter::from_fn(move || {
        let look = looks.at(rest.first()?.cluster);
        let count = match looks.spans.as_slice() {
            [] => rest.len(),
            _ => rest.iter().take_while(|glyph| looks.at(glyph.cluster) == look).count(),
        };
        let (glyphs, after) = rest.split_at_checked(count)?;
        rest = after;
        Some(Part { run, glyphs, look })
    })
}

/// Puts a part to those that look like it.
fn join<'a>(faces: &mut Vec<Vec<Part<'a>>>, part: Part<'a>) {
    // Neighbours are most often alike.
    match faces.iter_mut().rev().find(|parts| parts.first().is_some_and(|first| looks_alike(first, &part))) {
        Some(parts) => parts.push(part),
        None => faces.push(vec![part]),
    }
}

fn looks_alike(a: &Part<'_>, b: &Part<'_>) -> bool {
    let same_type = Arc::ptr_eq(&a.run.face, &b.run.face) && a.run.size == b.run.size;
    let same_form = (a.run.slant, a.run.bold, a.run.pose) == (b.run.slant, b.run.bold, b.run.pose);
    same_type && same_form && a.look == b.look
}

/// Rotation and flips without the scale, which goes into the size.
fn linear(to: &Emitter, scale: f64) -> Affine {
    if to.map.is_upright() || scale <= 0.0 {
        return Affine::IDENTITY;
    }
    let m = to.map;
    Affine { a: m.a / scale, b: m.b / scale, c: m.c / scale, d: m.d / scale, e: 0.0, f: 0.0 }
}

/// How glyphs stand about their origins.
fn pose(pose: Pose) -> Affine {
    match pose {
        Pose::Upright => Affine::IDENTITY,
        Pose::Turned => Affine::rotate(90.0),
        Pose::Narrow(by) => Affine::scale(by, 1.0),
    }
}

/// The shear of a synthetic italic, in pixels with y down.
fn slant(by: f64) -> Affine {
    Affine { c: -by, ..Affine::IDENTITY }
}
