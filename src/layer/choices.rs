//! What an earlier look at the finished pixels asked of layers: the picture is laid out and lowered again with these.

use std::collections::BTreeMap;

use crate::layer::LayerId;
use crate::layer::qr::Level;

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Choices {
    levels: BTreeMap<LayerId, Level>,
}

impl Choices {
    /// The level that a code needs at least.
    pub fn level(&self, id: LayerId) -> Option<Level> {
        self.levels.get(&id).copied()
    }

    pub fn raise(&mut self, id: LayerId, level: Level) {
        self.levels.insert(id, level);
    }
}
