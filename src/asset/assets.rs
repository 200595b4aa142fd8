//! What was gathered for a poster: for each layer, in painting order, the picture it shows or why it shows none; and fonts.

use std::sync::Arc;

use crate::asset::{Asset, FontBytes, Source};

/// What an image layer shows.
#[derive(Clone, Debug)]
pub enum Shown {
    /// The layer has no source.
    Nothing,
    Picture {
        asset: Arc<Asset>,
        /// The receipt's word: `memory`, `disk`, `network`, `stale`, `fallback`, `inline`.
        from: &'static str,
    },
    Placeholder,
    Hidden,
}

/// The pictures and the fonts of one poster.
#[derive(Clone, Debug, Default)]
pub struct Assets {
    by_layer: Vec<Shown>,
    fonts: Vec<(Source, Arc<FontBytes>)>,
}

impl Assets {
    pub fn new(by_layer: Vec<Shown>) -> Assets {
        Assets { by_layer, fonts: Vec::new() }
    }

    /// The same with the fonts that its texts name by source, each once.
    pub fn with_fonts(self, fonts: Vec<(Source, Arc<FontBytes>)>) -> Assets {
        Assets { fonts, ..self }
    }

    pub fn fonts(&self) -> &[(Source, Arc<FontBytes>)] {
        &self.fonts
    }

    pub fn get(&self, layer: usize) -> &Shown {
        self.by_layer.get(layer).unwrap_or(&Shown::Nothing)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Shown> {
        self.by_layer.iter()
    }
}
