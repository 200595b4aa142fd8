//! What an earlier look at the finished pixels asked of layers: the picture is laid out and lowered again with these.

use std::collections::BTreeMap;

use crate::layer::LayerId;
use crate::layer::qr::Level;
use crate::scene::Remedy;

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Choices {
    levels: BTreeMap<LayerId, Level>,
    remedies: BTreeMap<LayerId, Remedy>,
}

impl Choices {
    /// The level that a code needs at least.
    pub fn level(&self, id: LayerId) -> Option<Level> {
        self.levels.get(&id).copied()
    }

    pub fn raise(&mut self, id: LayerId, level: Level) {
        self.levels.insert(id, level);
    }

    /// What makes a text stand out.
    pub fn remedy(&self, id: LayerId) -> Option<Remedy> {
        self.remedies.get(&id).copied()
    }

    pub fn help(&mut self, id: LayerId, remedy: Remedy) {
        self.remedies.insert(id, remedy);
    }
}
