//! The types of layers there are, and what to say of those there are not.

use super::hint::{self, did_you_mean, quote, snake};
use crate::layer::read::KINDS;

pub fn is_one(kind: &str) -> bool {
    KINDS.iter().any(|(name, _)| *name == kind)
}

fn names() -> [&'static str; KINDS.len()] {
    KINDS.map(|(name, _)| name)
}

/// All there are.
pub fn list() -> Option<String> {
    hint::list(&names())
}

/// What was probably meant by one that there is not.
pub fn hint(kind: &str) -> Option<String> {
    let word = snake(kind);
    match TYPE_SYNONYMS.iter().find(|(foreign, ours)| *foreign == word && is_one(ours)) {
        Some((_, ours)) => Some(format!("here it is called {}", quote(ours))),
        None => did_you_mean(kind, &names()),
    }
}

/// Other tools' words for kinds of layers.
const TYPE_SYNONYMS: &[(&str, &str)] = &[
    ("label", "text"),
    ("textbox", "text"),
    ("paragraph", "text"),
    ("span", "text"),
    ("img", "image"),
    ("picture", "image"),
    ("photo", "image"),
    ("qrcode", "qr"),
    ("qr_code", "qr"),
    ("bar_code", "barcode"),
    ("rectangle", "rect"),
    ("box", "rect"),
    ("square", "rect"),
    ("circle", "ellipse"),
    ("oval", "ellipse"),
    ("container", "group"),
    ("frame", "group"),
    ("div", "group"),
    ("flex", "stack"),
    ("row", "stack"),
    ("column", "stack"),
    ("hstack", "stack"),
    ("vstack", "stack"),
    ("polygon", "path"),
    ("grid", "table"),
    ("datatable", "table"),
];
