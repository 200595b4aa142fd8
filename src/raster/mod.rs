//! The band loop: paint a band, encode it, go on; in parallel where threads are to be had.

mod band;
mod chain;
mod pool;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::ctx::{Ctx, Simd, Stopped};
use crate::encode::{EncodeError, Format, Layout, Output, jpeg, png, webp};
use crate::geom::PxRect;
use crate::key::{Key, KeyBuilder};
use crate::memo::Memo;
use crate::paint::{self, is_opaque};
use crate::scene::Settled;
pub use band::{bands, rows_of_band};
pub use chain::{Chain, chain};
use pool::in_order;

/// A finished file as shared chunks.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub chunks: Vec<Bytes>,
    /// Names the bytes.
    pub digest: Key,
}

impl Encoded {
    fn of(chunks: Vec<Bytes>) -> Encoded {
        // Chunk by chunk, so that a chunk that is used again brings its digest with it.
        let digest = chunks.iter().fold(KeyBuilder::new("file"), |key, chunk| key.key(Key::of_bytes(chunk))).finish();
        Encoded { chunks, digest }
    }

    /// How many bytes the file has.
    pub fn len(&self) -> usize {
        self.chunks.iter().map(Bytes::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why there is no file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RasterError {
    #[error(transparent)]
    Stopped(#[from] Stopped),
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Paints and encodes. The bytes depend on the scene and `output` alone: not on threads, instructions or what is remembered.
pub fn raster(settled: &Settled, output: &Output, _memo: &Memo, ctx: &Ctx) -> Result<Encoded, RasterError> {
    let size = settled.size();
    if size.width().max(size.height()) > output.format.most_pixels_a_side() {
        return Err(EncodeError::TooLarge { format: output.format }.into());
    }
    let layout = if is_opaque(settled) { Layout::Rgb } else { Layout::Rgba };
    let file = match output.format {
        Format::Png => return png_by_bands(settled, output, layout, ctx),
        Format::Jpeg => {
            let mut canvas = canvas(settled, ctx)?;
            paint::onto_white(&mut canvas, ctx.simd);
            jpeg::encode(&canvas, size, output.quality, output.dpi)?
        }
        Format::WebP => webp::encode(&canvas(settled, ctx)?, size, layout, output.quality, output.dpi)?,
    };
    Ok(Encoded::of(vec![file.into()]))
}

fn png_by_bands(settled: &Settled, output: &Output, layout: Layout, ctx: &Ctx) -> Result<Encoded, RasterError> {
    let size = settled.size();
    let colour = png::Colour::Direct(layout);
    let format = png::BandFormat { width: size.width(), colour, compression: output.compression };
    let windows: Vec<PxRect> = bands(size).collect();
    let encoded = in_order(ctx, windows, |(buffer, scratch): &mut (Vec<u8>, png::Scratch), window| {
        paint_band(settled, window, buffer, ctx.simd);
        Ok(png::encode_band(buffer, &format, scratch)?)
    })?;
    let trailer = png::trailer(encoded.iter().map(|band| (band.adler, band.len)));
    let mut chunks = Vec::with_capacity(encoded.len() + 2);
    chunks.push(png::header(size, &format.colour, output.dpi).into());
    chunks.extend(encoded.into_iter().map(|band| Bytes::from(band.bytes)));
    chunks.push(trailer.into());
    Ok(Encoded::of(chunks))
}

/// The whole canvas, premultiplied RGBA8, painted band by band. For what cannot be encoded by bands.
pub fn canvas(settled: &Settled, ctx: &Ctx) -> Result<Vec<u8>, RasterError> {
    let mut canvas = vec![0; settled.size().area() as usize * 4];
    let band_bytes = (rows_of_band(settled.size().width()) * settled.size().width()) as usize * 4;
    let work: Vec<(PxRect, &mut [u8])> = bands(settled.size()).zip(canvas.chunks_mut(band_bytes)).collect();
    in_order(ctx, work, |(): &mut (), (window, pixels)| {
        paint::paint(settled, window, pixels, ctx.simd);
        Ok(())
    })?;
    Ok(canvas)
}

fn paint_band(settled: &Settled, window: PxRect, buffer: &mut Vec<u8>, simd: Simd) {
    buffer.resize(window.width() as usize * window.height() as usize * 4, 0);
    paint::paint(settled, window, buffer, simd);
}
