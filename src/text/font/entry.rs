//! A face as the registry knows it: where it is, what it is called, which weights it has. Opened at the first use.

use std::sync::{Arc, OnceLock};

use super::bundled::Bundled;
use super::face::FontFile;
use crate::text::shape::{Names, Opened};

pub(in crate::text) struct Entry {
    pub file: Arc<FontFile>,
    pub index: u32,
    pub names: Names,
    /// Lightest and heaviest; equal for a static face.
    pub weights: (f32, f32),
    /// 1 is normal.
    pub width: f32,
    pub italic: bool,
    opened: OnceLock<Option<Opened>>,
}

impl Entry {
    pub(super) fn bundled(font: &'static Bundled) -> Entry {
        Entry {
            file: Arc::new(FontFile::new(font.data, None)),
            index: 0,
            names: Names { family: font.family.into(), style: font.style.into(), families: vec![font.family.into()] },
            weights: font.weights,
            width: 1.0,
            italic: font.italic,
            opened: OnceLock::new(),
        }
    }

    /// Reads a face of a file; `None` when it is broken or nameless.
    pub fn read(file: &Arc<FontFile>, index: u32) -> Option<Entry> {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let opened = Opened::open(file.data(), index)?;
            let names = opened.names();
            if names.families.is_empty() {
                return None;
            }
            let attributes = opened.attributes();
            let axes = opened.axes();
            let axis = |tag: &[u8; 4]| axes.iter().find(|axis| axis.tag == *tag);
            Some(Entry {
                file: Arc::clone(file),
                index,
                names,
                weights: axis(b"wght").map_or((attributes.weight, attributes.weight), |axis| (axis.min, axis.max)),
                width: attributes.width,
                italic: attributes.italic,
                opened: OnceLock::from(Some(opened)),
            })
        }))
        .ok()
        .flatten()
    }

    /// The face at its default coordinates; `None` for a broken one.
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.get_or_init(|| Opened::open(self.file.data(), self.index)).as_ref()
    }
}
