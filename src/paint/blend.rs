//! Blend modes: W3C Compositing and Blending Level 1, on premultiplied bytes.
//!
//! With S and B the premultiplied source and backdrop, s and b their alphas, and all of them whole numbers up to 255, a mode's
//! result is (S (255 - b) + B (255 - s) + T) / 255, rounded to nearest, where T = s b times the mode's function of the straight
//! colours. T is at most s b, so no channel ever exceeds the alpha (255 (s + b) - s b) / 255.

use super::level::{Level, dispatched};
use crate::scene::Blend;

/// A pixel's channels; colours first, alpha last.
type Px = [i32; 4];

/// Blends a row onto a row of the same length.
pub(super) fn blend_row(level: Level, blend: Blend, below: &mut [u8], source: &[u8]) {
    match blend {
        Blend::Normal => super::rows::over_row(level, below, source),
        Blend::Multiply => multiply(level, below, source),
        Blend::Screen => screen(level, below, source),
        Blend::Overlay => overlay(level, below, source),
        Blend::Darken => darken(level, below, source),
        Blend::Lighten => lighten(level, below, source),
        Blend::ColorDodge => color_dodge(level, below, source),
        Blend::ColorBurn => color_burn(level, below, source),
        Blend::HardLight => hard_light(level, below, source),
        Blend::SoftLight => soft_light(level, below, source),
        Blend::Difference => difference(level, below, source),
        Blend::Exclusion => exclusion(level, below, source),
        Blend::Hue => hue(level, below, source),
        Blend::Saturation => saturation(level, below, source),
        Blend::Color => color(level, below, source),
        Blend::Luminosity => luminosity(level, below, source),
        Blend::PlusLighter => plus_lighter(level, below, source),
    }
}

/// Applies `terms`, which gives T for the three colours, to each pixel.
#[inline(always)]
fn each_pixel(below: &mut [u8], source: &[u8], terms: impl Fn(Px, Px) -> [i32; 3]) {
    for (px, source) in below.as_chunks_mut::<4>().0.iter_mut().zip(source.as_chunks::<4>().0) {
        let alpha = i32::from(source[3]);
        // No channel above its alpha, even where a source breaks that promise.
        let s = source.map(|c| i32::from(c).min(alpha));
        let b = px.map(|c| i32::from(c).min(i32::from(px[3])));
        let [r, g, bl] = terms(s, b);
        let join = |s_c: i32, b_c: i32, term: i32| rounded_255(s_c * (255 - b[3]) + b_c * (255 - s[3]) + term);
        *px = [join(s[0], b[0], r), join(s[1], b[1], g), join(s[2], b[2], bl), join(s[3], b[3], s[3] * b[3])];
    }
}

/// `n / 255` to nearest, for n from 0 to 255².
#[inline(always)]
fn rounded_255(n: i32) -> u8 {
    let n = n + 128;
    ((n + (n >> 8)) >> 8) as u8
}

/// A mode that treats the three colours alike: `term(S, s, B, b)`.
#[inline(always)]
fn separable(below: &mut [u8], source: &[u8], term: impl Fn(i32, i32, i32, i32) -> i32) {
    each_pixel(below, source, |s, b| [term(s[0], s[3], b[0], b[3]), term(s[1], s[3], b[1], b[3]), term(s[2], s[3], b[2], b[3])]);
}

#[inline(always)]
fn hard_light_term(s: i32, sa: i32, b: i32, ba: i32) -> i32 {
    if 2 * s <= sa { 2 * s * b } else { sa * ba - 2 * (sa - s) * (ba - b) }
}

#[inline(always)]
fn multiply_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, _, b, _| s * b);
}

#[inline(always)]
fn screen_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| s * ba + b * sa - s * b);
}

#[inline(always)]
fn overlay_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| hard_light_term(b, ba, s, sa));
}

#[inline(always)]
fn darken_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| (s * ba).min(b * sa));
}

#[inline(always)]
fn lighten_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| (s * ba).max(b * sa));
}

#[inline(always)]
fn color_dodge_body(below: &mut [u8], source: &[u8]) {
    // Cb / (1 - Cs), at most 1.
    separable(below, source, |s, sa, b, ba| {
        if b == 0 {
            0
        } else if s == sa {
            sa * ba
        } else {
            ((b * sa * sa + (sa - s) / 2) / (sa - s)).min(sa * ba)
        }
    });
}

#[inline(always)]
fn color_burn_body(below: &mut [u8], source: &[u8]) {
    // 1 - (1 - Cb) / Cs, at least 0.
    separable(below, source, |s, sa, b, ba| {
        if b == ba {
            sa * ba
        } else if s == 0 {
            0
        } else {
            sa * ba - (((ba - b) * sa * sa + s / 2) / s).min(sa * ba)
        }
    });
}

#[inline(always)]
fn hard_light_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, hard_light_term);
}

#[inline(always)]
fn soft_light_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| {
        if sa == 0 || ba == 0 {
            return 0;
        }
        let (cs, cb) = (s as f32 / sa as f32, b as f32 / ba as f32);
        let blended = if cs <= 0.5 {
            cb - (1.0 - 2.0 * cs) * cb * (1.0 - cb)
        } else {
            let lit = if cb <= 0.25 { ((16.0 * cb - 12.0) * cb + 4.0) * cb } else { cb.sqrt() };
            cb + (2.0 * cs - 1.0) * (lit - cb)
        };
        ((blended * (sa * ba) as f32 + 0.5) as i32).clamp(0, sa * ba)
    });
}

#[inline(always)]
fn difference_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| (s * ba - b * sa).abs());
}

#[inline(always)]
fn exclusion_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| s * ba + b * sa - 2 * s * b);
}

/// Three colours times the product of both alphas: the specification's functions do not care about a common factor as long as
/// "1" is that product.
type Scaled = [f32; 3];

#[inline(always)]
fn lum([r, g, b]: Scaled) -> f32 {
    0.3 * r + 0.59 * g + 0.11 * b
}

#[inline(always)]
fn sat([r, g, b]: Scaled) -> f32 {
    r.max(g).max(b) - r.min(g).min(b)
}

/// The colour of that saturation whose greatest channel is the saturation and whose least is 0.
#[inline(always)]
fn set_sat(c: Scaled, to: f32) -> Scaled {
    let low = c[0].min(c[1]).min(c[2]);
    let range = sat(c);
    let factor = if range > 0.0 { to / range } else { 0.0 };
    c.map(|v| (v - low) * factor)
}

/// The colour moved to that luminosity and, where it leaves 0 to `one`, drawn towards grey.
#[inline(always)]
fn set_lum(c: Scaled, to: f32, one: f32) -> Scaled {
    let by = to - lum(c);
    let c = c.map(|v| v + by);
    let l = lum(c);
    let (low, high) = (c[0].min(c[1]).min(c[2]), c[0].max(c[1]).max(c[2]));
    let c = if low < 0.0 { c.map(|v| l + (v - l) * l / (l - low)) } else { c };
    if high > one { c.map(|v| l + (v - l) * (one - l) / (high - l)) } else { c }
}

/// A mode that mixes the three colours: `mix(source, backdrop, one)`, all times both alphas.
#[inline(always)]
fn mixing(below: &mut [u8], source: &[u8], mix: impl Fn(Scaled, Scaled, f32) -> Scaled) {
    each_pixel(below, source, |s, b| {
        let one = s[3] * b[3];
        let source = [s[0], s[1], s[2]].map(|c| (c * b[3]) as f32);
        let backdrop = [b[0], b[1], b[2]].map(|c| (c * s[3]) as f32);
        mix(source, backdrop, one as f32).map(|c| ((c + 0.5) as i32).clamp(0, one))
    });
}

#[inline(always)]
fn hue_body(below: &mut [u8], source: &[u8]) {
    mixing(below, source, |s, b, one| set_lum(set_sat(s, sat(b)), lum(b), one));
}

#[inline(always)]
fn saturation_body(below: &mut [u8], source: &[u8]) {
    mixing(below, source, |s, b, one| set_lum(set_sat(b, sat(s)), lum(b), one));
}

#[inline(always)]
fn color_body(below: &mut [u8], source: &[u8]) {
    mixing(below, source, |s, b, one| set_lum(s, lum(b), one));
}

#[inline(always)]
fn luminosity_body(below: &mut [u8], source: &[u8]) {
    mixing(below, source, |s, b, one| set_lum(b, lum(s), one));
}

/// The sum of both, alpha included: no mode of the formula above, but Porter and Duff's `lighter`.
#[inline(always)]
fn plus_lighter_body(below: &mut [u8], source: &[u8]) {
    for (below, source) in below.iter_mut().zip(source) {
        *below = below.saturating_add(*source);
    }
}

dispatched! {
    multiply => multiply_body(below: &mut [u8], source: &[u8]);
    screen => screen_body(below: &mut [u8], source: &[u8]);
    overlay => overlay_body(below: &mut [u8], source: &[u8]);
    darken => darken_body(below: &mut [u8], source: &[u8]);
    lighten => lighten_body(below: &mut [u8], source: &[u8]);
    color_dodge => color_dodge_body(below: &mut [u8], source: &[u8]);
    color_burn => color_burn_body(below: &mut [u8], source: &[u8]);
    hard_light => hard_light_body(below: &mut [u8], source: &[u8]);
    soft_light => soft_light_body(below: &mut [u8], source: &[u8]);
    difference => difference_body(below: &mut [u8], source: &[u8]);
    exclusion => exclusion_body(below: &mut [u8], source: &[u8]);
    hue => hue_body(below: &mut [u8], source: &[u8]);
    saturation => saturation_body(below: &mut [u8], source: &[u8]);
    color => color_body(below: &mut [u8], source: &[u8]);
    luminosity => luminosity_body(below: &mut [u8], source: &[u8]);
    plus_lighter => plus_lighter_body(below: &mut [u8], source: &[u8]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::color::Color;
    use crate::ctx::Simd;

    const ALL: [Blend; 17] = [
        Blend::Normal,
        Blend::Multiply,
        Blend::Screen,
        Blend::Overlay,
        Blend::Darken,
        Blend::Lighten,
        Blend::ColorDodge,
        Blend::ColorBurn,
        Blend::HardLight,
        Blend::SoftLight,
        Blend::Difference,
        Blend::Exclusion,
        Blend::Hue,
        Blend::Saturation,
        Blend::Color,
        Blend::Luminosity,
        Blend::PlusLighter,
    ];

    fn pixel(bytes: [u8; 4]) -> [u8; 4] {
        let [r, g, b, a] = bytes;
        Color { r, g, b, a }.premultiply().to_bytes()
    }

    fn blended(blend: Blend, simd: Simd, below: &[u8], source: &[u8]) -> Vec<u8> {
        let mut row = below.to_vec();
        blend_row(Level::of(simd), blend, &mut row, source);
        row
    }

    /// The specification's words on straight colours in f64.
    mod by_the_book {
        use crate::scene::Blend;

        type Rgb = [f64; 3];

        fn lum(c: Rgb) -> f64 {
            0.3 * c[0] + 0.59 * c[1] + 0.11 * c[2]
        }

        fn clip_color(mut c: Rgb) -> Rgb {
            let l = lum(c);
            let n = c.iter().copied().fold(f64::MAX, f64::min);
            let x = c.iter().copied().fold(f64::MIN, f64::max);
            if n < 0.0 {
                c = c.map(|v| l + (v - l) * l / (l - n));
            }
            if x > 1.0 {
                c = c.map(|v| l + (v - l) * (1.0 - l) / (x - l));
            }
            c
        }

        fn set_lum(c: Rgb, l: f64) -> Rgb {
            let d = l - lum(c);
            clip_color(c.map(|v| v + d))
        }

        fn sat(c: Rgb) -> f64 {
            c.iter().copied().fold(f64::MIN, f64::max) - c.iter().copied().fold(f64::MAX, f64::min)
        }

        fn set_sat(c: Rgb, s: f64) -> Rgb {
            let mut order = [0, 1, 2];
            order.sort_by(|&i, &j| c[i].total_cmp(&c[j]));
            let [min, mid, max] = order;
            let mut out = [0.0; 3];
            if c[max] > c[min] {
                out[mid] = (c[mid] - c[min]) * s / (c[max] - c[min]);
                out[max] = s;
            }
            out
        }

        fn separable(blend: Blend, cb: f64, cs: f64) -> f64 {
            match blend {
                Blend::Normal => cs,
                Blend::Multiply => cb * cs,
                Blend::Screen => cb + cs - cb * cs,
                Blend::Overlay => separable(Blend::HardLight, cs, cb),
                Blend::Darken => cb.min(cs),
                Blend::Lighten => cb.max(cs),
                Blend::ColorDodge if cb == 0.0 => 0.0,
                Blend::ColorDodge if cs == 1.0 => 1.0,
                Blend::ColorDodge => (cb / (1.0 - cs)).min(1.0),
                Blend::ColorBurn if cb == 1.0 => 1.0,
                Blend::ColorBurn if cs == 0.0 => 0.0,
                Blend::ColorBurn => 1.0 - ((1.0 - cb) / cs).min(1.0),
                Blend::HardLight if cs <= 0.5 => cb * 2.0 * cs,
                Blend::HardLight => separable(Blend::Screen, cb, 2.0 * cs - 1.0),
                Blend::SoftLight if cs <= 0.5 => cb - (1.0 - 2.0 * cs) * cb * (1.0 - cb),
                Blend::SoftLight => {
                    let d = if cb <= 0.25 { ((16.0 * cb - 12.0) * cb + 4.0) * cb } else { cb.sqrt() };
                    cb + (2.0 * cs - 1.0) * (d - cb)
                }
                Blend::Difference => (cb - cs).abs(),
                Blend::Exclusion => cb + cs - 2.0 * cb * cs,
                _ => unreachable!(),
            }
        }

        fn mixed(blend: Blend, cb: Rgb, cs: Rgb) -> Rgb {
            match blend {
                Blend::Hue => set_lum(set_sat(cs, sat(cb)), lum(cb)),
                Blend::Saturation => set_lum(set_sat(cb, sat(cs)), lum(cb)),
                Blend::Color => set_lum(cs, lum(cb)),
                Blend::Luminosity => set_lum(cb, lum(cs)),
                _ => std::array::from_fn(|i| separable(blend, cb[i], cs[i])),
            }
        }

        /// Premultiplied, 0 to 255.
        pub fn composite(blend: Blend, b: [u8; 4], s: [u8; 4]) -> [f64; 4] {
            let (ab, as_) = (f64::from(b[3]) / 255.0, f64::from(s[3]) / 255.0);
            let straight = |c: [u8; 4]| std::array::from_fn(|i| f64::from(c[i]) / f64::from(c[3].max(1)));
            let co = mixed(blend, straight(b), straight(s));
            std::array::from_fn(|i| {
                let (sc, bc) = (f64::from(s[i]), f64::from(b[i]));
                let term = if i == 3 { 255.0 } else { co[i] * 255.0 };
                sc * (1.0 - ab) + bc * (1.0 - as_) + as_ * ab * term
            })
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn as_the_specification_says(below in any::<[u8; 4]>(), source in any::<[u8; 4]>(), which in 0..16usize) {
            let (below, source) = (pixel(below), pixel(source));
            let got = blended(ALL[which], Simd::Off, &below, &source);
            let exact = by_the_book::composite(ALL[which], below, source);
            for (got, exact) in got.iter().zip(exact) {
                prop_assert!((f64::from(*got) - exact).abs() <= 0.51, "{:?}: {got} for {exact}", ALL[which]);
            }
        }

        #[test]
        fn alike_at_every_level(px in proptest::collection::vec(any::<([u8; 4], [u8; 4])>(), 0..40), which in 0..17usize) {
            let below: Vec<u8> = px.iter().flat_map(|p| pixel(p.0)).collect();
            let source: Vec<u8> = px.iter().flat_map(|p| pixel(p.1)).collect();
            let off = blended(ALL[which], Simd::Off, &below, &source);
            prop_assert_eq!(&off, &blended(ALL[which], Simd::Detect, &below, &source));
            for px in off.as_chunks::<4>().0 {
                prop_assert!(px.iter().all(|c| *c <= px[3]));
            }
        }

        #[test]
        fn nothing_changes_nothing(below in any::<[u8; 4]>(), which in 0..17usize) {
            let below = pixel(below);
            prop_assert_eq!(blended(ALL[which], Simd::Off, &below, &[0; 4]), below.to_vec());
        }

        #[test]
        fn onto_nothing_it_is_itself(source in any::<[u8; 4]>(), which in 0..17usize) {
            let source = pixel(source);
            prop_assert_eq!(blended(ALL[which], Simd::Off, &[0; 4], &source), source.to_vec());
        }
    }

    #[test]
    fn opaque_stays_opaque() {
        for blend in ALL {
            for alpha in 0..=255 {
                let source = pixel([90, 200, 10, alpha]);
                assert_eq!(blended(blend, Simd::Off, &[7, 70, 200, 255], &source)[3], 255, "{blend:?}");
            }
        }
    }

    #[test]
    fn plus_lighter_adds() {
        assert_eq!(blended(Blend::PlusLighter, Simd::Off, &[10, 20, 100, 100], &[5, 200, 0, 200]), [15, 220, 100, 255]);
    }
}
