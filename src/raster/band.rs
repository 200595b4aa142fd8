//! Bands: full-width windows of rows, chosen from the width alone.

use crate::geom::{PxRect, Size};

/// Pixels a band should have: small enough to stay in a core's cache while it is painted and encoded, large enough to compress.
const PIXELS: u32 = 1 << 16;

/// How many rows a band of a canvas of this width has, but for the last one: 32 to 64.
pub fn rows_of_band(width: u32) -> u32 {
    (PIXELS / width.max(1)).clamp(32, 64)
}

/// The bands of a canvas from the top down.
pub fn bands(size: Size) -> impl Iterator<Item = PxRect> {
    stripes(size, rows_of_band(size.width()))
}

/// Those of a file that is to be small: twice as high. Two bands as one are 1 to 7 % smaller; four would bring little more, and
/// whatever changes has its whole band encoded anew.
pub fn bands_of_small(size: Size) -> impl Iterator<Item = PxRect> {
    stripes(size, 2 * rows_of_band(size.width()))
}

fn stripes(size: Size, rows: u32) -> impl Iterator<Item = PxRect> {
    let (width, height) = (size.width() as i32, size.height());
    (0..height.div_ceil(rows)).map(move |n| PxRect::new(0, (n * rows) as i32, width, ((n + 1) * rows).min(height) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_tile_the_canvas() {
        for (width, height) in [(1, 1), (1, 64), (1, 65), (1080, 1920), (1025, 63), (8192, 4882), (20_000, 33)] {
            let size = Size::new(width, height).unwrap();
            let mut next = 0;
            for band in bands(size) {
                assert_eq!((band.x0, band.x1, band.y0), (0, width as i32, next));
                assert!(band.height() <= 64 && (band.height() >= 32 || band.y1 == height as i32));
                next = band.y1;
            }
            assert_eq!(next, height as i32);
        }
        assert_eq!(rows_of_band(1080), 60);
        assert_eq!(rows_of_band(100), 64);
        assert_eq!(rows_of_band(8_192), 32);
    }
}
