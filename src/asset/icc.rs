//! Colours of a tagged picture converted to sRGB. A profile that is broken or means sRGB changes nothing.
//!
//! Profiles of matrix and curves (all cameras' and screens') and grey curves are applied by loops of our own over tables
//! that moxcms reads from the profile: moxcms' own loops for these choose their instructions by the machine, and pixels must
//! not. Profiles of tables (printing inks) go through moxcms.

// Pixel loops over fixed arrays and tables indexed by bytes.
#![allow(clippy::indexing_slicing)]

use std::sync::{Arc, OnceLock};

use moxcms::{ColorProfile, DataColorSpace, Layout, ToneReprCurve, Transform8BitExecutor, TransformOptions};

/// Decoded pixels of one row group that moxcms is given at once.
const CHUNK: usize = 4096;

/// Converts straight RGBA8 of the profile's colours to sRGB in place.
pub(super) fn to_srgb(icc: &[u8], rgba: &mut [u8]) {
    let Ok(profile) = ColorProfile::new_from_slice(icc) else { return };
    match profile.color_space {
        DataColorSpace::Rgb if profile.is_matrix_shaper() => {
            let Some(shaper) = Shaper::new(&profile) else { return };
            if !shaper.is_srgb() {
                shaper.apply(rgba);
            }
        }
        DataColorSpace::Gray => {
            let is_grey = rgba.as_chunks::<4>().0.iter().all(|px| px[0] == px[1] && px[1] == px[2]);
            if let (true, Some(table)) = (is_grey, grey_table(&profile)) {
                for px in rgba.as_chunks_mut::<4>().0 {
                    let v = table[usize::from(px[0])];
                    (px[0], px[1], px[2]) = (v, v, v);
                }
            }
        }
        DataColorSpace::Rgb => {
            let Some(transform) = by_table(&profile, Layout::Rgba, Layout::Rgba) else { return };
            let mut out = vec![0; CHUNK * 4];
            for part in rgba.chunks_mut(CHUNK * 4) {
                let out = &mut out[..part.len()];
                if transform.transform(part, out).is_err() {
                    return;
                }
                for (px, new) in part.as_chunks_mut::<4>().0.iter_mut().zip(out.as_chunks::<4>().0) {
                    px[..3].copy_from_slice(&new[..3]);
                }
            }
        }
        _ => {}
    }
}

/// Ink values (0 no ink, 255 full) of the profile to sRGB RGBA, in place; false if the profile is of no use.
pub(super) fn inks_to_srgb(icc: &[u8], cmyk: &mut [u8]) -> bool {
    let Some(profile) = ColorProfile::new_from_slice(icc).ok().filter(|p| p.color_space == DataColorSpace::Cmyk) else {
        return false;
    };
    let Some(transform) = by_table(&profile, Layout::Rgba, Layout::Rgb) else { return false };
    let mut out = vec![0; CHUNK * 3];
    // Probe before the first pixel is overwritten: from here on it must not fail.
    if transform.transform(&[0; 4], &mut out[..3]).is_err() {
        return false;
    }
    for part in cmyk.chunks_mut(CHUNK * 4) {
        let out = &mut out[..part.len() / 4 * 3];
        if transform.transform(part, out).is_err() {
            return false;
        }
        for (px, new) in part.as_chunks_mut::<4>().0.iter_mut().zip(out.as_chunks::<3>().0) {
            *px = [new[0], new[1], new[2], 255];
        }
    }
    true
}

fn by_table(profile: &ColorProfile, from: Layout, to: Layout) -> Option<Arc<Transform8BitExecutor>> {
    profile.create_transform_8bit(from, &ColorProfile::new_srgb(), to, TransformOptions::default()).ok()
}

/// Three curves to linear light and a matrix to linear sRGB.
struct Shaper {
    linear: [Box<[f32; 256]>; 3],
    matrix: [[f32; 3]; 3],
}

impl Shaper {
    fn new(profile: &ColorProfile) -> Option<Shaper> {
        let table = |trc: &Option<ToneReprCurve>| profile.build_8bit_lin_table(trc).ok();
        let linear = [table(&profile.red_trc)?, table(&profile.green_trc)?, table(&profile.blue_trc)?];
        let matrix = profile.transform_matrix(&ColorProfile::new_srgb()).v.map(|row| row.map(|v| v as f32));
        let finite = matrix.iter().flatten().chain(linear.iter().flat_map(|t| t.iter())).all(|v| v.is_finite());
        finite.then_some(Shaper { linear, matrix })
    }

    fn convert(&self, [r, g, b]: [u8; 3]) -> [u8; 3] {
        let (r, g, b) = (self.linear[0][usize::from(r)], self.linear[1][usize::from(g)], self.linear[2][usize::from(b)]);
        self.matrix.map(|row| encode(row[0] * r + row[1] * g + row[2] * b))
    }

    /// Whether no colour moves by more than one step: then the picture is left as it is.
    fn is_srgb(&self) -> bool {
        const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
        let same = |c: [u8; 3]| self.convert(c).iter().zip(c).all(|(&a, b)| a.abs_diff(b) <= 1);
        (0..=255).all(|v| same([v, v, v])) && STEPS.iter().all(|&r| STEPS.iter().all(|&g| STEPS.iter().all(|&b| same([r, g, b]))))
    }

    fn apply(&self, rgba: &mut [u8]) {
        // Neighbours are often equal.
        let mut last = ([0, 0, 0], self.convert([0, 0, 0]));
        for px in rgba.as_chunks_mut::<4>().0 {
            let color = [px[0], px[1], px[2]];
            if color != last.0 {
                last = (color, self.convert(color));
            }
            px[..3].copy_from_slice(&last.1);
        }
    }
}

fn grey_table(profile: &ColorProfile) -> Option<[u8; 256]> {
    let linear = profile.build_8bit_lin_table(&Some(profile.gray_trc.clone()?)).ok()?;
    let mut table = [0; 256];
    for (out, &v) in table.iter_mut().zip(linear.iter()) {
        *out = encode(v);
    }
    let same = table.iter().enumerate().all(|(i, &v)| usize::from(v).abs_diff(i) <= 1);
    (!same).then_some(table)
}

/// Linear light 0 to 1 to sRGB (IEC 61966-2-1), by a table fine enough for the steep dark end.
fn encode(linear: f32) -> u8 {
    static TABLE: OnceLock<Vec<u8>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        (0..=u16::MAX)
            .map(|i| {
                let v = f64::from(i) / 65535.0;
                let s = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * libm::pow(v, 1.0 / 2.4) - 0.055 };
                (s * 255.0).round() as u8
            })
            .collect()
    });
    // NaN clamps to NaN and casts to 0.
    table[usize::from((linear.clamp(0.0, 1.0) * 65535.0 + 0.5) as u16)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(profile: &ColorProfile, color: [u8; 4]) -> [u8; 4] {
        let mut px = color;
        to_srgb(&profile.encode().unwrap(), &mut px);
        px
    }

    #[test]
    fn wide_gamuts_move_and_srgb_stays() {
        // Adobe RGB (0, 255, 0) lies outside of sRGB; mid greens move as colour calculators say.
        let adobe = ColorProfile::new_adobe_rgb();
        let [r, g, b, a] = converted(&adobe, [100, 150, 200, 77]);
        assert!((55..=75).contains(&r) && (148..=152).contains(&g) && (200..=205).contains(&b) && a == 77, "{r} {g} {b} {a}");
        let p3 = ColorProfile::new_display_p3();
        let [r, g, b, _] = converted(&p3, [200, 100, 100, 255]);
        assert!(r > 208 && (90..100).contains(&g) && (90..102).contains(&b), "{r} {g} {b}");
        for grey in [0, 1, 17, 128, 254, 255] {
            let [r, g, b, _] = converted(&p3, [grey, grey, grey, 255]);
            assert!(r.abs_diff(grey) <= 1 && g.abs_diff(grey) <= 1 && b.abs_diff(grey) <= 1, "{r} {g} {b}");
        }
        for color in [[1, 2, 3, 4], [200, 100, 50, 255], [255, 0, 0, 255]] {
            assert_eq!(converted(&ColorProfile::new_srgb(), color), color);
        }
    }

    #[test]
    fn grey_profiles_and_broken_ones() {
        let gamma = ColorProfile::new_gray_with_gamma(1.0);
        let [v, g, b, _] = converted(&gamma, [55, 55, 55, 255]);
        assert!(v == g && g == b && (127..=130).contains(&v), "linear 55/255 is sRGB 128: {v}");
        assert_eq!(converted(&gamma, [55, 56, 55, 255]), [55, 56, 55, 255], "a grey profile on a colour picture is ignored");
        let mut px = [9, 8, 7, 6];
        to_srgb(b"no profile", &mut px);
        let mut cut = ColorProfile::new_display_p3().encode().unwrap();
        cut.truncate(200);
        to_srgb(&cut, &mut px);
        assert_eq!(px, [9, 8, 7, 6]);
    }
}
