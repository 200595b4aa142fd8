//! How the bytes of pixels stand in a file.

/// Whether the alphas of premultiplied pixels mean something.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Layout {
    /// All are 255 and not written.
    Rgb,
    Rgba,
}

impl Layout {
    /// Bytes of one pixel.
    pub fn channels(self) -> usize {
        match self {
            Layout::Rgb => 3,
            Layout::Rgba => 4,
        }
    }

    /// Appends premultiplied RGBA8 `pixels` in this layout, with straight alpha.
    pub fn write(self, pixels: &[u8], out: &mut Vec<u8>) {
        let begin = out.len();
        out.resize(begin + pixels.len() / 4 * self.channels(), 0);
        self.write_to(pixels, out.get_mut(begin..).unwrap_or_default());
    }

    /// The same in place of what is in `to`, as far as both reach.
    pub fn write_to(self, pixels: &[u8], to: &mut [u8]) {
        let pixels = pixels.as_chunks::<4>().0;
        match self {
            Layout::Rgb => without_alpha(pixels, to),
            Layout::Rgba => to.as_chunks_mut().0.iter_mut().zip(pixels).for_each(|(to, px)| *to = unpremultiply(*px)),
        }
    }
}

/// The first three bytes of each pixel.
fn without_alpha(pixels: &[[u8; 4]], to: &mut [u8]) {
    let (fours, last) = pixels.as_chunks::<4>();
    let (to_fours, to_last) = to.split_at_mut(fours.len() * 12);
    let color = |pixel: [u8; 4]| u128::from(u32::from_le_bytes(pixel) & 0xff_ffff);
    for (&[a, b, c, d], to) in fours.iter().zip(to_fours.as_chunks_mut::<12>().0) {
        // As one number: twelve bytes one by one are not joined by the compiler.
        let joined = color(a) | color(b) << 24 | color(c) << 48 | color(d) << 72;
        let [bytes @ .., _, _, _, _] = joined.to_le_bytes();
        *to = bytes;
    }
    for ([r, g, b, _], to) in last.iter().zip(to_last.as_chunks_mut::<3>().0) {
        *to = [*r, *g, *b];
    }
}

/// Straight colour of a premultiplied pixel: each channel times 255 / alpha, to nearest.
pub fn unpremultiply([r, g, b, a]: [u8; 4]) -> [u8; 4] {
    match a {
        0 => [0; 4],
        255 => [r, g, b, a],
        _ => {
            let alpha = u32::from(a);
            let straight = |c: u8| ((u32::from(c) * 255 + alpha / 2) / alpha).min(255) as u8;
            [straight(r), straight(g), straight(b), a]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::color::mul_255;

    #[test]
    fn unpremultiplied_to_nearest_and_back_again() {
        for a in 1..=255u8 {
            for c in 0..=a {
                let [straight, _, _, alpha] = unpremultiply([c, 0, 0, a]);
                assert_eq!(alpha, a);
                let exact = f64::from(c) * 255.0 / f64::from(a);
                assert!((f64::from(straight) - exact).abs() <= 0.5, "{c}/{a}");
                assert_eq!(mul_255(straight, a), c);
            }
        }
        assert_eq!(unpremultiply([9, 9, 9, 0]), [0; 4]);
    }
}
