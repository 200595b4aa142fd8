//! A face as the registry knows it: where it is, what it is called, which weights it has. Opened at the first use.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::bundled::Bundled;
use super::face::{Face, FontFile};
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
    /// A bit for each ASCII character that it can draw.
    ascii: OnceLock<u128>,
    /// At the coordinates in use, by their bits.
    instances: Mutex<HashMap<Vec<u32>, Arc<Face>>>,
}

/// Faces kept at their coordinates. Optical sizes make one for every font size in use; beyond this all are made anew.
const MAX_INSTANCES: usize = 512;

impl Entry {
    pub(super) fn bundled(font: &'static Bundled) -> Entry {
        Entry {
            file: Arc::new(FontFile::kept(font.data, None)),
            index: 0,
            names: Names { family: font.family.into(), style: font.style.into(), families: vec![font.family.into()] },
            weights: font.weights,
            width: 1.0,
            italic: font.italic,
            opened: OnceLock::new(),
            ascii: OnceLock::new(),
            instances: Mutex::default(),
        }
    }

    /// Reads a face of a file; `None` when it is broken.
    pub fn read(file: &Arc<FontFile>, index: u32) -> Option<Entry> {
        catch_unwind(AssertUnwindSafe(|| {
            let opened = Opened::open(file.data(), index)?;
            let names = opened.names();
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
                ascii: OnceLock::new(),
                instances: Mutex::default(),
            })
        }))
        .ok()
        .flatten()
    }

    /// It says what it is called.
    pub fn has_name(&self) -> bool {
        !self.names.families.is_empty()
    }

    /// The face at these coordinates, which lie inside their axes; `None` where it is so broken that it cannot be made.
    pub fn at(&self, coordinates: Vec<([u8; 4], f32)>) -> Option<Arc<Face>> {
        let key: Vec<u32> = coordinates.iter().map(|(_, value)| value.to_bits()).collect();
        let mut instances = self.instances.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(face) = instances.get(&key) {
            return Some(Arc::clone(face));
        }
        let opened = self.opened()?;
        let made = AssertUnwindSafe(|| Face::new(&self.names.family, Arc::clone(&self.file), self.index, opened, coordinates));
        let face = Arc::new(catch_unwind(made).ok()?);
        if instances.len() >= MAX_INSTANCES {
            instances.clear();
        }
        instances.insert(key, Arc::clone(&face));
        Some(face)
    }

    /// The face at its default coordinates; `None` for a broken one.
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.get_or_init(|| Opened::open(self.file.data(), self.index)).as_ref()
    }
    /// Whether it can draw this ASCII character, as [`Opened::draws`]: most of what is asked about, so found once for all.
    pub fn draws_ascii(&self, byte: u8) -> bool {
        let draws = |opened: &Opened| {
            (0..128_u8).filter(|byte| opened.draws(char::from(*byte))).fold(0, |all, byte| all | 1_u128 << byte)
        };
        let all = self.ascii.get_or_init(|| self.opened().map_or(0, draws));
        byte < 128 && all >> byte & 1 == 1
    }
}
