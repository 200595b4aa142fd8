//! Items made of pixels from the start: what `settle` puts in for an ask, and what tests paint.

use std::sync::Arc;

use super::{Blend, GroupMask, Item, Key, KeyBuilder, Op, Paint, PlacedMask, Ready, Shape, key_of_paint, key_of_shape};
use crate::geom::PxRect;
use crate::pixels::Pixmap;

impl Item<Ready> {
    /// `name` names the content of `source`.
    pub fn pixmap(name: Key, source: Arc<Pixmap>, x: i32, y: i32, clip: Option<Shape>, opacity: u8) -> Item<Ready> {
        let mut key = KeyBuilder::new("pixmap").key(name).i32(x).i32(y).u8(opacity);
        let mut bounds = PxRect::of_size(source.size()).translate(x, y);
        key = match &clip {
            Some(shape) => {
                bounds = bounds.intersect(shape.bounds().touched());
                key_of_shape(key.u8(1), shape)
            }
            None => key.u8(0),
        };
        Item::make(key.finish(), bounds, Op::Pixels { source, x, y, clip, opacity })
    }

    /// `name` names the masks and their places.
    pub fn masks(name: Key, run: Arc<[PlacedMask]>, paint: Paint) -> Item<Ready> {
        let bounds = run.iter().fold(PxRect::default(), |bounds, placed| {
            let size = PxRect::new(0, 0, placed.mask.width() as i32, placed.mask.height() as i32);
            bounds.union(size.translate(placed.x, placed.y))
        });
        let key = key_of_paint(KeyBuilder::new("masks").key(name), &paint).finish();
        Item::make(key, bounds, Op::Glyphs { run, paint })
    }

    /// The mask goes with the name of its content.
    pub fn ready_group(
        items: Vec<Item<Ready>>,
        opacity: u8,
        blend: Blend,
        clip: Option<Shape>,
        mask: Option<(Key, GroupMask<Ready>)>,
    ) -> Item<Ready> {
        let mut key = KeyBuilder::new("ready group").u8(opacity).u8(blend as u8).u32(items.len() as u32);
        let mut bounds = PxRect::default();
        for item in &items {
            key = key.key(item.key());
            bounds = bounds.union(item.bounds());
        }
        key = match &clip {
            Some(shape) => {
                bounds = bounds.intersect(shape.bounds().touched());
                key_of_shape(key.u8(1), shape)
            }
            None => key.u8(0),
        };
        key = match &mask {
            Some((name, m)) => {
                bounds = bounds.intersect(PxRect::of_size(m.source.size()).translate(m.x, m.y));
                key.u8(1).key(*name).i32(m.x).i32(m.y)
            }
            None => key.u8(0),
        };
        let op = Op::Group { items, opacity, blend, clip, mask: mask.map(|(_, mask)| mask) };
        Item::make(key.finish(), bounds, op)
    }
}
