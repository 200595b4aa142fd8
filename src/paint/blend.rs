//! Blend modes: W3C Compositing and Blending Level 1, on premultiplied bytes.
//!
//! With S and B the premultiplied source and backdrop, s and b their alphas, and all of them whole numbers up to 255, a mode's
//! result is (S (255 - b) + B (255 - s) + T) / 255, rounded to nearest, where T = s b times the mode's function of the straight
//! colours. T is at most s b, so no channel ever exceeds the alpha (255 (s + b) - s b) / 255.

// Pixel loops: indices run over arrays of fixed length.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)]

use crate::level::{Level, dispatched};
use crate::scene::Blend;

/// Pixels worked on at once, channel by channel, so that the compiler can make vector code of it.
const LANES: usize = 8;
const RUN: usize = 4 * LANES;

/// One channel of a run of pixels: whole numbers from 0 to 255, and products of two of them, exact in f32. Floats rather than
/// integers because their sums need no overflow checks, which would keep builds with checks from using vector code.
type Lane = [f32; LANES];
/// Colours first, alpha last.
type Lanes = [Lane; 4];

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
fn each_run(below: &mut [u8], source: &[u8], terms: impl Fn(&Lanes, &Lanes) -> [Lane; 3]) {
    let (runs, rest) = below.as_chunks_mut::<RUN>();
    let (source_runs, source_rest) = source.as_chunks::<RUN>();
    for (run, source) in runs.iter_mut().zip(source_runs) {
        // Groups are often empty for the most part.
        if *source != [0; RUN] {
            blend_run(run, source, &terms);
        }
    }
    let (mut run, mut source) = ([0; RUN], [0; RUN]);
    run.iter_mut().zip(rest.iter()).for_each(|(to, from)| *to = *from);
    source.iter_mut().zip(source_rest).for_each(|(to, from)| *to = *from);
    blend_run(&mut run, &source, &terms);
    rest.iter_mut().zip(run).for_each(|(to, from)| *to = from);
}

#[inline(always)]
fn blend_run(run: &mut [u8; RUN], source: &[u8; RUN], terms: impl Fn(&Lanes, &Lanes) -> [Lane; 3]) {
    let (s, b) = (lanes(source), lanes(run));
    let t = terms(&s, &b);
    let alphas = over_lane(&s, &b, 3, |i| s[3][i] * b[3][i]);
    let colors = [0, 1, 2].map(|c| over_lane(&s, &b, c, |i| t[c][i]));
    for (i, px) in run.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        *px = (colors[0][i] | colors[1][i] << 8 | colors[2][i] << 16 | alphas[i] << 24).to_le_bytes();
    }
}

/// The channels of a run; none above its alpha, even where the pixels break that promise.
#[inline(always)]
fn lanes(run: &[u8; RUN]) -> Lanes {
    let mut lanes = [[0.0; LANES]; 4];
    for (i, px) in run.as_chunks::<4>().0.iter().enumerate() {
        let px = u32::from_le_bytes(*px);
        let alpha = px >> 24;
        lanes[3][i] = alpha as f32;
        lanes[0][i] = (px & 255).min(alpha) as f32;
        lanes[1][i] = (px >> 8 & 255).min(alpha) as f32;
        lanes[2][i] = (px >> 16 & 255).min(alpha) as f32;
    }
    lanes
}

#[inline(always)]
fn over_lane(s: &Lanes, b: &Lanes, c: usize, term: impl Fn(usize) -> f32) -> [u32; LANES] {
    let mut out = [0; LANES];
    for i in 0..LANES {
        out[i] = rounded((s[c][i] * (255.0 - b[3][i]) + b[c][i] * (255.0 - s[3][i]) + term(i)) * (1.0 / 255.0));
    }
    out
}

/// To nearest, for numbers from 0 to 2^22, without a branch. A number over 255 is never within the error of its division of the
/// middle between two whole ones, so those are exact.
#[inline(always)]
fn rounded(v: f32) -> u32 {
    const ROUND: f32 = 8_388_608.0;
    (v.max(0.0) + ROUND).to_bits() & 0x7f_ffff
}

/// A mode that treats the three colours alike: `term(S, s, B, b)`.
#[inline(always)]
fn separable(below: &mut [u8], source: &[u8], term: impl Fn(f32, f32, f32, f32) -> f32) {
    each_run(below, source, |s, b| {
        let mut terms = [[0.0; LANES]; 3];
        for c in 0..3 {
            for i in 0..LANES {
                terms[c][i] = term(s[c][i], s[3][i], b[c][i], b[3][i]);
            }
        }
        terms
    });
}

#[inline(always)]
fn hard_light_term(s: f32, sa: f32, b: f32, ba: f32) -> f32 {
    if 2.0 * s <= sa { 2.0 * s * b } else { sa * ba - 2.0 * (sa - s) * (ba - b) }
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
        let most = sa * ba;
        let lit = (b * sa * sa / (sa - s).max(1.0)).min(most);
        let whole = if s == sa { most } else { lit };
        if b == 0.0 { 0.0 } else { whole }
    });
}

#[inline(always)]
fn color_burn_body(below: &mut [u8], source: &[u8]) {
    // 1 - (1 - Cb) / Cs, at least 0.
    separable(below, source, |s, sa, b, ba| {
        let most = sa * ba;
        let dark = ((ba - b) * sa * sa / s.max(1.0)).min(most);
        let rest = if s == 0.0 { 0.0 } else { most - dark };
        if b == ba { most } else { rest }
    });
}

#[inline(always)]
fn hard_light_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, hard_light_term);
}

#[inline(always)]
fn soft_light_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| {
        let most = sa * ba;
        let (cs, cb) = (s / sa.max(1.0), b / ba.max(1.0));
        let low = ((16.0 * cb - 12.0) * cb + 4.0) * cb;
        let lit = if cb <= 0.25 { low } else { cb.sqrt() };
        let (darker, lighter) = (cb - (1.0 - 2.0 * cs) * cb * (1.0 - cb), cb + (2.0 * cs - 1.0) * (lit - cb));
        let blended = if cs <= 0.5 { darker } else { lighter };
        (blended * most).max(0.0).min(most)
    });
}

#[inline(always)]
fn difference_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| (s * ba - b * sa).abs());
}

#[inline(always)]
fn exclusion_body(below: &mut [u8], source: &[u8]) {
    separable(below, source, |s, sa, b, ba| s * ba + b * sa - 2.0 * s * b);
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
    // Both factors are computed and one is chosen: no branch in the loop.
    let (raise, lower) = (l / (l - low), (one - l) / (high - l));
    let c = c.map(|v| if low < 0.0 { l + (v - l) * raise } else { v });
    c.map(|v| if high > one { l + (v - l) * lower } else { v })
}

/// A mode that mixes the three colours: `mix(source, backdrop, one)`, all times both alphas.
#[inline(always)]
fn mixing(below: &mut [u8], source: &[u8], mix: impl Fn(Scaled, Scaled, f32) -> Scaled) {
    each_run(below, source, |s, b| {
        let mut terms = [[0.0; LANES]; 3];
        for i in 0..LANES {
            let one = s[3][i] * b[3][i];
            let source = [0, 1, 2].map(|c| s[c][i] * b[3][i]);
            let backdrop = [0, 1, 2].map(|c| b[c][i] * s[3][i]);
            let [r, g, bl] = mix(source, backdrop, one);
            terms[0][i] = r.max(0.0).min(one);
            terms[1][i] = g.max(0.0).min(one);
            terms[2][i] = bl.max(0.0).min(one);
        }
        terms
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
