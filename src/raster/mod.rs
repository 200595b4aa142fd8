//! The band loop: look a band up, or else paint it and encode it; in parallel where threads are to be had.

mod band;
mod by_bands;
mod chain;
mod snapshot;
#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::crew::in_order;
use crate::ctx::{Ctx, Stopped};
use crate::encode::{EncodeError, Format, Layout, Output, jpeg, webp};
use crate::geom::PxRect;
use crate::key::{Key, KeyBuilder};
use crate::memo::Memo;
use crate::paint::{self, is_opaque};
use crate::scene::Settled;
pub use band::{bands, bands_of_small, rows_of_band};
pub use chain::{Chain, chain};
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
        Format::Png => return by_bands::png(settled, output, layout, memo, ctx),
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

/// The whole canvas, premultiplied RGBA8, painted band by band. For what cannot be encoded by bands.
pub fn canvas(settled: &Settled, layout: Layout, memo: &Memo, ctx: &Ctx) -> Result<Vec<u8>, RasterError> {
    let size = settled.size();
    let mut canvas = vec![0; size.area() as usize * 4];
    let band_bytes = (rows_of_band(size.width()) * size.width()) as usize * 4;
    let work: Vec<(PxRect, &mut [u8])> = bands(size).zip(canvas.chunks_mut(band_bytes)).collect();
    in_order::<_, _, (), RasterError>(ctx, work, |(), (window, pixels)| {
        let chain = (!memo.is_off()).then(|| chain(size, settled.background(), settled.items(), window, layout));
        paint_window(settled, window, chain.as_ref(), Finished::MayBeKept, pixels, (memo, ctx.simd));
        Ok(())
    })?;
    Ok(canvas)
}
