//! What the tests of the core share: a poster from a template and a folder of pictures, drawn without network or clock.
#![allow(dead_code)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use affiche::asset::{Asset, Assets, FontBytes, Shown, Source};
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{DrawError, Drawn, Sheet, Studio, Telling, draw_sheet};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::Limits;
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::problem::Problems;
use affiche::template::{Supplied, Template};
use affiche::text::Fonts;
use bytes::Bytes;
use serde_json::{Map, Value};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("not an object: {other}"),
    }
}

/// How a test draws.
pub struct How<'a> {
    pub fonts: &'a Fonts,
    pub memo: &'a Memo,
    pub threads: usize,
    pub simd: Simd,
    pub scale: f64,
    pub format: Format,
}

impl<'a> How<'a> {
    pub fn plain(fonts: &'a Fonts, memo: &'a Memo) -> How<'a> {
        How { fonts, memo, threads: 1, simd: Simd::Detect, scale: 1.0, format: Format::Png }
    }
}

#[track_caller]
pub fn poster(template: &Value, variables: &Map<String, Value>) -> Poster {
    try_poster(template, variables).unwrap_or_else(|problems| panic!("{problems}"))
}

pub fn try_poster(template: &Value, variables: &Map<String, Value>) -> Result<Poster, Problems> {
    let none = Map::new();
    let supplied = Supplied { variables, overrides: &none, canvas: &none };
    Poster::read(&Template::parse(template)?, &supplied, &Limits::default())
}

/// Pictures and fonts from `folders` (the first that has one wins) and `data:`.
#[track_caller]
pub fn assets(poster: &Poster, folders: &[PathBuf]) -> Assets {
    let bytes_of = |source: &Source| -> Bytes {
        match source {
            Source::Data(bytes) => bytes.clone(),
            Source::Asset(name) => {
                let path = folders.iter().map(|f| f.join(name)).find(|p| p.exists());
                let path = path.unwrap_or_else(|| panic!("no file {name} in {folders:?}"));
                std::fs::read(path).unwrap().into()
            }
            other => panic!("a test of the core does not fetch {other}"),
        }
    };
    let load = |source: &Source| -> Shown {
        let bytes = bytes_of(source);
        Shown::Picture { asset: Arc::new(Asset::new(bytes, &Limits::default()).unwrap()), from: "inline" }
    };
    let shown = poster.all().into_iter().map(|l| l.sources().map_or(Shown::Nothing, |(src, _)| load(src))).collect();
    let mut fonts: Vec<Source> = poster.all().iter().flat_map(|l| l.font_sources()).map(|(source, _)| source).collect();
    fonts.sort_by_key(Source::to_string);
    fonts.dedup();
    let open = |source: Source| {
        let font = FontBytes::new(bytes_of(&source));
        (source, Arc::new(font))
    };
    Assets::new(shown).with_fonts(fonts.into_iter().map(open).collect())
}

#[track_caller]
pub fn draw_with(poster: &Poster, assets: &Assets, how: &How) -> Drawn {
    try_draw_with(poster, assets, how).unwrap_or_else(|e| panic!("{e:?}"))
}

pub fn try_draw_with(poster: &Poster, assets: &Assets, how: &How) -> Result<Drawn, DrawError> {
    let budget = Budget::new(1 << 30);
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::new(how.threads).unwrap(), simd: how.simd };
    let studio = Studio { fonts: how.fonts, memo: how.memo, ctx: &ctx, limits: &Limits::default() };
    let output = Output { format: how.format, quality: 85, compression: Compression::Fast, dpi: 72 };
    let (scale, outputs) = (how.scale, vec![output]);
    draw_sheet(&Sheet { poster, assets, scale, outputs, telling: Telling::Receipt, number: None }, &studio)
}

pub fn bytes(drawn: &Drawn) -> Vec<u8> {
    drawn.file.chunks.iter().flat_map(|chunk| chunk.iter().copied()).collect()
}

/// Decoded pixels with straight alpha.
#[derive(Clone)]
pub struct Rgba {
    pub width: usize,
    pub height: usize,
    pub data: Vec<u8>,
}

#[track_caller]
pub fn decode_png(bytes: &[u8]) -> Rgba {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    data.truncate(info.buffer_size());
    let data = match info.color_type {
        png::ColorType::Rgba => data,
        png::ColorType::GrayscaleAlpha => data.as_chunks::<2>().0.iter().flat_map(|[l, a]| [*l, *l, *l, *a]).collect(),
        other => panic!("{other:?} although alpha was asked"),
    };
    Rgba { width: info.width as usize, height: info.height as usize, data }
}

impl Rgba {
    pub fn at(&self, x: usize, y: usize) -> [u8; 4] {
        let i = (y * self.width + x) * 4;
        self.data[i..i + 4].try_into().unwrap()
    }

    /// Luminance on white, for readers of codes.
    pub fn luma(&self) -> Vec<u8> {
        let on_white = |c: u8, a: u8| (u32::from(c) * u32::from(a) + 255 * (255 - u32::from(a))) / 255;
        let luma = |px: &[u8; 4]| {
            let [r, g, b] = [on_white(px[0], px[3]), on_white(px[1], px[3]), on_white(px[2], px[3])];
            ((r * 299 + g * 587 + b * 114) / 1000) as u8
        };
        self.data.as_chunks::<4>().0.iter().map(luma).collect()
    }
}

/// The folders in a folder, by name.
pub fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).unwrap_or_else(|e| panic!("{}: {e}", of.display()));
    let mut found: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    found.sort();
    found
}

/// Expected, difference and actual beside one another.
pub fn side_by_side(expected: Option<&Rgba>, actual: &Rgba, to: &Path) {
    let empty = Rgba { width: actual.width, height: actual.height, data: vec![0; actual.data.len()] };
    let expected = expected.filter(|e| (e.width, e.height) == (actual.width, actual.height)).unwrap_or(&empty);
    let mut data = Vec::new();
    for y in 0..actual.height {
        for x in 0..actual.width {
            data.extend(expected.at(x, y));
        }
        for x in 0..actual.width {
            let (a, b) = (expected.at(x, y), actual.at(x, y));
            // Eight times stronger, so that a difference of one can be seen.
            let d = |c: usize| a[c].abs_diff(b[c]).saturating_mul(8);
            data.extend([d(0).max(d(3)), d(1), d(2), 255]);
        }
        for x in 0..actual.width {
            data.extend(actual.at(x, y));
        }
    }
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut encoder = png::Encoder::new(std::fs::File::create(to).unwrap(), actual.width as u32 * 3, actual.height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
}
