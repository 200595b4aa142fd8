//! A face at one point of its variation axes: what shaping, rasterizing and colour painting need of it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use ab_glyph::{Font as _, FontRef, GlyphId, OutlineCurve, VariableFont as _};
use bytes::Bytes;

use crate::geom::Rect;
use crate::key::{Key, KeyBuilder};
use crate::text::shape::{Opened, Plans};

/// A font file's bytes.
#[derive(Clone)]
pub(in crate::text) enum FontData {
    /// Embedded in the binary, or mapped and kept for ever.
    Kept(&'static [u8]),
    /// Of a request: gone with the last face of it.
    Own(Bytes),
}

impl AsRef<[u8]> for FontData {
    fn as_ref(&self) -> &[u8] {
        match self {
            FontData::Kept(data) => data,
            FontData::Own(data) => data,
        }
    }
}

/// A font file and what is known of it as a whole.
pub(in crate::text) struct FontFile {
    data: FontData,
    path: Option<PathBuf>,
    digest: OnceLock<Key>,
}

impl FontFile {
    pub fn kept(data: &'static [u8], path: Option<PathBuf>) -> FontFile {
        FontFile { data: FontData::Kept(data), path, digest: OnceLock::new() }
    }

    /// `digest` is that of the bytes.
    pub fn own(data: Bytes, digest: Key) -> FontFile {
        FontFile { data: FontData::Own(data), path: None, digest: OnceLock::from(digest) }
    }

    pub fn data(&self) -> &FontData {
        &self.data
    }

    /// `None` when it is built in.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Made at the first use: hashing every file would cost the start some tens of milliseconds.
    fn digest(&self) -> Key {
        *self.digest.get_or_init(|| Key::of_bytes(self.data.as_ref()))
    }
}

/// A font file's face at one point of its variation axes.
pub struct Face {
    family: String,
    file: Arc<FontFile>,
    index: u32,
    opened: Opened,
    coordinates: Vec<([u8; 4], f32)>,
    normalized: Vec<i16>,
    metrics: crate::text::shape::Metrics,
    color: bool,
    key: OnceLock<Key>,
    outlines: OnceLock<Option<FontRef<'static>>>,
    plans: Mutex<Plans>,
}

impl fmt::Debug for Face {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Face({:?})", self.family)
    }
}

impl Face {
    /// `opened` is the face at its default; `coordinates` are in user units and inside their axes.
    pub(in crate::text) fn new(
        family: &str,
        file: Arc<FontFile>,
        index: u32,
        opened: &Opened,
        coordinates: Vec<([u8; 4], f32)>,
    ) -> Face {
        let opened = opened.at(&coordinates);
        Face {
            family: family.to_owned(),
            normalized: opened.normalized(),
            metrics: opened.metrics(),
            color: opened.is_color(),
            file,
            index,
            opened,
            coordinates,
            key: OnceLock::new(),
            outlines: OnceLock::new(),
            plans: Mutex::new(Plans::default()),
        }
    }

    /// Of the file's content, the face's index and the axis coordinates.
    pub fn key(&self) -> Key {
        *self.key.get_or_init(|| {
            let mut key = KeyBuilder::new("face").key(self.file.digest()).u32(self.index).u32(self.coordinates.len() as u32);
            for (tag, value) in &self.coordinates {
                key = key.bytes(tag).f32(*value);
            }
            key.finish()
        })
    }

    /// Where ink may lie about an origin, per em, y down: the font's own bounding box with a margin, wider where
    /// variations may move outlines beyond it.
    pub fn ink_box(&self) -> Rect {
        // Beyond this a bounding box is an error of the font.
        const FAR: f64 = 16.0;
        let em = self.metrics.units_per_em;
        let [x0, y0, x1, y1] = self.metrics.bounds.map(|v| (v / em).clamp(-FAR, FAR));
        if x0 >= x1 || y0 >= y1 {
            return Rect::new(-1.0, -1.5, 3.5, 2.5);
        }
        let margin = if self.color {
            // The box of a colour font holds its layers' outlines, not what its transforms make of them.
            0.25
        } else if self.normalized.is_empty() {
            0.02
        } else {
            0.12
        };
        Rect::new(x0 - margin, -y1 - margin, x1 - x0 + 2.0 * margin, y1 - y0 + 2.0 * margin)
    }

    /// A glyph's curves in font units, y up, at the face's coordinates; `None` for a blank or a broken glyph.
    pub fn outline(&self, glyph: u16) -> Option<Vec<OutlineCurve>> {
        let curves = |font: &FontRef<'_>| font.outline(GlyphId(glyph)).map(|outline| outline.curves);
        catch_unwind(AssertUnwindSafe(|| match &self.file.data {
            FontData::Kept(data) => curves(self.outlines.get_or_init(|| self.open_outlines(data)).as_ref()?),
            // Opened anew: what borrows bytes that go away again cannot be kept beside them. It takes microseconds, and the
            // glyph's coverage is remembered.
            FontData::Own(data) => curves(&self.open_outlines(data)?),
        }))
        .ok()
        .flatten()
    }

    fn open_outlines<'d>(&self, data: &'d [u8]) -> Option<FontRef<'d>> {
        catch_unwind(AssertUnwindSafe(|| {
            let mut font = FontRef::try_from_slice_and_index(data, self.index).ok()?;
            for (tag, value) in &self.coordinates {
                font.set_variation(tag, *value);
            }
            Some(font)
        }))
        .ok()
        .flatten()
    }

    pub fn units_per_em(&self) -> f64 {
        self.metrics.units_per_em
    }

    /// The whole file; a collection holds several faces.
    pub fn data(&self) -> Arc<dyn AsRef<[u8]> + Send + Sync> {
        Arc::new(self.file.data.clone())
    }

    /// The face's place in a collection, else 0.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Axis coordinates from -1 to 1 in 2.14 fixed point, one per axis in the file's order; empty at the default.
    pub fn normalized_coords(&self) -> &[i16] {
        &self.normalized
    }

    /// Axis coordinates in user units, by tag; empty where the face does not vary.
    pub fn coordinates(&self) -> &[([u8; 4], f32)] {
        &self.coordinates
    }

    /// The family's name: as templates know it where it is built in, else as the file says, in English where it does.
    pub fn family(&self) -> &str {
        &self.family
    }

    /// The glyph of a single character, before any shaping.
    pub fn glyph(&self, c: char) -> Option<u16> {
        self.opened.glyph(c).and_then(|glyph| u16::try_from(glyph).ok())
    }

    /// Some of its glyphs have colours of their own.
    pub fn is_color(&self) -> bool {
        self.color
    }

    /// This glyph has colours of its own.
    pub fn has_color(&self, glyph: u16) -> bool {
        self.color && self.opened.has_color(glyph)
    }

    /// What this glyph's largest bitmap takes to decode; 0 where it has none in colour.
    pub fn bitmap_pixels(&self, glyph: u16) -> u64 {
        if self.color { self.opened.bitmap_pixels(glyph) } else { 0 }
    }

    /// How many paints this glyph comes to; `None` where they are too many or without end.
    pub fn color_paints(&self, glyph: u16) -> Option<u64> {
        if self.color { self.opened.color_paints(glyph) } else { Some(0) }
    }

    /// This glyph has layers that may take the colour of the text.
    pub fn has_layers(&self, glyph: u16) -> bool {
        self.color && self.opened.has_layers(glyph)
    }

    pub(in crate::text) fn opened(&self) -> &Opened {
        &self.opened
    }

    pub(in crate::text) fn metrics(&self) -> &crate::text::shape::Metrics {
        &self.metrics
    }

    pub(in crate::text) fn plans(&self) -> &Mutex<Plans> {
        &self.plans
    }
}
