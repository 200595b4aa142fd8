//! What holds for every scene, and the scenes to try it with.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::color::Color;
use crate::geom::{Affine, Fx, FxPoint, FxRect, Path, Segment, Size};
use crate::pixels::{Mask, Pixmap};
use crate::scene::{Blend, Gradient, GradientKind, GroupMask, Key, Paint, PlacedMask, Shape, Stop};

/// Scenes from a seed: every op, every shape, off the canvas too.
pub(crate) struct Scenes(u64);

impl Scenes {
    pub(crate) fn new(seed: u64) -> Scenes {
        Scenes(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn within(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low + 1) as u64) as i32
    }

    fn color(&mut self) -> Premul {
        let [r, g, b, a, ..] = self.next().to_le_bytes();
        let a = match self.below(3) {
            0 => 255,
            1 => a,
            _ => 0,
        };
        Color { r, g, b, a }.premultiply()
    }

    fn opacity(&mut self) -> u8 {
        if self.below(2) == 0 { 255 } else { self.below(256) as u8 }
    }

    fn point(&mut self) -> FxPoint {
        FxPoint { x: Fx(self.within(-2_000, 7_000)), y: Fx(self.within(-2_000, 9_000)) }
    }

    fn rect(&mut self) -> FxRect {
        let (a, b) = (self.point(), self.point());
        let mut rect = FxRect { x0: a.x.min(b.x), y0: a.y.min(b.y), x1: a.x.max(b.x), y1: a.y.max(b.y) };
        if self.below(2) == 0 {
            let whole = rect.touched();
            rect = FxRect {
                x0: Fx::from_int(whole.x0),
                y0: Fx::from_int(whole.y0),
                x1: Fx::from_int(whole.x1),
                y1: Fx::from_int(whole.y1),
            };
        }
        rect
    }

    fn shape(&mut self) -> Shape {
        let rect = self.rect();
        match self.below(4) {
            0 => Shape::Rect(rect),
            1 => {
                let most = rect.width().min(rect.height()).0 / 2;
                let radii = std::array::from_fn(|_| FxPoint { x: Fx(self.within(0, most)), y: Fx(self.within(0, most)) });
                Shape::round_rect(rect, radii)
            }
            2 => Shape::Ellipse(rect),
            _ => {
                let segments = (0..self.below(9))
                    .map(|_| match self.below(5) {
                        0 => Segment::Move(self.point()),
                        1 => Segment::Line(self.point()),
                        2 => Segment::Quad(self.point(), self.point()),
                        3 => Segment::Cubic(self.point(), self.point(), self.point()),
                        _ => Segment::Close,
                    })
                    .collect();
                Shape::Path(Arc::new(Path::new(segments)))
            }
        }
    }

    fn paint(&mut self) -> Paint {
        if self.below(2) == 0 {
            return Paint::Solid(self.color());
        }
        let mut at = -0.2f32;
        let stops = (0..self.within(1, 5))
            .map(|_| {
                at += self.below(4) as f32 * 0.15;
                Stop { at, color: self.color() }
            })
            .collect();
        let kind = [GradientKind::Linear, GradientKind::Radial, GradientKind::Conic][self.below(3) as usize];
        let map = Affine::scale(1.0 / self.within(5, 200) as f64, 1.0 / self.within(5, 200) as f64)
            .then_inner(Affine::rotate(f64::from(self.within(0, 8) * 45)))
            .then_inner(Affine::translate(f64::from(self.within(-50, 50)), f64::from(self.within(-50, 50))));
        Paint::Gradient(Arc::new(Gradient { kind, map, stops }))
    }

    fn pixmap(&mut self) -> Arc<Pixmap> {
        let size = Size::new(self.within(1, 90) as u32, self.within(1, 100) as u32).unwrap();
        let opaque = self.below(2) == 0;
        let data = (0..size.area())
            .flat_map(|_| {
                let color = self.color();
                if opaque { [color.to_bytes()[0], 9, 200, 255] } else { color.to_bytes() }
            })
            .collect();
        Arc::new(Pixmap::from_premultiplied(size, data).unwrap())
    }

    fn name(&mut self) -> Key {
        Key::of_bytes(&self.next().to_le_bytes())
    }

    fn clip(&mut self) -> Option<Shape> {
        (self.below(2) == 0).then(|| self.shape())
    }

    pub(crate) fn item(&mut self, depth: u32) -> Item<Ready> {
        match self.below(if depth > 2 { 3 } else { 5 }) {
            0 => Item::fill(self.shape(), self.paint()),
            1 => {
                let masks: Vec<PlacedMask> = (0..self.below(4))
                    .map(|_| {
                        let (width, height) = (self.below(20) as u32, self.below(20) as u32);
                        let data = (0..width * height).map(|_| self.next() as u8).collect();
                        let mask = Arc::new(Mask::new(width, height, data).unwrap());
                        PlacedMask { x: self.within(-20, 90), y: self.within(-20, 110), mask }
                    })
                    .collect();
                Item::masks(self.name(), masks.into(), self.paint())
            }
            2 => {
                let (x, y) = (self.within(-40, 60), self.within(-40, 80));
                Item::pixmap(self.name(), self.pixmap(), x, y, self.clip(), self.opacity())
            }
            _ => {
                let items = (0..self.below(4)).map(|_| self.item(depth + 1)).collect();
                let blend = if self.below(2) == 0 { Blend::Normal } else { ALL_BLENDS[self.below(17) as usize] };
                let mask = (self.below(3) == 0).then(|| {
                    let mask = GroupMask { source: self.pixmap(), x: self.within(-20, 40), y: self.within(-20, 40) };
                    (self.name(), mask)
                });
                Item::ready_group(items, self.opacity(), blend, self.clip(), mask)
            }
        }
    }

    pub(crate) fn scene(&mut self) -> Settled {
        let size = Size::new(self.within(1, 80) as u32, self.within(1, 150) as u32).unwrap();
        let items = (0..self.below(7)).map(|_| self.item(0)).collect();
        Settled::new(size, self.color(), items)
    }
}

const ALL_BLENDS: [Blend; 17] = [
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

pub(crate) fn painted(settled: &Settled, window: PxRect, simd: Simd) -> Vec<u8> {
    // What was there before must not show.
    let mut pixels = vec![0xa5; window.width() as usize * window.height() as usize * 4];
    paint(settled, window, &mut pixels, simd);
    pixels
}

pub(crate) fn whole(settled: &Settled) -> Vec<u8> {
    painted(settled, PxRect::of_size(settled.size()), Simd::Detect)
}

fn with_items(settled: &Settled, items: Vec<Item<Ready>>) -> Settled {
    Settled::new(settled.size(), settled.background(), items)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn instructions_do_not_show(seed in any::<u64>()) {
        let scene = Scenes::new(seed).scene();
        let window = PxRect::of_size(scene.size());
        prop_assert!(painted(&scene, window, Simd::Off) == painted(&scene, window, Simd::Detect));
    }

    #[test]
    fn windows_do_not_show(seed in any::<u64>(), cuts in proptest::collection::vec(0..150i32, 0..5), across in 0..80i32) {
        let scene = Scenes::new(seed).scene();
        let canvas = PxRect::of_size(scene.size());
        let expected = whole(&scene);
        let mut cuts: Vec<i32> = cuts.into_iter().map(|y| y.min(canvas.y1)).chain([0, canvas.y1]).collect();
        cuts.sort_unstable();
        for rows in cuts.windows(2).filter(|rows| rows[0] < rows[1]) {
            let across = across.min(canvas.x1 - 1);
            for (x0, x1) in [(0, canvas.x1), (0, across), (across, canvas.x1)] {
                let window = PxRect::new(x0, rows[0], x1, rows[1]);
                let got = painted(&scene, window, Simd::Detect);
                for (y, got) in (rows[0]..rows[1]).zip(got.chunks((x1 - x0).max(1) as usize * 4)) {
                    let at = |x: i32| (y * canvas.x1 + x) as usize * 4;
                    prop_assert!(got == &expected[at(x0)..at(x1)], "row {y}, columns {x0} to {x1}");
                }
            }
        }
    }

    #[test]
    fn a_group_with_nothing_set_is_its_items(seed in any::<u64>(), from in 0..7usize) {
        let scene = Scenes::new(seed).scene();
        let from = from.min(scene.items().len());
        let mut items = scene.items()[..from].to_vec();
        items.push(Item::ready_group(scene.items()[from..].to_vec(), 255, Blend::Normal, None, None));
        prop_assert!(whole(&with_items(&scene, items)) == whole(&scene));
    }

    #[test]
    fn opacity_0_is_absence(seed in any::<u64>(), at in 0..7usize) {
        let mut scenes = Scenes::new(seed);
        let scene = scenes.scene();
        let blend = ALL_BLENDS[scenes.below(17) as usize];
        let unseen = [
            Item::ready_group(vec![scenes.item(0)], 0, blend, None, None),
            Item::pixmap(scenes.name(), scenes.pixmap(), 3, 4, None, 0),
            Item::fill(scenes.shape(), Paint::Solid(Premul::TRANSPARENT)),
            Item::ready_group(vec![], 255, blend, None, None),
            Item::ready_group(vec![Item::fill(scenes.shape(), Paint::Solid(Premul::TRANSPARENT))], 255, blend, None, None),
        ];
        for item in unseen {
            let mut items = scene.items().to_vec();
            items.insert(at.min(items.len()), item);
            prop_assert!(whole(&with_items(&scene, items)) == whole(&scene));
        }
    }

    #[test]
    fn premultiplied_and_as_opaque_as_promised(seed in any::<u64>()) {
        let scene = Scenes::new(seed).scene();
        let pixels = whole(&scene);
        for px in pixels.as_chunks::<4>().0 {
            prop_assert!(px.iter().all(|c| *c <= px[3]), "{px:?}");
            prop_assert!(!is_opaque(&scene) || px[3] == 255);
        }
    }
}

#[test]
fn scratch_buffers_do_not_leak_from_scene_to_scene() {
    let scenes: Vec<Settled> = (0..40).map(|seed| Scenes::new(seed).scene()).collect();
    let first: Vec<Vec<u8>> = scenes.iter().map(whole).collect();
    // On a fresh thread, in another order.
    let again = std::thread::scope(|scope| scope.spawn(|| scenes.iter().rev().map(whole).collect::<Vec<_>>()).join().unwrap());
    assert!(first.iter().eq(again.iter().rev()));
}

#[test]
fn many_opaque_scenes_are_found() {
    let opaque = (0..300).filter(|seed| is_opaque(&Scenes::new(*seed).scene())).count();
    assert!(opaque > 90, "{opaque} of 300");
}

#[test]
fn what_hides_what() {
    let size = Size::new(10, 10).unwrap();
    let full = Shape::Rect(FxRect::from_px(crate::geom::Rect::new(0.0, 0.0, 10.0, 10.0)));
    let short = Shape::Rect(FxRect::from_px(crate::geom::Rect::new(0.0, 0.0, 10.0, 9.98)));
    let red = Paint::Solid(Color::rgb(255, 0, 0).premultiply());
    let opaque = |item: Item<Ready>| is_opaque(&Settled::new(size, Premul::TRANSPARENT, vec![item]));
    let fill = |shape: &Shape| Item::<Ready>::fill(shape.clone(), red.clone());
    assert!(opaque(fill(&full)));
    assert!(!opaque(fill(&short)));
    assert!(!opaque(Item::fill(full.clone(), Paint::Solid(red_at(254)))));
    assert!(!opaque(Item::fill(Shape::Ellipse(full.bounds()), red.clone())));
    assert!(opaque(Item::ready_group(vec![fill(&full)], 255, Blend::Multiply, None, None)));
    assert!(!opaque(Item::ready_group(vec![fill(&full)], 254, Blend::Normal, None, None)));
    assert!(!opaque(Item::ready_group(vec![fill(&full)], 255, Blend::Normal, Some(full.clone()), None)));
    // A blended group is opaque but does not hide what it is blended with.
    let canvas = PxRect::of_size(size);
    assert!(!opaque::hides(&Item::ready_group(vec![fill(&full)], 255, Blend::Multiply, None, None), canvas));
    assert!(opaque::hides(&Item::ready_group(vec![fill(&full)], 255, Blend::Normal, None, None), canvas));
}

fn red_at(alpha: u8) -> Premul {
    Color { r: 255, g: 0, b: 0, a: alpha }.premultiply()
}
