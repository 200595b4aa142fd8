//! Fonts that a request brings: opened, held by their bytes alone, remembered by content within the memo's bounds.

use std::sync::Arc;

use bytes::Bytes;

use super::Fonts;
use super::entry::Entry;
use super::face::FontFile;
use crate::key::Key;
use crate::memo::{Kind, Memo};
use crate::text::shape::Opened;

/// Faces of one file that are looked at; no collection in use has nearly as many.
const MAX_FACES: u32 = 64;

/// A font file under the name by which styles ask for it.
#[derive(Clone, Copy, Debug)]
pub struct OwnFont<'a> {
    pub name: &'a str,
    pub bytes: &'a Bytes,
    /// Of the bytes.
    pub digest: Key,
}

/// A request's font that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name} cannot be used as a font: {why}")]
pub struct BadFont {
    pub name: String,
    pub why: &'static str,
}

/// The faces of one file that its name stands for.
struct Faces(Vec<Arc<Entry>>);

impl Fonts {
    /// These fonts and a request's own, or all of those that are no good.
    ///
    /// Of a collection the family of its first face is taken; its faces are chosen among by weight and slope.
    pub fn with_own(&self, own: &[OwnFont<'_>], memo: &Memo) -> Result<Fonts, Vec<BadFont>> {
        let mut entries: Vec<Arc<Entry>> = self.entries.iter().take(self.shared).cloned().collect();
        let (mut named, mut bad) = (Vec::new(), Vec::new());
        for font in own {
            let weigh = |_: &Faces| font.bytes.len();
            match memo.get_or_make(Kind::Font, font.digest, weigh, || faces(font)) {
                Ok(faces) => {
                    let first = entries.len();
                    entries.extend(faces.0.iter().cloned());
                    named.push((font.name.to_owned(), (first..entries.len()).collect()));
                }
                Err(why) => bad.push(BadFont { name: font.name.to_owned(), why }),
            }
        }
        if !bad.is_empty() {
            return Err(bad);
        }
        let (families, warnings) = (Arc::clone(&self.families), Arc::clone(&self.warnings));
        Ok(Fonts { entries, families, warnings, own: named, ..*self })
    }

    /// Whether the name is that of a font of the request's own.
    pub(in crate::text) fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|(own, _)| own == name)
    }
}

fn faces(font: &OwnFont<'_>) -> Result<Faces, &'static str> {
    if font.bytes.starts_with(b"wOFF") || font.bytes.starts_with(b"wOF2") {
        return Err("it is a web font (WOFF); TrueType and OpenType files (.ttf, .otf, .ttc, .otc) are read");
    }
    let file = Arc::new(FontFile::own(font.bytes.clone(), font.digest));
    let count = Opened::count(file.data().as_ref());
    if count == 0 {
        return Err("it is no TrueType or OpenType file");
    }
    let mut found: Vec<Arc<Entry>> =
        (0..count.min(MAX_FACES)).filter_map(|index| Entry::read(&file, index)).map(Arc::new).collect();
    let Some(first) = found.first().map(|entry| entry.names.family.clone()) else {
        return Err("no face of it can be used: tables are missing or broken");
    };
    found.retain(|entry| entry.names.family == first);
    Ok(Faces(found))
}
