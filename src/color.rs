//! Colours: straight as users write them, premultiplied as they are painted.

/// An sRGB colour with straight alpha, as written in a template.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Color {
    pub r: u8,
    pub g: u8,
    pub b: u8,
    pub a: u8,
}

impl Color {
    pub const BLACK: Color = Color::rgb(0, 0, 0);
    pub const WHITE: Color = Color::rgb(255, 255, 255);
    pub const TRANSPARENT: Color = Color { r: 0, g: 0, b: 0, a: 0 };

    pub const fn rgb(r: u8, g: u8, b: u8) -> Color {
        Color { r, g, b, a: 255 }
    }

    /// Reads a CSS colour: hex, `rgb()`, `hsl()`, `hwb()`, `oklch()` and the like, or a name.
    pub fn parse(text: &str) -> Option<Color> {
        let [r, g, b, a] = csscolorparser::parse(text.trim()).ok()?.to_rgba8();
        Some(Color { r, g, b, a })
    }

    pub fn premultiply(self) -> Premul {
        let times = |c: u8| mul_255(c, self.a);
        Premul { r: times(self.r), g: times(self.g), b: times(self.b), a: self.a }
    }
}

/// A colour whose channels are already multiplied by alpha: never above it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Premul {
    r: u8,
    g: u8,
    b: u8,
    a: u8,
}

impl Premul {
    pub const TRANSPARENT: Premul = Premul { r: 0, g: 0, b: 0, a: 0 };

    pub fn to_bytes(self) -> [u8; 4] {
        [self.r, self.g, self.b, self.a]
    }

    pub fn alpha(self) -> u8 {
        self.a
    }

    /// Fainter by `alpha` of 255.
    pub fn fade(self, alpha: u8) -> Premul {
        Premul { r: mul_255(self.r, alpha), g: mul_255(self.g, alpha), b: mul_255(self.b, alpha), a: mul_255(self.a, alpha) }
    }
}

/// `a * b / 255`, rounded to nearest; exact for all inputs.
pub fn mul_255(a: u8, b: u8) -> u8 {
    let product = u32::from(a) * u32::from(b) + 128;
    ((product + (product >> 8)) >> 8) as u8
}

/// How light a colour is to cameras and scanners: BT.601, as their drivers make it.
pub fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000) as u8
}

/// An opacity from 0 to 1 as a byte, rounded to nearest.
pub fn opacity_to_u8(opacity: f64) -> u8 {
    (opacity.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn css_colours_in_all_their_forms() {
        let cases = [
            ("#1e3a8a", Color::rgb(0x1e, 0x3a, 0x8a)),
            ("#f00", Color::rgb(255, 0, 0)),
            ("#ff000080", Color { r: 255, g: 0, b: 0, a: 128 }),
            ("rgb(1, 2, 3)", Color::rgb(1, 2, 3)),
            ("rgb(1 2 3 / 50%)", Color { r: 1, g: 2, b: 3, a: 128 }),
            ("hsl(120, 100%, 50%)", Color::rgb(0, 255, 0)),
            (" rebeccapurple ", Color::rgb(0x66, 0x33, 0x99)),
            ("Red", Color::rgb(255, 0, 0)),
            ("transparent", Color::TRANSPARENT),
        ];
        for (text, expected) in cases {
            assert_eq!(Color::parse(text), Some(expected), "{text}");
        }
        for text in ["", "#12", "redd", "rgb(1, 2)"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }
}
