//! A font file's face as the shaper reads it: characters, names, metrics, axes. The only reader of tables besides `ab_glyph`.

use std::panic::catch_unwind;
use std::sync::Arc;

use harfrust::font::attribute::Style;
use harfrust::font::glyph::bitmap::{BitmapGlyph, BitmapSource, BitmapStrikes, Pixels, Strike};
use harfrust::font::glyph::color::{Brush, ColorGlyphVersion, CompositeMode, PaintSink};
use harfrust::font::metrics::Decoration;
use harfrust::font::name::NameId;
use harfrust::font::{Font, Format};
use harfrust::unicode::{Decomposed, compose, decompose};
use harfrust::{GlyphId, Tag};
use read_fonts::types::{BoundingBox, Matrix};

use crate::limits::MAX_GLYPH_BITMAP;
use crate::text::font::FontData;
use crate::text::unicode::{drawn_as, is_ignorable};

/// Names of one kind that are read; a file may list tens of thousands.
const MAX_NAMES: usize = 256;
/// Characters of one name.
const MAX_NAME: usize = 256;

/// One face of a file, at one point of its variation axes. Cheap to clone; its tables are found once for all clones.
#[derive(Clone)]
pub(in crate::text) struct Opened(pub(super) Font);

/// What a file calls a face.
#[derive(Clone, Debug, PartialEq, Default)]
pub(in crate::text) struct Names {
    /// Typographic family (name id 16), else the plain one (1), in English where there is one.
    pub family: String,
    /// Name id 17, else 2.
    pub style: String,
    /// Every name of ids 16 and 1 in every language.
    pub families: Vec<String>,
}

/// A variation axis in user units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    pub tag: [u8; 4],
    pub min: f32,
    pub default: f32,
    pub max: f32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::text) struct Attributes {
    /// 1 to 1000.
    pub weight: f32,
    /// 1 is normal width.
    pub width: f32,
    pub italic: bool,
}

/// Line metrics and the box around all glyphs, in font units, y up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::text) struct Metrics {
    pub units_per_em: f64,
    pub ascent: f64,
    /// Positive below the baseline.
    pub descent: f64,
    pub line_gap: f64,
    /// How far above the baseline the middle of its letters lies: that of the em box where it has one.
    pub middle: f64,
    /// x minimum, y minimum, x maximum, y maximum.
    pub bounds: [f64; 4],
    pub underline: Line,
    pub line_through: Line,
}

/// A line along the text, in font units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::text) struct Line {
    /// From the baseline down to its upper edge.
    pub top: f64,
    pub thickness: f64,
}

/// Bitmaps of one colour (EBDT) are for small sizes on old screens: such glyphs are drawn by their outlines.
fn has_color_bitmaps(strikes: &BitmapStrikes<'_>) -> bool {
    matches!(strikes.source(), Some(BitmapSource::Sbix | BitmapSource::Cbdt)) && !strikes.is_empty()
}

/// As its own header says, which is what decoding goes by; `None` for what is no PNG file.
fn png_pixels(bitmap: &BitmapGlyph<'_>) -> Option<u64> {
    let Pixels::Png(data) = bitmap.pixels() else { return None };
    let side = |at: usize| data.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some(u64::from(side(16)?) * u64::from(side(20)?))
}

/// Counts what is drawn.
struct Paints(u64);

impl PaintSink for Paints {
    fn push_transform(&mut self, _: Matrix<f32>) {}

    fn pop_transform(&mut self) {}

    fn push_clip_glyph(&mut self, _: GlyphId) {
        self.0 += 1;
    }

    fn push_clip_box(&mut self, _: BoundingBox<f32>) {}

    fn pop_clip(&mut self) {}

    fn fill(&mut self, _: Brush<'_>) {
        self.0 += 1;
    }

    fn push_layer(&mut self, _: CompositeMode) {
        self.0 += 1;
    }
}

impl Opened {
    /// How many faces a file holds; 0 when it is no font.
    pub fn count(data: &[u8]) -> u32 {
        catch_unwind(|| Format::new(data).filter(Format::is_sfnt).map_or(0, |format| format.num_fonts())).unwrap_or(0)
    }

    /// `None` when the bytes are no font, have no such face, or the face lacks what every use of it needs.
    pub fn open(data: &FontData, index: u32) -> Option<Opened> {
        catch_unwind(|| {
            let font = match data {
                FontData::Kept(data) => Font::new(*data, index)?,
                FontData::Own(data) => {
                    let shared: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(data.clone());
                    Font::new(shared, index)?
                }
            };
            (font.num_glyphs() > 0 && font.charmap().has_unicode()).then_some(Opened(font))
        })
        .ok()
        .flatten()
    }

    /// The same face at other coordinates; axes it lacks are ignored, values are clamped.
    pub fn at(&self, coordinates: &[([u8; 4], f32)]) -> Opened {
        let set = coordinates.iter().map(|(tag, value)| (Tag::new(tag), *value));
        Opened(self.0.default_instance().instance_builder().variations(set).build())
    }

    /// The coordinates from -1 to 1 in 2.14 fixed point, one per axis; empty at the default.
    pub fn normalized(&self) -> Vec<i16> {
        self.0.normalized_coords().iter().map(|c| c.to_bits()).collect()
    }

    pub fn glyph(&self, c: char) -> Option<u32> {
        self.0.charmap().map_unicode(c).map(|g| g.to_u32())
    }

    /// Every character of a cluster can be drawn: has a glyph, needs none, or has one composed or taken apart.
    pub fn covers(&self, cluster: &str) -> bool {
        let mut before: Option<char> = None;
        for c in cluster.chars() {
            let joined = || before.and_then(|b| compose(u32::from(b), u32::from(c))).and_then(char::from_u32);
            if self.draws(c) {
                before = Some(c);
            } else if let Some(whole) = joined().filter(|whole| self.glyph(*whole).is_some()) {
                before = Some(whole);
            } else {
                return false;
            }
        }
        true
    }

    /// One character of a cluster can be drawn, whole or taken apart.
    pub fn draws(&self, c: char) -> bool {
        // Canonical decompositions are at most a few steps deep.
        fn parts(opened: &Opened, c: u32, depth: u8) -> bool {
            let Some(as_char) = char::from_u32(c) else { return false };
            opened.glyph(as_char).is_some()
                || depth > 0
                    && match decompose(c) {
                        Some(Decomposed::Singleton(a)) => parts(opened, a, depth - 1),
                        Some(Decomposed::Pair(a, b)) => parts(opened, a, depth - 1) && parts(opened, b, depth - 1),
                        None => false,
                    }
        }
        parts(self, u32::from(drawn_as(c)), 3) || is_ignorable(c)
    }

    /// The glyph has layers, a paint graph or a bitmap with colours of its own.
    pub fn has_color(&self, glyph: u16) -> bool {
        let colors = self.0.color_glyphs();
        (!colors.is_empty() && colors.get(u32::from(glyph).into()).is_some()) || self.bitmap_pixels(glyph) > 0
    }

    /// Of the glyph's bitmaps in colour the most pixels that one has; 0 where it has none or they are larger than any that is meant.
    pub fn bitmap_pixels(&self, glyph: u16) -> u64 {
        let strikes = self.0.bitmap_strikes();
        if !has_color_bitmaps(&strikes) {
            return 0;
        }
        let pixels = |strike: Strike<'_>| strike.get(u32::from(glyph).into()).map(|bitmap| png_pixels(&bitmap));
        // Whichever suits the size is decoded later, so all must be sound.
        let most = strikes.iter().filter_map(pixels).try_fold(0, |most, one| one.map(|one| one.max(most)));
        most.filter(|most| *most <= MAX_GLYPH_BITMAP).unwrap_or(0)
    }

    /// How many clips, fills and layers the glyph's paint graph or its layers come to when all are drawn; 0 where it has neither.
    /// `None` for what cannot be drawn: it goes round in circles, or what it shares comes to more than 16,384, as a few dozen
    /// composites of one child with itself do.
    pub fn color_paints(&self, glyph: u16) -> Option<u64> {
        let mut paints = Paints(0);
        match self.0.color_glyphs().get(u32::from(glyph).into()) {
            Some(graph) => graph.paint(&mut paints).ok().map(|()| paints.0),
            None => Some(0),
        }
    }

    /// The glyph is made of layers, which may take the colour of the text.
    pub fn has_layers(&self, glyph: u16) -> bool {
        self.0.color_glyphs().get(u32::from(glyph).into()).is_some_and(|glyph| glyph.version() == ColorGlyphVersion::ColrV0)
    }

    /// Some glyphs have colours of their own.
    pub fn is_color(&self) -> bool {
        !self.0.color_glyphs().is_empty() || has_color_bitmaps(&self.0.bitmap_strikes())
    }

    pub fn metrics(&self) -> Metrics {
        let metrics = self.0.metrics();
        let line = metrics.h_line().unwrap_or_default();
        let em_box = metrics.typo_line.unwrap_or(line);
        let (underline, line_through) = self.lines();
        let b = metrics.bounds;
        Metrics {
            units_per_em: f64::from(metrics.units_per_em.max(1)),
            ascent: line.ascender.to_f64(),
            descent: -line.descender.to_f64(),
            line_gap: line.line_gap.to_f64().max(0.0),
            middle: (em_box.ascender.to_f64() + em_box.descender.to_f64()) / 2.0,
            bounds: [b.x_min.to_f64(), b.y_min.to_f64(), b.x_max.to_f64(), b.y_max.to_f64()],
            underline,
            line_through,
        }
    }

    /// The underline and the line through, of the tables `post` and `OS/2`. Where they do not say: a twentieth of an em thick, a tenth below the baseline and three tenths above it.
    fn lines(&self) -> (Line, Line) {
        // Beyond an em it is an error of the font.
        let em = f64::from(self.0.metrics().units_per_em.max(1));
        let read = |position: f64, thickness: f64, otherwise: f64| {
            let sound = thickness > 0.0 && thickness <= em && position.abs() <= em;
            let (position, thickness) = if sound { (position, thickness) } else { (otherwise * em, em / 20.0) };
            Line { top: -position, thickness }
        };
        let style = self.0.style_metrics();
        let line = |found: Option<Decoration>, otherwise: f64| {
            found.map_or(read(0.0, 0.0, otherwise), |line| read(line.position.to_f64(), line.thickness.to_f64(), otherwise))
        };
        (line(style.underline, -0.1), line(style.strike_through, 0.3))
    }

    pub fn names(&self) -> Names {
        let names = self.0.names();
        let first = |id: NameId| {
            let text: String = names.get(id)?.english_or_first()?.name().chars().take(MAX_NAME).collect();
            let text = text.trim().to_owned();
            (!text.is_empty()).then_some(text)
        };
        let mut families: Vec<String> = Vec::new();
        for id in [NameId::TYPOGRAPHIC_FAMILY_NAME, NameId::FAMILY_NAME] {
            for name in names.get(id).iter().flat_map(|name| name.iter()).take(MAX_NAMES) {
                let text: String = name.name().chars().take(MAX_NAME).collect();
                let text = text.trim().to_owned();
                if !text.is_empty() && !families.contains(&text) {
                    families.push(text);
                }
            }
        }
        Names {
            family: first(NameId::TYPOGRAPHIC_FAMILY_NAME).or_else(|| first(NameId::FAMILY_NAME)).unwrap_or_default(),
            style: first(NameId::TYPOGRAPHIC_SUBFAMILY_NAME).or_else(|| first(NameId::SUBFAMILY_NAME)).unwrap_or_default(),
            families,
        }
    }

    pub fn attributes(&self) -> Attributes {
        let found = self.0.default_attributes();
        Attributes {
            weight: found.weight.value().clamp(1.0, 1000.0),
            width: found.width.ratio(),
            italic: !matches!(found.style, Style::Normal),
        }
    }

    pub fn axes(&self) -> Vec<Axis> {
        let axes = self.0.axes();
        axes.iter()
            .map(|axis| Axis {
                tag: axis.tag().to_be_bytes(),
                min: axis.min_value(),
                default: axis.default_value(),
                max: axis.max_value().max(axis.min_value()),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A font of the goldens, with all of its bitmaps said to be so large.
    fn opened(name: &str, size: Option<[u32; 2]>) -> Opened {
        let mut bytes = std::fs::read(format!("{}/tests/goldens/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let heads: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, tag)| tag == b"IHDR").map(|(at, _)| at + 4).collect();
        for (at, [width, height]) in heads.into_iter().zip(size.into_iter().cycle()) {
            bytes[at..at + 4].copy_from_slice(&width.to_be_bytes());
            bytes[at + 4..at + 8].copy_from_slice(&height.to_be_bytes());
        }
        Opened::open(&FontData::Own(bytes.into()), 0).unwrap()
    }

    fn glyph(font: &Opened, c: char) -> u16 {
        font.glyph(c).unwrap() as u16
    }

    #[test]
    fn a_glyph_with_layers_or_a_bitmap_has_colours_and_its_neighbour_has_not() {
        for (name, pixels) in [("color-colr.ttf", 0), ("color-cbdt.ttf", 32 * 32), ("color-sbix.ttf", 40 * 40)] {
            let font = opened(name, None);
            let plain = font.glyph(if name == "color-cbdt.ttf" { ' ' } else { '◇' }).unwrap() as u16;
            assert!(font.is_color() && font.has_color(glyph(&font, '◔')) && !font.has_color(plain), "{name}");
            assert_eq!(font.bitmap_pixels(glyph(&font, '◔')), pixels, "{name}");
            assert_eq!(font.has_layers(glyph(&font, '◔')), pixels == 0, "{name}");
        }
    }

    /// The same font with this as its table COLR.
    fn with_colr(table: &[u8]) -> Opened {
        let mut bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/color-colr.ttf")).unwrap();
        let (offset, length) = (bytes.len() as u32, table.len() as u32);
        bytes.extend_from_slice(table);
        // In the directory: tag, checksum, offset, length.
        let entry = bytes.windows(4).position(|tag| tag == b"COLR").unwrap();
        bytes[entry + 8..entry + 12].copy_from_slice(&offset.to_be_bytes());
        bytes[entry + 12..entry + 16].copy_from_slice(&length.to_be_bytes());
        Opened::open(&FontData::Own(bytes.into()), 0).unwrap()
    }

    /// A graph in which each of so many composites has the next as both of its sides, and a fill at the end or the first again.
    fn doubling(disc: u16, composites: usize, ends: bool) -> Vec<u8> {
        let mut table = Vec::new();
        for field in [1_u16, 0, 0, 0, 0, 0, 0, 0, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, disc, 0, 10] {
            table.extend(field.to_be_bytes());
        }
        for n in 0..composites {
            let next = if ends || n + 1 < composites { 8_i32 } else { -8 * (composites as i32 - 1) };
            let next = &next.to_be_bytes()[1..];
            table.extend([32, next[0], next[1], next[2], 3, next[0], next[1], next[2]]);
        }
        // A solid fill with the text's colour, opaque.
        table.extend([2, 0xFF, 0xFF, 0x40, 0]);
        table
    }

    #[test]
    fn paints_are_counted_and_a_graph_that_doubles_too_often_is_none() {
        let disc = glyph(&opened("color-colr.ttf", None), '◔');
        assert!(opened("color-colr.ttf", None).color_paints(disc).unwrap() >= 4);
        assert_eq!(opened("color-cbdt.ttf", None).color_paints(disc), Some(0));
        // Two layers a composite, and a fill at the end of each way.
        assert_eq!(with_colr(&doubling(disc, 3, true)).color_paints(disc), Some(2 * 7 + 8));
        assert!(with_colr(&doubling(disc, 12, true)).color_paints(disc).is_some());
        for composites in [14, 40, 60] {
            assert_eq!(with_colr(&doubling(disc, composites, true)).color_paints(disc), None, "{composites}");
        }
    }

    #[test]
    fn the_bundled_emoji_are_far_from_the_limit() {
        let font = crate::text::Fonts::bundled();
        let emoji = font.first_face(&crate::text::Style { families: vec!["Noto Color Emoji".into()], ..Default::default() });
        let face = emoji.unwrap().0;
        let most = (0..face.opened().0.num_glyphs() as u16).map(|glyph| face.color_paints(glyph).unwrap()).max().unwrap();
        assert!((1_000..10_000).contains(&most), "{most}");
    }

    #[test]
    fn bitmaps_have_as_many_pixels_as_allowed() {
        let side = MAX_GLYPH_BITMAP.isqrt() as u32;
        assert_eq!(u64::from(side).pow(2), MAX_GLYPH_BITMAP);
        for name in ["color-cbdt.ttf", "color-sbix.ttf"] {
            for (height, good) in [(side - 1, true), (side, true), (side + 1, false), (u32::MAX, false)] {
                let font = opened(name, Some([side, height]));
                assert_eq!(font.has_color(glyph(&font, '◔')), good, "{name}: {height}");
            }
        }
    }
}
