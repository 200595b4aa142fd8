//! Drawing on small canvases, with what every drawing must keep: all ways of drawing give the same bytes, and the file is whole.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use affiche::asset::Assets;
use affiche::ctx::{Budget, Ctx, Simd};
use affiche::draw::{DrawError, Drawn, Studio, draw};
use affiche::encode::{Compression, Format, Output};
use affiche::limits::Limits;
use affiche::memo::Memo;
use affiche::poster::Poster;
use affiche::problem::{Code, Problems};
use affiche::text::Fonts;

/// Of the caps only those that make a single run long are lowered; what is within them must be quick.
pub fn limits() -> Limits {
    Limits {
        max_layers: 64,
        max_source_bytes: 1 << 20,
        max_source_pixels: 1 << 20,
        max_request_pixels: 1 << 22,
        max_canvas_side: 1_024,
        max_canvas_pixels: 1 << 15,
        ..Limits::default()
    }
}

pub fn fonts() -> &'static Fonts {
    static FONTS: OnceLock<Arc<Fonts>> = OnceLock::new();
    FONTS.get_or_init(Fonts::bundled)
}

/// Problems are for people: each says something, and none is a fault of ours.
pub fn sound(problems: &Problems) {
    assert!(!problems.is_empty());
    for problem in problems.list() {
        assert!(problem.code != Code::Internal, "{problem}");
        assert!(!problem.message.is_empty() && problem.to_string().len() < 1 << 20);
    }
}

/// How to draw.
#[derive(Clone, Copy)]
pub struct Manner {
    pub scale: f64,
    pub output: Output,
}

/// Draws cold and plain, then warm, without SIMD and by two threads, and compares.
pub fn draw_all_ways(poster: &Poster, assets: &Assets, manner: Manner) -> Option<Drawn> {
    let off = Memo::off();
    let first = draw_once(poster, assets, manner, &off, (1, Simd::Detect));
    let memo = Memo::with_capacity(1 << 20);
    for (threads, simd) in [(2, Simd::Off), (1, Simd::Detect)] {
        match (&first, draw_once(poster, assets, manner, &memo, (threads, simd))) {
            (Ok(first), Ok(again)) => {
                assert!(bytes(first) == bytes(&again), "another picture with {threads} threads, {simd:?}");
                assert!(first.receipt == again.receipt, "another receipt");
            }
            (Err(_), Err(_)) => {}
            (first, again) => panic!("{:?}, then {:?}", first.is_ok(), again.is_ok()),
        }
    }
    match first {
        Ok(drawn) => {
            whole(&bytes(&drawn), manner.output.format);
            Some(drawn)
        }
        Err(DrawError::Problems(problems)) => {
            sound(&problems);
            None
        }
        Err(DrawError::BadPictures(layers)) => {
            assert!(!layers.is_empty() && layers.iter().all(|(id, _)| id.0 < poster.all().len()));
            None
        }
    }
}

fn draw_once(
    poster: &Poster,
    assets: &Assets,
    manner: Manner,
    memo: &Memo,
    (threads, simd): (usize, Simd),
) -> Result<Drawn, DrawError> {
    let (limits, budget) = (limits(), Budget::new(limits().max_request_pixels));
    let ctx = Ctx { cancelled: &|| false, budget: &budget, threads: NonZeroUsize::new(threads).unwrap(), simd };
    let studio = Studio { fonts: fonts(), memo, ctx: &ctx, limits: &limits };
    draw(poster, assets, manner.scale, &manner.output, &studio)
}

pub fn bytes(drawn: &Drawn) -> Vec<u8> {
    drawn.file.chunks.concat()
}

/// Decodes PNG by another's decoder; of the others looks at the first bytes.
fn whole(file: &[u8], format: Format) {
    match format {
        Format::Png => drop(decode_png(file)),
        Format::Jpeg => assert!(file.starts_with(b"\xff\xd8") && file.ends_with(b"\xff\xd9")),
        Format::WebP => assert!(file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP")),
    }
}

/// Size and straight RGBA8, from a file of any colour type.
pub fn decode_png(file: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
    decoder.set_transformations(png::Transformations::normalize_to_color8() | png::Transformations::ALPHA);
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    reader.finish().unwrap();
    data.truncate(info.buffer_size());
    let rgba = match info.color_type {
        png::ColorType::Rgba => data,
        png::ColorType::GrayscaleAlpha => data.as_chunks::<2>().0.iter().flat_map(|[l, a]| [*l, *l, *l, *a]).collect(),
        other => panic!("{other:?} although alpha was asked"),
    };
    (info.width, info.height, rgba)
}

/// A file format and the rest from one byte.
pub fn output(byte: u8) -> Output {
    let format = [Format::Png, Format::Png, Format::Jpeg, Format::WebP][usize::from(byte & 3)];
    let compression = if byte & 4 == 0 { Compression::Fast } else { Compression::Small };
    Output { format, quality: [80, 100, 1, 50][usize::from(byte >> 3 & 3)], compression, dpi: 72 }
}
