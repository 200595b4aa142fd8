//! `contrast`: how much a text must stand out from what lies beneath it, and what makes it stand out.

use super::Text;
use super::fill::Fill;
use super::look::{Highlight, Look, Looks, Stroke, StrokePosition, StrokeWidth};
use crate::layer::shadow::{BlurWidth, Shadow, Shadows, Shift};
use crate::layer::values::{Length, Padding, Paint, Radius};
use crate::scene::{Cover, Remedy};
use crate::template::declare::{fields, number, words};

number! {
    /// A contrast as WCAG 2 measures it.
    pub struct ContrastRatio(f64) in [1.0, 21.0], "";
}

words! {
    impl Cover with as_str { Scrim = "scrim", Outline = "outline", Shadow = "shadow", Swap = "swap" }
}

fields! {
    /// How much a text must stand out from the pixels beneath it.
    pub struct ContrastFields {
        /// The least contrast (WCAG 2, from 1 to 21): 4.5 for text, 3 for large text.
        min: ContrastRatio,
        /// What is done where it is less: a box behind the lines (`scrim`), a line around letters (`outline`), a `shadow`, each as faint as it may be, or
        /// black or white letters (`swap`). Without it the picture is only said to be degraded.
        fix: Option<Cover>,
    }
}

/// Of covers, in parts of the text's size.
const SCRIM: f64 = 1.0 / 6.0;
const OUTLINE: f64 = 1.0 / 12.0;
const SHADOW: f64 = 1.0 / 3.0;

impl Text {
    /// The text with the remedy that was found, which goes by its size.
    pub(super) fn with_remedy(&self, remedy: Remedy, size: f64) -> (Text, Option<Highlight>, Shadows) {
        let mut text = self.clone();
        let paint = Paint::Solid(remedy.color);
        let mut each = |change: &dyn Fn(&mut Look)| {
            let Looks { base, spans } = &mut text.looks;
            std::iter::once(base).chain(spans.iter_mut().map(|(_, look)| look)).for_each(change);
        };
        let (mut scrim, mut shadows) = (None, Shadows::default());
        match remedy.cover {
            Cover::Swap => each(&|look| look.color = Fill::Paint(paint.clone())),
            Cover::Outline => {
                let width = StrokeWidth::new((size * OUTLINE).max(1.0));
                let stroke = width.map(|width| Stroke { width, color: paint.clone(), position: StrokePosition::Outside });
                each(&|look| look.stroke = stroke.clone());
            }
            Cover::Scrim => {
                let by = size * SCRIM;
                scrim = Some(Highlight { paint, padding: Padding([by; 4]), radius: Radius([Length::Px(by); 4]) });
            }
            Cover::Shadow => {
                let blur = BlurWidth::new((size * SHADOW).min(BlurWidth::MAX));
                let none = Shift::new(0.0);
                if let (Some(blur), Some(none)) = (blur, none) {
                    let one = Shadow { x: none, y: none, blur, spread: none, color: remedy.color };
                    shadows = Shadows(vec![one; Cover::SHADOWS]);
                }
            }
        }
        (text, scrim, shadows)
    }
}
