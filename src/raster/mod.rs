//! The band loop: look a band up, or else paint it and encode it; in parallel where threads are to be had.

mod band;
mod chain;
mod pool;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use crate::ctx::{Ctx, Stopped};
use crate::encode::{EncodeError, Format, Layout, Output, jpeg, png, webp};
use crate::geom::PxRect;
use crate::key::{Key, KeyBuilder};
use crate::memo::{Kind, Memo};
use crate::paint::{self, is_opaque};
use crate::scene::Settled;
pub use band::{bands, rows_of_band};
pub use chain::{Chain, chain};
use pool::in_order;
use snapshot::{Finished, paint_window};

/// A finished file as shared chunks.
#[derive(Clone, Debug)]
pub struct Encoded {
    pub chunks: Vec<Bytes>,
    /// Names the bytes.
    pub digest: Key,
}

impl Encoded {
    /// Each chunk comes with the digest of its bytes, so that what is used again need not be hashed again.
    fn of(chunks: impl IntoIterator<Item = (Bytes, Key)>) -> Encoded {
        let mut digest = KeyBuilder::new("file");
        let mut all = Vec::new();
        for (bytes, of_bytes) in chunks {
            digest = digest.key(of_bytes);
            all.push(bytes);
        }
        Encoded { chunks: all, digest: digest.finish() }
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
pub fn raster(settled: &Settled, output: &Output, memo: &Memo, ctx: &Ctx) -> Result<Encoded, RasterError> {
    let size = settled.size();
    if size.width().max(size.height()) > output.format.most_pixels_a_side() {
        return Err(EncodeError::TooLarge { format: output.format }.into());
    }
    let layout = if is_opaque(settled) { Layout::Rgb } else { Layout::Rgba };
    let file = match output.format {
        Format::Png => return png_by_bands(settled, output, layout, memo, ctx),
        Format::Jpeg => {
            let mut canvas = canvas(settled, layout, memo, ctx)?;
            paint::onto_white(&mut canvas, ctx.simd);
            jpeg::encode(&canvas, size, output.quality, output.dpi)?
        }
        Format::WebP => webp::encode(&canvas(settled, layout, memo, ctx)?, size, layout, output.quality, output.dpi)?,
    };
    Ok(Encoded::of([own(file)]))
}

/// A chunk of this file alone.
fn own(bytes: Vec<u8>) -> (Bytes, Key) {
    let digest = Key::of_bytes(&bytes);
    (bytes.into(), digest)
}

/// A band as it stands in a file, with what the file's end must know of it.
struct Band {
    bytes: Bytes,
    /// Of `bytes`.
    digest: Key,
    /// Of the filtered rows, which are so many bytes.
    adler: u32,
    len: u64,
}

impl Band {
    fn of(encoded: png::EncodedBand) -> Band {
        let png::EncodedBand { mut bytes, adler, len } = encoded;
        // What is kept is charged by its length.
        bytes.shrink_to_fit();
        let digest = Key::of_bytes(&bytes);
        Band { bytes: bytes.into(), digest, adler, len }
    }

    fn weight(&self) -> usize {
        self.bytes.len() + size_of::<Band>()
    }
}

/// A band that must be made.
struct Missing {
    place: usize,
    window: PxRect,
    /// Its chain and the name of the band encoded, when there is a memo.
    keys: Option<(Chain, Key)>,
}

fn png_by_bands(settled: &Settled, output: &Output, layout: Layout, memo: &Memo, ctx: &Ctx) -> Result<Encoded, RasterError> {
    let size = settled.size();
    let colour = png::Colour::Direct(layout);
    let format = png::BandFormat { width: size.width(), colour, compression: output.compression };
    let mut found: Vec<Option<Arc<Band>>> = Vec::new();
    let mut missing = Vec::new();
    for (place, window) in bands(size).enumerate() {
        let keys = (!memo.is_off()).then(|| {
            let chain = chain(size, settled.background(), settled.items(), window, layout);
            let name = KeyBuilder::new("png band").key(chain.last()).u8(layout as u8).u8(format.compression as u8);
            (chain, name.finish())
        });
        let band = keys.as_ref().and_then(|(_, name)| memo.get::<Band>(Kind::Band, *name));
        if band.is_none() {
            missing.push(Missing { place, window, keys });
        }
        found.push(band);
    }
    let made = in_order(ctx, missing, |(buffer, scratch): &mut (Vec<u8>, png::Scratch), Missing { place, window, keys }| {
        buffer.resize(window.width() as usize * window.height() as usize * 4, 0);
        let chain = keys.as_ref().map(|(chain, _)| chain);
        paint_window(settled, window, chain, Finished::IsKeptOtherwise, buffer, (memo, ctx.simd));
        let band = Arc::new(Band::of(png::encode_band(buffer, &format, scratch)?));
        if let Some((_, name)) = keys
            && memo.is_second_sight(name)
        {
            memo.put(Kind::Band, name, Arc::clone(&band), band.weight());
        }
        Ok((place, band))
    })?;
    for (place, band) in made {
        if let Some(hole) = found.get_mut(place) {
            *hole = Some(band);
        }
    }
    let all: Vec<Arc<Band>> = found.into_iter().flatten().collect();
    let trailer = png::trailer(all.iter().map(|band| (band.adler, band.len)));
    let bands = all.iter().map(|band| (band.bytes.clone(), band.digest));
    let header = png::header(size, &format.colour, output.dpi);
    Ok(Encoded::of([own(header)].into_iter().chain(bands).chain([own(trailer)])))
}

/// The whole canvas, premultiplied RGBA8, painted band by band. For what cannot be encoded by bands.
pub fn canvas(settled: &Settled, layout: Layout, memo: &Memo, ctx: &Ctx) -> Result<Vec<u8>, RasterError> {
    let size = settled.size();
    let mut canvas = vec![0; size.area() as usize * 4];
    let band_bytes = (rows_of_band(size.width()) * size.width()) as usize * 4;
    let work: Vec<(PxRect, &mut [u8])> = bands(size).zip(canvas.chunks_mut(band_bytes)).collect();
    in_order(ctx, work, |(): &mut (), (window, pixels)| {
        let chain = (!memo.is_off()).then(|| chain(size, settled.background(), settled.items(), window, layout));
        paint_window(settled, window, chain.as_ref(), Finished::MayBeKept, pixels, (memo, ctx.simd));
        Ok(())
    })?;
    Ok(canvas)
}
