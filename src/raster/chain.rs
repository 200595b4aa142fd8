//! Chain keys: names for what a band looks like after each item that meets it.

use crate::color::Premul;
use crate::encode::Layout;
use crate::geom::{PxRect, Size};
use crate::scene::{Item, Key, KeyBuilder, Ready, Stage};

/// The keys of a band from its bare ground to its last item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    ground: Key,
    items: Vec<Key>,
}

impl Chain {
    /// Names the band's finished pixels.
    pub fn last(&self) -> Key {
        self.items.last().copied().unwrap_or(self.ground)
    }

    /// The ground, then after each item that meets the band.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        std::iter::once(self.ground).chain(self.items.iter().copied())
    }

    /// How many keys two chains have in common from the ground on: what was painted up to there looks alike.
    pub fn common_prefix(&self, other: &Chain) -> usize {
        self.keys().zip(other.keys()).take_while(|(a, b)| a == b).count()
    }
}

/// The chain of the window `band` under `items`, back to front. An item that does not meet the band changes nothing in it.
///
/// The canvas belongs to it because of glyphs too large to be kept whole: settling cuts them to the canvas, and where they are
/// cut may change their coverage by one in 255.
pub fn chain(canvas: Size, background: Premul, items: &[Item<Ready>], band: PxRect, layout: Layout) -> Chain {
    let ground = KeyBuilder::new("band")
        .u32(canvas.width())
        .u32(canvas.height())
        .i32(band.x0)
        .i32(band.x1)
        .i32(band.y0)
        .i32(band.y1)
        .u8(layout as u8)
        .bytes(&background.to_bytes())
        .finish();
    let mut last = ground;
    let items = items
        .iter()
        .filter(|item| meets(item, band))
        .map(|item| {
            last = last.then(item.key());
            last
        })
        .collect();
    Chain { ground, items }
}

pub(super) fn meets<S: Stage>(item: &Item<S>, band: PxRect) -> bool {
    !item.bounds().intersect(band).is_empty()
}
