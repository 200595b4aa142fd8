//! What layers turn out to hold once they are measured.

use std::sync::Arc;

use super::curves::Drawing;
use super::{barcode, qr, table, text};
use crate::geom::Rect;
use crate::layout::boxes::Measured;
use crate::scene::Remedy;
use crate::text::Composed;

/// What a layer's content turned out to be when it was measured.
#[derive(Clone, Debug)]
pub enum Content {
    Plain {
        width: f64,
        height: f64,
    },
    Text {
        composed: Arc<Composed>,
        size: (f64, f64),
        indent: f64,
        /// The font size that `autofit` found.
        fitted: Option<f64>,
        /// What makes it stand out, where that was found to be needed once it was laid out.
        remedy: Option<Remedy>,
        /// The path that it stands on.
        route: Option<Arc<text::Route>>,
    },
    Code(qr::Measured),
    Barcode(barcode::Measured),
    Drawing(Drawing),
    /// Shared with those who ask the same again.
    Table(Arc<table::Measured>),
    /// Of each of a group's layers its box, from the group's top left, and its content. Shared with those who ask the same again.
    Group {
        size: (f64, f64),
        inside: Arc<Vec<(Rect, Content)>>,
    },
}

impl Content {
    /// Of a text.
    pub(super) fn laid(&self) -> Option<text::Laid<'_>> {
        let Content::Text { composed, indent, route, .. } = self else { return None };
        Some(text::Laid { composed, indent: *indent, route: route.as_deref() })
    }

    /// The texts in it that were set.
    pub fn composed(&self) -> Vec<&Composed> {
        match self {
            Content::Text { composed, .. } => vec![composed],
            Content::Table(measured) => measured.cells.iter().flat_map(|(_, content)| content.composed()).collect(),
            _ => Vec::new(),
        }
    }

    /// Makes a text stand out.
    pub fn help(&mut self, found: Remedy) {
        if let Content::Text { remedy, .. } = self {
            *remedy = Some(found);
        }
    }
}

impl Measured for Content {
    fn size(&self) -> (f64, f64) {
        match self {
            Content::Plain { width, height } => (*width, *height),
            Content::Text { size, .. } => *size,
            Content::Code(measured) => (measured.side, measured.side),
            Content::Barcode(measured) => measured.size,
            Content::Drawing(drawing) => drawing.size,
            Content::Table(measured) => measured.size,
            Content::Group { size, .. } => *size,
        }
    }

    fn follows_height(&self, height: f64) -> bool {
        match self {
            Content::Drawing(_) | Content::Barcode(_) | Content::Table(_) | Content::Group { .. } => true,
            // Lines that a maximum leaves no room for may end in an ellipsis; columns are as long as their box.
            Content::Text { composed, size, route, .. } => route.is_none() && (composed.vertical || height < size.1),
            Content::Plain { .. } | Content::Code(_) => false,
        }
    }
}
