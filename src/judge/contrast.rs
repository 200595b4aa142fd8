//! Whether a text stands out from what lies beneath it (WCAG 2 contrast), and what is the least that would make it.

use super::view::{View, key_of};
use crate::color::Color;
use crate::ctx::{Ctx, Stopped};
use crate::geom::{Affine, PxRect, Rect};
use crate::key::KeyBuilder;
use crate::memo::{Kind, Memo};
use crate::scene::{Cover, Remedy, Scene, Settled, TextAsk};

/// So many pixels of a text are looked at, evenly spread, where it covers more.
const MOST_PIXELS: f64 = 65_536.0;
/// The pixels with the lowest contrast that are left out: one in so many. A few specks make nothing illegible.
const LEFT_OUT: usize = 50;
/// How finely covers are tried: in twentieths.
const STEPS: u32 = 20;

/// What was measured.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Contrast {
    /// As the text stands, from 1 to 21.
    pub before: f64,
    /// What helps, if anything is asked for and needed.
    pub remedy: Option<Remedy>,
    /// With it.
    pub after: f64,
}

/// `beneath` holds what is painted before the text; it is settled only where the memo does not know what was found on the same.
pub fn measure<E: From<Stopped>>(
    ask: &TextAsk,
    beneath: &Scene,
    settle: impl FnOnce(&Scene) -> Result<Settled, E>,
    memo: &Memo,
    ctx: &Ctx,
) -> Result<Contrast, E> {
    let window = ask.window(PxRect::of_size(beneath.size()));
    if window.is_empty() {
        return Ok(Contrast { before: 21.0, remedy: None, after: 21.0 });
    }
    let name = KeyBuilder::new("contrast").key(key_of(beneath, window)).key(ask.key()).finish();
    let look = || {
        let looked = View::of(&settle(beneath)?, window, ctx, |r, g, b| [r, g, b])?;
        Ok(judge(ask, &looked))
    };
    memo.get_or_make(Kind::Verdict, name, |_| size_of::<Contrast>(), look).map(|found| *found)
}

fn judge(ask: &TextAsk, looked: &View<[u8; 3]>) -> Contrast {
    let light = Light::new();
    let spots = spots(ask, looked);
    let as_is = |cover: Option<Color>, colors: &dyn Fn(Color) -> Color| lowest(&spots, &light, cover, colors);
    let before = as_is(None, &|color| color);
    let none = Contrast { before, remedy: None, after: before };
    let Some(cover) = ask.fix.filter(|_| before < ask.min) else { return none };
    if cover == Cover::Swap {
        let of = |color: Color| (as_is(None, &|_| color), color);
        let (black, white) = (of(Color::BLACK), of(Color::WHITE));
        let (after, color) = if white.0 > black.0 { white } else { black };
        return if after > before { Contrast { before, remedy: Some(Remedy { cover, color }), after } } else { none };
    }
    // The faintest that suffices; where none does, whatever is best.
    let mut best = none;
    for step in 1..=STEPS {
        for ground in [Color::BLACK, Color::WHITE] {
            let alpha = |share: f64| (share * 255.0).round() as u8;
            let share = f64::from(step) / f64::from(STEPS);
            let shown = Color { a: alpha(cover.at_edge(share)), ..ground };
            let after = as_is(Some(shown), &|color| color);
            if after > best.after {
                best = Contrast { before, remedy: Some(Remedy { cover, color: Color { a: alpha(share), ..ground } }), after };
            }
        }
        if best.after >= ask.min {
            return best;
        }
    }
    best
}

/// Colours of the text and what lies beneath.
type Spot = (Color, [u8; 3]);

fn spots(ask: &TextAsk, looked: &View<[u8; 3]>) -> Vec<Spot> {
    let area: f64 = ask.boxes.iter().map(|one| one.rect.width * one.rect.height).sum();
    let scale = (ask.map.a * ask.map.d - ask.map.b * ask.map.c).abs().sqrt();
    // Layout pixels between two places.
    let step = (1.0 / scale.max(1e-6)).max((area / MOST_PIXELS).sqrt());
    let mut spots = Vec::new();
    for one in &ask.boxes {
        let Rect { x, y, width, height } = one.rect;
        let (across, down) =
            ((width / step).ceil().clamp(1.0, 65_536.0) as u32, (height / step).ceil().clamp(1.0, 65_536.0) as u32);
        for j in 0..down {
            for i in 0..across {
                let at =
                    (x + (f64::from(i) + 0.5) * width / f64::from(across), y + (f64::from(j) + 0.5) * height / f64::from(down));
                let (px, py) = Affine::apply(ask.map, at.0, at.1);
                if let Some(beneath) = looked.at(px, py) {
                    spots.extend(one.colors.iter().map(|color| (*color, beneath)));
                }
            }
        }
    }
    spots
}

/// The lowest contrast of all but the worst pixels; 21 where there are none.
fn lowest(spots: &[Spot], light: &Light, cover: Option<Color>, colors: &dyn Fn(Color) -> Color) -> f64 {
    let one = |(color, beneath): &Spot| {
        let ground = cover.map_or(*beneath, |cover| over(cover, *beneath));
        light.contrast(over(colors(*color), ground), ground)
    };
    let mut ratios: Vec<f64> = spots.iter().map(one).collect();
    let at = ratios.len() / LEFT_OUT;
    if ratios.is_empty() {
        return 21.0;
    }
    *ratios.select_nth_unstable_by(at, f64::total_cmp).1
}

fn over(color: Color, ground: [u8; 3]) -> [u8; 3] {
    let alpha = u32::from(color.a);
    let mix = |c: u8, g: u8| ((u32::from(c) * alpha + u32::from(g) * (255 - alpha) + 127) / 255) as u8;
    let [r, g, b] = ground;
    [mix(color.r, r), mix(color.g, g), mix(color.b, b)]
}

/// How much light each value of a channel stands for.
struct Light([f64; 256]);

impl Light {
    /// WCAG 2's relative luminance: sRGB made linear.
    fn new() -> Light {
        let mut light = [0.0; 256];
        for (value, light) in (0_u8..=255).zip(&mut light) {
            let c = f64::from(value) / 255.0;
            *light = if c <= 0.04045 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) };
        }
        Light(light)
    }

    fn luminance(&self, [r, g, b]: [u8; 3]) -> f64 {
        let of = |c: u8| self.0.get(usize::from(c)).copied().unwrap_or(0.0);
        0.2126 * of(r) + 0.7152 * of(g) + 0.0722 * of(b)
    }

    fn contrast(&self, a: [u8; 3], b: [u8; 3]) -> f64 {
        let (a, b) = (self.luminance(a), self.luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that everybody gives.
    #[test]
    fn known_ratios() {
        let light = Light::new();
        let of = |a: [u8; 3], b: [u8; 3]| (light.contrast(a, b) * 100.0).round() / 100.0;
        assert_eq!(of([0; 3], [255; 3]), 21.0);
        assert_eq!(of([255; 3], [255; 3]), 1.0);
        assert_eq!(of([0x76; 3], [255; 3]), 4.54);
        assert_eq!(of([0x77; 3], [255; 3]), 4.48);
        assert_eq!(of([255, 0, 0], [255; 3]), 4.0);
    }
}
