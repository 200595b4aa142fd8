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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ctx::{Budget, Ctx};
    use crate::text::{Paragraph, Span, Style, compose};

    fn file(name: &str) -> Bytes {
        std::fs::read(format!("{}/tests/posters/fonts/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap().into()
    }

    fn with(name: &str, bytes: &Bytes, memo: &Memo) -> Result<Fonts, Vec<BadFont>> {
        Fonts::bundled().with_own(&[OwnFont { name, bytes, digest: Key::of_bytes(bytes) }], memo)
    }

    fn style(name: &str, weight: f64) -> Style {
        Style { families: vec![name.to_owned()], weight, ..Style::default() }
    }

    /// These files in one, as a collection holds them.
    fn collection(files: &[Bytes]) -> Bytes {
        let mut out = b"ttcf\0\x01\0\0".to_vec();
        out.extend((files.len() as u32).to_be_bytes());
        let mut at = 12 + 4 * files.len() as u32;
        for file in files {
            out.extend(at.to_be_bytes());
            at += file.len() as u32;
        }
        for file in files {
            let base = out.len() as u32;
            let mut file = file.to_vec();
            let tables = usize::from(u16::from_be_bytes([file[4], file[5]]));
            for record in file[12..12 + 16 * tables].chunks_exact_mut(16) {
                let offset = u32::from_be_bytes(record[8..12].try_into().unwrap()) + base;
                record[8..12].copy_from_slice(&offset.to_be_bytes());
            }
            out.extend(file);
        }
        out.into()
    }

    #[test]
    fn a_collection_is_the_family_of_its_first_face() {
        let [latin, bold, cjk] = ["latin.otf", "latin-bold.otf", "cjk-bold.otf"].map(file);
        let memo = Memo::off();
        let fonts = with("own", &collection(&[latin.clone(), cjk, bold]), &memo).unwrap();
        let index = |weight| fonts.first_face(&style("own", weight)).unwrap().0.index();
        assert_eq!((index(400.0), index(700.0)), (0, 2));
        assert!(fonts.listed(&["Own".into()], 400.0, false).candidates.is_empty(), "the name is exact");
        assert_eq!(fonts.first_face(&style("Inter", 400.0)).unwrap().0.data().as_ref().as_ref().len(), {
            let bundled = Fonts::bundled().first_face(&style("Inter", 400.0)).unwrap().0;
            bundled.data().as_ref().as_ref().len()
        });
    }

    #[test]
    fn faces_are_remembered_by_content_within_the_memo_and_texts_are_not() {
        let (latin, memo) = (file("latin.otf"), Memo::with_capacity(2 << 20));
        let face = |name: &str| with(name, &latin, &memo).unwrap().first_face(&style(name, 400.0)).unwrap().0;
        assert!(Arc::ptr_eq(&face("a"), &face("b")), "one content, whatever its name");
        let counts = memo.counts(Kind::Font);
        assert_eq!((counts.misses, counts.hits), (1, 1));
        assert!(counts.bytes >= latin.len() as u64);
        // Sixteen files of a quarter mebibyte do not fit into two.
        for n in 0..16_u8 {
            let other = Bytes::from([&latin[..], &[n]].concat());
            let fonts = with("a", &other, &memo).unwrap();
            let spans = vec![Span { text: "Hamburg".into(), style: style("a", 400.0), ruby: None }];
            let budget = Budget::new(1_000);
            let ctx = Ctx {
                cancelled: &|| false,
                budget: &budget,
                threads: std::num::NonZeroUsize::MIN,
                simd: crate::ctx::Simd::Detect,
            };
            compose(&fonts, &Paragraph { spans, ..Paragraph::default() }, None, &memo, &ctx).unwrap();
        }
        let counts = memo.counts(Kind::Font);
        assert!(counts.evictions > 0 && counts.bytes <= 2 << 20, "{counts:?}");
        assert_eq!(memo.counts(Kind::Text).bytes, 0, "a text would hold its whole file");
    }

    #[test]
    fn a_file_goes_with_the_last_face_of_it() {
        let held = Arc::new(file("latin.otf").to_vec());
        struct Watched(Arc<Vec<u8>>);
        impl AsRef<[u8]> for Watched {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let bytes = Bytes::from_owner(Watched(Arc::clone(&held)));
        let face = with("a", &bytes, &Memo::off()).unwrap().first_face(&style("a", 400.0)).unwrap().0;
        drop(bytes);
        let glyph = face.glyph('H').unwrap();
        assert!(face.outline(glyph).is_some_and(|curves| !curves.is_empty()));
        assert_eq!(Arc::strong_count(&held), 2);
        drop(face);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let latin = file("latin.otf");
        let why = |bytes: &[u8]| with("a", &Bytes::copy_from_slice(bytes), &Memo::off()).err().unwrap().remove(0).to_string();
        assert!(why(b"wOF2....").contains("WOFF"));
        assert!(why(b"\x89PNG\r\n\x1a\n").contains("no TrueType"));
        assert!(why(&latin[..latin.len() / 50]).contains("broken"));
    }
}
